import math
from dataclasses import replace

import pytest

from rag.base import Answer, Quote
from rag.eval.rows import Cited, Ranked, Worded, failure, ranked, reply
from tests.rag.eval.examples import abstention, answer, citation, hit, question

ASKED = question(
    answer="You get 30 days of leave a year.",
    short="30 days",
    gold=("leave.md", "faq.md"),
    evidence=(("leave.md", "Everyone has **30 days** of leave."),),
)
TEXT = "Leave. Everyone has 30 days of leave."


def text_of(document_id: str) -> str | None:
    return TEXT if document_id == "d:leave.md" else None


def test_a_search_is_scored_by_its_documents_and_its_first_five_passages() -> None:
    others = [hit(f"d:other{n}.md") for n in range(4)]
    hits = [*others, hit("d:leave.md", "About leave."), hit("d:leave.md", TEXT)]
    scores = ranked(ASKED, hits)
    assert scores is not None
    assert (scores.hit_1, scores.hit_5, scores.recall_5, scores.evidence_5) == (0, 1, 0.5, 0)
    assert scores.ndcg_10 == pytest.approx((1 / math.log2(6)) / (1 + 1 / math.log2(3)))
    found = ranked(ASKED, hits[-1:])
    assert found == Ranked(1, 1, 0.5, 1 / (1 + 1 / math.log2(3)), 1)
    assert ranked(ASKED, []) == Ranked(0, 0, 0, 0, 0)


def test_a_search_without_known_documents_is_not_scored() -> None:
    assert ranked(question(), [hit("d:leave.md")]) is None
    scores = ranked(question(gold=("leave.md",)), [hit("d:leave.md")])
    assert scores == Ranked(1, 1, 1, 1, None)


def test_an_answer_is_scored_by_words_and_citations() -> None:
    leave = citation("d:leave.md", Quote("Everyone has 30 days", 7, 27), Quote("30 Days", 20, 27))
    other = citation("d:other.md", Quote("Everyone has 30 days", 0, 20))
    scores = reply(ASKED, answer("Everyone gets 30 days [1].", leave, other), text_of)
    # 30, days of everyone, gets, 30, days; expected: you get 30 days of leave year.
    assert scores.worded == Worded(exact=0, contains=1, f1=2 * 2 / (4 + 7))
    assert scores.cited == Cited(citations=2, gold=1, evidence=1, quotes=2, identical=1)
    assert (scores.status, scores.model, scores.confidence, scores.right) == (
        "answered",
        "small",
        0.9,
        True,
    )


def test_an_abstention_says_nothing_and_cites_nothing() -> None:
    leave = citation("d:leave.md", Quote("Leave.", 0, 6))
    told = replace(abstention(), text="Not found: 30 days.", citations=(leave,))
    scores = reply(ASKED, told, text_of)
    assert scores.worded == Worded(exact=0, contains=0, f1=0)
    assert scores.cited == Cited(citations=0, gold=0, evidence=0, quotes=0, identical=0)
    assert (scores.text, scores.status) == ("Not found: 30 days.", "abstained")


@pytest.mark.parametrize(
    ("given", "right"),
    [
        (answer("30 days [1]."), True),
        (answer("You get leave of thirty days a year [1]."), True),  # F1 of 6 of 7 words
        (answer("Nobody knows."), False),
        (abstention("30 days [1]."), True),
        (abstention("Nobody knows."), False),
        (abstention(""), None),
    ],
)
def test_confidence_is_judged_by_what_was_said_or_withheld(
    given: Answer, right: bool | None
) -> None:
    assert reply(ASKED, given, text_of).right is right


def test_nothing_is_right_on_an_unanswerable_question() -> None:
    asked = question(answer="I do not know.", answerable=False)
    for given in (answer("I do not know."), abstention("I do not know."), abstention()):
        assert reply(asked, given, text_of).right is False


def test_without_known_documents_citations_are_counted_but_not_judged() -> None:
    scores = reply(question(answer="x"), answer("x", citation("d:a")), text_of)
    assert scores.cited == Cited(citations=1, gold=None, evidence=None, quotes=0, identical=0)


@pytest.mark.parametrize(
    ("quote", "identical"),
    [
        (Quote("leave.", 31, 37), 1),
        (Quote("leave.", 30, 36), 0),
        (Quote("leave.", 31, 38), 0),  # past the end
        (Quote("leave", -6, -1), 0),
        (Quote("", 5, 5), 0),
    ],
)
def test_a_quote_is_verbatim_at_its_own_offsets_only(quote: Quote, identical: int) -> None:
    scores = reply(ASKED, answer("x", citation("d:leave.md", quote)), text_of)
    assert (scores.cited.quotes, scores.cited.identical) == (1, identical)


def test_a_failure_is_neither_an_answer_nor_a_refusal() -> None:
    scores = failure(ASKED)
    assert (scores.status, scores.right, scores.timings) == ("failed", None, None)
    assert scores.worded == Worded(exact=0, contains=0, f1=0)
