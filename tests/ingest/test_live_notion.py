"""Nights with a Notion workspace: what changes there is what changes in the index."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Entry
from ingest.report import SourceReport
from tests.connectors.notion_server import Notion, block, notion, rich
from tests.connectors.test_client import PATIENT, FakeClock
from tests.connectors.test_notion import connector, fill, listed
from tests.connectors.web_server import Reply
from tests.ingest.job import ALL, HR, Job
from tests.ingest.test_live_confluence import found_text
from tests.servers.proxy import FAULTS, Fault, Proxy, proxied

HASTY = replace(PATIENT, read_s=0.5, attempts=1)
COUNT = 9  # documents of `fill`


def cut(reply: Reply) -> Reply:
    """Half of a batch, that says that it is the last."""
    answer = json.loads(reply.body)
    if "results" in answer:
        half = answer["results"][: len(answer["results"]) // 2]
        answer |= {"results": half, "has_more": False, "next_cursor": None}
    return replace(reply, body=json.dumps(answer).encode())


def emptied(reply: Reply) -> Reply:
    answer = json.loads(reply.body)
    empty = {"results": [], "has_more": False, "next_cursor": None}
    return replace(reply, body=json.dumps(answer | empty).encode())


# Lists that lie within whole answers: a search from the other end makes up for them.
WITHIN: dict[str, Fault] = {"short page": cut, "200, empty list": emptied}
BROKEN: dict[str, Fault] = {**FAULTS, "timeout": lambda reply: replace(reply, wait_s=1)}


class Nights:
    """One workspace and its index; each call is a night, a day after the last."""

    def __init__(self, data: Path, server: Notion) -> None:
        self.server = server
        self.job = Job(data)

    def __call__(self, proxy: Proxy | None = None, readers: frozenset[str] = ALL) -> SourceReport:
        """Ingest as a new process does."""
        self.server.requests.clear()
        self.job.embedder.embedded.clear()
        url = proxy.url if proxy else ""
        limits = HASTY if proxy else PATIENT
        memory = self.job.data / "notion.attachments.json"
        source = connector(self.server, url=url, limits=limits, readers=readers, memory=memory)
        return self.job.ingest(source).sources[0]

    def text(self) -> str:
        return found_text(self.job)


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    """A workspace after its first night. The page "p2" says: At most 120 euro."""
    with notion() as server:
        fill(server)
        server.found += [id for id in server.pages if id not in server.found]
        nights = Nights(tmp_path, server)
        assert nights().added == COUNT
        yield nights


def test_a_night_without_news_embeds_nothing_and_touches_nothing(nights: Nights) -> None:
    report = nights()
    assert (report.unchanged, report.touched) == (COUNT, False)
    assert nights.job.embedder.embedded == []


def test_scenario_1_a_page_in_the_trash_is_gone_after_the_night(nights: Nights) -> None:
    nights.server.pages["p6"]["in_trash"] = True
    assert (nights().hidden, "No 6" in nights.text()) == (1, False)


def test_scenario_2_a_connection_that_sees_nothing_any_more_changes_nothing(
    nights: Nights,
) -> None:
    nights.server.unshared |= set(nights.server.pages)
    report = nights()
    assert "shares no page with the connection" in str(report.error)
    assert (report.hidden, report.deleted) == (0, 0)
    nights.server.unshared -= {"p4", "p5"}
    assert nights().held is not None
    assert "120 euro" in nights.text()


def test_scenario_5_a_comment_and_an_edit_within_the_same_minute_are_found(nights: Nights) -> None:
    nights.server.comment("p4", "The Ibis is good.")
    nights.server.blocks["p2"][0]["paragraph"]["rich_text"] = rich("At most 130 euro.")
    assert nights().changed == 2
    assert "The Ibis is good." in nights.text()
    assert "130 euro" in nights.text()


def test_scenario_5_a_file_on_an_unedited_page_is_found_and_gone_when_it_is_deleted(
    nights: Nights,
) -> None:
    nights.server.attach("p4", "f1", "torques.txt", b"The torque of the lid is 0.6 Nm.")
    nights()
    assert "The torque of the lid is 0.6 Nm." in nights.text()
    nights.server.blocks["p4"].pop()
    report = nights()
    assert (report.hidden, report.error) == (1, None)
    assert "0.6 Nm" not in nights.text()


def test_scenario_6_an_old_page_that_is_shared_today_is_found(nights: Nights) -> None:
    text = block("b7", "paragraph", "The plan of 2011.")
    nights.server.add("p7", "Plan", text, last_edited_time="2011-05-01T10:00:00.000Z")
    nights.server.unshared.add("p7")
    assert nights().added == 0
    nights.server.unshared.remove("p7")
    assert nights().added == 1
    assert "The plan of 2011." in nights.text()


def test_scenario_7_a_page_that_is_found_in_two_ways_is_one_document(nights: Nights) -> None:
    assert "p2" in nights.server.found
    assert any(each["id"] == "p2" for each in nights.server.blocks["p1"])
    assert nights.text().count("At most 120 euro.") == 1


def test_scenario_8_a_page_that_is_renamed_and_moved_is_one_document(nights: Nights) -> None:
    moved = nights.server.blocks["p2"].pop()
    nights.server.blocks["p4"].append(moved)
    nights.server.pages["p3"]["properties"]["Name"]["title"] = rich("Towns")
    nights.server.pages["p3"]["url"] = "https://www.notion.so/Towns-p3"
    report = nights()
    assert (report.added, report.changed, report.hidden) == (0, 1, 0)
    info = nights.job.known("notion")["notion:p3"]
    assert (info.title, info.url) == ("Towns", "https://www.notion.so/Towns-p3")


def test_scenario_10_a_page_without_text_is_reported_and_the_others_are_read(
    nights: Nights,
) -> None:
    nights.server.blocks["p4"] = [block("b4", "divider")]
    nights.server.add("p7", "Seven", block("b7", "paragraph", "Number seven."))
    report = nights()
    assert [failure.document_id for failure in report.failures] == ["notion:p4"]
    assert "Number seven." in nights.text()


def test_scenario_11_other_readers_in_the_settings_hold_after_the_night_text_unchanged(
    nights: Nights,
) -> None:
    report = nights(readers=HR)
    assert (report.readers_changed, report.changed) == (COUNT, 0)
    assert nights.job.embedder.embedded == []
    assert nights.text() == ""
    assert "120 euro" in found_text(nights.job, HR)


def test_scenario_12_429_with_retry_after_120_is_waited_for(nights: Nights) -> None:
    with proxied(nights.server.url) as proxy:
        proxy.counts = lambda request: True
        proxy.fault, proxy.spoiled = FAULTS["429"], lambda number: number in (2, 3)
        clock = FakeClock()
        source = connector(nights.server, url=proxy.url, clock=clock)
        report = nights.job.ingest(source).sources[0]
    assert clock.slept == [120, 120]
    assert (report.unchanged, report.error) == (COUNT, None)


@pytest.mark.parametrize("fault", ["403", "truncated"])
def test_a_fault_in_the_middle_of_a_listing_purges_nothing(nights: Nights, fault: str) -> None:
    before = nights.job.known("notion")
    with proxied(nights.server.url) as proxy:
        proxy.counts, proxy.fault = lambda request: True, BROKEN[fault]
        proxy.spoiled = (9).__le__
        report = nights(proxy)
    assert report.error is not None
    assert (report.hidden, report.deleted) == (0, 0)
    assert nights.job.known("notion") == before


@pytest.mark.parametrize("fault", WITHIN)
@pytest.mark.parametrize("number", [0, 5, 9, 20])
def test_a_list_that_ends_too_early_in_silence_purges_nothing(
    nights: Nights, fault: str, number: int
) -> None:
    before = nights.job.known("notion").keys()
    with proxied(nights.server.url) as proxy:
        proxy.counts, proxy.fault, proxy.spoiled = bool, WITHIN[fault], number.__eq__
        report = nights(proxy)
    assert (report.hidden, report.deleted) == (0, 0)
    assert nights.job.known("notion").keys() == before


@pytest.mark.slow
@pytest.mark.parametrize("fault", BROKEN)
def test_no_fault_of_a_listing_purges_anything(nights: Nights, fault: str) -> None:
    before = nights.job.known("notion")
    nights.server.requests.clear()
    listed(nights.server)
    requests = len(nights.server.requests)
    with proxied(nights.server.url) as proxy:
        proxy.counts, proxy.fault = lambda request: True, BROKEN[fault]
        for number in (0, requests // 2, requests - 1):
            proxy.counted, proxy.spoiled = 0, number.__le__
            report = nights(proxy)
            assert report.error is not None
            assert (report.hidden, report.deleted) == (0, 0)
            assert nights.job.known("notion").keys() == before.keys()
    nights()
    assert nights.job.known("notion") == before


@pytest.mark.slow
@pytest.mark.parametrize("fault", WITHIN)
def test_a_list_that_ends_too_early_anywhere_loses_no_page(nights: Nights, fault: str) -> None:
    known = listed(nights.server)
    nights.server.requests.clear()
    listed(nights.server)
    requests = len(nights.server.requests)
    with proxied(nights.server.url) as proxy:
        proxy.counts, proxy.fault = lambda request: True, WITHIN[fault]
        for number in range(requests):
            proxy.counted, proxy.spoiled = 0, number.__eq__
            found: dict[str, Entry] = known
            try:
                source = connector(nights.server, url=proxy.url, limits=HASTY)
                found = {entry.id: entry for entry in source.entries()}
            except ConnectorError:
                pass
            assert found.keys() == known.keys()
