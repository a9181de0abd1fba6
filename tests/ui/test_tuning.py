"""Labelled folders into examples: what retrieval missed is put back, to be learned from."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rag.eval.questions import EvalQuestion
from rag.tune.calibrate import Example
from rag.tune.unanswered import without_answer
from tests.fake_models import HashEmbedder
from tests.rag.corpus import hit
from tests.ui.fake_answers import MemoryStore
from ui import evaluation, tuning, wiring
from ui.settings import SettingsError
from ui.tuning import Labelled, _helped, _sentences, _titled, _unanswered

OTHERS = [hit(f"The shed of site {n} opens at six.", document=f"wiki:shed-{n}") for n in range(12)]
LEAVE = hit("Unused days lapse on 31 March. " + "The lights stay on all night. " * 10)


def question(*, answerable: bool = True) -> EvalQuestion:
    evidence = (("leave", "Unused days lapse on 31 March."),) if answerable else ()
    return EvalQuestion(
        "q1", "What becomes of my holiday? And the lights?", (), "", "They lapse.", "31 March", (),
        ("leave",), evidence, answerable,
    )  # fmt: skip


def test_a_chunk_that_answers_takes_the_last_place_where_none_was_found() -> None:
    assert _helped([*OTHERS, LEAVE], question(), 10) == [*OTHERS[:9], LEAVE]
    assert _helped([LEAVE, *OTHERS], question(), 10) == [LEAVE, *OTHERS[:9]]
    assert _helped(OTHERS, question(), 10) == OTHERS[:10]
    assert _helped([*OTHERS, LEAVE], question(answerable=False), 10) == OTHERS[:10]


def test_a_sentence_that_answers_is_among_those_found_though_it_shares_no_word() -> None:
    asked = question()
    shared = [hit("Is it about the lights? " + "My lights. And the holiday lights! " * 20)] * 2
    hits = (*shared, LEAVE)
    found, answers = _sentences(Example(asked, asked.text, hits))
    (right,) = (s for s, answer in zip(found, answers, strict=True) if answer)
    assert (right.hit, right.text) == (2, "Unused days lapse on 31 March.")


def test_taken_away_is_every_page_that_answers_and_every_copy_of_its_words() -> None:
    copy = hit("From our FAQ: unused days  lapse on 31 March.", document="wiki:faq")
    other = hit("Days of 31 staff lapse. March is busy.", document="wiki:near")
    part = hit("More of the page.", document="leave")
    assert without_answer([OTHERS[0], LEAVE, copy, other, part], question()) == [OTHERS[0], other]
    # LEAVE is of another document than the gold one, and goes for what it says
    assert LEAVE.chunk.document.id != "leave"
    nothing_known = replace(question(), short="", evidence=(), gold=())
    assert without_answer([LEAVE, copy], nothing_known) == [LEAVE, copy]


def test_a_question_comes_again_with_nothing_that_answers_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiring, "embedder", lambda _section: HashEmbedder())
    monkeypatch.setattr(evaluation, "PRIVATE", tmp_path / "private")
    monkeypatch.setattr(tuning, "STRANGE", 1.0)
    ghent, leeds = company(tmp_path / "ghent", "noon"), company(tmp_path / "leeds", "eleven")
    found = list(_unanswered([ghent, leeds], HashEmbedder()))
    assert [(e.query, told(e)) for e in found] == [
        ("When does the canteen of ghent open?", {"Bikes stand behind the house of ghent."}),
        ("When does the canteen of leeds open?", both("ghent", "noon")),
        ("When does the canteen of leeds open?", {"Bikes stand behind the house of leeds."}),
        ("When does the canteen of ghent open?", both("leeds", "eleven")),
    ]
    for example in found:
        assert not example.question.answerable
        assert not any(_sentences(example)[1])
    again = replace(ghent, questions=leeds.questions)  # the same folder, other questions
    assert len(list(_unanswered([ghent, again], HashEmbedder()))) == 2  # nothing of elsewhere


@pytest.mark.parametrize(
    "run",
    [
        lambda start, out: tuning.reader([], None, out, start),
        lambda start, out: tuning.list_reader([], None, out, start),
        lambda start, out: tuning.lora(rows(out), None, None, out, {}, start=start),
    ],
)
def test_a_start_that_no_run_wrote_is_refused_before_anything_is_done(
    run: Callable[[Path, Path], str], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=r"begin holds no adapter.*--start"):
        run(tmp_path / "begin", tmp_path / "out")
    assert not (tmp_path / "out" / "rows.jsonl").exists()


def test_eight_bits_need_something_to_measure_and_enough_questions(tmp_path: Path) -> None:
    few = rows(tmp_path)
    with pytest.raises(SettingsError, match=r"--reader FOLDER or --encoder FILE"):
        tuning.eight_bits(few, None, None)
    with pytest.raises(SettingsError, match=r"holds no adapter.*--reader is a folder"):
        tuning.eight_bits(few, tmp_path, None)
    with pytest.raises(SettingsError, match="questions with candidates: 300 are needed"):
        tuning.eight_bits(few, None, tmp_path / "ranges")
    assert not (tmp_path / "ranges").exists()


def test_a_start_of_another_rank_is_refused_with_the_rank_to_ask_for(tmp_path: Path) -> None:
    (tmp_path / "adapter_model.safetensors").touch()
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 8}))
    with pytest.raises(SettingsError, match="--rank 8"):
        tuning.lora(rows(tmp_path), None, None, tmp_path, {"rank": 16}, start=tmp_path)


def company(folder: Path, hour: str) -> Labelled:
    pages = folder / "documents"
    pages.mkdir(parents=True)
    bikes, opens = sorted(both(folder.name, hour))
    (pages / "canteen.md").write_text(opens)
    (pages / "bikes.md").write_text(bikes)
    asked = {
        "qid": "1", "question": f"When does the canteen of {folder.name} open?", "answer": hour,
        "gold": ["canteen.md"], "evidence": [{"doc": "canteen.md", "text": opens}],
        "answerability": "ANSWERABLE",
    }  # fmt: skip
    (folder / "questions.jsonl").write_text(json.dumps(asked))
    return Labelled.parse(str(folder))


def both(site: str, hour: str) -> set[str]:
    return {
        f"Bikes stand behind the house of {site}.", f"The canteen of {site} opens at {hour}."
    }  # fmt: skip


def told(example: Example) -> set[str]:
    return {h.chunk.text.strip() for h in example.hits}


def rows(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "turns.jsonl").touch()
    return folder / "turns.jsonl"


def test_a_thread_that_is_a_text_file_has_the_title_that_slack_would_give_it() -> None:
    first = hit(
        "Ann Lee (2026-03-05 05:50): Which torque do we use on the four housing screws of the lid "
        "since January?\n\nBo Kim (2026-03-05 06:00): 0.6 Nm.",
        document="documents:slack/ghent-line-2.txt",
        title="ghent line 2",
    )
    later = replace(first, chunk=replace(first.chunk, text="Ann Lee (2026-03-06 08:00): thanks"))
    expected = "#ghent-line: Which torque do we use on the four housing screws of the…"
    for found in (first, later):
        titled = _titled(found, MemoryStore([[first.chunk]]))
        assert titled.chunk.document.title == expected
        assert titled.chunk.text == found.chunk.text
    for other in ("documents:wiki/slack.md", "documents:slack/notes-1.txt"):
        page = hit("The lid.", document=other)
        assert _titled(page, MemoryStore([[page.chunk]])) is page
