"""Files that people share in Slack, as documents: whose they are, and where the token goes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Document, Entry
from connectors.client import Account, Client
from connectors.files import MAX_BYTES
from connectors.slack import SlackConnector
from connectors.slack_files import Files
from connectors.slack_memory import DAY_S, Memory
from connectors.slack_roster import Selection
from tests.connectors.slack_company import SlackCompany
from tests.connectors.test_slack_export import T0, reply, said
from tests.connectors.web_server import Reply, serving
from tests.ui.slack_server import BOT_TOKEN, TEAM

ALL = frozenset({"everyone"})
ROOT = Path(__file__).parents[2]
PLAN = "slack:file:F1"


@pytest.fixture
def company() -> Iterator[SlackCompany]:
    with SlackCompany() as company:
        for id in ("U1", "U2"):
            profile = {"email": f"{id.lower()}@x.example"}
            company.users[id] = {"id": id, "team_id": TEAM, "profile": profile}
        company.users["UB"] = {"id": "UB", "team_id": TEAM, "is_bot": True}
        company.add_channel("C1", "general")
        company.add_channel("G1", "board", is_private=True, members=["U1"])
        yield company


def connector(
    company: SlackCompany, *, token: str = BOT_TOKEN, memory: Path | None = None
) -> SlackConnector:
    api = company.api()
    account = Account(headers={"Authorization": f"Bearer {token}"})
    files = Files(api, Client(company.files_origin, account))
    remembered = Memory(memory, reread_days=7)
    now = T0 + 60 * DAY_S
    return SlackConnector("slack", api, Selection(ALL), remembered, files=files, now=lambda: now)


def files(source: SlackConnector) -> dict[str, Entry]:
    return {e.id: e for e in source.entries() if e.id.startswith("slack:file:")}


def fetched(company: SlackCompany) -> Document:
    source = connector(company)
    return source.fetch(files(source)[PLAN])


def test_a_file_is_a_document_with_its_own_page_in_slack(company: SlackCompany) -> None:
    plan = company.share("F1", b"The move is on Friday.", name="plan.md", title="Plan of the move")
    company.put("C1", said(0, "", files=[plan]))
    document = fetched(company)
    assert document.entry.readers == ALL
    assert document.title == "Plan of the move"
    assert document.url == "https://acme.slack.com/files/U1/F1/plan.md"
    assert document.body == b"The move is on Friday."
    assert document.media_type == "text/markdown"
    assert document.updated_at == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert document.entry == files(connector(company))[PLAN]


def test_a_file_in_two_channels_is_one_document_for_the_readers_of_both(
    company: SlackCompany,
) -> None:
    plan = company.share("F1", b"The move is on Friday.")
    company.put("G1", said(0, "", files=[plan]))
    assert files(connector(company))[PLAN].readers == {"user:u1@x.example"}
    company.put("C1", said(5, "As discussed", files=[plan]))
    both = files(connector(company))
    assert list(both) == [PLAN]
    assert both[PLAN].readers == ALL | {"user:u1@x.example"}


def test_files_of_threads_that_are_not_read_again_stay_listed(
    company: SlackCompany, tmp_path: Path
) -> None:
    plan = company.share("F1", b"The move is on Friday.")
    company.put("C1", said(0, "When do we move?"))
    company.put("C1", reply(1, 0, "See the plan", files=[plan]))
    first = files(connector(company, memory=tmp_path / "memory"))
    company.calls.clear()
    assert files(connector(company, memory=tmp_path / "memory")) == first
    assert list(first) == [PLAN]
    assert company.count("conversations.replies") == 0


def test_a_new_title_or_new_bytes_are_a_new_version(company: SlackCompany) -> None:
    versions = []
    for facts in ({"title": "Plan"}, {"title": "Old plan"}, {"edit_timestamp": 1_772_440_000}):
        plan = company.share("F1", b"The move is on Friday.", **facts)
        company.put("C1", said(0, "", files=[plan]))
        versions.append(files(connector(company))[PLAN].version)
    assert len(set(versions)) == 3


@pytest.mark.parametrize(
    "facts",
    [
        {"name": "cat.png"},
        {"mode": "external", "is_external": True},
        {"mode": "tombstone"},
        {"mode": "hidden_by_limit"},
    ],
)
def test_pictures_links_and_deleted_files_are_not_listed(
    company: SlackCompany, facts: dict[str, object]
) -> None:
    company.put("C1", said(0, "", files=[company.share("F1", b"bytes", **facts)]))
    assert files(connector(company)) == {}


def test_files_of_apps_are_not_listed(company: SlackCompany) -> None:
    company.put("C1", said(0, "Report", user="UB", files=[company.share("F1", b"bytes")]))
    assert files(connector(company)) == {}


def test_a_deleted_file_cannot_be_fetched(company: SlackCompany) -> None:
    company.put("C1", said(0, "", files=[company.share("F1", b"bytes")]))
    source = connector(company)
    entry = files(source)[PLAN]
    del company.files["F1"]
    with pytest.raises(ConnectorError, match="file_not_found"):
        source.fetch(entry)


def test_a_file_that_says_it_is_too_large_is_not_asked_for(company: SlackCompany) -> None:
    company.put("C1", said(0, "", files=[company.share("F1", b"bytes", size=MAX_BYTES + 1)]))
    with pytest.raises(ConnectorError, match="larger than 50 MiB"):
        fetched(company)
    assert company.downloads == []


def test_a_page_to_sign_in_is_never_taken_for_the_file(company: SlackCompany) -> None:
    company.put("C1", said(0, "", files=[company.share("F1", b"bytes")]))
    source = connector(company, token="xoxb-of-another-app")
    with pytest.raises(ConnectorError, match="scope files:read"):
        source.fetch(files(source)[PLAN])


def test_the_token_goes_to_slacks_own_server_of_files_only(company: SlackCompany) -> None:
    with serving(lambda request: Reply(body=b"gotcha")) as thief:
        facts = company.share("F1", b"bytes", url_private=f"{thief.url}/files-pri/F1")
        company.put("C1", said(0, "", files=[facts]))
        with pytest.raises(ConnectorError, match="was not asked"):
            fetched(company)
        assert thief.requests == []


def test_without_files_none_is_listed_or_fetched(company: SlackCompany) -> None:
    company.put("C1", said(0, "", files=[company.share("F1", b"bytes")]))
    source = SlackConnector("slack", company.api(), Selection(ALL), Memory(None, reread_days=7))
    assert files(source) == {}
    with pytest.raises(ConnectorError, match="no longer in Slack"):
        source.fetch(Entry(PLAN, "1", ALL))


def test_the_manifest_asks_for_all_that_the_connector_uses(company: SlackCompany) -> None:
    manifest = json.loads((ROOT / "ui" / "slack_manifest.json").read_text(encoding="utf-8"))
    # permission -> what Slack gives for it, as its documentation says
    given = {
        "channels:history": {"conversations.history", "conversations.replies"},
        "channels:read": {"conversations.list", "conversations.members", "users.conversations"},
        "files:read": {"files.info"},
        "groups:history": {"conversations.history", "conversations.replies"},
        "groups:read": {"conversations.list", "conversations.members", "users.conversations"},
        "users:read": {"users.list", "users.info"},
        "users:read.email": {"users.list"},
    }
    company.put("C1", said(0, "When do we move?", user="USTRANGER"))
    company.put("C1", reply(1, 0, "", files=[company.share("F1", b"On Friday.")]))
    fetched(company)
    used = {call.method for call in company.calls}
    assert used - {"auth.test"} == set().union(*given.values())  # auth.test needs none
    assert given.keys() <= set(manifest["oauth_config"]["scopes"]["bot"])
