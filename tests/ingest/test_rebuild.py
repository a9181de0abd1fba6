"""A rebuilt index replaces the published one only if it holds about as much as that."""

from collections.abc import Collection
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Document, Entry
from ingest.history import Past
from ingest.sync import Limits
from tests.fakes import ListConnector
from tests.ingest.job import HR, Job, ids, page, pages

WIKI = pages(50)


class Refusing(ListConnector):
    """A wiki whose listing is whole and of which some documents cannot be fetched."""

    def __init__(self, refused: Collection[str]) -> None:
        super().__init__(WIKI, name="wiki")
        self.refused = refused

    def fetch(self, entry: Entry) -> Document:
        if entry.id in self.refused:
            raise ConnectorError("the quota is used up")
        return super().fetch(entry)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    made(*WIKI)
    return made


def test_a_rebuild_whose_fetches_fail_is_withheld_and_says_so(job: Job) -> None:
    before = job.files()
    report = job.ingest(Refusing(ids(WIKI[1:])), rebuild=True)
    assert report.generation is None
    assert report.withheld is not None
    assert report.withheld.startswith(
        "wiki: 49 of 50 documents that answer now could not be read, more than 15%. Mend what"
    )
    assert len(report.sources[0].failures) == 49
    assert job.files() == before
    assert job.past().loss is None  # nothing that could be approved


@pytest.mark.parametrize(("refused", "withheld"), [(7, False), (8, True)])
def test_the_limits_of_a_lost_listing_hold_for_failed_fetches_too(
    job: Job, refused: int, withheld: bool
) -> None:
    report = job.ingest(Refusing(ids(WIKI[:refused])), rebuild=True)
    assert (report.withheld is not None) == withheld
    assert len(job.known("wiki")) == (50 if withheld else 50 - refused)
    assert len(report.sources[0].failures) == refused


def test_what_is_not_listed_and_what_failed_are_one_loss(job: Job) -> None:
    source = Refusing(ids(WIKI[:4]))
    source.documents = WIKI[:46]
    report = job.ingest(source, rebuild=True)
    assert report.withheld is not None
    assert "8 of 50 documents" in report.withheld


def test_a_rebuild_counts_what_waits_in_quarantine(job: Job) -> None:
    broken = [page(f"{n:03d}", " ", version="2") for n in range(8)]
    for _ in range(3):
        job(*broken, *WIKI[8:])
    report = job.ingest(ListConnector([*broken, *WIKI[8:]], name="wiki"), rebuild=True)
    assert report.sources[0].quarantined == 8
    assert report.withheld is not None
    assert job.found("number3") != []


def test_a_small_source_is_not_lost_whole(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job(page("a", "On pumps."))
    source = Refusing([])
    source.documents = [page("a", " ", version="2")]
    report = job.ingest(source, rebuild=True)
    assert report.withheld is not None
    assert "none of its 1 documents could be read" in report.withheld


def test_what_nobody_could_read_is_no_loss(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job(*(page(f"{n}", "On pumps.", readers=frozenset()) for n in range(9)), page("z", "x"))
    listing = [*(page(f"{n}", " ", version="2", readers=HR) for n in range(9)), page("z", "x")]
    assert job.ingest(ListConnector(listing, name="wiki"), rebuild=True).generation


def test_an_admin_may_allow_the_loss(job: Job) -> None:
    limits = Limits(share=1, documents=100)
    report = job.ingest(Refusing(ids(WIKI[1:])), rebuild=True, limits=limits)
    assert report.generation
    assert list(job.known("wiki")) == ids(WIKI[:1])


def test_a_source_that_was_never_listed_fails_in_a_rebuild_as_in_any_run(job: Job) -> None:
    started = job.now
    drive = ListConnector([], name="drive", fails_after=0)
    report = job.ingest(ListConnector(WIKI, name="wiki"), drive, rebuild=True)
    assert report.sources[1].error == "source 'drive' broke off after 0 entries"
    assert report.generation
    assert job.ledger.past("drive").failing_since == started
    job.ingest(Refusing(ids(WIKI)), drive, rebuild=True)
    assert job.ledger.past("drive").failing_since == started


def test_a_source_whose_nights_are_not_remembered_is_not_lost_either(job: Job) -> None:
    job.ledger.remember({"wiki": Past()})
    source = ListConnector(WIKI, name="wiki", fails_after=0)
    assert job.ingest(source, rebuild=True).withheld == (
        "wiki: source 'wiki' broke off after 0 entries"
    )
    assert len(job.known("wiki")) == 50
