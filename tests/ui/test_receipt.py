"""`footnote receipt`: what it shows, to whom, and a replay against another generation."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from rag import confidence
from rag.confidence import SIGNALS, Calibration
from rag.evidence import Weights
from tests.fake_models import OVERLAP, HashEmbedder, ScriptedModel
from tests.rag.corpus import RANKING
from ui import wiring
from ui.cli import main

SURE = Weights(np.zeros(len(SIGNALS)), np.ones(len(SIGNALS)), np.zeros(len(SIGNALS)), 5.0)
SETTINGS = """
[[sources]]
type = "files"
name = "wiki"
kind = "wiki"
path = "wiki"
readers = ["everyone"]
rules = [{ path = "hr/**", readers = ["group:hr"] }]
[groups]
hr = ["ann@x.org"]
[answer]
kept = 0
"""
OPEN = SETTINGS.replace('rules = [{ path = "hr/**", readers = ["group:hr"] }]\n', "")
WEEKS = "How many weeks is parental leave?"


class House:
    """A wiki with an index, and the command line that answers from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "settings.toml"

    def fill(self) -> None:
        self.file.write_text(SETTINGS)
        self.write("leave", "Parental leave is 20 weeks at full pay.")
        self.write("travel", "Trains are booked by Finance in the week before.")
        self.write("hr/leave", "Parental leave of directors is 30 weeks long.")
        self.run("ingest")

    def write(self, page: str, text: str) -> None:
        file = self.folder / "wiki" / f"{page}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# About {page.replace('/', ' ')}\n\n{text}\n")

    def tried(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["--settings", str(self.file), *arguments])

    def run(self, *arguments: str) -> str:
        result = self.tried(*arguments)
        assert result.exit_code == 0, result.output
        return result.output

    def ask(self, question: str = WEEKS, *arguments: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run("ask", question, "--json", *arguments))
        return answer

    def receipt(self, *arguments: str) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.run("receipt", "--json", *arguments))
        return facts


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an index, for every test to copy."""
    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wiring, "embedder", lambda _section: HashEmbedder())
        House(folder).fill()
    return folder


@pytest.fixture
def house(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    model = ScriptedModel("Parental leave is 20 weeks. Pigs fly at noon. ")
    monkeypatch.setattr(wiring, "embedder", lambda _section: HashEmbedder())
    monkeypatch.setattr(wiring, "readers", lambda _section, _merged: OVERLAP)
    monkeypatch.setattr(wiring, "model", lambda _section, _merged: model)
    monkeypatch.setattr(confidence, "load", lambda: Calibration(RANKING, SURE, "fitted-1"))
    return House(shutil.copytree(made, tmp_path / "house"))


def test_the_last_answer_is_shown_with_passages_attempts_and_verdicts(house: House) -> None:
    answer = house.ask()
    shown = house.run("receipt")
    for words in (
        f"Answer      {answer['id']}: answered, confidence 0.99",
        f"Question    {WEEKS}",
        f"Searched    {WEEKS}",
        "Index       generation 000001",
        "language scripted",
        "reader overlap",
        "calibration fitted-1",
        "Attempt 1   small (answer-3), 10 passages: answered there 0.99",
        "   1. [1]  score ",
        "wiki:leave.md  About leave",
        "sentence 1 (5 words): supported by “Parental leave is 20 weeks at full pay.” wiki:leave",
        "sentence 2 (4 words): dropped, nothing that was found says so",
        "this is the answer",
    ):
        assert words in shown
    assert "Pigs" not in shown
    assert "hr/leave" not in shown


def test_an_attempt_that_nothing_supports_and_the_quote_instead_are_shown(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ScriptedModel("Pigs fly at noon. ")
    monkeypatch.setattr(wiring, "model", lambda _section, _merged: model)
    house.ask()
    shown = house.run("receipt")
    assert "weak in grounding" in shown
    assert "Attempt 2   extractive, 10 passages" in shown
    assert "Pigs" not in shown


def test_json_carries_the_quote_with_its_offsets(house: House) -> None:
    answer = house.ask()
    facts = house.receipt(answer["id"][:10])
    (quote,) = (q for c in answer["citations"] for q in c["quotes"])
    (given,) = [a for a in facts["receipt"]["attempts"] if a["answers"]]
    sentence, dropped = given["sentences"]
    assert dropped["outcome"] == "dropped"
    assert (sentence["quote"], sentence["start"], sentence["end"]) == (
        quote["text"], quote["start"], quote["end"],
    )  # fmt: skip
    scores = [each["score"] for each in given["candidates"]]
    assert scores == sorted(scores, reverse=True)
    assert facts["larger_model"] is None


def test_a_person_sees_only_their_own(house: House) -> None:
    anns = house.ask(WEEKS, "--user", "ann@x.org")["id"]
    assert anns in house.run("receipt", anns, "--user", "Ann@X.org")
    for arguments in ((anns,), ()):
        refused = house.tried("receipt", *arguments, "--user", "bob@x.org")
        assert refused.exit_code == 1
        assert "There is no answer" in refused.output
    assert "by ann@x.org" in house.run("receipt", anns)


def test_what_its_asker_may_not_read_any_more_has_neither_name_nor_words(house: House) -> None:
    house.ask(WEEKS, "--user", "ann@x.org")
    assert "hr/leave" in house.run("receipt")
    house.file.write_text(SETTINGS.replace("ann@x.org", "eve@x.org"))
    shown = house.run("receipt")
    assert "a document that its asker may not read any more" in shown
    assert "hr/leave" not in shown
    house.run("forget", "wiki:leave.md", "--yes")
    shown = house.run("receipt")
    assert "wiki:leave" not in shown
    assert "20 weeks" not in shown
    assert "what it rests on is not readable" in shown


def test_a_changed_text_is_not_passed_off_as_what_was_cited(house: House) -> None:
    house.ask()
    house.write("leave", "Parental leave is 26 weeks at full pay.")
    house.run("ingest")
    shown = house.run("receipt")
    assert "wiki:leave.md  About leave (its text changed since)" in shown
    assert "what it rests on is changed since" in shown
    assert "26 weeks" not in shown


def test_a_replay_shows_what_another_generation_changes(house: House) -> None:
    first = house.ask()
    house.write("leave", "Parental leave is 26 weeks at full pay.")
    house.write("camp", "The parental camp is in July.")
    house.run("ingest")
    replay = house.receipt(first["id"], "--replay", "2")["replay"]
    assert (replay["generation"], replay["left_out"]) == ("000002", 0)
    assert "26 weeks" in replay["answer"]["text"]
    changes = "\n".join(replay["changes"])
    assert "found wiki:camp.md#" in changes
    assert "rested on wiki:leave.md#" in changes
    assert house.receipt(first["id"], "--replay", "1")["replay"]["changes"] == []
    assert "nothing changed" in house.run("receipt", first["id"], "--replay", "000001")
    assert house.receipt()["answer"] == first["id"]  # a replay is no question


def test_a_replay_never_shows_what_was_taken_from_its_asker_since(house: House) -> None:
    house.file.write_text(OPEN)
    house.run("ingest")
    house.ask("How long is parental leave of directors?")
    assert "hr/leave" in house.run("receipt")
    house.file.write_text(SETTINGS)
    house.run("ingest")
    assert "Index       generation 000003" in house.run("status")
    replay = house.receipt("--replay", "2")["replay"]
    assert replay["left_out"] == 1
    assert "hr/leave" not in json.dumps(replay)
    assert "30 weeks" not in json.dumps(replay)
    assert "directors" not in json.dumps(replay["answer"])
    house.run("forget", "wiki:travel.md", "--yes")
    assert house.receipt("--replay", "2")["replay"]["left_out"] == 2


@pytest.mark.parametrize(
    ("generation", "message"),
    [("9", "There is no generation 000009"), ("last", "There are: 000001")],
)
def test_a_generation_that_is_not_there_is_named(
    house: House, generation: str, message: str
) -> None:
    house.ask()
    refused = house.tried("receipt", "--replay", generation)
    assert refused.exit_code == 1
    assert message in refused.output


def test_a_generation_of_other_vectors_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.ask()
    monkeypatch.setattr(HashEmbedder, "name", "hash@2")
    assert "20 weeks at full pay" in house.run("receipt")  # reading needs no vectors
    refused = house.tried("receipt", "--replay", "1")
    assert refused.exit_code == 1
    assert "its vectors cannot be compared" in refused.output


def test_a_question_whose_words_are_gone_cannot_be_replayed(house: House) -> None:
    house.file.write_text(SETTINGS + "[journal]\ndays = 0\n")
    answer = house.ask()
    shown = house.run("receipt", answer["id"])
    assert "not kept any more, see [journal] days" in shown
    refused = house.tried("receipt", "--replay", "1")
    assert refused.exit_code == 1
    assert "cannot be asked again" in refused.output
