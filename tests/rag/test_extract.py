"""The extractive answer: one sentence when sure, up to three when not, readable alone."""

from dataclasses import replace

import pytest

from rag.cite import Claim
from rag.evidence import Sentence
from rag.extract import claims, may_shorten, shortens
from tests.rag.corpus import hit, ranked

LEAVE = hit(
    "Parental leave is 20 weeks. It is at full pay. Ask Marta.\n\n"
    "Leave accrues so:\n\n- under 3 years: 4 hours\n\nRegion | Days\nLeeds | 25 days a year"
)


def sentence(text: str, probability: float) -> Sentence:
    found = next(s for s in ranked("leave", LEAVE) if s.text.startswith(text))
    return replace(found, probability=probability)


def said(*sentences: Sentence) -> list[str]:
    return [claim.text for claim in claims(sentences)]


def test_a_sure_answer_is_one_sentence() -> None:
    assert said(sentence("Parental", 0.9), sentence("It is", 0.1)) == [
        "Parental leave is 20 weeks."
    ]


def test_an_unsure_one_has_up_to_three_in_reading_order() -> None:
    found = [sentence("It is", 0.3), sentence("Parental", 0.2), sentence("under", 0.1)]
    assert said(*found, sentence("Leeds", 0.1)) == [
        "Parental leave is 20 weeks.",
        "It is at full pay.",
        "Leave accrues so: under 3 years: 4 hours",
    ]


def test_the_likeliest_comes_first_unless_it_follows_another() -> None:
    pay, weeks, hours = sentence("It is", 0.3), sentence("Parental", 0.2), sentence("under", 0.3)
    assert said(pay, weeks) == ["Parental leave is 20 weeks.", "It is at full pay."]
    assert said(hours, weeks) == [
        "Leave accrues so: under 3 years: 4 hours",
        "Parental leave is 20 weeks.",
    ]


def test_how_something_is_done_is_told_in_reading_order() -> None:
    hours, weeks = sentence("under", 0.3), sentence("Parental", 0.2)
    told = [claim.text for claim in claims([hours, weeks], in_order=True)]
    assert told == ["Parental leave is 20 weeks.", "Leave accrues so: under 3 years: 4 hours"]


def test_a_sentence_that_goes_on_from_another_is_told_with_it_however_unlikely_that_is() -> None:
    dogs = hit("Dogs are welcome on Fridays. Not in the room Whin. The lift is old.")
    found = ranked("May I bring my dog?", dogs)
    first = next(s for s in found if s.text.startswith("Not"))
    others = [replace(s, probability=0.01) for s in found if s is not first]
    assert said(replace(first, probability=0.9), *others) == [
        "Dogs are welcome on Fridays.",
        "Not in the room Whin.",
    ]


def test_what_another_document_adds_is_left_out() -> None:
    other = hit("Sabbaticals need a note.", document="wiki:sabbatical")
    found = ranked("leave", LEAVE, other)
    (note,) = (s for s in found if s.document == "wiki:sabbatical")
    parental = next(s for s in found if s.text.startswith("Parental"))
    both = [replace(parental, probability=0.3), replace(note, probability=0.29)]
    assert said(*both) == ["Parental leave is 20 weeks."]


def test_a_table_row_is_said_with_its_columns() -> None:
    assert said(sentence("Leeds", 0.9)) == ["Region: Leeds; Days: 25 days a year"]


def test_items_of_one_list_are_told_with_the_line_above_them_once() -> None:
    freezes = hit(
        "A release goes like this:\n\n- Open freeze 7 days before\n- Closed 2 days before"
    )
    found = [replace(s, probability=0.5) for s in ranked("When is the freeze?", freezes)]
    items = [s for s in found if s.lead]
    told = claims(items)
    assert [claim.text for claim in told] == [
        "A release goes like this: Open freeze 7 days before",
        "Closed 2 days before",
    ]
    assert [claim.support for claim in told] == items
    between = replace(items[1], lead_start=items[1].lead_start + 1)
    assert said(items[0], between)[1] == "A release goes like this: Closed 2 days before"


def test_nothing_is_said_of_nothing() -> None:
    assert claims([]) == []


@pytest.mark.parametrize(
    ("said", "is_shorter"),
    [
        ("Parental leave is 20 weeks.", True),
        ("Leave is 20 weeks.", True),
        ("20 weeks is parental leave.", False),  # turned round
        ("Leave.", False),  # too little is left
        ("Parental leave is 20 paid weeks.", False),  # something is added
    ],
)
def test_a_shorter_answer_leaves_words_out_and_nothing_else(said: str, is_shorter: bool) -> None:
    likely = [sentence("Parental", 0.9)]
    assert shortens([Claim(said, likely[0])], claims(likely), 2 / 3) is is_shorter


@pytest.mark.parametrize(
    ("begun", "may"),
    [
        ("", True),
        ("Par", True),  # a word that may still grow
        ("Yes, parental leave is", True),
        ("- Leave is 20 weeks. [1] ", True),
        ("Leave is twenty", True),
        ("Leave is twenty weeks", False),
        ("20 weeks is parental ", False),  # turned round
    ],
)
def test_a_text_that_is_being_written_may_shorten_until_a_whole_word_does_not(
    begun: str, may: bool
) -> None:
    assert may_shorten(begun, claims([sentence("Parental", 0.9)])) is may
