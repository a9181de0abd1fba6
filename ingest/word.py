"""Word documents into headings, paragraphs, lists and tables.

The tree is first made to hold what a reader of the printed page sees; unstructured then finds the
headings, the numbers and the depth of list items, and the cells of tables.
"""

import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import docx
from docx.document import Document
from docx.oxml.ns import nsmap, qn
from docx.oxml.parser import OxmlElement, parse_xml
from lxml import etree

from ingest.hypertext import read_html
from ingest.sections import Block, clean, one_line
from ingest.word_look import Look, chain

Node = Any  # an lxml element

_NAMES = {
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "w": nsmap["w"],
}
# Deleted or moved away, a copy for old programs, or not part of the text.
_DROPPED = "//w:del | //w:moveFrom | //mc:Fallback | //w:rt | //w:lastRenderedPageBreak"
# Only wrap what is seen; python-docx would pass over what they hold.
_WRAPPERS = (
    "//w:ins | //w:moveTo | //w:smartTag | //w:customXml | //w:fldSimple | //w:dir | //w:bdo"
    " | //w:sdt | //w:sdtContent | //w:ruby | //w:rubyBase | //mc:AlternateContent | //mc:Choice"
)
_PROPERTIES = "//w:sdtPr | //w:sdtEndPr | //w:smartTagPr | //w:customXmlPr | //w:rubyPr"
_CONTENTS = "//w:sdt[w:sdtPr/w:docPartObj/w:docPartGallery/@w:val='Table of Contents']"
_NUMBERED = re.compile(r"(?:\d+|[a-zA-Z]|[ivxIVX]+)(?:\.\d+)*[.)]\s|\d+(?:\.\d+)+\s|\(\w+\)\s")
_CONTENTS_STYLE = re.compile(r"toc \d")
TITLE_PARAGRAPHS = 20  # at the beginning, where a title stands
MAX_LEVEL = 9


def read_word(body: bytes) -> tuple[list[Block], str | None]:
    """Return the content of a document, and its title: in the style Title, or as a property."""
    document = docx.Document(io.BytesIO(body))
    _flatten(document)
    title = _title(document)
    prepared = io.BytesIO()
    document.save(prepared)
    prepared.seek(0)
    elements = _partition()(file=prepared, languages=[""], include_page_breaks=False)
    return list(_blocks(elements)), title


def _blocks(elements: Iterable[Any]) -> Iterator[Block]:
    """Yield unstructured's elements as blocks; list items that follow each other are one list."""
    items: list[str] = []
    for element in elements:
        depth = element.metadata.category_depth or 0
        if element.category == "ListItem":
            items.append(_item(element.text, min(depth, MAX_LEVEL)))
            continue
        if items:
            yield Block("\n".join(items))
            items = []
        if element.category in ("Header", "Footer"):
            continue  # repeated on every page
        if element.category == "Table" and element.metadata.text_as_html:
            yield from read_html(element.metadata.text_as_html)[0]
            continue
        text = clean(element.text.replace("\t", " ")).strip()
        if text:
            level = min(depth, MAX_LEVEL) + 1 if element.category == "Title" else 0
            yield Block(one_line(text) if level else text, level)
    if items:
        yield Block("\n".join(items))


def _item(text: str, depth: int) -> str:
    indent = "  " * depth
    first, *others = [one_line(line) for line in clean(text).strip().split("\n")]
    marker = "" if _NUMBERED.match(first) else "- "
    return "\n".join([indent + marker + first, *(f"{indent}  {line}" for line in others)])


def _title(document: Document) -> str | None:
    """Return the title as printed; a title that is only a property must be printed somewhere."""
    printed = document.paragraphs[:TITLE_PARAGRAPHS]
    names = _style_names(document)
    for paragraph in printed:
        if names.get(paragraph._p.style) == "title" and paragraph.text.strip():
            return paragraph.text
    stated = one_line(document.core_properties.title or "")
    found = any(stated in one_line(paragraph.text) for paragraph in printed)
    return stated if stated and found else None


def _style_names(document: Document) -> dict[str | None, str]:
    """Return style id -> name in small letters; one look-up each would search all of them."""
    return {
        style.styleId: (style.name_val or "").lower() for style in document.styles.element.style_lst
    }


def _flatten(document: Document) -> None:
    """Change the document's tree in place to what a reader sees, in the plainest form."""
    body = document.element.body
    _drop(body, _CONTENTS)
    _drop(body, _DROPPED)
    look = Look(document)
    for run in _find(body, "//w:r"):
        if look.hides(run):
            run.getparent().remove(run)
    _drop(body, _PROPERTIES)
    for formula in _find(body, "//m:oMathPara | //m:oMath[not(ancestor::m:oMathPara)]"):
        _replace_formula(formula)
    for box in _find(body, "//w:txbxContent"):
        _put_after_paragraph(box)
    for wrapper in _find(body, _WRAPPERS):
        _unwrap(wrapper)
    _put_notes(document, look)
    _name_headings(document)
    names = _style_names(document)
    for paragraph in document.paragraphs:
        if _CONTENTS_STYLE.fullmatch(names.get(paragraph._p.style, "")):
            paragraph._p.getparent().remove(paragraph._p)


def _find(body: Node, path: str) -> list[Node]:
    found: list[Node] = etree.XPath(path.replace("//", ".//"), namespaces=_NAMES)(body)
    return found


def _drop(body: Node, path: str) -> None:
    for node in _find(body, path):
        if node.getparent() is not None:
            node.getparent().remove(node)


def _unwrap(wrapper: Node) -> None:
    parent = wrapper.getparent()
    at = parent.index(wrapper)
    parent[at : at + 1] = list(wrapper)


def _replace_formula(formula: Node) -> None:
    """Put a formula's letters in its place, which is as much of it as plain text can hold."""
    letters = _run("".join(formula.itertext(qn("m:t"))))
    inline = next(formula.iterancestors(qn("w:p")), None) is not None
    formula.getparent().replace(formula, letters if inline else _paragraph(letters))


def _run(text: str) -> Node:
    run, letters = OxmlElement("w:r"), OxmlElement("w:t")
    letters.text = text
    run.append(letters)
    return run


def _paragraph(run: Node) -> Node:
    paragraph = OxmlElement("w:p")
    paragraph.append(run)
    return paragraph


def _put_notes(document: Document, look: Look) -> None:
    """Put every footnote and endnote behind the paragraph that refers to it."""
    notes = {}
    for relation in document.part.rels.values():
        if relation.reltype.endswith(("/footnotes", "/endnotes")) and not relation.is_external:
            for note in parse_xml(relation.target_part.blob):
                runs = [run for run in _find(note, "//w:r") if not look.hides(run)]
                texts = [text.text or "" for run in runs for text in run.iterchildren(qn("w:t"))]
                notes[f"{note.tag}Reference", note.get(qn("w:id"))] = "".join(texts)
    references = "//w:footnoteReference | //w:endnoteReference"
    for reference in reversed(_find(document.element.body, references)):
        text = notes.get((reference.tag, reference.get(qn("w:id"))), "").strip()
        anchor = next(reference.iterancestors(qn("w:p")), None)
        if text and anchor is not None:
            anchor.addnext(_paragraph(_run(text)))


def _put_after_paragraph(box: Node) -> None:
    """Move what a text box holds behind the paragraph that the box is fastened to."""
    anchor = next(box.iterancestors(qn("w:p")), None)
    for content in reversed(list(box)):
        if anchor is not None:
            anchor.addnext(content)
    box.getparent().remove(box)


def _name_headings(document: Document) -> None:
    """Give every style that is a heading by its outline level the name that says so.

    unstructured knows headings by the names of Word's own styles; companies have theirs. The
    subtitle is one to it, but a section of its own to nobody.
    """
    styles = {style.styleId: style for style in document.styles.element.style_lst}
    for style in styles.values():
        name = style.find(qn("w:name"))
        if name is None or style.get(qn("w:type")) != "paragraph":
            continue
        given = (name.get(qn("w:val")) or "").lower()
        if given == "subtitle":
            name.set(qn("w:val"), "body subtitle")
        level = _outline_level(styles, style)
        if level is not None and given != "title":
            name.set(qn("w:val"), f"heading {level + 1}")


def _outline_level(styles: dict[str, Node], style: Node) -> int | None:
    for above in chain(styles, style):
        stated = above.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        if stated is not None:
            value = stated.get(qn("w:val")) or ""
            return int(value) if value.isdigit() and int(value) < MAX_LEVEL else None
    return None


class _Words:
    """Stands in for a spaCy document: words, and the whole as one sentence."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sents = (self,)
        self.tag_ = "NN"

    def __iter__(self) -> Iterator["_Words"]:
        return (_Words(word) for word in self.text.split())


class _Language:
    """Stands in for a spaCy pipeline, which unstructured would download at its first use.

    It only tells narrative text from other text, which makes no difference here.
    """

    max_length = 1 << 30

    def __call__(self, text: str) -> _Words:
        return _Words(text)


@cache
def _partition() -> Callable[..., list[Any]]:
    """Return unstructured's partitioner, made to work without a network.

    It takes seconds to import, so this happens at the first document.
    """
    # unstructured reads these two from the environment only; without them it calls home.
    environment = os.environ  # noqa: TID251  # nowhere else can be told to unstructured
    environment.setdefault("DO_NOT_TRACK", "1")
    environment.setdefault("UNSTRUCTURED_DISABLE_NOTICE", "1")

    from unstructured.nlp import tokenize  # noqa: PLC0415  # see above
    from unstructured.partition.docx import partition_docx  # noqa: PLC0415

    language = _Language()
    tokenize._get_nlp = lambda: language  # type: ignore[assignment]  # a stand-in, see its class
    partition: Callable[..., list[Any]] = partition_docx
    return partition
