"""Follow-ups made stand-alone."""

import pytest

from rag.base import Question
from rag.retrieve import CARRIED, standalone

EARLIER = (("How many weeks is parental leave in Ghent?", "18 weeks."),)
DRIFTED = (
    ("Who founded the Byzantine Empire?", "Constantine founded the Byzantine Empire in 330."),
    ("When did it become Catholic?", "In 380 the Empire took Nicene Christianity."),
)


def asked(text: str, history: tuple[tuple[str, str], ...] = EARLIER) -> str:
    return standalone(Question(text, frozenset(), history))


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        ("And for contractors?", ["contractors", "parental", "leave"]),
        ("How do I apply for it?", ["apply", "parental", "leave"]),
        ("In Leeds?", ["Leeds", "parental", "leave"]),
        ("Same for interns in Leeds?", ["interns", "parental", "leave"]),
        ("what about sick days, how many of these?", ["sick", "parental", "leave"]),
    ],
)
def test_a_follow_up_carries_the_subject_of_the_question_before(
    text: str, carried: list[str]
) -> None:
    query = asked(text)
    assert query.startswith(text)
    assert all(word in query for word in carried)


@pytest.mark.parametrize("history", [(), EARLIER, DRIFTED])
@pytest.mark.parametrize(
    "text",
    [
        "Which supplier delivers the batteries for Rootline probes?",
        "Is there a helipad on the roof of the Leeds office?",  # "there" points at nothing
        "Is there a dress code?",
        "Who runs one-on-one meetings?",
        "Same day delivery costs?",
        "Do the vans have a tracker, and where is its data kept?",  # "its" is the tracker's
    ],
)
def test_a_question_that_stands_alone_borrows_nothing_of_another_subject(
    text: str, history: tuple[tuple[str, str], ...]
) -> None:
    assert asked(text, history) == text


def test_what_the_whole_conversation_is_about_outlives_a_turn_that_does_not_say_it() -> None:
    query = asked("Why did it fall?", DRIFTED)
    assert {"Byzantine", "Empire"} <= set(query.split())
    assert query.index("Empire") < query.index("Byzantine")  # the answers repeat it


def test_a_thread_whose_answers_are_not_known_still_carries_its_questions() -> None:
    silent = tuple((question, "") for question, _ in DRIFTED)  # as Slack tells it
    assert "Byzantine Empire" in asked("Why did it fall?", silent)


def test_only_a_few_words_are_carried_and_none_twice() -> None:
    long = (("How many weeks of leave do parents in Ghent get?", " ".join(map(str, range(99)))),)
    borrowed = asked("and for parents?", long).split()[3:]
    assert len(borrowed) == CARRIED
    assert len(set(borrowed)) == CARRIED
    assert "parents" not in borrowed


def test_small_talk_between_two_questions_is_no_turn_of_theirs() -> None:
    assert asked("And for contractors?", (*EARLIER, ("thanks, great!", ""))) == asked(
        "And for contractors?"
    )
    assert asked("And then?", (("hi there", ""),)) == "And then?"
