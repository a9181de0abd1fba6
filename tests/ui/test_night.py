"""An admin's evening: look ahead, ingest, see what is held, approve it, try a document again."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from filelock import FileLock

from index.live import Live
from ingest.runs import Runs
from tests.fake_models import HashEmbedder
from ui import wiring
from ui.cli import main

COUNT = 24


class Company:
    """A wiki and a drive of files, ingested by the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.file = folder / "settings.toml"
        files = '[[sources]]\ntype = "files"\nreaders = ["everyone"]\n'
        tables = [f'{files}name = "{name}"\npath = "{name}"\n' for name in ("wiki", "drive")]
        self.file.write_text("\n".join(tables))
        for number in range(COUNT):
            self.write(f"wiki/{number:02d}.md", f"Page {number} is about pumps.")
        self.write("drive/plan.md", "The plan.")
        self.write("drive/empty.md", "")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text)

    def remove(self, count: int) -> None:
        for number in range(count):
            (self.folder / f"wiki/{number:02d}.md").unlink()

    def run(self, *arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, ["--settings", str(self.file), *arguments])
        assert result.exit_code == code, result.output
        return result.stdout if code == 0 else result.output

    def json(self, *arguments: str, code: int = 0) -> Any:
        result = CliRunner().invoke(main, ["--settings", str(self.file), *arguments, "--json"])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def bytes(self) -> dict[str, bytes]:
        return {str(f): f.read_bytes() for f in self.data.rglob("*") if f.is_file()}


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setattr(wiring, "embedder", lambda _section: HashEmbedder())
    return Company(tmp_path)


def test_a_dry_run_before_the_first_leaves_nothing_on_the_disk(company: Company) -> None:
    plan = company.run("ingest", "--dry-run")
    assert f"wiki: 0 unchanged\n  {COUNT} to add\n    wiki:00.md: not in the index yet" in plan
    assert "… and 4 more: --json shows all" in plan
    assert plan.endswith("Nothing was changed.\n")
    assert not company.data.exists()


def test_a_dry_run_says_what_and_why_and_the_run_does_it(company: Company) -> None:
    company.run("ingest")
    company.remove(1)
    company.write("wiki/05.md", "Other words.")
    company.write("drive/new.md", "New words.")
    before = company.bytes()
    wiki, drive = company.json("ingest", "--dry-run")
    assert company.bytes() == before
    assert [(step["action"], step["document"]) for step in wiki["steps"]] == [
        ("change", "wiki:05.md"),
        ("hide", "wiki:00.md"),
    ]
    assert wiki["steps"][1]["reason"] == "not listed for the first time"
    assert [(s["action"], s["document"]) for s in drive["steps"]] == [
        ("add", "drive:empty.md"),
        ("add", "drive:new.md"),
    ]
    report = company.json("ingest")
    assert [(s["added"], s["changed"], s["hidden"]) for s in report["sources"]] == [
        (0, 1, 1),
        (1, 0, 0),
    ]
    assert "Hidden      wiki: 1 documents" in company.run("status")


def test_a_dry_run_waits_for_no_ingestion(company: Company) -> None:
    company.run("ingest")
    with FileLock(company.data / "LOCK"):
        assert "Nothing was changed." in company.run("ingest", "--dry-run")
        assert "Another ingestion is running" in company.run("ingest", code=1)


def test_a_loss_is_held_shown_approved_and_then_deleted(company: Company) -> None:
    company.run("ingest")
    company.remove(12)
    held = company.run("ingest", code=1)
    assert "HELD: 12 of 24 documents are no longer listed, more than 15%" in held
    status = company.run("status")
    assert "HELD        wiki, run 2: 12 documents kept" in status
    assert "`footnote approve wiki 2` lets it through" in status

    shown = company.run("approve", "wiki", "2", code=2)
    assert "These would be deleted:\n  wiki:00.md\n" in shown
    assert "Nothing was approved: say --yes" in shown
    assert "12 to keep until approved" in company.run("ingest", "--dry-run")
    assert "is the loss of run 2" in company.run("approve", "wiki", "1", "--yes", code=1)
    company.run("approve", "wiki", "2", "--yes")
    assert "approved: goes through at the next run" in company.run("status")
    assert "the loss held by run 2 was approved" in company.run("ingest", "--dry-run")
    assert "wiki: 12 deleted, 12 unchanged" in company.run("ingest")
    assert "HELD" not in company.run("status")


def test_approving_before_the_first_run_says_what_to_do(company: Company) -> None:
    assert "Run `footnote ingest`" in company.run("approve", "wiki", "1", "--yes", code=1)
    assert "Run `footnote ingest`" in company.run("retry", "wiki:a.md", code=1)


def test_failures_are_listed_until_they_are_over(company: Company) -> None:
    for _ in range(4):
        company.run("ingest")
    (row,) = company.json("status")["failures"]
    assert (row["document"], row["stage"], row["attempts"]) == ("drive:empty.md", "parse", 3)
    assert row["quarantined"]
    assert not row["stale"]
    assert "not tried again until it changes" in company.run("status")
    assert "failed 3 times" in company.run("retry", "drive:empty.md")
    assert company.json("ingest")["sources"][1]["failed"] == 1
    company.write("drive/empty.md", "Now it has words.")
    company.run("ingest")
    company.write("drive/empty.md", "")
    company.run("ingest")
    assert "the index has its text of before" in company.run("status")


def test_one_source_may_be_ingested_alone(company: Company) -> None:
    report = company.json("ingest", "--source", "drive")
    assert [source["name"] for source in report["sources"]] == ["drive"]
    company.run("ingest", "--source", "wiki")
    assert company.json("status")["index"]["documents"] == COUNT + 1
    unknown = company.run("ingest", "--source", "wikki", code=1)
    assert "No source is named 'wikki'. There are: wiki, drive." in unknown
    assert "whole index" in company.run("ingest", "--rebuild", "--source", "wiki", code=2)


def test_status_shows_the_run_that_goes_on_in_another_process(company: Company) -> None:
    company.run("ingest")
    runs, now = Runs(Live(company.data)), datetime.now(UTC)
    runs.beat(runs.begin(now, process=4711), "wiki", 7, 20, now=now)
    status = company.run("status")
    assert f"Running     run 2 since {now.isoformat()[:19]} UTC, wiki 7 of 20" in status
    assert f"last heartbeat {now.isoformat()[:19]} UTC, process 4711" in status
    assert company.json("status")["running"]["total"] == 20
    company.run("ingest")
    status = company.run("status")
    assert "Running" not in status
    assert "Last run    3" in status


def test_a_source_that_cannot_be_listed_for_a_day_is_loud(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.run("ingest")
    for file in (company.folder / "wiki").iterdir():
        file.unlink()
    assert "wiki: not listed, nothing touched" in company.run("ingest", code=1)
    assert "Source      wiki not listed since" in company.run("status")
    with company.file.open("a") as settings:
        settings.write("\n[ingest]\nfail_closed_h = 1\n")
    assert f"wiki: not listed, {COUNT} documents closed" in company.run("ingest", code=1)
    assert "Source      wiki CLOSED, nobody may read it" in company.run("status")


def test_what_may_be_lost_is_a_setting(company: Company) -> None:
    company.run("ingest")
    company.remove(6)
    with company.file.open("a") as settings:
        settings.write("\n[ingest]\nmax_lost_percent = 25\n")
    assert "6 hidden" in company.run("ingest")
