"""[model.large]: settings, the month's use in the status, and refitting the router."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from index.live import FILE, Live
from rag.base import ModelError, Question, Route, Trace
from rag.journal import Feedback
from rag.spending import Budget, Spending
from tests.fake_models import ScriptedModel
from tests.rag.models import completion_server
from tests.rag.tune.test_router import planted
from tests.ui.fake_answers import answered
from ui import cascade, doctor, evaluation, settings, wiring
from ui.cli import main
from ui.settings import Settings, SettingsError

LARGE = """
[model.large]
address = "http://127.0.0.1:9/v1"
name = "big"
"""
BUDGET = "requests_per_month = 2\ncost_per_month = 5.0\ncost_per_1k_reply_tokens = 1.0\n"
SOURCES = """
[[sources]]
type = "files"
name = "wiki"
path = "wiki"
readers = ["everyone"]
[[sources]]
type = "files"
name = "hr"
path = "hr"
readers = ["group:hr"]
local_only = true
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "settings.toml"
    file.write_text(text)
    return file


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--settings", str(folder / "settings.toml"), *arguments])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LARGE, "name requests_per_month or cost_per_month"),
        (LARGE + "cost_per_month = 5\n", "cost_per_month needs cost_per_1k_prompt_tokens"),
        (LARGE.replace("big", "small") + BUDGET, "name 'small' is taken"),
        (LARGE.replace("big", "extractive") + BUDGET, "name 'extractive' is taken"),
        (LARGE.replace("big", "comparing") + BUDGET, "name 'comparing' is taken"),
        (LARGE.replace("http://", "http://me:sk@") + BUDGET, "model.large.address"),
        (LARGE + BUDGET + "sure = 1\n", "model.large.sure"),
        ("[model.large]\nname = 'big'\nrequests_per_month = 1\n", "model.large.address"),
    ],
)
def test_a_larger_model_without_address_name_or_budget_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load(written(tmp_path, text))
    assert message in str(caught.value)


def test_it_is_off_unless_it_is_set(tmp_path: Path) -> None:
    file = written(tmp_path, SOURCES)
    assert cascade.larger(settings.load(file)) is None
    assert json.loads(run(tmp_path, "status", "--json").output)["larger_model"] is None
    assert "Larger" not in run(tmp_path, "status").output


def test_a_local_only_source_is_not_among_those_that_may_leave(tmp_path: Path) -> None:
    made = cascade.larger(settings.load(written(tmp_path, SOURCES + LARGE + BUDGET)))
    assert made is not None
    assert made.terms.may_leave == {"wiki"}


def test_the_key_is_looked_for_when_answering_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings.load(written(tmp_path, LARGE + BUDGET + 'api_key_env = "BIG_KEY"\n'))
    with pytest.raises(SettingsError, match="BIG_KEY is not set"):
        cascade.larger(found)
    monkeypatch.setenv("BIG_KEY", "sk-1")
    assert cascade.larger(found) is not None


def test_the_status_shows_the_months_use_and_that_it_is_used_up(tmp_path: Path) -> None:
    written(tmp_path, LARGE + BUDGET)
    assert "0 of 2 calls, 0.00 of 5.00 EUR" in run(tmp_path, "status").output
    assert not (tmp_path / "data").exists()
    now = datetime.now(UTC)
    spending = Spending(Live(tmp_path / "data"), Budget(per_1k_reply=1.0))
    spending.reserve("a0", "big", 10, 3000, now - timedelta(days=40))
    spending.reserve("a1", "big", 10, 250, now)
    shown = run(tmp_path, "status").output
    assert f"Larger      big in {now:%Y-%m}: 1 of 2 calls, 0.25 of 5.00 EUR" in shown
    assert "USED UP" not in shown
    spending.reserve("a2", "big", 10, 250, now)
    assert "2 of 2 calls, 0.50 of 5.00 EUR. BUDGET USED UP: the local model answers alone" in (
        run(tmp_path, "status").output
    )


def test_the_doctor_asks_it_one_token_and_charges_that(tmp_path: Path) -> None:
    with completion_server.running(ScriptedModel("It is about leave.")) as server:
        large = LARGE.replace("http://127.0.0.1:9/v1", server.address)
        text = SOURCES + large.replace("big", "house-model") + BUDGET
        found = settings.load(written(tmp_path, text))
        assert doctor._larger(found) == "house-model; sources that it may see: wiki"
        assert server.left.wait(2)
    used = cascade.status(found, datetime.now(UTC))
    assert used is not None
    assert used["requests"] == 1
    with pytest.raises(ModelError, match="cannot be reached"):
        doctor._larger(found)


def test_measuring_spends_nothing_of_it(tmp_path: Path) -> None:
    found = settings.load(written(tmp_path, LARGE + BUDGET))
    assert found.model.large is not None
    assert evaluation.settings_of(tmp_path).model.large is None


def logged(found: Settings, many: int) -> None:
    """Write answers that the larger model gave or not, half of them with votes that decide."""
    journal, now = wiring.journal(found), datetime(2026, 11, 21, tzinfo=UTC)
    for number, (row, worth) in enumerate(planted(many)):
        answer_id = f"{number:032d}"
        route = Route("big", False, "sure", row)
        answer = replace(answered("25.", []), id=answer_id, trace=Trace("q", (), route))
        journal.record(Question("How many?", frozenset({"everyone"})), answer, now)
        vote = Feedback(answer_id, "down", "wrong") if worth else Feedback(answer_id, "up")
        journal.rate(vote, frozenset({"everyone"}), now)


def test_a_router_is_refitted_from_the_log_and_decides_once_it_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, LARGE + BUDGET)
    refused = run(tmp_path, "tune", "router")
    assert refused.exit_code == 1
    assert "nothing was asked yet" in refused.output
    logged(settings.load(file), 20)
    few = run(tmp_path, "tune", "router")
    assert few.exit_code == 1
    assert "There are 20 outcomes" in few.output
    assert not (tmp_path / "data" / "router.json").exists()

    (tmp_path / "data" / FILE).unlink()
    logged(settings.load(file), 60)
    fitted = run(tmp_path, "tune", "router")
    assert fitted.exit_code == 0, fitted.output
    assert "60 outcomes" in fitted.output
    table = json.loads((tmp_path / "data" / "router.json").read_text())
    assert len(table["data"]) == 64
    named = written(tmp_path, LARGE + BUDGET + 'router = "data/router.json"\n')
    made = cascade.larger(settings.load(named))
    assert made is not None
    assert made.terms.router is not None
    assert made.terms.router.data == table["data"]


def test_a_router_never_overwrites_what_ships(tmp_path: Path) -> None:
    written(tmp_path, "")
    shipped = wiring.packaged("rag") / "calibration.json"
    before = shipped.read_bytes()
    refused = run(tmp_path, "tune", "router", "--out", str(shipped))
    assert refused.exit_code == 1
    assert "the program's own folder" in refused.output
    assert shipped.read_bytes() == before
