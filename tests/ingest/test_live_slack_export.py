"""Nights with a Slack export that is replaced by a newer one each day."""

from pathlib import Path

import pytest

from ingest.report import SourceReport
from tests.connectors.test_slack_export import Raw, connector, export, reply, said, write
from tests.ingest.job import Job
from tests.ingest.test_live_confluence import found_text

ANN = frozenset({"everyone", "user:ann@x.example"})
WEEKS = 21 * 1440  # minutes
COUNT = 20  # threads in two channels


class Nights:
    """One workspace whose export is laid down anew before each night."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "export"
        self.channels: list[Raw] = [{"id": "C1", "name": "general"}, {"id": "C2", "name": "help"}]
        self.groups: list[Raw] = []
        self.messages: dict[str, list[Raw]] = {
            name: [
                message
                for n in range(COUNT // 2)
                for message in (
                    said(n * 200, f"Which badge opens door {n} of {name}?"),
                    reply(n * 200 + 5, n * 200, f"The blue badge {n} of {name}."),
                )
            ]
            for name in ("general", "help")
        }
        (folder / "data").mkdir()
        self.job = Job(folder / "data")

    def __call__(self) -> SourceReport:
        days = {f"{name}/2026-03-02.json": rows for name, rows in self.messages.items()}
        export(self.root, days)
        write(self.root, "channels.json", self.channels)
        write(self.root, "groups.json", self.groups)
        self.job.embedder.embedded.clear()
        return self.job.ingest(connector(self.root)).sources[0]

    def text(self, principals: frozenset[str] = frozenset({"everyone"})) -> str:
        return found_text(self.job, principals)


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    """A workspace after its first night."""
    nights = Nights(tmp_path)
    assert nights().added == COUNT
    return nights


def test_an_export_without_news_embeds_nothing_and_touches_nothing(nights: Nights) -> None:
    report = nights()
    assert (report.unchanged, report.touched) == (COUNT, False)
    assert nights.job.embedder.embedded == []


def test_scenario_1_a_deleted_thread_is_gone_after_the_night(nights: Nights) -> None:
    del nights.messages["help"][:2]
    report = nights()
    assert (report.hidden, report.error) == (1, None)
    assert "blue badge 0 of help" not in nights.text()
    assert "blue badge 1 of help" in nights.text()


def test_scenario_3_a_reply_of_today_in_an_old_thread_is_found(nights: Nights) -> None:
    nights.messages["general"].append(reply(WEEKS, 0, "Since Monday it is the green badge."))
    assert nights().changed == 1
    assert "Since Monday it is the green badge." in nights.text()


def test_scenario_4_an_edited_message_and_a_deleted_reply_are_gone(nights: Nights) -> None:
    nights.messages["general"][0]["text"] = "Which badge opens the garage?"
    del nights.messages["help"][1]
    assert nights().changed == 2
    text = nights.text()
    assert "Which badge opens the garage?" in text
    assert "door 0 of general" not in text
    assert "blue badge 0 of help" not in text


def test_scenario_8_a_channel_that_is_renamed_is_the_same_documents(nights: Nights) -> None:
    before = nights.job.known("slack").keys()
    nights.channels[1]["name"] = "support"
    nights.messages["support"] = nights.messages.pop("help")
    report = nights()
    assert (report.added, report.changed, report.hidden) == (0, COUNT // 2, 0)
    after = nights.job.known("slack")
    assert after.keys() == before
    assert sum("#support: " in info.title for info in after.values()) == COUNT // 2


def test_scenario_11_a_channel_that_becomes_private_is_hidden_though_no_text_changed(
    nights: Nights,
) -> None:
    nights.groups.append({**nights.channels.pop(), "members": ["U1"]})
    report = nights()
    assert (report.readers_changed, report.changed) == (COUNT // 2, 0)
    assert nights.job.embedder.embedded == []
    assert "help" not in nights.text()
    assert "blue badge 9 of help" in nights.text(ANN)
