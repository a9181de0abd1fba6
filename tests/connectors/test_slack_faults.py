"""Half-failed listings of a live workspace: whatever breaks, nothing is taken for deleted."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from connectors.base import ConnectorError, Entry
from connectors.slack import SlackConnector
from connectors.slack_api import SlackApi
from connectors.slack_memory import Memory
from connectors.slack_roster import Selection
from tests.connectors.slack_company import SlackCompany
from tests.connectors.test_slack_export import Raw, reply, said
from tests.ui.slack_server import TEAM, Fault

EVERYONE: Final = frozenset({"everyone"})
METHODS: Final = {  # and what lies under this key
    "users.list": "members",
    "conversations.list": "channels",
    "users.conversations": "channels",
    "conversations.members": "members",
    "conversations.history": "messages",
    "conversations.replies": "messages",
}


@contextmanager
def three_pages() -> Iterator[SlackCompany]:
    """Serve a company whose every list has three pages."""
    with SlackCompany(page_size=3) as company:
        for number in range(1, 8):
            user: Raw = {"id": f"U{number}", "profile": {"email": f"u{number}@x.example"}}
            company.users[f"U{number}"] = {**user, "team_id": TEAM}
        people = [f"U{number}" for number in range(1, 8)]
        for number in range(1, 9):
            facts = {"is_private": number == 1, "members": people}
            company.add_channel(f"C{number}", f"c{number}", **facts)
        for number in range(8):
            company.put("C1", said(number * 200, f"What is the code of door {number}?"))
            company.put("C2", said(number * 200, f"What is on floor number {number}?"))
        for number in range(1, 8):
            company.put("C1", reply(number, 0, f"Answer {number}", user=f"U{number}"))
        yield company


@pytest.fixture
def company() -> Iterator[SlackCompany]:
    with three_pages() as company:
        yield company


@pytest.fixture(scope="module")
def unchanged() -> Iterator[tuple[SlackCompany, dict[str, Entry]]]:
    """A company that tests only read, and its whole listing."""
    with three_pages() as company:
        yield company, listed(connector(company))


def connector(company: SlackCompany) -> SlackConnector:
    api = company.api(sleep=lambda seconds: None, timeout_s=0.3)
    return SlackConnector("slack", api, Selection(EVERYONE), Memory(None, reread_days=0))


def listed(source: SlackConnector) -> dict[str, Entry]:
    return {entry.id: entry for entry in source.entries()}


def cut(key: str) -> Callable[[bytes], bytes]:
    """Return what takes half of a page and says that it was the last."""

    def change(body: bytes) -> bytes:
        page = json.loads(body)
        page[key] = page[key][: len(page[key]) // 2]
        return json.dumps({"ok": True, key: page[key], "has_more": False}).encode()

    return change


def faults(key: str) -> dict[str, Fault]:
    return {
        "401": Fault(401, error="invalid_auth"),
        "401 for good": Fault(401, error="invalid_auth", times=99),
        "403": Fault(403),
        "403 for good": Fault(403, times=99),
        "429": Fault(429, retry_after_s=30),
        "500": Fault(500),
        "500 for good": Fault(500, times=99),
        "timeout": Fault(wait_s=0.5, error="fatal_error"),
        "short page": Fault(change=cut(key)),
        "200-empty": Fault(change=lambda _: json.dumps({"ok": True, key: []}).encode()),
        "200 without a body": Fault(change=lambda _: b"", times=99),
        "truncated JSON": Fault(change=lambda body: body[: len(body) // 2], times=99),
        "a login page": Fault(change=lambda _: b"<html>Sign in</html>", times=99),
    }


@pytest.mark.parametrize("position", [0, 1, 2], ids=["first page", "middle page", "last page"])
@pytest.mark.parametrize("fault", faults("messages"))
@pytest.mark.parametrize("method", METHODS)
def test_a_half_failed_listing_deletes_nothing_and_opens_nothing(
    unchanged: tuple[SlackCompany, dict[str, Entry]], method: str, fault: str, position: int
) -> None:
    company, known = unchanged
    met = faults(METHODS[method])[fault]
    planned, met.after = met.times, position
    company.faults = {method: met}
    try:
        now = listed(connector(company))
    except ConnectorError:
        now = known  # as ingestion has it: nothing of the source is changed
    assert met.times < planned
    assert now.keys() == known.keys()
    assert all(entry.readers <= known[id].readers for id, entry in now.items())
    assert all(entry.version == known[id].version for id, entry in now.items())


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("method", METHODS)
def test_a_listing_that_was_told_to_wait_is_whole(
    unchanged: tuple[SlackCompany, dict[str, Entry]], method: str, position: int
) -> None:
    company, known = unchanged
    company.faults = {method: Fault(429, retry_after_s=120, after=position, times=2)}
    assert listed(connector(company)) == known


def test_a_history_that_broke_off_is_noticed_without_any_memory(company: SlackCompany) -> None:
    company.faults["conversations.history"] = Fault(change=cut("messages"), after=1)
    with pytest.raises(ConnectorError, match="history of #c1 broke off at"):
        listed(connector(company))


def test_a_history_out_of_order_is_refused(company: SlackCompany) -> None:
    def turned(body: bytes) -> bytes:
        page = json.loads(body)
        return json.dumps({**page, "messages": page["messages"][::-1]}).encode()

    company.faults["conversations.history"] = Fault(change=turned)
    with pytest.raises(ConnectorError, match="out of order"):
        listed(connector(company))


def test_a_list_that_goes_in_circles_ends(company: SlackCompany) -> None:
    cursors = itertools.cycle(["3", "6"])

    def circling(body: bytes) -> bytes:
        page = {"ok": True, "members": [{"id": "U1"}]}
        return json.dumps({**page, "response_metadata": {"next_cursor": next(cursors)}}).encode()

    company.faults["users.list"] = Fault(change=circling, times=99)
    with pytest.raises(ConnectorError, match=r"list of members \(users\.list\) broke off"):
        listed(connector(company))


def test_a_thread_that_was_deleted_meanwhile_is_asked_for_again(
    company: SlackCompany, tmp_path: Path
) -> None:
    def run() -> dict[str, Entry]:
        memory = Memory(tmp_path / "memory", reread_days=7)
        return listed(SlackConnector("slack", company.api(), Selection(EVERYONE), memory))

    company.faults["conversations.replies"] = Fault(error="thread_not_found")
    assert len(run()) == len(listed(connector(company))) - 1
    assert run() == listed(connector(company))


def test_who_joins_while_a_listing_runs_is_known_all_the_same(company: SlackCompany) -> None:
    company.users["U8"] = {"id": "U8", "team_id": TEAM, "profile": {"real_name": "Hana Oh"}}
    company.put("C2", said(3000, "I am new here, hello everyone", user="U8"))
    first = listed(connector(company))
    hana = company.users.pop("U8")

    def joined(body: bytes) -> bytes:
        company.users["U8"] = hana
        return body

    company.faults["conversations.list"] = Fault(change=joined)
    assert listed(connector(company)) == first
    assert company.count("users.info") == 1


def test_too_many_unknown_authors_mean_that_the_list_of_users_broke_off(
    company: SlackCompany,
) -> None:
    for number in range(20, 31):
        company.users[f"U{number}"] = {"id": f"U{number}", "team_id": TEAM}
        company.put("C2", said(3000 + number, "So am I, nice to meet you", user=f"U{number}"))
    company.faults["users.list"] = Fault(change=cut("members"), after=2)
    with pytest.raises(ConnectorError, match="list of users left out U"):
        listed(connector(company))


def test_a_listing_that_failed_is_resumed_where_threads_are_concerned(
    company: SlackCompany, tmp_path: Path
) -> None:
    def run() -> list[Entry]:
        memory = Memory(tmp_path / "memory", reread_days=7)
        api = company.api(sleep=lambda seconds: None)
        return list(SlackConnector("slack", api, Selection(EVERYONE), memory).entries())

    company.faults["conversations.history"] = Fault(error="fatal_error", after=4, times=9)
    with pytest.raises(ConnectorError, match="fatal_error"):
        run()
    read = company.count("conversations.replies")
    assert read > 0
    company.faults.clear()
    company.calls.clear()
    assert {entry.id: entry for entry in run()} == listed(connector(company))
    assert company.count("conversations.replies") == read  # those of the check itself, only


def test_people_of_other_companies_are_asked_for_once(company: SlackCompany) -> None:
    for number in range(5):
        company.put("C2", said(3000 + number * 200, "Greetings from the partner", user="USTRANGER"))
    listed(connector(company))
    assert company.count("users.info") == 1


class TestWaiting:
    def listing(self, company: SlackCompany, patience_s: float) -> tuple[list[float], int]:
        waited: list[float] = []
        api = company.api(sleep=waited.append, patience_s=patience_s)
        memory = Memory(None, reread_days=0)
        source = SlackConnector("slack", api, Selection(EVERYONE), memory)
        return waited, len(list(source.entries()))

    def test_429_with_retry_after_120_is_waited_for_and_the_listing_goes_on(
        self, company: SlackCompany
    ) -> None:
        company.faults["conversations.history"] = Fault(429, retry_after_s=120, after=1, times=3)
        waited, count = self.listing(company, patience_s=400)
        assert waited == [120, 120, 120]
        assert count == len(listed(connector(company)))

    def test_the_patience_of_a_run_ends(self, company: SlackCompany) -> None:
        company.faults["conversations.history"] = Fault(429, retry_after_s=120, after=1, times=4)
        with pytest.raises(ConnectorError, match="asks to wait 120 s more"):
            self.listing(company, patience_s=400)


@pytest.mark.parametrize(
    ("method", "error", "words"),
    [
        ("users.list", "missing_scope", "lacks the scope users:read.email"),
        ("auth.test", "invalid_auth", r"Copy the bot token \(xoxb-…\)"),
        ("auth.test", "token_revoked", r"Copy the bot token \(xoxb-…\)"),
        ("conversations.history", "not_in_channel", "not in the channel C1 any more.*invite"),
        ("conversations.members", "access_denied", "Slack forbids conversations.members"),
        ("conversations.list", "internal_error", "Slack refused conversations.list: internal_err"),
    ],
)
def test_a_refusal_is_explained_in_an_admins_words(
    company: SlackCompany, method: str, error: str, words: str
) -> None:
    needed = {"ok": False, "error": error, "needed": "users:read.email"}
    company.faults[method] = Fault(change=lambda _: json.dumps(needed).encode(), times=99)
    with pytest.raises(ConnectorError, match=words) as raised:
        listed(connector(company))
    assert "xoxb-test" not in str(raised.value)


def test_the_token_is_not_sent_over_plain_http() -> None:
    with pytest.raises(ConnectorError, match="is not https"):
        SlackApi("xoxb-test", url="http://slack.example/api/")


def test_a_server_that_is_not_there_is_named() -> None:
    api = SlackApi("xoxb-test", url="http://127.0.0.1:9/api/", sleep=lambda seconds: None)
    with pytest.raises(ConnectorError, match="Slack did not answer auth.test in full"):
        api.call("auth.test")
