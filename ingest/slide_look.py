"""What the letters of a slide stand on, and whether they can be seen there.

Judges only what a file states plainly; where a picture, a pattern or another shape may lie beneath,
letters count as seen.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml.ns import qn
from pptx.slide import Slide

from ingest.colours import FAINT, WHITE, Colour, alike, colour_of

Shape = Any  # python-pptx has no common type that knows what it may hold
Node = Any  # an lxml element

MIN_SIZE = 150  # hundredths of a point: smaller letters are not meant to be read
_SOLID_STYLE = "1001"  # of a background that refers to its theme: the plain one
_FILLS = tuple(qn(f"a:{kind}Fill") for kind in ("no", "solid", "grad", "blip", "patt", "grp"))
_SHAPES = tuple(qn(f"p:{kind}") for kind in ("sp", "pic", "graphicFrame", "cxnSp"))


class Look:
    """The ground of one slide."""

    def __init__(self, slide: Slide) -> None:
        layout = slide.slide_layout
        self._slide = slide
        self._layers = (slide, layout, layout.slide_master)
        self._theme = _theme(layout.slide_master)
        self._beneath = [shape for layer in self._layers[1:] for shape in layer.shapes]

    def ground(self, shape: Shape) -> Colour | None:
        """Return the colour that a shape's text stands on; None where it cannot be told."""
        for node in _fill_holders(shape):
            fill = _fill(node)
            if fill is not None and fill.tag != qn("a:noFill"):
                return self._solid(fill)
            if fill is None and _is_filled_by_style(node.getparent()):
                return None
        groups = list(shape._element.iterancestors(qn("p:grpSp")))
        if groups and any(_is_painted(one) for one in groups[-1].iter(*_SHAPES)):
            return None  # its members count in units of their own
        others = [one for one in self._others(shape) if _is_painted(one._element)]
        if any(groups or _overlap(other, shape) for other in others):
            return None
        return self._paper()

    def hides(self, properties: Node | None, ground: Colour | None) -> bool:
        """Whether letters with these properties (a:rPr) cannot be seen on a ground."""
        if properties is None:
            return False
        size = properties.get("sz") or ""
        if size.isdigit() and int(size) < MIN_SIZE:
            return True
        fill = _fill(properties)
        if fill is None or fill.tag not in _FILLS[:2]:
            return False
        if fill.tag == qn("a:noFill") or _opacity(fill) < FAINT:
            return True
        colour = self._solid(fill)
        return colour is not None and ground is not None and alike(colour, ground)

    def _others(self, shape: Shape) -> Iterator[Shape]:
        yield from (one for one in self._beneath if not one.is_placeholder)
        for one in self._slide.shapes:
            if one._element is shape._element:
                return
            if one._element not in list(shape._element.iterancestors()):
                yield one

    def _paper(self) -> Colour | None:
        for layer in self._layers:
            background = layer._element.find(f"{qn('p:cSld')}/{qn('p:bg')}")
            if background is None:
                continue
            stated = background.find(qn("p:bgPr"))
            if stated is not None:
                fill = _fill(stated)
                return self._solid(fill) if fill is not None else None
            referred = background.find(qn("p:bgRef"))
            plain = referred is not None and referred.get("idx") == _SOLID_STYLE
            return self._solid(referred) if plain else None
        return WHITE

    def _solid(self, fill: Node) -> Colour | None:
        """Return the one colour that a fill holds; shades of it are as good as unknown."""
        for colour in fill:
            name = colour.get("val") or ""
            if any(child.tag != qn("a:alpha") for child in colour):
                return None
            if colour.tag == qn("a:schemeClr"):
                return self._theme.get(name)
            found = colour_of(colour.get("lastClr") or name)
            return found[0] if found else None
        return None


def _theme(master: Any) -> dict[str, Colour]:
    """Return name -> colour, as slides name them: "bg1", "accent2"."""
    theme = etree.fromstring(master.part.part_related_by(RELATIONSHIP_TYPE.THEME).blob)
    colours: dict[str, Colour] = {}
    for scheme in theme.iter(qn("a:clrScheme")):
        for slot in scheme:
            for colour in slot:
                found = colour_of(colour.get("lastClr") or colour.get("val") or "")
                if found is not None:
                    colours[etree.QName(slot).localname] = found[0]
    mapped = master._element.find(qn("p:clrMap"))
    names = {} if mapped is None else dict(mapped.attrib)
    return colours | {name: colours[slot] for name, slot in names.items() if slot in colours}


def _fill(holder: Node) -> Node | None:
    return next((child for child in holder if child.tag in _FILLS), None)


def _fill_holders(shape: Shape) -> Iterator[Node]:
    """Yield where a shape's fill may be stated: itself, then the placeholder it fills."""
    seen = 0
    while shape is not None and seen < 3:  # slide, layout, master
        properties = shape._element.find(qn("p:spPr"))
        if properties is not None:
            yield properties
        shape = getattr(shape, "_base_placeholder", None) if shape.is_placeholder else None
        seen += 1


def _opacity(fill: Node) -> float:
    alpha = fill.find(f"*/{qn('a:alpha')}")
    value = "" if alpha is None else (alpha.get("val") or "").removesuffix("%")
    return int(value) / 100_000 if value.isdigit() else 1.0


def _is_painted(element: Node) -> bool:
    """Whether a shape is a picture, a table or the like, is filled, or holds one that is."""
    if element.tag not in (qn("p:sp"), qn("p:cxnSp")):
        return True
    properties = element.find(qn("p:spPr"))
    fill = None if properties is None else _fill(properties)
    if fill is not None:
        return bool(fill.tag != qn("a:noFill"))
    return _is_filled_by_style(element)


def _is_filled_by_style(element: Node) -> bool:
    referred = element.find(f"{qn('p:style')}/{qn('a:fillRef')}")
    return referred is not None and referred.get("idx") != "0"


def _overlap(one: Shape, other: Shape) -> bool:
    if None in (one.left, one.top, other.left, other.top):
        return True
    return bool(
        one.left < other.left + (other.width or 0)
        and other.left < one.left + (one.width or 0)
        and one.top < other.top + (other.height or 0)
        and other.top < one.top + (one.height or 0)
    )
