"""The ingestion job on fakes and a real index: what is fetched, kept, reported, published."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.base import Document
from index import inventory
from index.local import LocalBuild
from ingest.base import Failure
from ingest.history import Loss, Past, Trouble
from ingest.ledger import Ledger
from tests.ingest.job import HR, Job, page, pages

PAGES: Sequence[Document] = (page("leave", "Parental leave is long."), page("vpn", "Use the VPN."))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_new_documents_are_found(job: Job) -> None:
    report = job(*PAGES)
    assert report.generation == "000001"
    assert report.sources[0].added == 2
    assert job.found("leave vpn") == ["wiki:leave", "wiki:vpn"]


def test_an_unchanged_source_embeds_nothing_and_publishes_nothing(job: Job) -> None:
    job(*PAGES)
    job.embedder.embedded.clear()
    report = job(*PAGES)
    assert report.generation is None
    assert report.embedded_windows == 0
    assert job.embedder.embedded == []
    assert report.sources[0].unchanged == 2


def test_only_what_changed_is_embedded_again(job: Job) -> None:
    job(*PAGES)
    report = job(PAGES[0], page("vpn", "Use the new VPN.", version="2"))
    assert (report.sources[0].changed, report.sources[0].unchanged) == (1, 1)
    assert report.embedded_windows == 1


def test_what_is_not_listed_is_gone(job: Job) -> None:
    job(*PAGES)
    job(PAGES[1])
    assert job.found("parental leave") == ["wiki:vpn"]
    assert job(PAGES[1]).sources[0].deleted == 1


def test_a_listing_that_fails_deletes_nothing(job: Job) -> None:
    job(*PAGES)
    report = job(*PAGES, fails_after=1)
    assert report.sources[0].error is not None
    assert report.generation is None
    assert job.found("leave vpn") == ["wiki:leave", "wiki:vpn"]


def test_readers_change_without_a_fetch(job: Job) -> None:
    job(*PAGES)
    job.embedder.embedded.clear()
    report = job(page("leave", "Parental leave is long.", readers=HR), PAGES[1])
    assert report.sources[0].readers_changed == 1
    assert job.embedder.embedded == []
    assert job.found("parental leave") == ["wiki:vpn"]
    assert job.found("parental leave", HR) == ["wiki:leave"]


def test_one_bad_document_is_a_row_and_the_rest_goes_on(job: Job) -> None:
    broken = page("broken", "%PDF-1.4 and nothing of a PDF", kind="pdf")
    report = job(PAGES[0], broken, PAGES[1])
    (failure,) = report.sources[0].failures
    assert (failure.document_id, failure.stage) == ("wiki:broken", "parse")
    assert report.sources[0].added == 2
    assert job.found("leave vpn") == ["wiki:leave", "wiki:vpn"]


def test_a_revision_that_cannot_be_read_keeps_the_old_text_and_is_tried_again(job: Job) -> None:
    job(*PAGES)
    report = job(page("leave", "  \n ", version="2"), PAGES[1])
    assert [f.code for f in report.sources[0].failures] == ["empty"]
    assert job.found("parental leave") == ["wiki:leave", "wiki:vpn"]
    report = job(page("leave", "Parental leave is short.", version="2"), PAGES[1])
    assert report.sources[0].changed == 1


def test_after_a_crash_nothing_is_embedded_twice(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LocalBuild, "publish", crash)
        with pytest.raises(KeyboardInterrupt):
            job(*PAGES)
    job.embedder.embedded.clear()
    assert job(*PAGES).generation == "000001"
    assert job.embedder.embedded == []


def test_what_was_hidden_before_a_crash_is_no_fresh_loss(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    kept = pages(4)
    for number in range(6):  # each night is killed right after its index was published
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "remember", crash)
            with pytest.raises(KeyboardInterrupt):
                job(*kept, page(f"only-{number}", "Minutes of a meeting."))
    (done,) = job(*kept).sources
    assert done.held is None
    assert {id for id, info in job.known("wiki").items() if info.readers} == {
        each.entry.id for each in kept
    }


def test_what_a_run_learned_is_forgotten_if_its_index_was_not_published(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> str:
        raise KeyboardInterrupt

    job(*PAGES)
    before = job.ledger.past("wiki")
    with monkeypatch.context() as patched:
        patched.setattr(LocalBuild, "publish", crash)
        with pytest.raises(KeyboardInterrupt):
            job(PAGES[0])
    job.ledger.settle(inventory.run(job.data))
    assert job.ledger.past("wiki") == before


def test_a_prepared_memory_is_remembered_whole(job: Job) -> None:
    failure = Failure("wiki:a", "parse", "damaged", "This file is damaged.")
    past = Past(
        listed_at=job.now,
        failing_since=job.now,
        missed={"wiki:b": job.now},
        troubles={"wiki:a": Trouble(failure, "1", "p", 2, job.now, job.now)},
        loss=Loss(7, job.now, frozenset({"wiki:c", "wiki:d"}), "two of three"),
    )
    job.ledger.prepare(8, {"wiki": past})
    job.ledger.settle(8)
    assert job.ledger.past("wiki") == past
