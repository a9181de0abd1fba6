"""A source that left the settings: hidden by the next full run, deleted by the second."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.base import Document
from ingest.history import Past
from ingest.ledger import Ledger
from tests.fakes import ListConnector
from tests.ingest.job import ALL, HR, Job, ids, pages

WIKI = pages(3)


def of_hr(documents: Sequence[Document]) -> list[Document]:
    return [
        replace(d, entry=replace(d.entry, id=d.entry.id.replace("wiki:", "hr:"))) for d in documents
    ]


HR_PAGES = of_hr(pages(30))


def wiki() -> ListConnector:
    return ListConnector(WIKI, name="wiki")


def hr(documents: Sequence[Document] = HR_PAGES) -> ListConnector:
    return ListConnector(documents, name="hr")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    made.ingest(wiki(), hr())
    made.embedder.embedded.clear()
    return made


def test_a_dropped_source_is_hidden_then_deleted_then_not_even_named(job: Job) -> None:
    first = job.ingest(wiki(), dropped=["hr"]).sources[1]
    assert (first.name, first.dropped, first.hidden, first.deleted) == ("hr", True, 30, 0)
    assert job.found("pumps", ALL | HR, k=50) == ids(WIKI)
    assert len(job.known("hr")) == 30
    second = job.ingest(wiki(), dropped=["hr"]).sources[1]
    assert (second.hidden, second.deleted) == (0, 30)
    assert job.known("hr") == {}
    assert list(job.ledger.sources()) == ["wiki"]


def test_a_source_that_is_named_again_comes_back_unembedded(job: Job) -> None:
    job.ingest(wiki(), dropped=["hr"])
    report = job.ingest(wiki(), hr()).sources[1]
    assert report.readers_changed == 30
    assert len(job.found("pumps", k=50)) == 33
    assert job.embedder.embedded == []
    assert job.ledger.past("hr").missed == {}


def test_a_run_without_the_name_of_the_dropped_leaves_it_alone(job: Job) -> None:
    for _ in range(3):
        job.ingest(wiki())
    assert len(job.found("pumps", k=50)) == 33


def test_a_dropped_source_that_could_never_be_listed_is_forgotten(job: Job) -> None:
    job.ingest(wiki(), ListConnector([], name="drive", fails_after=0))
    assert job.ledger.past("drive").failing_since is not None
    report = job.ingest(wiki(), dropped=["drive"])
    assert (report.sources[1].dropped, report.generation) == (True, None)
    assert "drive" not in job.ledger.sources()


def test_what_was_missed_already_is_deleted_with_the_first_run(job: Job) -> None:
    job.ingest(wiki(), hr(HR_PAGES[2:]))
    report = job.ingest(wiki(), dropped=["hr"]).sources[1]
    assert (report.hidden, report.deleted) == (28, 2)


def test_a_rebuilt_index_has_nothing_of_a_dropped_source(job: Job) -> None:
    report = job.ingest(wiki(), rebuild=True, dropped=["hr"])
    assert report.sources[1].deleted == 30
    assert job.known("hr") == {}
    assert job.ledger.past("hr") == Past()


def test_a_source_hidden_before_a_crash_is_remembered_as_hidden(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "remember", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            job.ingest(wiki(), dropped=["hr"])
    assert job.ingest(wiki(), dropped=["hr"]).sources[1].deleted == 30
