"""Promise B7 where the connector decides it: random workspaces against a plain oracle."""

import random
from collections.abc import Mapping

import pytest

from connectors.base import read_thread
from connectors.slack import SlackConnector
from connectors.slack_memory import Memory
from connectors.slack_roster import Selection
from index.access import EVERYONE, Access, may_read
from tests.connectors.slack_company import SlackCompany
from tests.connectors.test_slack_export import Raw, said
from tests.ui.slack_server import TEAM
from ui.auth import principals_of

KINDS: Mapping[str, Raw] = {
    "public": {},
    "private": {"is_private": True},
    "not joined": {"is_member": False},
    "shared": {"is_shared": True, "is_ext_shared": True},
    "private and shared": {"is_private": True, "is_ext_shared": True},
    "about to be shared": {"is_pending_ext_shared": True},
    "group message": {"is_private": True, "is_mpim": True},
    "direct message": {"is_im": True},
}
PEOPLE: Mapping[str, Raw] = {
    "full": {},
    "guest": {"is_restricted": True},
    "guest of one channel": {"is_ultra_restricted": True},
    "left": {"deleted": True},
    "other company": {"team_id": "TOTHER"},
    "stranger": {"is_stranger": True},
    "unproven": {"is_email_confirmed": False},
    "bot": {"is_bot": True},
}


def fill(company: SlackCompany, dice: random.Random) -> None:
    """Open 40 channels of every kind with a message each, and hire 40 people of every kind."""
    for number in range(40):
        kind = list(PEOPLE)[number % len(PEOPLE)]
        profile = {"email": f"p{number}@x.example", "real_name": kind}
        company.users[f"U{number}"] = {
            "id": f"U{number}",
            "team_id": TEAM,
            "profile": profile,
            **PEOPLE[kind],
        }
        channel = list(KINDS)[number % len(KINDS)]
        members = dice.sample([f"U{each}" for each in range(40)], dice.randrange(1, 30))
        facts = {"members": members, "topic": channel, **KINDS[channel]}
        company.add_channel(f"C{number}", f"c{number}", **facts)
        company.put(f"C{number}", said(number, f"The secret word here is canary{number}."))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("readers", [frozenset({EVERYONE}), frozenset({"group:staff"})])
def test_everyone_reads_exactly_what_slack_and_the_settings_let_them(
    seed: int, readers: frozenset[str]
) -> None:
    """1,600 pairs of a person and a channel each, and a channel's eyes: everyone's."""
    with SlackCompany() as company:
        fill(company, random.Random(seed))
        source = SlackConnector(
            "slack", company.api(), Selection(readers), Memory(None, reread_days=0)
        )
        documents = [source.fetch(entry) for entry in list(source.entries())]
    by_word = {read_thread(d.body)[0].text.split()[-1]: d.entry.readers for d in documents}
    staff = {"staff": {f"p{number}@x.example" for number in range(0, 40, len(PEOPLE))}}
    for channel in range(40):
        facts = company.channels[f"C{channel}"]
        granted = Access(by_word.get(f"canary{channel}.", frozenset()))
        public = facts["topic"] == "public"
        assert may_read(granted, frozenset({EVERYONE})) == (public and EVERYONE in readers)
        for person in range(40):
            full = person % len(PEOPLE) == 0
            principals = principals_of(f"p{person}@x.example", staff)
            inside = facts["topic"] == "private" and full and f"U{person}" in facts["members"]
            expected = inside or (public and (full or EVERYONE in readers))
            assert may_read(granted, principals) == expected
