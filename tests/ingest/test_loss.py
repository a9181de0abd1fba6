"""What happens to documents that are no longer listed: hidden, back, purged, held, approved."""

from pathlib import Path

import pytest

from connectors.base import ConnectorError, Document, Entry
from ingest.base import LedgerError
from tests.fakes import ListConnector
from tests.ingest.job import HR, Job, ids, page, pages

WIKI = pages(20)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    made(*WIKI)
    made.embedder.embedded.clear()
    return made


def found(job: Job) -> list[str]:
    return job.found("pumps", k=50)


def test_a_first_miss_hides_at_once_and_coming_back_embeds_nothing(job: Job) -> None:
    report = job(*WIKI[1:])
    assert (report.sources[0].hidden, report.sources[0].deleted) == (1, 0)
    assert found(job) == ids(WIKI[1:])
    assert "wiki:000" in job.known("wiki")
    report = job(*WIKI)
    assert (report.sources[0].added, report.sources[0].readers_changed) == (0, 1)
    assert found(job) == ids(WIKI)
    assert job.embedder.embedded == []
    assert job.past().missed == {}


def test_a_second_miss_purges(job: Job) -> None:
    job(*WIKI[1:])
    assert job(*WIKI[1:]).sources[0].deleted == 1
    assert "wiki:000" not in job.known("wiki")
    assert job.past().missed == {}


def test_a_listing_that_fails_is_no_second_miss(job: Job) -> None:
    job(*WIKI[1:])
    job(*WIKI[1:], fails_after=19)
    assert "wiki:000" in job.known("wiki")
    assert job(*WIKI[1:]).sources[0].deleted == 1


def test_a_run_that_published_nothing_counts_no_miss(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("index.local.LocalBuild.publish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            job(*WIKI[1:])
    assert job.past().missed == {}
    assert found(job) == ids(WIKI)
    assert job(*WIKI[1:]).sources[0].hidden == 1


def test_of_a_held_loss_nothing_is_applied_and_all_else_is(job: Job) -> None:
    new, closed = page("new", "A new page on pumps."), page("019", "x", readers=HR)
    listing = [new, *WIKI[10:19], closed]
    for _ in range(3):
        report = job(*listing).sources[0]
        assert report.held is not None
        assert (report.hidden, report.deleted) == (0, 0)
        assert found(job) == [*ids(WIKI[:19]), "wiki:new"]
    assert job.found("pumps", HR) == ["wiki:019"]


def test_an_approved_loss_is_deleted_at_the_next_run_and_no_other(job: Job) -> None:
    report = job(*WIKI[10:])
    job.ledger.approve("wiki", report.number)
    assert job(*WIKI[9:], fails_after=3).sources[0].deleted == 0
    assert job(*WIKI[9:]).sources[0].deleted == 9  # one came back meanwhile
    assert list(job.known("wiki")) == ids(WIKI[9:])
    assert job.past().loss is None
    assert job(*WIKI[15:]).sources[0].held is not None  # the approval was for one loss only


def test_only_the_loss_that_is_held_can_be_approved(job: Job) -> None:
    with pytest.raises(LedgerError, match="No loss of source 'wiki' is held. Held are: none"):
        job.ledger.approve("wiki", 1)
    first, second = job(*WIKI[10:]).number, job(*WIKI[11:]).number
    with pytest.raises(LedgerError, match=f"the loss of run {second}: 11 documents"):
        job.ledger.approve("wiki", first)
    with pytest.raises(LedgerError, match=f"Held are: wiki by run {second}"):
        job.ledger.approve("drive", second)
    job.ledger.approve("wiki", second)


def test_an_approval_that_comes_during_a_run_is_kept(job: Job) -> None:
    number = job(*WIKI[10:]).number

    class Approving(ListConnector):
        def fetch(self, entry: Entry) -> Document:
            job.ledger.approve("wiki", number)
            raise ConnectorError("gone")

    job.ingest(Approving([page("new", "x"), *WIKI[10:]], name="wiki"))
    assert job.past().approved() == set(ids(WIKI[:10]))


def test_a_hold_ends_when_the_documents_are_back(job: Job) -> None:
    job(*WIKI[10:])
    report = job(*WIKI)
    assert report.generation is None
    assert job.past().loss is None


def test_a_rebuild_is_not_published_while_a_source_is_broken_or_its_loss_held(job: Job) -> None:
    for listing in (
        ListConnector(WIKI, name="wiki", fails_after=9),
        ListConnector(WIKI[10:], name="wiki"),
    ):
        report = job.ingest(listing, rebuild=True)
        assert report.generation is None
        assert report.withheld is not None
        assert found(job) == ids(WIKI)
    job.ledger.approve("wiki", 3)
    assert job.ingest(ListConnector(WIKI[10:], name="wiki"), rebuild=True).generation
    assert found(job) == ids(WIKI[10:])
    assert job.past().loss is None


def test_looking_ahead_says_why_and_changes_nothing(job: Job) -> None:
    before = sorted(file.read_bytes() for file in job.data.rglob("*") if file.is_file())
    made = job.plan(page("000", "x", version="2"), *WIKI[2:], page("new", "y"))
    assert [(step.action, step.id, step.reason) for step in made.steps] == [
        ("change", "wiki:000", "version 1 is now 2"),
        ("add", "wiki:new", "not in the index yet"),
        ("hide", "wiki:001", "not listed for the first time"),
    ]
    after = sorted(file.read_bytes() for file in job.data.rglob("*") if file.is_file())
    assert after == before
