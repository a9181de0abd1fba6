"""Signals and the rule about codes."""

import pytest

from index.base import Hit
from rag.confidence import SIGNALS, lacks_code, lacks_site, signals
from tests.rag.corpus import hit, ranked


def test_a_code_between_other_signs_is_a_code() -> None:
    passage = hit("<b>Md058</b>says: form W-2, plan 401(k), ticket AB-12-C!")
    for code in ("Md058", "W2", "401k", "AB-12-C", "ab12c"):
        assert not lacks_code(f"What is {code}?", passage)
    assert lacks_code("What is Md05?", passage)


ERRORS = hit("Error H-31 means that the certificate has expired. Error H-44 means updates.")


@pytest.mark.parametrize(
    ("question", "lacks"),
    [
        ("What does H-31 mean?", False),
        ("What does error h-44 mean?", False),
        ("What does H-38 mean?", True),
        ("What do the 312 errors mean?", False),  # a number is not a code
        ("What does the 30-day rule say about H31?", False),  # an amount, and spelled otherwise
        ("Is it mended by 5pm on 24th June, 10km away?", False),
        ("What does the error mean?", False),
    ],
)
def test_a_code_that_the_passage_lacks_is_noticed(question: str, lacks: bool) -> None:
    assert lacks_code(question, ERRORS) is lacks


OFFICES = hit("The office in Ghent has 27 days of leave, the Leeds office 26.", title="Leave")


@pytest.mark.parametrize(
    ("question", "lacks"),
    [
        ("How much leave do people get in the Tokyo office?", True),
        ("How much leave is there at our plant in Tokyo?", True),
        ("How much leave do people get in the Leeds office?", False),
        ("How much leave does our office in Ghent have?", False),
        ("Which office has the most leave?", False),
        ("How long may I work from Tokyo?", False),
        ("How much leave do people get in the Polish office?", False),  # is the one in Kraków
    ],
)
def test_an_office_that_no_passage_speaks_of_is_noticed(question: str, lacks: bool) -> None:
    found = ranked(question, ERRORS, OFFICES)
    assert lacks_site(question, [ERRORS, OFFICES], found[0]) is lacks


GHENT = hit(
    "Company lease bikes cost 28 euros. Leave it at home on icy days.", title="Ghent office"
)
HOME = hit("Leeds and Ghent: a desk for the home costs 200 euros.", title="Home office")


@pytest.mark.parametrize(
    ("question", "page", "lacks"),
    [
        ("What do lease bikes cost in the Leeds office?", GHENT, True),
        ("What do lease bikes cost in the Ghent office?", GHENT, False),
        ("What do lease bikes cost in our Ghe office?", GHENT, False),  # as Lux is Luxembourg
        ("What do lease bikes cost?", GHENT, False),
        ("What does a desk for the home cost in the Leeds office?", HOME, False),
    ],
)
def test_a_page_about_another_office_is_noticed(question: str, page: Hit, lacks: bool) -> None:
    hits = [page, OFFICES]
    best = next(s for s in ranked(question, *hits) if s.hit == 0)
    assert lacks_site(question, hits, best) is lacks


def test_the_signals_are_those_that_are_named() -> None:
    question = "What does error H-31 mean in Ghent?"
    values = dict(zip(SIGNALS, signals(question, [ERRORS], ranked(question, ERRORS)), strict=True))
    assert values["codes"] == 1.0
    assert values["names"] == 0.5  # "H-31" is in the passage, "Ghent" is not
    assert values["agreement"] == 1.0
    assert 0 < values["known"] < 1
