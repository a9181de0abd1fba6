"""Units: sentences, list items and rows, with what introduces them."""

import pytest

from rag.sentences import units

TEXT = """Leave policy

Annual leave accrues as follows:

- Less than 3 years: 4 hours. Ask e.g. Dr. Smith.
- After that: 6 hours

Call at 9 a.m. Monday. Then go! "Really?" Yes.

Region | Days
EMEA | 25

1. do this
"""


def cut(text: str) -> list[tuple[str, str | None]]:
    return [
        (text[unit.start : unit.end], text[slice(*unit.lead)] if unit.lead else None)
        for unit in units(text)
    ]


def test_sentences_items_and_rows_come_with_their_lead() -> None:
    lead, header = "Annual leave accrues as follows:", "Region | Days"
    assert cut(TEXT) == [
        ("Leave policy", None),
        (lead, None),
        ("Less than 3 years: 4 hours.", lead),
        ("Ask e.g. Dr. Smith.", lead),
        ("After that: 6 hours", lead),
        ("Call at 9 a.m. Monday.", None),
        ("Then go!", None),
        ('"Really?"', None),
        ("Yes.", None),
        (header, None),
        ("EMEA | 25", header),
        ("do this", None),
    ]


def test_of_several_sentences_above_a_list_the_last_introduces_it() -> None:
    text = "You get a flat rate. A few things to remember:\n\n- It is 75 % on travel days."
    assert cut(text)[-1] == ("It is 75 % on travel days.", "A few things to remember:")


def test_no_row_of_a_table_that_began_before_the_text_is_its_header() -> None:
    text = "EMEA | 25\nAPAC | 21\nBoth can be carried over."
    assert [unit.lead for unit in units(text, in_table=True)] == [None, None, None]


@pytest.mark.parametrize(
    "text",
    [
        "It costs 3.5 euros.",
        "See sec. 4.2 of the guide.",
        "Approved by J. Smith and the board.",
        "U.S. Employees receive 15 days.",
        "All U.S. Federal holidays are paid.",
        "It costs max. 50 euros.",
        "Tel. 555 1234 reaches Ann Lee, Ph.D. Candidate.",
    ],
)
def test_a_full_stop_inside_a_sentence_does_not_end_it(text: str) -> None:
    assert cut(text) == [(text, None)]


def test_a_pipe_in_code_or_in_a_sentence_makes_no_table() -> None:
    shell = "    kubectl get pods | grep api\n    kubectl logs api | tail -50"
    assert cut(shell) == [
        ("kubectl get pods | grep api", None),
        ("kubectl logs api | tail -50", None),
    ]
    assert cut("Run ps aux | grep java to find it.") == [
        ("Run ps aux | grep java to find it.", None)
    ]


def test_a_number_that_begins_a_wrapped_line_is_no_list_number() -> None:
    text = "The number of days in the first year of all is\n25. After that it is 30 days."
    assert [said for said, _ in cut(text)][1] == "25."
    assert cut("Steps\n1. do this\n2. do that")[1:] == [("do this", None), ("do that", None)]


@pytest.mark.parametrize("text", ["", " \n\n ", "\n"])
def test_nothing_is_cut_from_nothing(text: str) -> None:
    assert cut(text) == []
