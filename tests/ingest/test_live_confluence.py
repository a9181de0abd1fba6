"""Nights with a Confluence: what changes there is what changes in the index, faults change nothing.

Through the whole job, over HTTP, for both editions.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Entry
from index.local import PublishedStore
from ingest.report import SourceReport
from tests.connectors.confluence_server import Confluence, confluence
from tests.connectors.test_client import PATIENT, FakeClock
from tests.connectors.test_confluence import COUNT, connector, fill, listed
from tests.connectors.web_server import Reply
from tests.ingest.job import Job
from tests.servers.proxy import FAULTS, Fault, Proxy, proxied

STAFF = frozenset({"everyone", "group:staff"})
BO = STAFF | {"user:bo@x.example", "group:hr"}
HASTY = replace(PATIENT, read_s=0.5, attempts=1)


def cut(reply: Reply) -> Reply:
    """Half of a batch, that says that it is whole and the last."""
    answer = json.loads(reply.body)
    if isinstance(answer, dict) and "results" in answer:
        answer["results"] = answer["results"][: len(answer["results"]) // 2]
        answer["_links"] = {}
        if "size" in answer:
            answer["size"] = len(answer["results"])
    return replace(reply, body=json.dumps(answer).encode())


def emptied(reply: Reply) -> Reply:
    answer = json.loads(reply.body)
    empty = {**answer, "results": [], "size": 0, "_links": {}} if "results" in answer else answer
    return replace(reply, body=json.dumps(empty).encode())


ALL_FAULTS: dict[str, Fault] = {
    **FAULTS,
    "timeout": lambda reply: replace(reply, wait_s=1),
    "short page": cut,
    "200, empty list": emptied,
}


def found_text(job: Job, principals: frozenset[str] = STAFF) -> str:
    """Return all that somebody can find."""
    store = PublishedStore(job.data, recipe="r")
    vector = job.embedder.embed_query("hotel")
    return "\n".join(hit.chunk.text for hit in store.search("hotel", vector, 99, principals))


class Nights:
    """One Confluence and its index; each call is a night, a day after the last."""

    def __init__(self, data: Path, server: Confluence) -> None:
        self.server = server
        self.job = Job(data)

    def __call__(self, proxy: Proxy | None = None) -> SourceReport:
        """Ingest as a new process does."""
        self.server.requests.clear()
        self.job.embedder.embedded.clear()
        url = proxy.url if proxy else ""
        limits, memory = HASTY if proxy else PATIENT, self.job.data / "conf.attachments.json"
        source = connector(self.server, url=url, limits=limits, memory=memory)
        return self.job.ingest(source).sources[0]

    def text(self, principals: frozenset[str] = STAFF) -> str:
        return found_text(self.job, principals)


@pytest.fixture(params=[True, False], ids=["cloud", "data center"])
def nights(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Nights]:
    """A Confluence after its first night."""
    with confluence(cloud=request.param) as server:
        fill(server)
        nights = Nights(tmp_path, server)
        assert nights().added == COUNT
        yield nights


def test_a_night_without_news_fetches_and_embeds_nothing(nights: Nights) -> None:
    report = nights()
    assert (report.unchanged, report.touched) == (COUNT, False)
    assert nights.job.embedder.embedded == []
    assert not any("body" in path or "download" in path for path in nights.server.requests)


def test_scenario_1_a_deleted_page_is_gone_after_the_night(nights: Nights) -> None:
    nights.server.contents["7"].status = "trashed"
    report = nights()
    assert (report.hidden, report.error) == (1, None)
    assert "Number 7" not in nights.text()
    assert "Number 6" in nights.text()


def test_scenario_2_an_account_that_sees_nothing_any_more_changes_nothing(nights: Nights) -> None:
    kept = dict(nights.server.contents)
    nights.server.contents.clear()
    report = nights()
    assert "has a home page, but lists none" in str(report.error)
    assert (report.hidden, report.deleted) == (0, 0)
    nights.server.contents.update(list(kept.items())[:3])
    assert nights().held is not None
    assert "Number 7" in nights.text()


def test_scenario_5_a_comment_and_an_attachment_on_an_unedited_page_are_found(
    nights: Nights,
) -> None:
    nights.server.add("38", "", "<p>The Ibis is good.</p>", type="comment", parent="3")
    nights.server.add("22", "map.txt", "The map of hotels.", type="attachment", parent="3")
    report = nights()
    assert (report.added, report.changed) == (1, 1)
    assert "The Ibis is good." in nights.text()
    assert "The map of hotels." in nights.text()


def test_scenario_6_an_old_page_moved_into_the_space_today_is_found(nights: Nights) -> None:
    nights.server.spaces["OLD"] = [("group", "staff")]
    old = nights.server.add("40", "Plan", "<p>The plan of 2011.</p>", space="OLD")
    old.when = "2011-05-01T10:00:00.000Z"
    assert nights.job.ingest(connector(nights.server, "ENG")).sources[0].added == 0
    old.space, old.parent = "ENG", "1"
    assert nights.job.ingest(connector(nights.server, "ENG")).sources[0].added == 1
    assert "The plan of 2011." in nights.text()


def test_scenario_8_a_page_that_is_renamed_and_moved_is_one_document_at_its_new_place(
    nights: Nights,
) -> None:
    page = nights.server.contents["3"]
    page.title, page.parent, page.number = "Where to sleep", "1", 2
    report = nights()
    assert (report.added, report.changed, report.hidden) == (0, 1, 0)
    info = nights.job.known("conf")["conf:3"]
    assert info.title == "Where to sleep"
    assert "3/Where+to+sleep" in info.url or "pageId=3" in info.url


def test_scenario_10_a_broken_page_is_reported_and_the_others_are_read(nights: Nights) -> None:
    nights.server.edit("3", "<p>open")
    nights.server.edit("4", "<p>Number four.</p>")
    report = nights()
    [failure] = report.failures
    assert (failure.document_id, failure.stage) == ("conf:3", "fetch")
    assert "Number four." in nights.text()
    assert "At most 120 euro" in nights.text()
    nights.server.edit("3", "<p>At most 140 euro.</p>")
    assert nights().failures == ()
    assert "At most 140 euro." in nights.text()


def test_scenario_11_a_page_above_that_becomes_restricted_hides_all_below_it(
    nights: Nights,
) -> None:
    nights.server.contents["2"].restricted = [("group", "hr")]
    report = nights()
    assert (report.readers_changed, report.changed) == (3, 0)
    assert nights.job.embedder.embedded == []
    assert "120 euro" not in nights.text()
    assert "Rates" not in nights.text()
    assert "120 euro" in nights.text(BO)


def test_scenario_12_429_with_retry_after_120_is_waited_for(nights: Nights) -> None:
    with proxied(nights.server.url.rpartition("/")[0]) as proxy:
        proxy.counts = lambda request: True
        proxy.fault, proxy.spoiled = FAULTS["429"], lambda number: number in (2, 3)
        clock = FakeClock()
        source = connector(nights.server, url=proxy.url, clock=clock)
        report = nights.job.ingest(source).sources[0]
    assert clock.slept == [120, 120]
    assert (report.unchanged, report.error) == (COUNT, None)


def spoil(proxy: Proxy, fault: str, number: int) -> None:
    """Let one request meet a fault, and those after it too."""
    proxy.counts = lambda request: True
    proxy.fault, proxy.counted = ALL_FAULTS[fault], 0
    proxy.spoiled = lambda counted: counted >= number


@pytest.mark.parametrize("fault", ["403", "short page", "200, empty list"])
def test_a_fault_in_the_middle_of_a_listing_purges_nothing(nights: Nights, fault: str) -> None:
    before = nights.job.known("conf")
    with proxied(nights.server.url.rpartition("/")[0]) as proxy:
        spoil(proxy, fault, 4)
        report = nights(proxy)
    assert report.error is not None
    assert (report.hidden, report.deleted) == (0, 0)
    assert nights.job.known("conf") == before


def unattached(reply: Reply) -> Reply:
    """A whole answer that says of no page that it has attachments."""
    answer = json.loads(reply.body)
    rows = answer.get("results", ()) if isinstance(answer, dict) else ()
    for row in rows:
        if "children" in row:
            row["children"]["attachment"] |= {"results": [], "size": 0}
        if "pageId" in row:
            answer |= {"results": [], "_links": {}}
    return replace(reply, body=json.dumps(answer).encode())


def test_attachments_that_are_listed_no_more_and_are_there_are_not_hidden(nights: Nights) -> None:
    before = nights.job.known("conf")
    with proxied(nights.server.url.rpartition("/")[0]) as proxy:
        proxy.counts = lambda request: "download" not in request.path
        proxy.fault, proxy.spoiled = unattached, lambda number: True
        report = nights(proxy)
        assert "the attachment 20 of page 3 lacks, and is there" in str(report.error)
        assert (report.hidden, report.deleted) == (0, 0)
        assert nights.job.known("conf") == before
    assert (nights().unchanged, nights().touched) == (COUNT, False)


def test_scenario_1_the_last_attachment_of_a_page_is_gone_the_night_it_is_deleted(
    nights: Nights,
) -> None:
    nights.server.contents["20"].status = "trashed"
    report = nights()
    assert (report.hidden, report.error) == (1, None)
    assert "Rates of hotels" not in nights.text()


@pytest.mark.parametrize("change", ["moved", "renamed to a picture", "page deleted"])
def test_an_attachment_that_is_elsewhere_or_another_thing_breaks_no_listing(
    nights: Nights, change: str
) -> None:
    file = nights.server.contents["20"]
    if change == "moved":
        file.parent = "4"
    elif change == "page deleted":
        nights.server.contents["3"].status = file.status = "trashed"
    else:
        file.title = "rates.png"
    report = nights()
    assert report.error is None
    assert report.hidden == {"moved": 0, "page deleted": 2}.get(change, 1)


@pytest.mark.parametrize("kept", [b"", b"[]", b'{"format": 1}', b'{"format": 9}'])
def test_a_damaged_memory_of_attachments_is_begun_anew(nights: Nights, kept: bytes) -> None:
    (nights.job.data / "conf.attachments.json").write_bytes(kept)
    assert (nights().unchanged, nights().error) == (COUNT, None)


def test_an_empty_list_of_the_attachments_that_a_page_showed_purges_none(tmp_path: Path) -> None:
    with confluence(cloud=False) as server, proxied(server.url.rpartition("/")[0]) as proxy:
        fill(server)
        for number in range(8, 20):
            server.add(str(number), f"Page {number}", parent="1")
        nights = Nights(tmp_path, server)
        nights()
        before = nights.job.known("conf")
        proxy.counts = lambda request: "/child/attachment" in request.path
        proxy.fault, proxy.spoiled = emptied, lambda number: True
        report = nights(proxy)
        assert "incomplete listing: 2 of the attachments" in str(report.error)
        assert (report.hidden, report.deleted) == (0, 0)
        assert nights.job.known("conf") == before


@pytest.mark.slow
@pytest.mark.parametrize("fault", ALL_FAULTS)
def test_no_fault_of_a_listing_purges_anything(nights: Nights, fault: str) -> None:
    before = nights.job.known("conf")
    nights.server.requests.clear()
    listed(nights.server)
    requests = len(nights.server.requests)
    with proxied(nights.server.url.rpartition("/")[0]) as proxy:
        for number in (0, requests // 2, requests - 1):
            spoil(proxy, fault, number)
            report = nights(proxy)
            assert (report.hidden, report.deleted) == (0, 0)
            assert nights.job.known("conf").keys() == before.keys()
    nights()
    assert nights.job.known("conf") == before


@pytest.mark.slow
@pytest.mark.parametrize("fault", sorted(set(ALL_FAULTS) - {"timeout"}))
def test_a_fault_at_any_one_request_loses_no_document_and_opens_none(
    nights: Nights, fault: str
) -> None:
    known = listed(nights.server)
    nights.server.requests.clear()
    listed(nights.server)
    requests = len(nights.server.requests)
    with proxied(nights.server.url.rpartition("/")[0]) as proxy:
        for number in range(requests):
            spoil(proxy, fault, number)
            proxy.spoiled = number.__eq__
            found: dict[str, Entry] = known
            try:
                source = connector(nights.server, url=proxy.url, limits=HASTY)
                found = {entry.id: entry for entry in source.entries()}
            except ConnectorError:
                pass
            assert found.keys() == known.keys()
            assert all(entry.readers <= known[id].readers for id, entry in found.items())
