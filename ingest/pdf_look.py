"""Where the letters of a PDF page are, and which of them a reader can see.

Knows what is painted before and after them; neither hidden layers nor what clips them.
"""

from collections.abc import Iterator
from ctypes import c_int, c_uint, c_void_p, cast
from dataclasses import dataclass

import pypdfium2
from pypdfium2 import raw

from ingest.colours import WHITE, Colour, alike

MIN_HEIGHT = 1.5  # points: smaller letters are not meant to be read
MIN_SURFACE = 4  # points: what is narrower is a line
_INVISIBLE = (3, 7)  # text rendering modes; so is what OCR lays over a scan
_LAST = 1 << 62  # order of painting, where it is not known
_RECTANGLE = (4, 5, 6)  # segments of a path that is one

Box = tuple[float, float, float, float]  # left, bottom, right, top


@dataclass(frozen=True, slots=True)
class _Surface:
    """Something painted that letters may stand on or lie under."""

    order: int  # of painting, on the page
    box: Box
    colour: Colour | None  # None: a picture, or a shape that is not plain
    is_picture: bool

    def holds(self, x: float, y: float) -> bool:
        left, bottom, right, top = self.box
        return left <= x <= right and bottom <= y <= top


class Visibility:
    """Which letters of a page can be seen."""

    def __init__(self, page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage) -> None:
        self._text = text
        self._turn = page.get_rotation()
        self._sheet = self._turned(page.get_bbox())
        self._surfaces: list[_Surface] = []
        self._orders: dict[int, int] = {}  # address of a text object -> order of painting
        for order, item in enumerate(page.get_objects()):
            if item.type == raw.FPDF_PAGEOBJ_TEXT:
                self._orders[_address(item.raw)] = order
            else:
                self._surfaces += self._surface(order, item)

    def box(self, first: int, last: int) -> tuple[Box, float]:
        """Return what a word covers, and how high it begins, with the page turned as shown."""
        a, b = self._box(first), self._box(last)
        box = min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
        return box, a[3] - a[1]

    def shows(self, index: int, box: Box) -> bool:
        """Whether a word is on the page, large enough, and not of the colour of its ground."""
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        left, bottom, right, top = self._sheet
        if not (left <= x <= right and bottom <= y <= top):
            return False
        if box[3] - box[1] < MIN_HEIGHT:
            return False
        around = [surface for surface in self._surfaces if surface.holds(x, y)]
        drawn = raw.FPDFText_GetTextObject(self._text, index)
        colour = self._colour(index)
        if colour is None or (drawn and raw.FPDFTextObj_GetTextRenderMode(drawn) in _INVISIBLE):
            return any(surface.is_picture for surface in around)
        order = self._orders.get(_address(drawn), _LAST)
        if any(one.order > order and one.colour is not None for one in around):
            return False
        beneath = [surface for surface in around if surface.order < order]
        ground = beneath[-1].colour if beneath else WHITE
        return ground is None or not alike(colour, ground)

    def _colour(self, index: int) -> Colour | None:
        """Return the colour of a letter; None if it is transparent."""
        red, green, blue, alpha = c_uint(), c_uint(), c_uint(), c_uint()
        if not raw.FPDFText_GetFillColor(self._text, index, red, green, blue, alpha):
            return 0, 0, 0
        return (red.value, green.value, blue.value) if alpha.value else None

    def _surface(self, order: int, item: pypdfium2.PdfObject) -> Iterator[_Surface]:
        if item.type in (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_SHADING):
            yield _Surface(order, self._turned(item.get_bounds()), None, is_picture=True)
            return
        filled = _fill(item) if item.type == raw.FPDF_PAGEOBJ_PATH else None
        if filled is None:
            return
        box = self._turned(item.get_bounds())
        if min(box[2] - box[0], box[3] - box[1]) < MIN_SURFACE:
            return
        if _is_plain(item):
            yield _Surface(order, box, filled, is_picture=False)
        elif not alike(filled, WHITE):
            yield _Surface(order, box, None, is_picture=False)

    def _box(self, index: int) -> Box:
        box = self._text.get_charbox(index, loose=True)
        if box[3] - box[1] <= 0:
            box = self._text.get_charbox(index)
        return self._turned(box)

    def _turned(self, box: Box) -> Box:
        left, bottom, right, top = box
        if self._turn == 90:
            return bottom, -right, top, -left
        if self._turn == 180:
            return -right, -top, -left, -bottom
        if self._turn == 270:
            return -top, left, -bottom, right
        return box


def _address(pointer: object) -> int:
    return cast(pointer, c_void_p).value or 0  # type: ignore[arg-type]  # pypdfium2 has no stubs


def _fill(path: pypdfium2.PdfObject) -> Colour | None:
    """Return the colour that fills a path; None if it is not filled."""
    mode, stroke = c_int(), c_int()
    raw.FPDFPath_GetDrawMode(path, mode, stroke)
    red, green, blue, alpha = c_uint(), c_uint(), c_uint(), c_uint()
    known = raw.FPDFPageObj_GetFillColor(path, red, green, blue, alpha)
    return (red.value, green.value, blue.value) if known and mode.value and alpha.value else None


def _is_plain(path: pypdfium2.PdfObject) -> bool:
    """Whether it is an opaque rectangle that nothing clips."""
    if raw.FPDFPath_CountSegments(path) not in _RECTANGLE or path.level:
        return False
    clip = raw.FPDFPageObj_GetClipPath(path)
    is_clipped = bool(clip) and raw.FPDFClipPath_CountPaths(clip) > 0
    return not is_clipped and not raw.FPDFPageObj_HasTransparency(path)
