"""One history, by an export and by the Web API: the same documents, to the byte."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.base import Connector, Document
from connectors.slack import SlackConnector
from connectors.slack_export import SlackExportConnector
from connectors.slack_memory import Memory
from connectors.slack_roster import Selection
from tests.connectors.slack_company import SlackCompany
from tests.connectors.test_slack_export import DAY, GROUPS, Raw, export, reply, said, ts, write

ALL = frozenset({"everyone"})
DEMO = Path(__file__).parents[2] / "demo" / "slack"


@pytest.fixture
def company() -> Iterator[SlackCompany]:
    with SlackCompany() as company:
        yield company


def connector(company: SlackCompany) -> SlackConnector:
    memory = Memory(None, reread_days=0)
    return SlackConnector("slack", company.api(), Selection(ALL), memory)


def of_export(path: Path) -> SlackExportConnector:
    return SlackExportConnector("slack", path, workspace_url="https://acme.slack.com", readers=ALL)


def documents(source: Connector) -> dict[str, Document]:
    return {entry.id: source.fetch(entry) for entry in list(source.entries())}


def generated(dice: random.Random) -> list[Raw]:
    """Return a history with threads, late replies, bots, edits, blocks, files and pauses."""
    days: list[Raw] = []
    minute = 0.0
    for number in range(120):
        minute += dice.choice([1, 7, 50, 119, 121, 400])
        user = dice.choice(["U1", "U2", "U3", "U4", "UB"])
        words = " ".join(
            dice.choices("badge <@U2> *door* :tada: code & <#C1> room yes".split(), k=5)
        )
        kind = dice.randrange(8)
        if kind == 0:
            root = said(minute, words, user=user, thread_ts=ts(minute))
            days.append(root)
            for later in range(dice.randrange(1, 5)):
                at = minute + 0.5 + dice.choice([1, 2000, 40_000]) * (later + 1)
                subtype = dice.choice([{}, {}, {"subtype": "thread_broadcast"}])
                author = dice.choice(["U1", "U2", "UB"])
                days.append(reply(at, minute, f"answer {number}.{later}", user=author, **subtype))
        elif kind == 1:
            days.append(said(minute, "joined", user=user, subtype="channel_join"))
        elif kind == 2:
            days.append(said(minute, "", user=user, files=[{"id": "F1", "name": "plan.pdf"}]))
        elif kind == 3:
            blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": words}}]
            days.append(said(minute, "", user=user, blocks=blocks))
        elif kind == 4:
            days.append(said(minute, words, user=user, edited={"user": user, "ts": ts(minute + 1)}))
        else:
            days.append(said(minute, words, user=user))
    return list({str(message["ts"]): message for message in days}.values())


def test_the_demo_company_gives_the_same_documents() -> None:
    with SlackCompany() as company:
        company.load(DEMO)
        live = documents(connector(company))
    assert len(live) == 42
    assert live == documents(of_export(DEMO))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("page_size", [3, 1000])
def test_generated_histories_give_the_same_documents(
    tmp_path: Path, company: SlackCompany, seed: int, page_size: int
) -> None:
    write(tmp_path, "groups.json", GROUPS)
    export(
        tmp_path,
        {
            f"general/{DAY}": generated(random.Random(seed)),
            f"board/{DAY}": generated(random.Random(seed + 100)),
        },
    )
    company.load(tmp_path)
    company.page_size = page_size
    by_export = documents(of_export(tmp_path))
    assert len(by_export) > 20
    assert documents(connector(company)) == by_export


def test_threads_fetched_by_a_later_process_are_the_same_documents(
    tmp_path: Path, company: SlackCompany
) -> None:
    export(tmp_path, {f"general/{DAY}": generated(random.Random(7))})
    company.load(tmp_path)
    entries = list(of_export(tmp_path).entries())
    later = connector(company)
    assert [later.fetch(entry) for entry in entries] == list(
        documents(of_export(tmp_path)).values()
    )
