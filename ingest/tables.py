"""Workbooks and delimited text into rows of cells."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from datetime import date, datetime, time, timedelta
from itertools import groupby

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from ingest.base import ParseError
from ingest.office import MAX_STORED_CELLS
from ingest.sections import PARAGRAPH, Section, table
from ingest.sheet_look import MIN_WIDTH, Look

MAX_CELLS = 200_000  # of one document: more is data to be queried, not text to be read
MAX_SPREAD = 10  # places of a sheet to cells in it
MAX_COLUMNS = 16_384  # of a sheet, as Excel has it; a file may claim more
MAX_FIELD = 100_000_000  # characters in one field of delimited text: more than a file may have
SNIFFED_LINES = 50
SNIFFED_CHARACTERS = 2**16
DELIMITERS = (",", ";", "\t", "|")

_NUMERIC = re.compile(r"[-+(]?[€$£]?[\d.,:/%\s-]+[€%)]?")
# Of a number format: words, escaped letters, padding, filling, colours, conditions and languages.
_NOT_DIGITS = re.compile(r'"[^"]*"|[\\_*].|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.I)
_SEPARATOR_LINE = re.compile(r'\A"?sep=([^\w"\r\n])"?[ \t]*(?:\r?\n|\r|\Z)', re.I)

Rows = Sequence[Sequence[str]]


def read_workbook(body: bytes, url: str) -> list[Section]:
    """Return a section for every visible sheet that holds anything.

    Formulas give the values that were saved with them. Raises ParseError over MAX_CELLS.
    """
    workbook = load_workbook(io.BytesIO(body), data_only=True)
    left = MAX_CELLS
    sections = []
    for sheet in workbook.worksheets:
        if sheet.sheet_state != "visible":
            continue
        rows = _sheet(sheet, left)
        left -= sum(cell != "" for row in rows for cell in row)
        text = PARAGRAPH.join(table(part) for part in _tables(rows))
        sections.append(Section(text, (sheet.title,), url))
    return sections


def read_delimited(text: str, url: str) -> list[Section]:
    """Return delimited text as one table.

    The delimiter is the one that a first line "sep=;" states, or else that gives even rows.
    """
    csv.field_size_limit(MAX_FIELD)
    stated = _SEPARATOR_LINE.match(text)
    delimiter = stated[1] if stated else _delimiter(text)
    body = text[stated.end() :] if stated else text
    rows, cells = [], 0
    for row in csv.reader(io.StringIO(body, newline=""), delimiter=delimiter):
        rows.append(row)
        cells += len(row)
        if cells > MAX_CELLS:
            raise _too_large()
    return [Section(table(rows), (), url)]


def _too_large() -> ParseError:
    return ParseError(
        "too-large",
        f"it holds over {MAX_CELLS} cells. Export the part that people ask about, or leave it out.",
    )


def _sheet(sheet: Worksheet, most: int) -> list[list[str]]:
    """Return the visible cells by row and column. Raises ParseError if they are over `most`.

    Built from the cells there are: a sheet may declare a million rows and hold ten. A cell merged
    over several rows is repeated in each, so that every row can be read alone.
    """
    look = Look(sheet)
    cells = {
        (cell.row, cell.column): _shown(cell.value, cell.number_format)
        for cell in sheet._cells.values()  # the only view that does not fill in empty cells
        if cell.value is not None and not look.hides(cell)
    }
    for merged in sheet.merged_cells.ranges:
        value = cells.get((merged.min_row, merged.min_col), "")
        if value and merged.max_row - merged.min_row < MAX_CELLS // 100:
            below = range(merged.min_row + 1, merged.max_row + 1)
            cells |= {(row, merged.min_col): value for row in below}
        if len(cells) > MAX_STORED_CELLS:
            raise _too_large()
    hidden_columns = _hidden_columns(sheet)
    kept = [
        (row, column, value)
        for (row, column), value in cells.items()
        if row not in look.hidden_rows and column not in hidden_columns
    ]
    if not kept:
        return []
    if len(kept) > most:
        raise _too_large()
    columns = _positions({column for _, column, _ in kept}, hidden_columns)
    lines = _positions({row for row, _, _ in kept}, look.hidden_rows)
    width, height = max(columns.values()) + 1, max(lines.values()) + 1
    if width * height > MAX_SPREAD * MAX_CELLS:  # a cell here and there over a whole sheet
        raise _too_large()
    rows = [[""] * width for _ in range(height)]
    for row, column, value in kept:
        rows[lines[row]][columns[column]] = value
    return rows


def _positions(numbers: Set[int], hidden: Set[int]) -> dict[int, int]:
    """Return number -> 0, 1, 2, … in order, with one position left out for every gap one sees."""
    positions: dict[int, int] = {}
    position = last = -1
    for number in sorted(numbers):
        gap = positions and any(between not in hidden for between in range(last + 1, number))
        position += 2 if gap else 1
        positions[number] = position
        last = number
    return positions


def _hidden_columns(sheet: Worksheet) -> frozenset[int]:
    return frozenset(
        column
        for dimension in sheet.column_dimensions.values()
        if (dimension.hidden or dimension.width < MIN_WIDTH) and dimension.min and dimension.max
        for column in range(dimension.min, min(dimension.max, MAX_COLUMNS) + 1)
    )


def _tables(rows: Rows) -> Iterator[Rows]:
    """Cut a sheet where a row is empty and what follows begins with a header of its own."""
    part: list[Sequence[str]] = []
    gap = False
    for row in rows:
        if not any(row):
            gap = True
            continue
        if part and gap and _is_header(row):
            yield from _side_by_side(part)
            part = []
        part.append(row)
        gap = False
    if part:
        yield from _side_by_side(part)


def _side_by_side(rows: Rows) -> Iterator[Rows]:
    """Cut at an empty column if a table with a header of its own begins beside it, further down.

    Where both begin at the same height it may as well be one table with a column to part it.
    """
    filled = [any(column) for column in zip(*rows, strict=True)]
    begin = 0
    for first, last in _runs(filled):
        beside = [row[first : last + 1] for row in rows]
        top = next(i for i, row in enumerate(beside) if any(row))
        if first > begin and top > 0 and _is_header(beside[top]):
            yield [row[begin:first] for row in rows]
            begin = first
    yield [row[begin:] for row in rows]


def _runs(filled: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield first and last index of every stretch that is true."""
    for is_filled, stretch in groupby(range(len(filled)), key=lambda i: filled[i]):
        indices = list(stretch)
        if is_filled:
            yield indices[0], indices[-1]


def _is_header(row: Sequence[str]) -> bool:
    names = [cell for cell in row if cell]
    return len(names) > 1 and not any(_NUMERIC.fullmatch(name) for name in names)


def _shown(value: object, number_format: str) -> str:
    """Return a cell's value as its reader sees it, dates as ISO dates."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        whole_day = value.time() == time()
        return value.date().isoformat() if whole_day else value.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value, number_format)
    if isinstance(value, int | float):
        return _number(value, number_format)
    return str(value)


def _number(value: int | float, number_format: str) -> str:
    digits = _digits(number_format)
    if "%" in digits:
        decimals = sum(digit in "0#" for digit in digits.partition(".")[2])
        return f"{value:.{decimals}%}"
    is_whole = isinstance(value, int) or value.is_integer()
    if digits and not digits.strip("0") and is_whole:
        return f"{'-' if value < 0 else ''}{abs(int(value)):0{len(digits)}d}"
    return f"{value:.15g}" if isinstance(value, float) else str(value)  # 15 digits, as Excel keeps


def _duration(value: timedelta, number_format: str) -> str:
    """Return a length of time in the largest unit that its format has: [h]:mm, [h]:mm:ss, [m]:ss.

    Hours are over 23 where it is longer than a day.
    """
    digits = _digits(number_format).lower()
    seconds = round(abs(value).total_seconds())
    sign = "-" if value < timedelta() else ""
    if "[s" in digits:
        return f"{sign}{seconds}"
    if "[m" in digits:
        return f"{sign}{seconds // 60}" + (f":{seconds % 60:02}" if "s" in digits else "")
    hours = f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}"
    return hours if "[h" in digits and "s" not in digits else f"{hours}:{seconds % 60:02}"


def _digits(number_format: str) -> str:
    """Return what a format says of the figures of a positive number."""
    return _NOT_DIGITS.sub("", number_format).partition(";")[0].strip()


def _delimiter(text: str) -> str:
    """Return the delimiter whose count is the most even over the first lines."""
    lines = [
        line for line in text[:SNIFFED_CHARACTERS].splitlines()[:SNIFFED_LINES] if line.strip()
    ]

    def evenness(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        return (count / sum(widths.values()) if width > 1 else 0.0), width

    return max(DELIMITERS, key=evenness) if lines else DELIMITERS[0]
