"""Nights with a live Slack workspace: what changes there is what changes in the index."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.client import Account, Client
from connectors.slack import SlackConnector
from connectors.slack_files import Files
from connectors.slack_memory import Memory
from connectors.slack_roster import Selection
from index.local import PublishedStore
from ingest.report import SourceReport
from tests.connectors.slack_company import SlackCompany
from tests.connectors.test_slack_export import reply, said, ts
from tests.ingest.job import ALL, Job
from tests.ui.slack_server import BOT_TOKEN, TEAM, Fault

ANN = frozenset({"everyone", "user:ann@x.example"})


class Nights:
    """One workspace and its index; each call is a night, a day after the last."""

    def __init__(self, data: Path, company: SlackCompany) -> None:
        self.company = company
        self.job = Job(data)
        self._data = data

    def __call__(self) -> SourceReport:
        """Ingest as a new process does."""
        now = self.job.now.timestamp()
        memory = Memory(self._data / "threads.sqlite", reread_days=7)
        api = self.company.api(sleep=lambda seconds: None)
        account = Account(headers={"Authorization": f"Bearer {BOT_TOKEN}"})
        files = Files(api, Client(self.company.files_origin, account))
        source = SlackConnector("slack", api, Selection(ALL), memory, files=files, now=lambda: now)
        self.company.calls.clear()
        self.job.embedder.embedded.clear()
        return self.job.ingest(source).sources[0]

    def text(self, principals: frozenset[str] = ALL) -> str:
        """Return all that somebody can find."""
        store = PublishedStore(self._data, recipe="r")
        vector = self.job.embedder.embed_query("badge")
        return "\n".join(h.chunk.text for h in store.search("badge", vector, 99, principals))


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    """A workspace after its first night: 20 threads of weeks ago, in two channels."""
    with SlackCompany() as company:
        profile = {"real_name": "Ann Lee", "email": "ann@x.example"}
        company.users["U1"] = {"id": "U1", "team_id": TEAM, "profile": profile}
        company.users["U2"] = {"id": "U2", "team_id": TEAM, "profile": {"real_name": "Bo Ek"}}
        for channel, name in (("C1", "general"), ("C2", "help-it")):
            company.add_channel(channel, name, members=["U1", "U2"])
            for number in range(10):
                at = number * 200 - 60 * 1440
                company.put(channel, said(at, f"Which badge opens door {number} of {name}?"))
                company.put(channel, reply(at + 5, at, f"The blue badge {number} of {name}."))
        nights = Nights(tmp_path, company)
        assert nights().added == 20
        yield nights


FIRST = -60 * 1440  # minute of the oldest thread


def test_a_night_without_news_reads_no_thread_it_need_not_and_embeds_nothing(
    nights: Nights,
) -> None:
    report = nights()
    assert (report.unchanged, report.touched) == (20, False)
    assert nights.job.embedder.embedded == []
    assert nights.company.count("conversations.replies") < 8  # a seventh, as their turns fall
    assert nights.company.count("conversations.history") == 2


def test_scenario_1_a_deleted_thread_is_gone_after_the_night(nights: Nights) -> None:
    nights.company.delete("C2", ts(FIRST + 5))
    nights.company.delete("C2", ts(FIRST))
    assert nights().hidden == 1
    assert "of help-it" in nights.text()
    assert "blue badge 0 of help-it" not in nights.text()


def test_scenario_6_an_old_channel_that_the_app_is_invited_to_today_is_found(
    nights: Nights,
) -> None:
    nights.company.add_channel("C3", "archive", is_member=False)
    nights.company.put("C3", said(FIRST - 1440, "The red badge is of a year ago."))
    assert nights().added == 0
    nights.company.add_channel("C3", "archive")
    assert nights().added == 1
    assert "The red badge is of a year ago." in nights.text()


def test_scenario_7_a_file_shared_into_two_channels_is_one_document(nights: Nights) -> None:
    plan = nights.company.share("F1", b"The purple badge opens the roof.")
    nights.company.put("C1", said(FIRST - 500, "Of the roof", files=[plan]))
    nights.company.put("C2", said(FIRST - 500, "Have a look", files=[plan]))
    nights()
    assert [id for id in nights.job.known("slack") if "F1" in id] == ["slack:file:F1"]
    assert nights.text().count("The purple badge opens the roof.") == 1


def test_scenario_3_a_reply_of_today_in_an_old_thread_is_found(nights: Nights) -> None:
    nights.company.put("C1", reply(0, FIRST, "Since Monday it is the green badge."))
    assert nights().changed == 1
    assert "Since Monday it is the green badge." in nights.text()


def test_scenario_4_an_edited_message_and_a_deleted_reply_are_gone(nights: Nights) -> None:
    nights.company.edit("C1", ts(FIRST), text="Which badge opens the garage?")
    nights.company.delete("C2", ts(FIRST + 5))
    assert nights().changed == 2
    text = nights.text()
    assert "Which badge opens the garage?" in text
    assert "door 0 of general" not in text
    assert "blue badge 0 of help-it" not in text


@pytest.mark.parametrize("private", [False, True])
def test_scenario_8_a_channel_that_is_renamed_is_the_same_documents_under_its_new_name(
    nights: Nights, private: bool
) -> None:
    nights.company.add_channel("C2", "help-it", is_private=private, members=["U1"])
    nights()
    before = nights.job.known("slack")
    nights.company.add_channel("C2", "support", is_private=private, members=["U1"])
    report = nights()
    assert (report.added, report.changed, report.hidden) == (0, 10, 0)
    after = nights.job.known("slack")
    assert {id: info.url for id, info in after.items()} == {
        id: info.url for id, info in before.items()
    }
    assert sum("#support: " in info.title for info in after.values()) == 10
    assert not any("#help-it" in info.title for info in after.values())


def test_scenario_11_a_channel_that_is_renamed_as_it_becomes_private_is_hidden(
    nights: Nights,
) -> None:
    nights.company.add_channel("C2", "deals", is_private=True, members=["U1"])
    nights()
    assert "help-it" not in nights.text()
    assert "blue badge 9 of help-it" in nights.text(ANN)


def test_scenario_11_a_channel_that_becomes_private_is_hidden_though_no_text_changed(
    nights: Nights,
) -> None:
    nights.company.add_channel("C2", "help-it", is_private=True, members=["U1"])
    report = nights()
    assert (report.readers_changed, report.changed) == (10, 0)
    assert nights.job.embedder.embedded == []
    assert "help-it" not in nights.text()
    assert "blue badge 9 of help-it" in nights.text(ANN)


def test_scenario_11_a_member_who_left_finds_nothing_any_more(nights: Nights) -> None:
    nights.company.add_channel("C2", "help-it", is_private=True, members=["U1", "U2"])
    nights()
    assert "help-it" in nights.text(ANN)
    nights.company.add_channel("C2", "help-it", is_private=True, members=["U2"])
    assert nights().readers_changed == 10
    assert "help-it" not in nights.text(ANN)


def test_scenario_2_a_workspace_that_seems_empty_is_held(nights: Nights) -> None:
    empty = json.dumps({"ok": True, "messages": []}).encode()
    nights.company.faults["conversations.history"] = Fault(change=lambda _: empty, times=99)
    report = nights()
    assert report.held or report.error
    assert (report.deleted, report.hidden) == (0, 0)
    assert nights.text().count("blue badge") == 20


def test_scenario_12_a_rate_limit_in_the_middle_costs_nothing(nights: Nights) -> None:
    nights.company.faults["conversations.history"] = Fault(429, retry_after_s=120, after=1)
    report = nights()
    assert (report.unchanged, report.error) == (20, None)
