"""Nights with a Google Drive: what changes there is what changes in the index."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from index.local import PublishedStore
from ingest.report import SourceReport
from tests.connectors.google_drive import Fault, GoogleDrive, cut, google_drive, person, refusal
from tests.connectors.test_gdrive import Nights
from tests.ingest.job import Job

ANN = frozenset({"everyone", "user:ann@acme.example"})
BO = frozenset({"everyone", "user:bo@acme.example"})


class Index:
    """One Drive and its index; each call is a night."""

    def __init__(self, drive: GoogleDrive, data: Path) -> None:
        self.drive = drive
        self.nights = Nights(drive, data / "gd.drive.sqlite")
        self.job = Job(data)
        self._data = data

    def __call__(self) -> SourceReport:
        self.nights.now = self.job.now.timestamp()
        self.drive.calls.clear()
        self.job.embedder.embedded.clear()
        return self.job.ingest(self.nights.connector()).sources[0]

    def text(self, principals: frozenset[str] = ANN) -> str:
        """Return all that somebody can find."""
        store = PublishedStore(self._data, recipe="r")
        vector = self.job.embedder.embed_query("badge")
        return "\n".join(h.chunk.text for h in store.search("badge", vector, 99, principals))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """A folder that Ann reads, with 20 files, after its first night."""
    with google_drive() as drive:
        drive.folder("top")
        drive.share("top", person("ann@acme.example"))
        for number in range(20):
            drive.put(f"f{number:02}", f"The blue badge opens door {number}.".encode(), "top")
        index = Index(drive, tmp_path)
        assert index().added == 20
        yield index


def test_a_night_without_news_fetches_and_embeds_nothing(index: Index) -> None:
    report = index()
    assert (report.unchanged, report.touched) == (20, False)
    assert index.drive.calls == ["token", "file", "changes"]
    assert index.job.embedder.embedded == []


def test_scenario_1_a_deleted_file_is_gone_after_the_first_night(index: Index) -> None:
    index.drive.delete("f03")
    index.drive.put("f04", None, trashed=True)
    assert index().hidden == 2
    assert "door 3." not in index.text()
    assert "door 4." not in index.text()
    assert index().deleted == 2


def test_scenario_2_a_scope_that_shows_nothing_any_more_deletes_nothing(index: Index) -> None:
    index.drive.sees = False
    report = index()
    assert "not shared with" in (report.error or "")
    assert (report.deleted, report.hidden) == (0, 0)
    assert index.text().count("blue badge") == 20
    assert index().deleted == 0  # a day later the source is closed, not purged
    index.drive.sees = True
    assert index().added == 0
    assert index.text().count("blue badge") == 20


def test_scenario_2_a_feed_that_tells_of_nothing_but_deletions_is_held(index: Index) -> None:
    for number in range(1, 20):
        index.drive.delete(f"f{number:02}")
    for _ in range(2):
        report = index()
        assert report.held
        assert (report.deleted, report.hidden) == (0, 0)
    assert index.text().count("blue badge") == 20


def test_scenario_6_an_old_file_moved_in_today_is_found(index: Index) -> None:
    index.drive.folder("else")
    index.drive.put(
        "old", b"The red badge is of 2019.", "else", modifiedTime="2019-01-01T00:00:00Z"
    )
    assert index().added == 0
    index.drive.put("old", None, "top", modifiedTime="2019-01-01T00:00:00Z")
    assert index().added == 1
    assert "The red badge is of 2019." in index.text()


def test_scenario_7_a_file_in_two_folders_is_one_document(index: Index) -> None:
    index.drive.folder("sub", "top")
    index.drive.put("f05", None, "top", "sub")
    report = index()
    assert (report.added, report.unchanged) == (0, 20)
    assert index.text().count("door 5.") == 1


def test_scenario_8_a_renamed_and_moved_file_is_the_same_document(index: Index) -> None:
    index.drive.folder("sub", "top")
    index.drive.put("f05", None, "sub", name="Doors.txt")
    report = index()
    assert (report.added, report.changed, report.hidden) == (0, 1, 0)
    assert index.job.known("gd")["gd:f05"].title == "Doors.txt"


def test_scenario_11_a_folder_that_is_no_longer_shared_is_hidden_though_no_text_changed(
    index: Index,
) -> None:
    index.drive.share("top", person("bo@acme.example"))
    report = index()
    assert (report.readers_changed, report.changed) == (20, 0)
    assert index.job.embedder.embedded == []
    assert index.text(ANN) == ""
    assert index.text(BO).count("blue badge") == 20


def test_scenario_12_a_rate_limit_costs_nothing(index: Index) -> None:
    busy = refusal(403, "userRateLimitExceeded", "User Rate Limit Exceeded", 120)
    index.drive.faults["changes"] = Fault(lambda _: busy, times=2)
    report = index()
    assert (report.unchanged, report.error) == (20, None)
    assert index.nights.clock.slept == [120, 120]


def test_a_listing_cut_short_where_no_memory_knows_better_purges_nothing(index: Index) -> None:
    assert index.nights.memory is not None
    index.nights.memory.unlink()
    index.drive.faults["files"] = Fault(cut("files"))
    report = index()
    assert report.held
    assert (report.deleted, report.hidden) == (0, 0)
    index.nights.memory.unlink()
    assert index().unchanged == 20
