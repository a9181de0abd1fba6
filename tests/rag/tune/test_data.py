"""Training examples: in the product's own prompt, supported, and counted when left out."""

from pathlib import Path

import pytest

from rag import prompt
from rag.eval.questions import EvalQuestion
from rag.evidence import candidates
from rag.tune.calibrate import Example, answers
from rag.tune.data import REFUSAL, Curated, curate, load, table, write
from tests.fake_models import ScriptedModel
from tests.rag.corpus import LIKELY, hit

LEAVE = "Everyone gets 25 days of leave a year. Unused leave lapses on 31 March."
BIKES = "The bike shed is open from six. Leave the bike lights on."


def question(
    text: str = "When does unused leave lapse?",
    answer: str = "It lapses on 31 March.",
    *,
    evidence: str = "Unused leave lapses on 31 March.",
    short: str = "31 March",
    answerable: bool = True,
) -> EvalQuestion:
    return EvalQuestion(
        "q1", text, (), "", answer, short, (), ("wiki:leave",),
        (("wiki:leave", evidence),) if evidence else (), answerable,
    )  # fmt: skip


def curated(*questions: EvalQuestion, refusals: float = 0.0, tokens: int = 200) -> Curated:
    def found(asked: EvalQuestion) -> tuple[Example, list, list[bool]]:  # type: ignore[type-arg]
        hits = (hit(BIKES, document="wiki:bikes", title="Bikes"), hit(LEAVE))
        example = Example(asked, asked.text, hits)
        sentences = candidates(asked.text, hits)
        return example, sentences, [answers(sentence, example) for sentence in sentences]

    return curate(
        (found(asked) for asked in questions),
        LIKELY,
        ScriptedModel(""),
        prompt_tokens=tokens,
        refusals=refusals,
        seed=0,
    )


def test_a_turn_is_the_prompt_that_answering_builds_and_cites_the_passage_of_the_evidence() -> None:
    (turn,) = curated(question()).turns
    assert turn.system == prompt.system()
    marker = next(line for line in turn.user.split("\n") if "31 March" in line)[:3]
    assert turn.reply == f"It lapses on 31 March. {marker}"
    assert turn.user.endswith("Question: When does unused leave lapse?")


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        (question(answer="It lapses on 30 March."), "answer not in the words of its evidence"),
        (question(answer="Talk to somebody in human resources."), "answer not in the words"),
        (
            question(evidence="Elsewhere it says something entirely different."),
            "evidence not among",
        ),
        (question(answerable=False, evidence=""), "unanswerable"),
    ],
)
def test_a_question_that_would_teach_something_wrong_is_left_out_and_counted(
    asked: EvalQuestion, outcome: str
) -> None:
    made = curated(asked)
    assert made.turns == ()
    assert [name.startswith(outcome) for name in made.outcomes] == [True]


def test_unanswerable_questions_become_refusals_by_the_share_asked_for() -> None:
    asked = [
        question(f"Does leave number {n} lapse?", "", evidence="", short="", answerable=False)
        for n in range(40)
    ]
    replies = [turn.reply for turn in curated(*asked, refusals=0.5).turns]
    assert set(replies) == {REFUSAL}
    assert 10 <= len(replies) <= 30


def test_the_evidence_is_placed_as_the_readers_place_it() -> None:
    asked = [question(f"When does unused leave of year {n} lapse?") for n in range(200)]
    turns = curated(*asked).turns
    first = sum(turn.user.startswith("[1] Leave: Unused leave lapses") for turn in turns)
    assert 0.65 < first / len(turns) < 0.85


def test_a_question_written_twice_counts_once() -> None:
    made = curated(question(), question())
    assert made.outcomes == {"kept": 1, "duplicate": 1}
    assert "50.0%" in table(made.outcomes)


def test_evidence_that_does_not_fit_the_prompt_is_left_out() -> None:
    assert curated(question(), tokens=1).outcomes == {"evidence does not fit the prompt": 1}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    made = curated(question())
    write(made.turns, tmp_path / "turns.jsonl")
    assert tuple(load(tmp_path / "turns.jsonl")) == made.turns
