"""Follow-ups made stand-alone."""

import pytest

from rag.base import Question
from rag.retrieve import standalone

EARLIER = (("How many weeks is parental leave in Ghent?", "18 weeks."),)


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        ("And for contractors?", ["contractors", "parental", "leave"]),
        ("How do I apply for it?", ["apply", "parental", "leave"]),
        ("In Leeds?", ["Leeds", "parental", "leave"]),
    ],
)
def test_a_follow_up_carries_the_subject_of_the_question_before(
    text: str, carried: list[str]
) -> None:
    query = standalone(Question(text, frozenset(), EARLIER))
    assert all(word in query for word in carried)


@pytest.mark.parametrize("history", [(), EARLIER])
def test_a_question_that_stands_alone_stays_as_it_is(
    history: tuple[tuple[str, str], ...],
) -> None:
    text = "Which supplier delivers the batteries for Rootline probes?"
    assert standalone(Question(text, frozenset(), history)) == text
