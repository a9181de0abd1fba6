"""Documents that cannot be read: rows that are remembered, quarantine, old texts said to be old."""

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Document, Entry
from index.local import PublishedStore
from ingest import parse
from ingest.base import LedgerError
from tests.fakes import ListConnector
from tests.ingest.job import ALL, NOW, Job, page

GOOD = page("good", "A page about pumps.")
EMPTY = page("bad", "  \n ")


class Fetching(ListConnector):
    """Counts what is fetched; can refuse to."""

    def __init__(self, *documents: Document, refuses: str = "") -> None:
        super().__init__(documents, name="wiki")
        self.fetched: list[str] = []
        self.refuses = refuses

    def fetch(self, entry: Entry) -> Document:
        self.fetched.append(entry.id)
        if entry.id == self.refuses:
            raise ConnectorError("503")
        return super().fetch(entry)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def is_stale(job: Job, key: str) -> bool:
    store = PublishedStore(job.data, recipe="r")
    return {chunk.document.stale for chunk in store.read(f"wiki:{key}", ALL)} == {True}


def test_a_failure_is_a_row_with_its_history(job: Job) -> None:
    job(GOOD, EMPTY)
    job(GOOD, EMPTY)
    (row,) = job.past().troubles.values()
    assert (row.failure.document_id, row.failure.stage, row.failure.code) == (
        "wiki:bad",
        "parse",
        "empty",
    )
    assert "it is an empty file" in row.failure.message
    assert (row.version, row.parser, row.attempts) == ("1", parse.VERSION, 2)
    assert (row.first_seen, row.last_seen) == (NOW, NOW + timedelta(days=1))


def test_bytes_that_failed_three_times_are_not_fetched_again_until_they_change(job: Job) -> None:
    for expected in (1, 1, 1, 0, 0):
        source = Fetching(GOOD, EMPTY)
        report = job.ingest(source).sources[0]
        assert source.fetched.count("wiki:bad") == expected
        assert report.quarantined == (not expected)
    source = Fetching(GOOD, page("bad", "Now it has text.", version="2"))
    assert job.ingest(source).sources[0].added == 1
    assert job.past().troubles == {}


def test_another_parser_tries_the_same_bytes_again(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        job(GOOD, EMPTY)
    assert job(GOOD, EMPTY).sources[0].quarantined == 1
    monkeypatch.setattr(parse, "VERSION", "parse-next")
    source = Fetching(GOOD, EMPTY)
    job.ingest(source)
    assert source.fetched == ["wiki:bad"]
    assert job.past().troubles["wiki:bad"].attempts == 1


def test_an_admin_can_have_it_tried_again(job: Job) -> None:
    for _ in range(3):
        job(GOOD, EMPTY)
    assert job.ledger.retry("wiki:bad").attempts == 3
    source = Fetching(GOOD, EMPTY)
    job.ingest(source)
    assert source.fetched == ["wiki:bad"]
    with pytest.raises(LedgerError, match="'wiki:good' is not among the documents that failed"):
        job.ledger.retry("wiki:good")


def test_a_failed_fetch_is_tried_every_night(job: Job) -> None:
    for night in range(1, 6):
        source = Fetching(GOOD, page("bad", "text"), refuses="wiki:bad")
        job.ingest(source)
        assert "wiki:bad" in source.fetched
        assert job.past().troubles["wiki:bad"].attempts == night
    job(GOOD, page("bad", "text"))
    assert job.past().troubles == {}


def test_a_revision_that_cannot_be_read_keeps_the_old_text_and_says_that_it_is_old(
    job: Job,
) -> None:
    job(GOOD, page("leave", "Parental leave is long."))
    broken = page("leave", " ", version="2")
    for night in range(5):  # the last two are quarantined: the text is as old as before
        report = job(GOOD, broken)
        assert (report.generation is not None) == (night == 0)
        assert job.found("parental leave") == ["wiki:good", "wiki:leave"]
        assert is_stale(job, "leave")
        assert not is_stale(job, "good")
    job(GOOD, page("leave", "Parental leave is short.", version="3"))
    assert not is_stale(job, "leave")


def test_a_revision_taken_back_is_not_old_any_more(job: Job) -> None:
    job(page("leave", "Parental leave is long."))
    job(page("leave", " ", version="2"))
    job.embedder.embedded.clear()
    job(page("leave", "Parental leave is long."))
    assert not is_stale(job, "leave")
    assert job.past().troubles == {}
    assert job.embedder.embedded == []


def test_failures_of_a_document_that_is_gone_are_forgotten(job: Job) -> None:
    job(GOOD, EMPTY)
    job(GOOD)
    assert job.past().troubles == {}
