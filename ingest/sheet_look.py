"""Which cells of a sheet are seen: not those of the ground's colour, without size or format.

What a table's style or a condition colours is left open: there only size and format count.
"""

from typing import Any

from lxml import etree
from openpyxl.styles.colors import COLOR_INDEX
from openpyxl.utils import range_boundaries
from openpyxl.worksheet.worksheet import Worksheet

from ingest.colours import BLACK, WHITE, Colour, alike, colour_of

MIN_POINTS = 1.5  # smaller letters are not meant to be read
MIN_WIDTH = 0.3  # of a column, in letters
MIN_HEIGHT = 1.5  # of a row, in points

Cell = Any  # openpyxl has no stubs

_SLOTS = ("lt1", "dk1", "lt2", "dk2", *(f"accent{i}" for i in range(1, 7)))  # by theme number
_TEXT_SECTION = 3  # of a number format: positive; negative; zero; text


class Look:
    """The styles of one sheet."""

    def __init__(self, sheet: Worksheet) -> None:
        self._theme = _theme(sheet.parent.loaded_theme)
        self._cache: dict[tuple[int, int], tuple[bool, bool]] = {}
        conditional = [area.sqref.ranges for area in sheet.conditional_formatting]
        self._coloured = [area.bounds for areas in conditional for area in areas]
        self._coloured += [_bounds(table.ref) for table in sheet.tables.values()]
        self.hidden_rows = {
            number
            for number, row in sheet.row_dimensions.items()
            if row.hidden or (row.height is not None and row.height < MIN_HEIGHT)
        }

    def hides(self, cell: Cell) -> bool:
        """Whether a cell's value cannot be seen."""
        if _is_formatted_away(cell.number_format, is_text=isinstance(cell.value, str)):
            return True
        key = (cell._style.fontId, cell._style.fillId)
        if key not in self._cache:
            self._cache[key] = _is_tiny(cell), self._is_of_the_grounds_colour(cell)
        tiny, unseen = self._cache[key]
        return tiny or (unseen and not self._is_coloured(cell.row, cell.column))

    def _is_coloured(self, row: int, column: int) -> bool:
        return any(
            left <= column <= right and top <= row <= bottom
            for left, top, right, bottom in self._coloured
        )

    def _is_of_the_grounds_colour(self, cell: Cell) -> bool:
        letters = BLACK if cell.font.color is None else self._colour(cell.font.color)
        kind = getattr(cell.fill, "patternType", "gradient")
        ground = WHITE if kind in (None, "none") else None
        if kind == "solid":
            ground = self._colour(cell.fill.fgColor)
        return letters is not None and ground is not None and alike(letters, ground)

    def _colour(self, colour: Any) -> Colour | None:
        """Return a colour of the workbook; None for a shade of the theme's."""
        if colour.type == "theme":
            return None if colour.tint else self._theme.get(colour.theme)
        if colour.type == "indexed":
            if colour.indexed >= len(COLOR_INDEX):
                return {64: BLACK, 65: WHITE}.get(colour.indexed)
            written = COLOR_INDEX[colour.indexed]
        else:
            written = colour.rgb if isinstance(colour.rgb, str) else ""
        found = colour_of(written[-6:])  # programs write any opacity, and Excel heeds none
        return found[0] if found else None


def _theme(xml: bytes | None) -> dict[int, Colour]:
    """Return theme number -> colour; Excel's own where a workbook has no theme."""
    colours = {0: WHITE, 1: BLACK}
    root = etree.fromstring(xml) if xml else ()
    for slot in (slot for scheme in root for part in scheme for slot in part):
        name = etree.QName(slot).localname
        for colour in slot if name in _SLOTS else ():
            found = colour_of(colour.get("lastClr") or colour.get("val") or "")
            if found is not None:
                colours[_SLOTS.index(name)] = found[0]
    return colours


def _bounds(reference: str) -> tuple[int, int, int, int]:
    left, top, right, bottom = range_boundaries(reference)
    return left or 0, top or 0, right or 0, bottom or 0


def _is_tiny(cell: Cell) -> bool:
    size = cell.font.sz
    return size is not None and float(size) < MIN_POINTS


def _is_formatted_away(number_format: str, *, is_text: bool) -> bool:
    """Whether a number format shows nothing: ";;;" or the like."""
    if ";" not in number_format:
        return False
    sections = [section.strip() for section in number_format.split(";")]
    if is_text:
        return len(sections) > _TEXT_SECTION and not sections[_TEXT_SECTION]
    return not any(sections[:_TEXT_SECTION])
