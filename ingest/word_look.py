"""How the letters of a Word document look: what its runs and styles say, nearest first.

Knows which runs a reader of the printed page cannot see; what tables' own styles colour is left
open, and what stands on them counts as seen.
"""

from collections.abc import Iterator
from typing import Any

from docx.document import Document
from docx.oxml.ns import qn

from ingest.colours import WHITE, Colour, alike, colour_of

Node = Any  # an lxml element

MIN_HALF_POINTS = 3  # smaller letters are not meant to be read
MIN_WIDTH = 10  # per cent of the letters' usual width

_OFF = ("0", "false", "off")
_PLAIN_TABLES = ("TableGrid", "TableNormal")
_LIGHT_THEME = ("background1", "light1", "bg1", "lt1")


class Look:
    """Which runs of a document are seen."""

    def __init__(self, document: Document) -> None:
        styles = document.styles.element
        self._styles = {style.styleId: style for style in styles.style_lst}
        self._defaults = styles.find(f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}")
        self._has_background = document.element.find(qn("w:background")) is not None

    def hides(self, run: Node) -> bool:
        """Whether a run is hidden, tiny, squeezed, or of the colour of what it stands on."""
        vanish = self._said(run, "w:vanish")
        if vanish is not None and vanish.get(qn("w:val")) not in _OFF:
            return True
        if self._number(run, "w:sz", MIN_HALF_POINTS) < MIN_HALF_POINTS:
            return True
        if self._number(run, "w:w", 100) < MIN_WIDTH:
            return True
        colour = _letters(self._said(run, "w:color"))
        ground = self._ground(run) if colour is not None else None
        return colour is not None and ground is not None and alike(colour, ground)

    def _said(self, run: Node, name: str) -> Node | None:
        """Return the nearest element of this name among a run's properties and its styles'."""
        for properties in self._properties(run):
            found = properties.find(qn(name))
            if found is not None:
                return found
        return None

    def _properties(self, run: Node) -> Iterator[Node]:
        if run.rPr is not None:
            yield run.rPr
        paragraph = next(run.iterancestors(qn("w:p")), None)
        of_paragraph = paragraph.style if paragraph is not None else None
        for name in (run.style, of_paragraph):
            for style in chain(self._styles, self._styles.get(name)):
                properties = style.find(qn("w:rPr"))
                if properties is not None:
                    yield properties
        if self._defaults is not None:
            yield self._defaults

    def _number(self, run: Node, name: str, otherwise: float) -> float:
        said = self._said(run, name)
        value = "" if said is None else (said.get(qn("w:val")) or "").removesuffix("%")
        return float(value) if value.isascii() and value.isdigit() else otherwise

    def _ground(self, run: Node) -> Colour | None:
        """Return the colour a run stands on; None where only Word knows."""
        highlight = self._said(run, "w:highlight")
        if highlight is not None and highlight.get(qn("w:val")) != "none":
            found = colour_of(highlight.get(qn("w:val")) or "")
            return found[0] if found else None
        shades = [self._said(run, "w:shd")]
        for holder, properties in (("w:p", "w:pPr"), ("w:tc", "w:tcPr")):
            for around in run.iterancestors(qn(holder)):
                shades.append(around.find(f"{qn(properties)}/{qn('w:shd')}"))
        for shade in shades:
            if shade is not None and shade.get(qn("w:fill")) not in (None, "auto"):
                found = colour_of(shade.get(qn("w:fill")))
                return found[0] if found else None
        return None if self._has_background or _is_on_something(run) else WHITE


def chain(styles: dict[str, Node], style: Node | None) -> Iterator[Node]:
    """Yield a style and those it is based on, nearest first."""
    seen: set[str] = set()
    while style is not None and style.styleId not in seen:
        seen.add(style.styleId)
        yield style
        based_on = style.find(qn("w:basedOn"))
        style = None if based_on is None else styles.get(based_on.get(qn("w:val")))


def _letters(color: Node | None) -> Colour | None:
    if color is None:
        return None
    if color.get(qn("w:themeColor")) in _LIGHT_THEME and not color.get(qn("w:themeShade")):
        return WHITE
    value = color.get(qn("w:val")) or "auto"
    found = colour_of(value)
    if value == "auto" or found is None:
        return None  # black or white, whichever can be seen
    return found[0]


def _is_on_something(run: Node) -> bool:
    """Whether a run is in a table with a style of its own, or in a text box."""
    if next(run.iterancestors(qn("w:txbxContent")), None) is not None:
        return True
    styles = (
        table.find(f"{qn('w:tblPr')}/{qn('w:tblStyle')}")
        for table in run.iterancestors(qn("w:tbl"))
    )
    return any(
        style is not None and style.get(qn("w:val")) not in _PLAIN_TABLES for style in styles
    )
