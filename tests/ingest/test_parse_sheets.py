from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl  # it has no stubs
import pytest

from ingest.base import Parsed
from ingest.parse import parse
from tests.ingest.test_parse import document
from tests.ingest.test_parse_office import SHEETS, saved


def sheets(fill: Callable[[Any], object]) -> Parsed:
    book = openpyxl.Workbook()
    fill(book)
    return parse(document(saved(book), SHEETS))


def test_every_sheet_with_content_is_a_place() -> None:
    def fill(book: Any) -> None:
        book.active.title = "Rates"
        book.active.append(["City", "Rate"])
        book.active.append(["Ghent", 140])
        book.create_sheet("Nothing")
        book.create_sheet("More").append(["a", "b"])

    parsed = sheets(fill)
    assert parsed.text == "City | Rate\nGhent | 140\n\na | b"
    assert [place.heading for place in parsed.places] == [("Rates",), ("More",)]


def test_values_read_as_their_reader_sees_them() -> None:
    def fill(book: Any) -> None:
        moment = datetime(2026, 3, 1, 9, 30, tzinfo=UTC).replace(tzinfo=None)  # as Excel has them
        row = [3.0, 0.1 + 0.2, True, date(2026, 3, 1), moment, 0.256, "x\ny"]
        book.active.append(row)
        book.active.cell(1, 6).number_format = "0.0%"

    assert sheets(fill).text == "3 | 0.3 | TRUE | 2026-03-01 | 2026-03-01 09:30 | 25.6% | x y"


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (0.075, "0.00%;[Red]-0.00%", "7.50%"),
        (-0.075, "0.00%;[Red]-0.00%", "-7.50%"),
        (0.5, "0.0%_)", "50.0%"),
        (0.5, "[Red]0%;(0%)", "50%"),
        (0.5, '0.0" % of all"', "0.5"),
        (0.5, "0.0\\%", "0.5"),
        (timedelta(hours=30), "[h]:mm", "30:00"),
        (timedelta(hours=30, minutes=5, seconds=9), "[hh]:mm:ss;@", "30:05:09"),
        (timedelta(minutes=90, seconds=9), "[mm]:ss", "90:09"),
        (timedelta(hours=-1.5), "[h]:mm", "-1:30"),
        (1000, "00000", "01000"),
        (1000.0, '"No "00000;@', "01000"),
        (-7, "000", "-007"),
        (1.5, "000", "1.5"),
        (1.5, "0", "1.5"),
        (1000, '"about"', "1000"),
        (7, "0", "7"),
        (1000, "General", "1000"),
        (1000, "#,##0", "1000"),
    ],
)
def test_a_number_reads_as_its_format_shows_it(
    value: object, number_format: str, shown: str
) -> None:
    def fill(book: Any) -> None:
        book.active["A1"] = value
        book.active["A1"].number_format = number_format

    assert sheets(fill).text == shown


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=; "])
def test_the_delimiter_that_a_first_line_states_is_used_and_the_line_is_no_text(line: str) -> None:
    body = f"{line}\r\nName;Rates, a day;Rates, a night\r\nAnn;1,5;2,5\r\n"
    parsed = parse(document(body, "text/csv"))
    assert parsed.text == "Name | Rates, a day | Rates, a night\nAnn | 1,5 | 2,5"
    assert parse(document("sep=|\na,b|c\n", "text/csv")).text == "a,b | c"


def test_empty_rows_and_columns_are_dropped_however_far_the_sheet_reaches() -> None:
    def fill(book: Any) -> None:
        book.active["B2"], book.active["D2"] = "a", "b"
        book.active["XFD1048576"] = "far"

    assert sheets(fill).text == "a | b\n |  | far"


def test_a_new_header_after_an_empty_row_begins_a_table_of_its_own() -> None:
    def fill(book: Any) -> None:
        for row in [["City", "Rate"], ["Ghent", 1], [], ["Porto", 2], [], ["Team", "Lead"]]:
            book.active.append(row)

    assert sheets(fill).text == "City | Rate\nGhent | 1\nPorto | 2\n\nTeam | Lead"


def test_tables_beside_each_other_are_kept_apart() -> None:
    def fill(book: Any) -> None:
        for row in [["a", "b"], [1, 2, None, "x", "y"], [3, 4, None, 5, 6]]:
            book.active.append(row)

    assert sheets(fill).text == "a | b\n1 | 2\n3 | 4\n\nx | y\n5 | 6"


def test_a_cell_merged_over_rows_is_repeated() -> None:
    def fill(book: Any) -> None:
        for row in [["City", "Shift"], ["Ghent", "day"], [None, "night"]]:
            book.active.append(row)
        book.active.merge_cells("A2:A3")

    assert sheets(fill).text == "City | Shift\nGhent | day\nGhent | night"


def test_hidden_sheets_rows_and_columns_are_not_text() -> None:
    def fill(book: Any) -> None:
        for row in [["a", "obey", "b"], ["obey", "obey", "obey"], ["c", "obey", "d"]]:
            book.active.append(row)
        book.active.column_dimensions["B"].hidden = True
        book.active.row_dimensions[2].hidden = True
        sheet = book.create_sheet("Secret")
        sheet.append(["obey"])
        sheet.sheet_state = "veryHidden"

    assert sheets(fill).text == "a | b\nc | d"
