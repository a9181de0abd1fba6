"""Printed lines of pages → paragraphs, lists and tables, without running heads and feet.

Knows where lines stand on a page, not what kind of file they come from.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

REPEATED_SHARE = 0.4  # of the pages: heads of left and right pages alternate
MIN_PAGES = 4  # below, a repeated line may be chance
EDGE_LINES = 3  # at the top and at the bottom: where running heads and feet stand
CELL_GAP = 1.6  # of the letters' height: wider than any space between words
MIN_CUT = 60  # characters of a paragraph that may go on in the next column or page
USUAL_PITCH = 1.2  # from line to line, in heights of their letters
WIDEST_PITCH = 2.2  # of text set with double spacing
FEW_LINES = 3  # fewer do not show where a column ends
SAME_SIZE = 0.12  # relative difference: more is another kind of text

_BULLET = re.compile(r"[•▪◦‣●○■□▸►∙·⁃➢✓✔❖–-][ \t]+(?=[\w\"'“‘(])")
_NUMBER = re.compile(
    r"(?:\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})[.)]|\d{1,3}(?:\.\d{1,3})+[.:)])[ \t]+(?=\S)"
)
_LEADER = re.compile(r"[ \t]*(?:\.[ \t]?){4,}[ \t]*|[ \t]*_{4,}[ \t]*")
_ENDS = re.compile(r"[.!?:;。！？…][\"'”’)\]]*\Z")
_WORD = re.compile(r"\w+(?:-\w+)*")


@dataclass(frozen=True, slots=True)
class Line:
    """A printed line. Coordinates in points, y upwards as PDF has it."""

    text: str  # a tab where a gap is too wide to be between words
    left: float
    bottom: float
    right: float
    top: float
    size: float  # height of its letters
    hyphenated: bool = False  # ends within a word, whose hyphen is not in the text


def without_running_heads(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Drop lines that stand at the same place of many pages, but for numbers in them."""
    if len(pages) < MIN_PAGES:
        return [list(page) for page in pages]
    counts = Counter(key for page in pages for key in {_key(line) for line in _edges(page)})
    often = max(3, REPEATED_SHARE * len(pages))
    repeated = {key for key, count in counts.items() if count >= often}
    return [
        [line for line in page if _key(line) not in repeated or line not in _edges(page)]
        for page in pages
    ]


def vocabulary(pages: Sequence[Sequence[Line]]) -> frozenset[str]:
    """Return the words that are printed whole, which tells how to join those that are not."""
    lines = [line for page in pages for line in page]
    words: set[str] = set()
    is_cut = False
    for line in lines:
        found = _WORD.findall(line.text.lower())
        whole = found[is_cut : len(found) - line.hyphenated]
        words.update(whole)
        words.update(part for word in whole if "-" in word for part in word.split("-"))
        is_cut = line.hyphenated
    return frozenset(words)


def paragraphs(lines: Sequence[Line], words: frozenset[str]) -> list[str]:
    """Join the lines of a page; a block of list items or of table rows has a line for each."""
    rows = _rows(lines)
    pitch = _pitch(rows)
    blocks: list[str] = []
    for group in _groups(rows, pitch):
        text = _joined(group, words)
        if blocks and _is_item(text) and _is_item(blocks[-1].rpartition("\n")[2]):
            blocks[-1] += "\n" + text
        else:
            blocks.append(text)
    return blocks


def goes_on(before: str, after: str) -> bool:
    """Whether a sentence that is cut off at the end of a page or column goes on in the next."""
    last = before.rpartition("\n")[2]  # a short one is a caption, a foot or a row of a table
    return len(last) > MIN_CUT and _ENDS.search(last) is None and after[:1].islower()


def _key(line: Line) -> tuple[str, int]:
    return re.sub(r"\d+", "#", line.text), round(line.top / 4)


def _edges(page: Sequence[Line]) -> list[Line]:
    by_height = sorted(page, key=lambda line: -line.top)
    return by_height[:EDGE_LINES] + by_height[-EDGE_LINES:]


def _rows(lines: Sequence[Line]) -> list[Line]:
    """Join lines that stand beside each other: cells of a row, or raised letters and the rest."""
    rows: list[Line] = []
    for line in lines:
        if rows and _beside(rows[-1], line):
            rows[-1] = _merged(rows[-1], line)
        else:
            rows.append(line)
    return [_settled(rows, i) for i in range(len(rows))]


def _settled(rows: Sequence[Line], i: int) -> Line:
    """Return a row; a line with one gap, alone among lines without, is justified text."""
    row = rows[i]
    beside = (*rows[max(0, i - 1) : i], *rows[i + 1 : i + 2])
    if row.text.count("\t") != 1 or any(_is_row(other) for other in beside):
        return row
    return replace(row, text=row.text.replace("\t", " "))


def _beside(line: Line, other: Line) -> bool:
    overlap = min(line.top, other.top) - max(line.bottom, other.bottom)
    height = min(line.top - line.bottom, other.top - other.bottom)
    return overlap > 0.4 * height and other.left > line.right - 0.5 * line.size


def _merged(line: Line, other: Line) -> Line:
    gap = (other.left - line.right) / max(line.size, other.size, 1.0)
    space = "\t" if gap > CELL_GAP else " " if gap > 0.12 else ""
    larger = max(line, other, key=lambda one: one.size)
    return Line(
        line.text + space + other.text,
        left=min(line.left, other.left),
        bottom=min(larger.bottom, line.bottom),
        right=max(line.right, other.right),
        top=max(larger.top, line.top),
        size=larger.size,
        hyphenated=other.hyphenated,
    )


def _pitch(rows: Sequence[Line]) -> float:
    """Return the usual distance from line to line, in heights of their letters."""
    steps = [
        (above.top - below.top) / max(above.size, 1.0)
        for above, below in zip(rows, rows[1:], strict=False)
    ]
    usual = [step for step in steps if 0.5 < step < WIDEST_PITCH]
    return median(usual) if usual else USUAL_PITCH


def _groups(rows: Sequence[Line], pitch: float) -> Iterator[list[Line]]:
    first = 0
    for i in range(1, len(rows)):
        if not _continues(rows, first, i, pitch):
            yield list(rows[first:i])
            first = i
    if rows:
        yield list(rows[first:])


def _continues(rows: Sequence[Line], first: int, i: int, pitch: float) -> bool:
    """Whether line i goes on with the paragraph, or the table, that began with line `first`."""
    last, line = rows[i - 1], rows[i]
    if _is_row(last) or _is_row(line):
        return _is_row(last) and _is_row(line) and last.top > line.top
    if last.hyphenated:
        return True
    if _is_item(line.text):
        return False
    if abs(line.size - last.size) > SAME_SIZE * max(line.size, last.size):
        return False
    step = (last.top - line.top) / max(last.size, 1.0)
    if step < 0:  # a new column
        return goes_on(" ".join(row.text for row in rows[first:i]), line.text)
    return step <= 1.35 * pitch and not _ends_paragraph(rows, first, i)


def _ends_paragraph(rows: Sequence[Line], first: int, i: int) -> bool:
    """Whether line i begins a paragraph: by its indent, or as its word had room on the last."""
    last, line = rows[i - 1], rows[i]
    indent = line.left - last.left
    if indent > 1.2 * last.size and not _is_item(rows[first].text):
        return True
    around = [row for row in rows[first : i + 8] if _same_column(last, row)]
    if len(around) < FEW_LINES:
        around = [row for row in rows if row.left < last.right and last.left < row.right]
    edge = max(row.right for row in around)
    word = line.text.split(None, 1)[0]
    needed = (line.right - line.left) * (len(word) + 1) / max(len(line.text), 1)
    spare = (edge - last.right - needed) / max(edge - last.left, 1.0)
    if _ENDS.search(last.text):
        return spare > 0.02 or indent > 0.8 * last.size
    return spare > (0.35 if line.text[:1].islower() else 0.12)


def _same_column(line: Line, other: Line) -> bool:
    """Whether two lines of like letters begin at about the same place."""
    same_size = abs(line.size - other.size) <= SAME_SIZE * line.size
    return same_size and abs(line.left - other.left) <= 1.5 * line.size


def _is_row(line: Line) -> bool:
    """Whether it is a row of a table, or of a table of contents."""
    text = _NUMBER.sub("", _BULLET.sub("", line.text, count=1), count=1)
    return "\t" in text.strip() or _LEADER.search(text) is not None


def _is_item(text: str) -> bool:
    return _BULLET.match(text) is not None or _NUMBER.match(text) is not None


def _joined(group: Sequence[Line], words: frozenset[str]) -> str:
    if _is_row(group[0]):
        cells = max(len(line.text.split("\t")) for line in group)
        separator = " | " if len(group) > 1 or cells > 2 else " "
        return "\n".join(_row(line.text, separator) for line in group)
    text = ""
    for before, line in zip((None, *group), group, strict=False):
        if before is None:
            text = line.text
        elif before.hyphenated:
            text = _rejoined(text, line.text, words)
        else:
            text = f"{text} {line.text}"
    return _BULLET.sub("- ", text.replace("\t", " "), count=1)


def _row(text: str, separator: str) -> str:
    cells = [_LEADER.sub(separator, cell).strip() for cell in text.split("\t")]
    return separator.join(cell for cell in cells if cell).strip(" |")


def _rejoined(text: str, rest: str, words: frozenset[str]) -> str:
    """Join a word that was cut at the end of a line, and keep the hyphen if it is part of it."""
    first = re.search(r"[\w-]*\Z", text)
    second = re.match(r"[\w-]*", rest)
    before, after = first[0] if first else "", second[0] if second else ""
    whole, parted = f"{before}{after}".lower(), f"{before}-{after}".lower()
    both_are_words = len(before) > 3 and {before.lower(), after.lower()} <= words
    keeps = (
        parted in words or both_are_words or not after[:1].islower() or not before[:-1].isalpha()
    )
    return text + ("-" if keeps and whole not in words else "") + rest


def split_hyphen(line: Line, following: Line | None) -> Line:
    """Mark a line that ends in a printed hyphen as hyphenated, if the next goes on with a word."""
    if following is None or not re.search(r"[^\W\d_][-\u2010\u00ad]\Z", line.text):
        return line
    if not following.text[:1].islower():
        return line
    return replace(line, text=line.text[:-1], hyphenated=True)
