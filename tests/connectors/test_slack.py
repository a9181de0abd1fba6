"""The live connector against a server on this machine: what it gives, to whom, at what cost."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Document, Entry, read_thread
from connectors.slack import SlackConnector
from connectors.slack_memory import DAY_S, Memory
from connectors.slack_roster import Selection
from tests.connectors.slack_company import SlackCompany
from tests.connectors.test_slack_export import (
    T0,
    USERS,
    reply,
    said,
    ts,
)
from tests.contracts.connector import ConnectorContract
from tests.ui.slack_server import TEAM, Fault

ALL = frozenset({"everyone"})
READS = ("conversations.replies", "conversations.history")


@pytest.fixture
def company() -> Iterator[SlackCompany]:
    """A company of five people with one public channel, C1 #general, and nothing said in it."""
    with SlackCompany() as company:
        for user in USERS:
            company.users[str(user["id"])] = {**user, "team_id": TEAM}
        company.add_channel("C1", "general")
        yield company


@dataclass
class Clock:
    """The time of a listing, in seconds since 1970."""

    time: float = T0 + DAY_S

    def __call__(self) -> float:
        return self.time


def connector(
    company: SlackCompany,
    memory: Path | None = None,
    *,
    days: int = 7,
    clock: Clock | None = None,
    **selection: object,
) -> SlackConnector:
    chosen = Selection(**{"readers": ALL, **selection})  # type: ignore[arg-type]
    remembered = Memory(memory, reread_days=days)
    return SlackConnector("slack", company.api(), chosen, remembered, now=clock or Clock())


def listed(source: SlackConnector) -> dict[str, Entry]:
    return {entry.id: entry for entry in source.entries()}


def documents(source: SlackConnector) -> dict[str, Document]:
    return {entry.id: source.fetch(entry) for entry in list(source.entries())}


def texts(document: Document) -> list[str]:
    return [message.text for message in read_thread(document.body)]


@dataclass
class LiveSource:
    """What the contract wants of a source. With a file, a memory outlives each connector."""

    company: SlackCompany
    memory: Path | None = None
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.company.put("C1", said(0, "How do I reset my badge?"))
        self.company.put("C1", reply(5, 0, "At the front desk."))
        self.company.put("C1", said(10, "The lift is out of order today."))
        self.company.put("C1", said(600, "Cake in the kitchen on floor two."))
        self.company.add_channel("G1", "board", is_private=True, members=["U1", "U4"])
        self.company.put("G1", said(1, "Draft of the budget is here."))

    def connector(self) -> SlackConnector:
        return connector(self.company, self.memory, clock=self.clock)

    def change(self) -> str:
        self.company.edit("C1", ts(5), text="At the front desk, with your passport.")
        return f"slack:C1:{ts(0)}"

    def remove(self) -> str:
        self.company.delete("C1", ts(600))
        return f"slack:C1:{ts(600)}"

    def damage(self) -> None:
        self.company.faults["conversations.history"] = Fault(error="not_in_channel", after=1)


class TestSlack(ConnectorContract):
    @pytest.fixture
    def source(self, company: SlackCompany) -> LiveSource:
        return LiveSource(company)


class TestSlackWithAMemory(ConnectorContract):
    @pytest.fixture
    def source(self, company: SlackCompany, tmp_path: Path) -> LiveSource:
        return LiveSource(company, tmp_path / "memory.sqlite")


class TestNeverStale:
    """Scenarios 3 and 4, with a memory that knows the old state."""

    @pytest.fixture
    def source(self, company: SlackCompany, tmp_path: Path) -> LiveSource:
        source = LiveSource(company, tmp_path / "memory.sqlite")
        source.clock.time = T0 + 21 * DAY_S
        listed(source.connector())
        return source

    def test_a_reply_of_today_in_a_thread_of_three_weeks_ago_is_seen(
        self, company: SlackCompany, source: LiveSource
    ) -> None:
        company.put("C1", reply(21 * 1440, 0, "It is at gate B now."))
        document = documents(source.connector())[f"slack:C1:{ts(0)}"]
        assert texts(document)[-1] == "It is at gate B now."
        assert document.updated_at == datetime(2026, 3, 23, 8, 0, 0, 100, tzinfo=UTC)

    def test_a_deleted_reply_is_gone(self, company: SlackCompany, source: LiveSource) -> None:
        company.put("C1", reply(6, 0, "No, at gate B."))
        listed(source.connector())
        company.delete("C1", ts(5))
        document = documents(source.connector())[f"slack:C1:{ts(0)}"]
        assert texts(document) == ["How do I reset my badge?", "No, at gate B."]

    def test_a_reply_that_takes_the_place_of_a_deleted_one_is_seen(
        self, company: SlackCompany, source: LiveSource
    ) -> None:
        company.delete("C1", ts(5))
        company.put("C1", reply(6, 0, "No, at gate B."))
        document = documents(source.connector())[f"slack:C1:{ts(0)}"]
        assert texts(document)[-1] == "No, at gate B."

    @pytest.mark.parametrize(("minute", "thread"), [(0, 0), (10, 10)])
    def test_an_edited_message_of_the_channel_has_its_new_text(
        self, company: SlackCompany, source: LiveSource, minute: int, thread: int
    ) -> None:
        company.edit("C1", ts(minute), text="The door code changed this morning.")
        document = documents(source.connector())[f"slack:C1:{ts(thread)}"]
        assert texts(document)[0] == "The door code changed this morning."

    def test_a_deleted_first_message_leaves_the_replies(
        self, company: SlackCompany, source: LiveSource
    ) -> None:
        company.delete("C1", ts(0))
        document = documents(source.connector())[f"slack:C1:{ts(0)}"]
        assert texts(document) == ["At the front desk."]

    def test_an_edited_reply_of_an_old_thread_is_seen_within_a_week(
        self, company: SlackCompany, source: LiveSource
    ) -> None:
        source.change()
        seen = []
        for _ in range(7):
            source.clock.time += DAY_S
            document = documents(source.connector())[f"slack:C1:{ts(0)}"]
            seen.append(texts(document)[1])
        assert seen == sorted(seen)  # "desk." before "desk, with": first the old text
        assert seen[-1] == "At the front desk, with your passport."

    def test_an_edited_reply_of_a_lively_thread_is_seen_at_once(
        self, company: SlackCompany, source: LiveSource
    ) -> None:
        company.put("C1", reply(20 * 1440, 0, "Is that still so?"))
        listed(source.connector())
        company.edit("C1", ts(20 * 1440), text="Is this still so?")
        document = documents(source.connector())[f"slack:C1:{ts(0)}"]
        assert texts(document)[-1] == "Is this still so?"

    def test_a_bots_alarm_becomes_a_document_when_a_person_replies(
        self, company: SlackCompany, source: LiveSource
    ) -> None:
        alarm = said(30, "Queue age 612 s", user="UB", subtype="bot_message", bot_id="B1")
        company.put("C1", alarm)
        company.put("C1", reply(31, 30, "Still 630 s", user="UB", bot_id="B1"))
        assert f"slack:C1:{ts(30)}" not in listed(source.connector())
        company.put("C1", reply(20 * 1440, 30, "Certificate expired, renewing."))
        document = documents(source.connector())[f"slack:C1:{ts(30)}"]
        assert texts(document) == ["Queue age 612 s", "Certificate expired, renewing."]

    def test_a_lost_memory_changes_nothing(self, source: LiveSource) -> None:
        before = listed(source.connector())
        assert source.memory is not None
        source.memory.unlink()
        assert listed(source.connector()) == before

    def test_a_damaged_memory_changes_nothing(self, source: LiveSource) -> None:
        before = listed(source.connector())
        assert source.memory is not None
        source.memory.write_bytes(b"SQLite format 3\0" + b"\7" * 4000)
        assert listed(source.connector()) == before


class TestCost:
    def test_an_unchanged_channel_costs_one_call_a_page_and_none_for_old_threads(
        self, company: SlackCompany, tmp_path: Path
    ) -> None:
        for number in range(40):
            company.put("C1", said(number * 200, f"Question number {number} is this one"))
            company.put("C1", reply(number * 200 + 1, number * 200, "And this is its answer"))
        clock = Clock(T0 + 60 * DAY_S)
        memory = tmp_path / "memory.sqlite"
        company.page_size = 10
        first = listed(connector(company, memory, clock=clock))
        assert company.count("conversations.replies") == 40
        assert company.count("conversations.history") == 4 + 1  # and one more beyond the end
        company.calls.clear()
        second = connector(company, memory, clock=clock)
        assert listed(second) == first
        assert company.count("conversations.replies") == 0
        assert company.count("conversations.history") == 4

    def test_old_threads_take_turns(self, company: SlackCompany, tmp_path: Path) -> None:
        for number in range(70):
            company.put("C1", said(number * 200, "Where is the badge office?"))
            company.put("C1", reply(number * 200 + 1, number * 200, "On floor two"))
        clock = Clock(T0 + 60 * DAY_S)
        listed(connector(company, tmp_path / "m", clock=clock))
        each_night = []
        for _ in range(7):
            clock.time += DAY_S
            company.calls.clear()
            listed(connector(company, tmp_path / "m", clock=clock))
            each_night.append(company.count("conversations.replies"))
        assert sum(each_night) == 70
        assert max(each_night) <= 20

    def test_what_a_listing_read_is_fetched_without_a_call(self, company: SlackCompany) -> None:
        source = LiveSource(company).connector()
        entries = list(source.entries())
        company.calls.clear()
        assert [source.fetch(entry).entry for entry in entries] == entries
        assert company.calls == []


class TestReaders:
    def test_a_channel_that_becomes_private_is_for_its_members_though_no_text_changed(
        self, company: SlackCompany, tmp_path: Path
    ) -> None:
        source = LiveSource(company, tmp_path / "memory.sqlite")
        before = listed(source.connector())
        company.add_channel("C1", "general", is_private=True, members=["U1", "U2"])
        after = listed(source.connector())
        assert {id: entry.version for id, entry in after.items()} == {
            id: entry.version for id, entry in before.items()
        }
        assert after[f"slack:C1:{ts(0)}"].readers == {
            "user:ann@x.example",
            "user:bo@x.example",
        }

    def test_a_member_who_leaves_reads_no_more(self, company: SlackCompany, tmp_path: Path) -> None:
        source = LiveSource(company, tmp_path / "memory.sqlite")
        company.add_channel("G1", "board", is_private=True, members=["U1", "U2"])
        known = listed(source.connector())
        company.add_channel("G1", "board", is_private=True, members=["U2"])
        entry = listed(source.connector())[f"slack:G1:{ts(1)}"]
        assert entry.readers == {"user:bo@x.example"}
        assert entry.version == known[entry.id].version

    def test_a_name_that_became_secret_is_taken_out_of_old_threads(
        self, company: SlackCompany, tmp_path: Path
    ) -> None:
        source = LiveSource(company, tmp_path / "memory.sqlite")
        source.clock.time = T0 + 60 * DAY_S
        company.add_channel("C2", "project-fox")
        company.put("C1", reply(7, 0, "Ask in <#C2> please."))
        id = f"slack:C1:{ts(0)}"
        assert texts(documents(source.connector())[id])[-1] == "Ask in #project-fox please."
        company.add_channel("C2", "project-fox", is_private=True, is_member=False)
        assert texts(documents(source.connector())[id])[-1] == "Ask in #C2 please."

    def test_guests_read_nothing_unless_listed(self, company: SlackCompany) -> None:
        guest = {"id": "U7", "team_id": TEAM, "profile": {"email": "Gus@guest.example"}}
        company.users["U7"] = {**guest, "is_restricted": True}
        company.users["U8"] = {
            "id": "U8",
            "team_id": "TOTHER",
            "profile": {"email": "eve@other.example"},
        }
        company.add_channel("G1", "board", is_private=True, members=["U1", "U3", "U4", "U7", "U8"])
        company.put("G1", said(1, "Draft of the budget is here."))
        id = f"slack:G1:{ts(1)}"
        assert listed(connector(company))[id].readers == {"user:ann@x.example"}
        chosen = connector(company, guests=frozenset({"gus@guest.example"}))
        assert listed(chosen)[id].readers == {"user:ann@x.example", "user:gus@guest.example"}


class TestChannels:
    """Promise B7, as far as it is decided here: what must not be shown is never listed."""

    @pytest.fixture
    def company(self, company: SlackCompany) -> SlackCompany:
        kinds: dict[str, dict[str, object]] = {
            "C1": {"name": "general"},
            "C2": {"name": "elsewhere", "is_member": False},
            "C3": {"name": "partners", "is_shared": True, "is_ext_shared": True},
            "C4": {"name": "invited", "is_pending_ext_shared": True},
            "G2": {"name": "closed", "is_private": True, "members": ["U1"]},
            "G3": {"name": "mpdm-ann--bo-1", "is_private": True, "is_mpim": True},
            "D1": {"name": "D1", "is_im": True},
        }
        for id, facts in kinds.items():
            company.add_channel(id, str(facts.pop("name")), **facts)
            company.put(id, said(0, f"The words that were said in {id}."))
        return company

    def test_only_channels_of_this_company_that_the_app_is_in_are_read(
        self, company: SlackCompany
    ) -> None:
        found = documents(connector(company))
        assert sorted(found) == [f"slack:C1:{ts(0)}", f"slack:G2:{ts(0)}"]
        asked = [call.arguments.get("channel") for call in company.calls if call.method in READS]
        assert set(asked) == {"C1", "G2"}

    def test_a_shared_channel_is_read_if_it_is_listed(self, company: SlackCompany) -> None:
        found = listed(connector(company, shared=frozenset({"partners"})))
        assert f"slack:C3:{ts(0)}" in found
        assert f"slack:C4:{ts(0)}" not in found

    def test_channels_are_included_and_excluded_by_name(self, company: SlackCompany) -> None:
        assert sorted(listed(connector(company, include=("gen*",)))) == [f"slack:C1:{ts(0)}"]
        assert sorted(listed(connector(company, exclude=("gen*",)))) == [f"slack:G2:{ts(0)}"]

    def test_a_workspace_without_a_channel_to_read_is_an_error(self, company: SlackCompany) -> None:
        with pytest.raises(ConnectorError, match="Invite the app"):
            listed(connector(company, include=("nothing",)))

    def test_a_channel_that_the_app_has_left_is_gone_and_no_other(
        self, company: SlackCompany
    ) -> None:
        known = {entry.id: entry for entry in connector(company).entries()}
        company.add_channel("G2", "closed", is_private=True, is_member=False)
        now = listed(connector(company))
        assert known.keys() - now.keys() == {f"slack:G2:{ts(0)}"}
