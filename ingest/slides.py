"""Presentations into a section a slide: title, text, tables, charts, diagrams and the speaker's
notes.

python-pptx is read directly: unstructured passes over charts, puts notes before the slide they
belong to and knows only those bullets that a paragraph states itself.
"""

import io
from collections.abc import Iterator
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.slide import Slide

from ingest.colours import Colour
from ingest.sections import PARAGRAPH, Section, clean, one_line, table
from ingest.slide_look import Look

Shape = Any  # python-pptx has no common type that knows what it may hold
Node = Any  # an lxml element

_NOT_CONTENT = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER)
_BODIES = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY)
MAX_LEVEL = 8
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"


def read_slides(body: bytes, url: str) -> tuple[list[Section], str | None]:
    """Return a section for every slide that is shown, and the title of the first of them."""
    presentation = Presentation(io.BytesIO(body))
    size = (presentation.slide_width or 0, presentation.slide_height or 0)
    sections = []
    for number, slide in enumerate(presentation.slides, start=1):
        if slide._element.get("show") in ("0", "false"):
            continue
        look = Look(slide)
        title = _title(slide, look)
        texts = [text for shape in _shapes(slide, size) for text in _texts(shape, title, look)]
        texts += _notes(slide, look)
        heading = (title,) if title else ()
        sections.append(
            Section(PARAGRAPH.join([title, *texts] if title else texts), heading, url, page=number)
        )
    return sections, next((section.heading[0] for section in sections if section.heading), None)


def _title(slide: Slide, look: Look) -> str:
    title = slide.shapes.title
    return one_line(_plain(title.text_frame, look, look.ground(title))) if title is not None else ""


def _shapes(slide: Slide, size: tuple[int, int]) -> Iterator[Shape]:
    """Yield what is on the slide besides its title, from top to bottom, groups in one piece."""
    title = slide.shapes.title
    for shape in sorted(slide.shapes, key=_position):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if not _is_seen(shape, size):
            continue
        if shape.is_placeholder and shape.placeholder_format.type in _NOT_CONTENT:
            continue
        yield from _members(shape)


def _members(shape: Shape) -> Iterator[Shape]:
    """Yield a shape, or those of a group; what counts is where the group as a whole stands."""
    if not hasattr(shape, "shapes"):
        yield shape
        return
    for member in sorted(shape.shapes, key=_position):
        yield from _members(member)


def _position(shape: Shape) -> tuple[int, int]:
    return shape.top or 0, shape.left or 0


def _is_seen(shape: Shape, size: tuple[int, int]) -> bool:
    """Whether a shape is shown and at least partly on the slide."""
    properties = shape._element.find(".//" + qn("p:cNvPr"))
    if properties is not None and properties.get("hidden") in ("1", "true"):
        return False
    left, top = shape.left or 0, shape.top or 0
    width, height = shape.width or 0, shape.height or 0
    wide, high = size
    right_of, below = left >= wide > 0, top >= high > 0
    return not (right_of or below or left + width < 0 or top + height < 0)


def _texts(shape: Shape, title: str, look: Look) -> Iterator[str]:
    if getattr(shape, "has_table", False):
        rows = shape.table.rows
        yield table([_plain(cell.text_frame, look) for cell in row.cells] for row in rows)
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape.chart, look)
    elif (diagram := shape._element.find(f".//{_DIAGRAM}relIds")) is not None:
        yield _diagram(shape, diagram.get(qn("r:dm")), look)
    elif getattr(shape, "has_text_frame", False):
        text = _paragraphs(shape, look)
        if text and text != title:
            yield text


def _paragraphs(shape: Shape, look: Look) -> str:
    """Return a shape's paragraphs; in a body they are a list by the slide's layout."""
    is_body = shape.is_placeholder and shape.placeholder_format.type in _BODIES
    ground = look.ground(shape)
    paragraphs = [(p, _runs(p._p, look, ground)) for p in shape.text_frame.paragraphs]
    paragraphs = [(p, text) for p, text in paragraphs if text]
    is_list = is_body and len(paragraphs) > 1
    lines = []
    for paragraph, text in paragraphs:
        properties = paragraph._p.pPr
        bulleted = properties is not None and properties.find(qn("a:buChar")) is not None
        plain = properties is not None and properties.find(qn("a:buNone")) is not None
        level = min(paragraph.level or 0, MAX_LEVEL)
        marked = (is_list and not plain) or bulleted
        lines.append("  " * level + ("- " if marked else "") + text)
    listed = any(line.lstrip().startswith("- ") for line in lines)
    return ("\n" if listed else PARAGRAPH).join(lines)


def _plain(frame: Any, look: Look, ground: Colour | None = None) -> str:
    return "\n".join(_runs(paragraph._p, look, ground) for paragraph in frame.paragraphs)


def _runs(paragraph: Node, look: Look, ground: Colour | None) -> str:
    """Return a paragraph's text on one line, without what cannot be seen."""
    parts = []
    for node in paragraph:
        if node.tag == qn("a:br"):
            parts.append(" ")
        elif not look.hides(node.find(qn("a:rPr")), ground):
            parts.append("".join(node.itertext(qn("a:t"))))
    return one_line("".join(parts))


def _chart(chart: Any, look: Look) -> Iterator[str]:
    """Yield a chart's title, and its numbers as a table: a row a category, a column a series.

    Read from the tree, since python-pptx knows neither three-dimensional nor combined charts.
    """
    if chart.has_title and chart.chart_title.has_text_frame:
        yield clean(_plain(chart.chart_title.text_frame, look))
    series = [
        (_points(one, "c:tx"), _points(one, "c:cat", "c:xVal"), _points(one, "c:val", "c:yVal"))
        for one in chart._chartSpace.iter(qn("c:ser"))
    ]
    categories: dict[str, str] = {}
    for _, names, values in series:
        categories |= {i: names.get(i, "") for i in values if i not in categories}
    header = ["", *(" ".join(name.values()) for name, _, _ in series)]
    rows = [
        [name, *(_number(values.get(i, "")) for _, _, values in series)]
        for i, name in categories.items()
    ]
    yield table([header, *rows])


def _points(series: Any, *names: str) -> dict[str, str]:
    """Return what is saved of a series under these names, by the index of the point."""
    return {
        point.get("idx", ""): point.findtext(qn("c:v")) or ""
        for name in names
        for holder in series.iterchildren(qn(name))
        for point in holder.iter(qn("c:pt"))
    }


def _number(value: str) -> str:
    try:
        return f"{float(value):.15g}"
    except ValueError:
        return value


def _diagram(shape: Shape, data: str | None, look: Look) -> str:
    """Return the texts of a SmartArt diagram, a line a point; its data is a part of its own."""
    relation = shape.part.rels.get(data)
    if relation is None or relation.is_external:
        return ""
    lines = [
        one_line(" ".join(_runs(paragraph, look, None) for paragraph in point.iter(qn("a:p"))))
        for point in parse_xml(relation.target_part.blob).iter(f"{_DIAGRAM}pt")
    ]
    return "\n".join(line for line in lines if line)


def _notes(slide: Slide, look: Look) -> list[str]:
    frame = slide.notes_slide.notes_text_frame if slide.has_notes_slide else None
    text = clean(_plain(frame, look)).strip() if frame is not None else ""
    return [f"Notes: {text}"] if text else []
