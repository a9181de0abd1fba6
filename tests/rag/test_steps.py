"""A numbered list is told whole where a way of doing something is asked for, and only there."""

import pytest

from rag import cite, steps
from rag.cite import Claim
from rag.words import asks_how
from tests.rag.corpus import hit, ranked

PAGE = """Harbor is how you reach the lab.

Setting it up takes five minutes:

1. Install Harbor from the store.
2. Sign in. Approve on your phone.
3. Choose the profile everyday.

Sessions last 12 hours. You may have two devices."""


def told(question: str, text: str = PAGE, *, begins: str = "Choose") -> list[Claim]:
    of_page = hit(text, title="Harbor VPN")
    found = ranked(question, of_page)
    best = next(s for s in found if s.text.startswith(begins))
    return steps.claims(question, [best, *(s for s in found if s is not best)], [of_page])


def test_all_steps_are_told_in_order_each_resting_on_its_own_sentences() -> None:
    found = told("How do I set up the VPN?")
    assert [claim.text for claim in found] == [
        "Install Harbor from the store.",
        "Sign in. Approve on your phone.",
        "Choose the profile everyday.",
    ]
    for claim in found:
        assert claim.support is not None
        assert PAGE[claim.support.start : claim.support.end] == claim.support.text


def test_a_line_a_step_below_the_line_that_introduces_them() -> None:
    text, citations = cite.cited(told("How do I set up the VPN?"), [hit(PAGE)])
    assert text.splitlines() == [
        "Setting it up takes five minutes:",
        "1. Install Harbor from the store. [1]",
        "2. Sign in. Approve on your phone. [1]",
        "3. Choose the profile everyday. [1]",
    ]
    assert "Setting it up takes five minutes:" in {each.text for each in citations[0].quotes}


def test_a_number_in_brackets_that_the_page_wrote_itself_points_at_no_source() -> None:
    text = PAGE.replace("five minutes:", "five minutes [2]:").replace("store.", "store [3].")
    said, _ = cite.cited(told("How do I set up the VPN?", text), [hit(text)])
    assert "[2]" not in said
    assert "[3]" not in said
    assert said.count("[1]") == 3


def test_who_asks_for_a_fact_or_is_answered_elsewhere_gets_no_list() -> None:
    assert told("Which profile is for everyday use?") == []
    assert told("How do I set up the VPN?", begins="Sessions") == []


@pytest.mark.parametrize(
    "text",
    [
        PAGE.replace("1. Install", "4. Install").replace("2. ", "5. ").replace("3. ", "6. "),
        PAGE.replace("2. Sign in.", "2. Sign in. " + "Wait a little while. " * 4),
        PAGE.replace("store.", "store " + "or the other store " * 30 + "."),
    ],
    ids=["its beginning is elsewhere", "a step is a page", "too long"],
)
def test_a_list_that_is_not_whole_or_long_is_quoted_as_any_text(text: str) -> None:
    assert told("How do I set up the VPN?", text) == []


def test_every_item_may_be_numbered_1_and_a_second_list_is_another() -> None:
    lazy = PAGE.replace("2. ", "1. ").replace("3. ", "1. ")
    assert len(told("How do I set up the VPN?", lazy)) == 3
    two = f"{PAGE}\n\n1. Quit Harbor for good.\n2. Give the laptop back."
    assert [c.step for c in told("How do I leave?", two, begins="Quit")] == [1, 2]


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("How do I report a phishing mail?", True),
        ("how to book a room", True),
        ("What are the steps to calibrate a probe?", True),
        ("I lost my laptop, what do I do?", True),
        ("What is the process for a refund?", True),
        ("How many days off do I get?", False),
        ("How long is the warranty?", False),
        ("Who approves travel?", False),
    ],
)
def test_what_asks_for_a_way_of_doing_something(question: str, asks: bool) -> None:
    assert asks_how(question) is asks
