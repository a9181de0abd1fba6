"""Readers that nobody can look up: fewer people see a document then, never more."""

import logging
from pathlib import Path

import pytest

from tests.fakes import ListConnector
from tests.ingest.job import ALL, HR, Job, ids, page, pages

WIKI = pages(3)
NONE = frozenset[str]()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    made.ingest(wiki(), drive())
    made.embedder.embedded.clear()
    return made


def wiki(fails_after: int | None = None) -> ListConnector:
    return ListConnector(WIKI, name="wiki", fails_after=fails_after)


def drive() -> ListConnector:
    return ListConnector([], name="drive")


def test_a_source_that_cannot_be_listed_for_a_day_is_closed_until_it_can(
    job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    first = job.ingest(wiki(0)).sources[0]
    assert (first.closed, first.error) == (0, "source 'wiki' broke off after 0 entries")
    assert job.found("pumps") == ids(WIKI)
    with caplog.at_level(logging.ERROR):
        second = job.ingest(wiki(2)).sources[0]
    assert second.closed == 3
    assert "source closed source=wiki documents=3" in caplog.text
    assert job.found("pumps", ALL | HR) == []
    third = job.ingest(wiki(2))
    assert third.generation is None
    assert len(job.known("wiki")) == 3
    back = job.ingest(wiki()).sources[0]
    assert back.readers_changed == 3
    assert job.found("pumps") == ids(WIKI)
    assert job.embedder.embedded == []


def test_only_the_source_that_fails_is_closed(job: Job) -> None:
    for _ in range(3):
        job.ingest(ListConnector([], name="drive", fails_after=0), wiki())
    assert job.found("pumps") == ids(WIKI)
    assert job.ledger.past("drive").failing_since is not None


def test_a_source_that_comes_and_goes_is_not_closed(job: Job) -> None:
    for fails_after in (0, None, 1, None, 2):
        job.ingest(wiki(fails_after))
        assert job.found("pumps") == ids(WIKI)


def test_readers_that_could_not_be_looked_up_are_nobody_and_are_counted(job: Job) -> None:
    report = job(page("000", "x", readers=NONE), *WIKI[1:], page("new", "On pumps.", readers=NONE))
    assert report.sources[0].for_nobody == 2
    assert job.found("pumps", ALL | HR) == ids(WIKI[1:])
    assert job(*WIKI, page("new", "On pumps.")).sources[0].readers_changed == 2
    assert job.found("pumps") == [*ids(WIKI), "wiki:new"]


def test_a_page_that_becomes_restricted_is_closed_by_the_next_run_though_its_text_stays(
    job: Job,
) -> None:
    job(page("000", "Page number0 is about pumps.", readers=HR), *WIKI[1:])
    assert job.found("pumps") == ids(WIKI[1:])
    assert job.found("pumps", HR) == ["wiki:000"]
    assert job.embedder.embedded == []
