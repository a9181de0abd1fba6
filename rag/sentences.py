"""Text into sentences, list items and table rows: the units that are ranked, quoted and cited."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# After one of these a full stop does not end a sentence.
ABBREVIATIONS = frozenset(
    "e.g i.e etc vs cf sec ext art p pp ch vol mr mrs ms dr prof st no nos fig ca approx incl excl "
    "dept est inc ltd co max min tel sr jr gen gov bldg rm attn reg "
    "jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun a.m p.m".split()
)

WRAPPED = 40  # letters of a line that may end within a sentence; a heading has fewer

_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]?[A-Z0-9#@*])")
_LAST_WORD = re.compile(r"[\w.]+$")
_INITIALS = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")  # U.S, Ph.D
_ITEM = re.compile(r"\s*(?:[-*•]|(?P<number>\d{1,3}[.)])|[a-z][.)])\s+(?:\[[ xX]\]\s+)?")
_ENDED = re.compile(r"[.!?:…][\"'”’)\]]*\s*$")
CELL = " | "  # between two cells of a row
CODE = "    "  # begins a line of code, whose pipes are no cells


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, list item or table row, with the line that introduces it."""

    start: int  # [start, end) in the text, blank ends and list bullets left out
    end: int
    lead: tuple[int, int] | None  # the sentence "…:" above a list, the header row above a table row
    row: bool  # whether it is a table row
    number: int = 0  # of the numbered list's item that it begins; 0: it begins none


def units(text: str, *, in_table: bool = False) -> list[Unit]:
    """Cut a text into units, in order. They do not overlap, and blank lines are in none.

    in_table: the text begins inside a table, whose header row is not in it.
    """
    found: list[Unit] = []
    lead: tuple[int, int] | None = None
    spans = list(_lines(text))
    lines = [text[start:end] for start, end in spans]
    for number, ((start, end), line) in enumerate(zip(spans, lines, strict=True)):
        is_row = _has_cells(line) and (in_table or _beside(lines, number))
        if not line.strip() or (in_table and not is_row):
            lead, in_table = (None if in_table else lead), False
        if not line.strip():
            continue
        if is_row:
            if not in_table:
                lead, in_table = (start, end), True
            header = lead if lead != (start, end) else None
            found.append(Unit(start, end, header, row=True))
            continue
        item = _item(line, lines[number - 1] if number else "")
        if item is None:
            lead = None
        body = start + (item.end() if item else 0)
        cut = list(sentences(text, body, end))
        number_of_item = int(item["number"][:-1]) if item and item["number"] else 0
        found += [
            Unit(a, b, lead, row=False, number=0 if place else number_of_item)
            for place, (a, b) in enumerate(cut)
        ]
        if line.rstrip().endswith(":") and (item is None or lead is None):
            lead = cut[-1]
    return found


def _has_cells(line: str) -> bool:
    return CELL in line and not line.startswith(CODE)


def _beside(lines: Sequence[str], number: int) -> bool:
    """Whether a line with cells stands next to it: alone, "ps aux | grep java" is no table."""
    return any(
        map(_has_cells, (*lines[max(0, number - 1) : number], *lines[number + 1 : number + 2]))
    )


def _item(line: str, before: str) -> re.Match[str] | None:
    """Return what begins a list item, unless it is a number in the sentence of the line before."""
    item = _ITEM.match(line)
    goes_on = len(before) >= WRAPPED and not (_ITEM.match(before) or _ENDED.search(before))
    return None if item and item["number"] and goes_on else item


def sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the sentences within text[start:end], blank ends left out."""
    first = start
    for match in _END.finditer(text, start, end):
        word = _LAST_WORD.search(text, first, match.start())
        if word and text[match.start()] == "." and _abbreviates(word.group()):
            continue
        yield from _trimmed(text, first, match.end())
        first = match.end()
    yield from _trimmed(text, first, end)


def _abbreviates(word: str) -> bool:
    """Whether a full stop after the word belongs to it: an abbreviation or an initial."""
    return (
        word.lower() in ABBREVIATIONS
        or (len(word) == 1 and word.isupper())
        or _INITIALS.fullmatch(word) is not None
    )


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    body = piece.strip()
    if body:
        first = start + piece.index(body)
        yield first, first + len(body)


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end
        start = end + 1
