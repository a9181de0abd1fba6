"""Blocks and sections of a document → one plain text with the address of every stretch.

Knows no format: each reader hands over what it found, and all cleaning happens here.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from index.base import Place
from ingest.base import Parsed

PARAGRAPH = "\n\n"
CODE_INDENT = "    "  # begins a line of code, so that its " | " is not taken for a table's

# Category Cf prints nothing (zero-width, bidi, tags) but for these, in Arabic and Kaithi.
_VISIBLE_FORMATS = frozenset([*range(0x600, 0x606), 0x6DD, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD])
_ASSIGNED = (*range(0x20000), *range(0xE0000, 0xE1000))  # planes that hold such characters
_BLANK_LETTERS = (0x115F, 0x1160, 0x3164, 0xFFA0, 0x034F, 0x17B4, 0x17B5, 0x2800, 0xFFFC)
_VARIATION_SELECTORS = (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
_LIGATURES = dict(zip(range(0xFB00, 0xFB06), ("ff", "fi", "fl", "ffi", "ffl", "st"), strict=True))
_SYMBOL_BULLETS = (0xF0A7, 0xF0B7, 0xF0D8, 0xF0FC)  # of the fonts Symbol and Wingdings


def _characters() -> dict[int, str]:
    """Return what becomes of every character that is not kept as it is."""
    table = {
        code: ""
        for code in _ASSIGNED
        if unicodedata.category(chr(code)) in ("Cf", "Cc", "Cs") and code not in _VISIBLE_FORMATS
    }
    table |= dict.fromkeys(_VARIATION_SELECTORS, "") | dict.fromkeys(_BLANK_LETTERS, "")
    table |= {code: " " for code in range(0x3001) if unicodedata.category(chr(code)) == "Zs"}
    table |= dict.fromkeys((0x0A, 0x0B, 0x0C, 0x85, 0x2028, 0x2029), "\n")
    table |= _LIGATURES | dict.fromkeys(_SYMBOL_BULLETS, "•")
    table[0x09] = "\t"
    return table


_CHARACTERS = _characters()
_TRAILING = re.compile(r"[ \t]+(?=\n|\Z)")
_GAP = re.compile(r"\n{3,}")
_NOT_IN_SLUG = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph, list, table or piece of code, in reading order."""

    text: str  # lists, tables and code have a line for each item, row and line
    level: int = 0  # of a heading, from 1; 0 for everything else
    anchor: str = ""  # the heading's id in the document, where it has one


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a document with an address of its own."""

    text: str
    heading: tuple[str, ...]  # path, outermost first
    url: str
    page: int | None = None
    joint: str = PARAGRAPH  # what separates it from the section before


def clean(text: str) -> str:
    """Return text as a reader sees it: NFC, nothing invisible, tidy line ends.

    Leading spaces of a line stay, since lists and code are indented.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CHARACTERS)
    text = _TRAILING.sub("", unicodedata.normalize("NFC", text))
    return _GAP.sub(PARAGRAPH, text).strip("\n")


def one_line(text: str) -> str:
    """Return the text cleaned, with every run of white space a single space."""
    return " ".join(clean(text).split())


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of cells as lines "cell | cell | cell", without empty rows and columns."""
    cells = [_without_end([one_line(cell) for cell in row]) for row in rows]
    cells = [row for row in cells if row]
    used = sorted({i for row in cells for i, cell in enumerate(row) if cell})
    return "\n".join(
        " | ".join(row[i] for i in used[: bisect_left(used, len(row))]) for row in cells
    )


def fields(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of two cells as lines "key: value", for a table that has no header row."""
    cells = [[text for text in map(one_line, row) if text] for row in rows]
    return "\n".join(
        f"{row[0].removesuffix(':').rstrip()}: {row[1]}" if len(row) > 1 else row[0]
        for row in cells
        if row
    )


def _without_end(cells: list[str]) -> list[str]:
    """Return cells but for the empty ones after the last that is filled."""
    last = max((i for i, cell in enumerate(cells) if cell), default=-1)
    return cells[: last + 1]


def by_heading(blocks: Iterable[Block], url: str, *, anchors: bool) -> list[Section]:
    """Cut blocks into sections: a heading and what follows until the next one.

    anchors: whether the source can be opened at a heading, at its id or else at the slug that
    GitHub gives it.
    """
    sections: list[Section] = []
    path: list[Block] = []
    texts: list[str] = []
    address = url
    slugs: dict[str, int] = {}

    def close() -> None:
        if texts:
            headings = tuple(one_line(heading.text) for heading in path)
            sections.append(Section(PARAGRAPH.join(texts), headings, address))

    for block in blocks:
        if block.level:
            close()
            texts = []
            path = [heading for heading in path if heading.level < block.level]
            path.append(block)
            anchor = block.anchor or _slug(block.text, slugs)
            address = at(url, anchor) if anchors else url
        texts.append(block.text)
    close()
    return sections


def at(url: str, anchor: str) -> str:
    """Return the url that opens a page at an anchor; as it is where it has one already."""
    if not url or not anchor or "#" in url:
        return url
    return f"{url}#{quote(anchor, safe='=:.,;@!$&*+/?~')}"


def assemble(sections: Iterable[Section], title: str | None) -> Parsed:
    """Return the sections as one text; those without text leave no trace."""
    parts: list[str] = []
    places: list[Place] = []
    length = 0
    for section in sections:
        text = clean(section.text)
        if not text.strip():
            continue
        joint = section.joint if parts else ""
        if joint and joint != PARAGRAPH:
            text = text.lstrip()
        start = length + len(joint)
        parts += [joint, text]
        length = start + len(text)
        if places:
            places[-1] = replace(places[-1], end=start)
        places.append(Place(start, length, section.heading, section.page, section.url))
    return Parsed("".join(parts), tuple(places), (one_line(title) or None) if title else None)


def _slug(heading: str, seen: dict[str, int]) -> str:
    slug = _NOT_IN_SLUG.sub("", one_line(heading).lower()).replace(" ", "-")
    count = seen.get(slug, 0)
    seen[slug] = count + 1
    return f"{slug}-{count}" if count else slug
