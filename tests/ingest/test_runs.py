"""Run records: what another process sees of a run that goes on, ended, or ended without a word."""

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.base import Document, Entry
from index.live import Live
from ingest.base import Parsed
from ingest.runs import BEAT, KEPT, SILENT, Run, Runs
from tests.fakes import ListConnector
from tests.ingest.job import NOW, Job, pages

SECOND = timedelta(seconds=1)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(Live(tmp_path))


def test_a_run_is_seen_from_outside_while_it_goes_on(tmp_path: Path) -> None:
    outside, seen = Runs(Live(tmp_path)), list[Run | None]()
    job = Job(tmp_path)

    class Watched(ListConnector):
        def fetch(self, entry: Entry) -> Document:
            job.now += BEAT
            seen.append(outside.running())
            return super().fetch(entry)

    number = job.ingest(Watched(pages(3), name="wiki")).number
    first, second, third = [run for run in seen if run]
    assert (first.number, first.state, first.started_at) == (number, "running", NOW)
    assert (second.source, second.done, second.total) == ("wiki", 1, 3)
    assert (third.done, third.heartbeat_at) == (2, NOW + 2 * BEAT)
    assert outside.running() is None
    ended = outside.ended()
    assert ended is not None
    assert (ended.number, ended.state) == (number, "done")
    assert ended.report is not None
    assert ended.report["sources"][0]["added"] == 3


def test_a_listing_shows_how_far_it_is(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job(*pages(2))
    assert job.steps == [
        ("wiki", 1, 0),
        ("wiki", 2, 0),
        ("wiki", 0, 2),
        ("wiki", 1, 2),
        ("wiki", 2, 2),
    ]


def test_a_run_that_ended_without_a_word_has_failed_once_the_next_begins(runs: Runs) -> None:
    first = runs.begin(NOW, process=7)
    second = runs.begin(NOW + SECOND, process=8)
    running, ended = runs.running(), runs.ended()
    assert running is not None
    assert ended is not None
    assert (running.number, running.process) == (second, 8)
    assert (ended.number, ended.state) == (first, "failed")
    assert ended.error == "the process ended in the middle; the next run resumes"


def test_a_run_that_breaks_off_says_why(tmp_path: Path) -> None:
    def broken(_document: Document) -> Parsed:
        raise RuntimeError("no such luck")

    job = Job(tmp_path, broken)
    with pytest.raises(RuntimeError):
        job(*pages(1))
    ended = job.runs.ended()
    assert ended is not None
    assert (ended.state, ended.error) == ("failed", "no such luck")


def test_a_run_without_a_sign_of_life_is_taken_for_dead(runs: Runs) -> None:
    runs.begin(NOW, process=7)
    run = runs.running()
    assert run is not None
    assert not run.silent(NOW + SILENT)
    assert run.silent(NOW + SILENT + SECOND)


def test_signs_of_life_are_written_at_most_every_two_seconds(runs: Runs) -> None:
    number = runs.begin(NOW, process=7)
    for done in range(10):
        runs.beat(number, "wiki", done, 10, now=NOW + done * SECOND)
    run = runs.running()
    assert run is not None
    assert (run.done, run.heartbeat_at) == (8, NOW + 8 * SECOND)


def test_the_runs_of_a_year_are_kept(tmp_path: Path) -> None:
    live = Live(tmp_path)
    runs = Runs(live)
    for _ in range(3):
        runs.begin(NOW, process=7)
    with live.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE sqlite_sequence SET seq = ? WHERE name = 'runs'", (KEPT,)
        )
    assert runs.begin(NOW, process=7) == KEPT + 1
    with live.reading() as connection:
        kept = connection.exec_driver_sql("SELECT number FROM runs ORDER BY number").scalars().all()
    assert kept == [2, 3, KEPT + 1]
