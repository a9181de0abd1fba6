"""Nights with a SharePoint library: what changes there is what changes in the index."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sharepoint import Selection
from index.local import PublishedStore
from ingest.report import SourceReport
from tests.connectors.google_drive import Fault
from tests.connectors.graph import DRIVE, SITE, Graph, cut, graph, person, refusal
from tests.connectors.test_sharepoint import Nights
from tests.ingest.job import Job

ANN = frozenset({"everyone", "user:ann@acme.example"})
BO = frozenset({"everyone", "user:bo@acme.example"})


class Index:
    """One library and its index; each call is a night."""

    def __init__(self, server: Graph, data: Path) -> None:
        self.server = server
        self.nights = Nights(server, data / "sp.drive.sqlite")
        self.job = Job(data)
        self._data = data

    def __call__(self) -> SourceReport:
        self.nights.now = self.job.now.timestamp()
        self.server.calls.clear()
        self.job.embedder.embedded.clear()
        return self.job.ingest(self.nights.connector()).sources[0]

    def text(self, principals: frozenset[str] = ANN) -> str:
        """Return all that somebody can find."""
        store = PublishedStore(self._data, recipe="r")
        vector = self.job.embedder.embed_query("badge")
        return "\n".join(h.chunk.text for h in store.search("badge", vector, 99, principals))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """A library that Ann reads, with 20 files in a folder, after its first night."""
    with graph() as server:
        server.share(f"{DRIVE}-root", person("ann@acme.example"))
        server.folder("sub")
        for number in range(20):
            body = f"The blue badge opens door {number}.".encode()
            server.put(f"f{number:02}", body, "sub", name=f"{number}.txt")
        index = Index(server, tmp_path)
        assert index().added == 20
        yield index


def test_a_night_without_news_fetches_and_embeds_nothing(index: Index) -> None:
    report = index()
    assert (report.unchanged, report.touched) == (20, False)
    assert index.server.calls == ["token", "site", "drives", "delta", "batch"]
    assert index.job.embedder.embedded == []


def test_scenario_1_a_deleted_file_is_gone_after_the_first_night(index: Index) -> None:
    index.server.delete("f03")
    assert index().hidden == 1
    assert "door 3." not in index.text()
    assert index().deleted == 1


def test_scenario_2_a_permission_taken_away_deletes_nothing(index: Index) -> None:
    index.server.roles = ()
    report = index()
    assert "none of the permissions to read files" in (report.error or "")
    assert (report.deleted, report.hidden) == (0, 0)
    assert index.text().count("blue badge") == 20


def test_scenario_2_a_feed_that_tells_of_nothing_but_deletions_is_held(index: Index) -> None:
    for number in range(1, 20):
        index.server.delete(f"f{number:02}")
    for _ in range(2):
        report = index()
        assert report.held
        assert (report.deleted, report.hidden) == (0, 0)
    assert index.text().count("blue badge") == 20


def test_scenario_6_an_old_file_put_in_today_is_found(index: Index) -> None:
    old = "2019-01-01T00:00:00Z"
    index.server.put("old", b"The red badge is of 2019.", "sub", lastModifiedDateTime=old)
    assert index().added == 1
    assert "The red badge is of 2019." in index.text()


def test_scenario_7_a_file_shared_into_a_onedrive_is_one_document(index: Index) -> None:
    index.server.drive("b!2", "bo@acme.example")
    index.server.put("near", b"Bo's own badge.", drive="b!2")
    index.server.put("far", b"", drive="b!2", remoteItem={"id": "f05"})
    index.nights.chosen = Selection(sites=(SITE,), users=("bo@acme.example",))
    report = index()
    assert (report.added, report.unchanged) == (1, 20)


def test_scenario_8_a_renamed_folder_keeps_its_documents_and_mends_their_links(
    index: Index,
) -> None:
    index.server.folder("sub", name="Doors")
    for number in range(20):  # the server's own way to give them new addresses
        index.server.put(f"f{number:02}")
        index.server.log[DRIVE].pop()
    report = index()
    assert (report.added, report.changed, report.hidden) == (0, 20, 0)
    assert index.job.embedder.embedded == []
    assert index.job.known("sp")[f"sp:{DRIVE}/f05"].url.endswith("/Doors/5.txt")


def test_scenario_11_a_library_that_is_no_longer_shared_is_hidden_though_no_text_changed(
    index: Index,
) -> None:
    index.server.share(f"{DRIVE}-root", person("bo@acme.example"))
    report = index()
    assert (report.readers_changed, report.changed) == (20, 0)
    assert index.job.embedder.embedded == []
    assert index.text(ANN) == ""
    assert index.text(BO).count("blue badge") == 20


def test_scenario_12_a_rate_limit_costs_nothing(index: Index) -> None:
    busy = refusal(429, "activityLimitReached", "Too many requests.", 120)
    index.server.faults["delta"] = Fault(lambda _: busy, times=2)
    index.server.put_off = 5
    report = index()
    assert (report.unchanged, report.error) == (20, None)
    assert index.nights.clock.slept == [120, 120, 120]


def test_a_listing_cut_short_where_no_memory_knows_better_purges_nothing(index: Index) -> None:
    assert index.nights.memory is not None
    index.nights.memory.unlink()
    link = {"@odata.deltaLink": f"{index.server.url}/v1.0/drives/{DRIVE}/root/delta?token=1"}
    index.server.faults["delta"] = Fault(cut(link))
    report = index()
    assert report.held
    assert (report.deleted, report.hidden) == (0, 0)
    index.nights.memory.unlink()
    assert index().unchanged == 20
