import json
import logging
from pathlib import Path

import pytest

from rag.eval.questions import EvalQuestion, QuestionsError, load, names


def write(folder: Path, *rows: object) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows))
    return file


def test_every_field_is_read(tmp_path: Path) -> None:
    row = {
        "qid": "q7",
        "question": "and abroad?",
        "history": [
            {"role": "user", "text": "May I work from home?"},
            {"role": "assistant", "text": "Yes."},
        ],
        "standalone": "May I work from abroad?",
        "answer": "For 30 days a year.",
        "short": "30 days",
        "alternatives": ["thirty days", "thirty days"],
        "gold": ["pages/remote.md"],
        "evidence": [{"doc": "pages/remote.md", "text": "Up to **30 days** a year."}],
        "answerability": "ANSWERABLE",
    }
    assert load(write(tmp_path, row)) == [
        EvalQuestion(
            qid="q7",
            text="and abroad?",
            history=(("May I work from home?", "Yes."),),
            standalone="May I work from abroad?",
            answer="For 30 days a year.",
            short="30 days",
            alternatives=("thirty days",),
            gold=("pages/remote.md",),
            evidence=(("pages/remote.md", "Up to **30 days** a year."),),
            answerable=True,
        )
    ]


def test_a_bare_question_gets_its_line_as_id_and_has_no_answer(tmp_path: Path) -> None:
    file = write(tmp_path, {"question": "One?"}, "", {"question": "Two?", "standalone": None})
    assert [(q.qid, q.text, q.standalone, q.answerable) for q in load(file)] == [
        ("1", "One?", "", False),
        ("3", "Two?", "", False),
    ]


@pytest.mark.parametrize(
    ("row", "answerable"),
    [
        ({"answerability": "ANSWERABLE"}, True),
        ({"answerability": "PARTIAL"}, True),
        ({"answerability": "UNANSWERABLE", "answer": "I do not know.", "gold": []}, False),
        ({"unanswerable": True, "answer": "Nobody knows."}, False),
        ({"unanswerable": False}, True),
        ({"answer": "42"}, True),
        ({"gold": ["kb001"]}, True),
        ({"answer": "", "gold": []}, False),
    ],
)
def test_answerable(tmp_path: Path, row: dict[str, object], answerable: bool) -> None:
    assert [q.answerable for q in load(write(tmp_path, {"question": "?", **row}))] == [answerable]


def test_small_talk_is_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    thanks = {"question": "Thanks!", "answer": "Sure.", "answerability": "CONVERSATIONAL"}
    with caplog.at_level(logging.INFO):
        questions = load(write(tmp_path, thanks, {"question": "?"}, {**thanks, "qid": "x"}))
    assert [q.text for q in questions] == ["?"]
    assert "conversational=2" in caplog.text


def test_turns_without_counterpart_are_kept(tmp_path: Path) -> None:
    roles = [("assistant", "Hello."), ("user", "A?"), ("user", "B?"), ("assistant", "B.")]
    history = [{"role": role, "text": text} for role, text in roles]
    (question,) = load(write(tmp_path, {"question": "C?", "history": history}))
    assert question.history == (("", "Hello."), ("A?", ""), ("B?", "B."))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{'question'}", "not JSON"),
        ("[1]", "not an object"),
        ('{"answer": "42"}', "no question"),
        ('{"question": 5}', "question is 5"),
        ('{"question": "?", "answer": 5}', "answer is 5"),
        ('{"question": "?", "gold": "kb1"}', "gold is 'kb1'"),
        ('{"question": "?", "answerability": "MAYBE"}', "MAYBE"),
        ('{"question": "?", "unanswerable": "yes"}', "unanswerable is 'yes'"),
        ('{"question": "?", "history": [{"role": "system", "text": "x"}]}', "system"),
        ('{"question": "?", "history": ["x"]}', "history is"),
        ('{"question": "?", "qid": "first"}', "occurs twice"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    file = write(tmp_path, {"question": "?", "qid": "first"}, line)
    with pytest.raises(QuestionsError) as caught:
        load(file)
    assert f"{file}, line 2: " in str(caught.value)
    assert reason in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match=r"none\.jsonl"):
        load(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("given", "document_id", "same"),
    [
        ("kb096", "wiki:kb096", True),
        ("wiki:kb096", "wiki:kb096", True),
        ("a:b", "drive:a:b", True),
        ("b", "drive:a:b", False),
        ("kb09", "wiki:kb096", False),
        ("wiki", "wiki:kb096", False),
    ],
)
def test_an_id_may_be_whole_or_the_source_s_own(given: str, document_id: str, same: bool) -> None:
    assert names(given, document_id) == same


def test_evidence_may_be_a_span_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "leave.md").write_text("# Leave\nUp to **30 days** a year.")
    row = {"question": "How long?", "evidence": [{"doc": "leave.md", "start": 8, "end": 33}]}
    (question,) = load(write(tmp_path, row), tmp_path)
    assert question.evidence == (("leave.md", "Up to **30 days** a year."),)


@pytest.mark.parametrize(
    "span", [{"doc": "leave.md", "start": 90, "end": 99}, {"doc": "../x.md", "start": 0, "end": 1}]
)
def test_a_span_that_is_not_there_names_the_line(tmp_path: Path, span: dict[str, object]) -> None:
    (tmp_path / "leave.md").write_text("# Leave")
    with pytest.raises(QuestionsError, match="line 1"):
        load(write(tmp_path, {"question": "How long?", "evidence": [span]}), tmp_path)
