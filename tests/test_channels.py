"""The Slack bot on a company's index: what it names where, told by a plain oracle."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from rag.confidence import SIGNALS, Calibration
from rag.correct import Policy
from rag.engine import Engine, Limits, Models
from rag.evidence import Weights
from tests.company import NOW, Company, question
from tests.fake_models import OVERLAP, HashEmbedder, ScriptedModel
from tests.rag.corpus import RANKING
from tests.ui.fake_answers import Ratings
from tests.ui.slack_server import APP_TOKEN, BOT_TOKEN, BOT_USER, Json, SlackServer, member
from ui import slack
from ui.auth import principals_of
from ui.slack import SlackBot

pytestmark = pytest.mark.slow

SURE = Weights(np.zeros(len(SIGNALS)), np.ones(len(SIGNALS)), np.zeros(len(SIGNALS)), 1.0)
NAMED = re.compile(r"(?:marker|wiki:)(\d{3})")  # in a page's title, id and link

# Where something is said -> how Slack may tell of it.
PLACES: Final[dict[str, list[Json]]] = {
    "public": [{"type": "app_mention"}, {"type": "message", "channel_type": "channel"}],
    "private": [
        {"type": "message", "channel_type": "group"},
        {"type": "message", "channel_type": "mpim"},  # of several people
    ],
    "direct": [{"type": "message", "channel_type": "im"}],
    "shared": [{"type": "app_mention"}, {"type": "message", "channel_type": "channel"}],
}


class Office:
    """A company's people in Slack, their bot, and what it wrote since the last look."""

    def __init__(self, server: SlackServer, company: Company) -> None:
        self.server = server
        self.company = company
        self.dice = random.Random(company.seed)
        self.users: dict[str, str] = {}  # of Slack -> e-mail address
        for number, person in enumerate(company.people):
            self.users[f"U{number}"] = person
            server.users[f"U{number}"] = member(person)
        for number, person in enumerate(company.people[:4]):
            server.users[f"UGUEST{number}"] = member(person, is_restricted=True)

    def ask(self, place: str, text: str, user: str, **fields: Any) -> Json:
        """Write a message in a place and deliver it; return it."""
        mentioned = text if place == "direct" or "thread_ts" in fields else f"<@{BOT_USER}> {text}"
        message = self.server.write(place, mentioned, user=user, **fields)
        shared = place == "shared"
        event = {**message, **self.dice.choice(PLACES[place]), "channel": place}
        self.server.deliver(event, is_ext_shared_channel=shared)
        return message

    def wait(self, posts: int, updates: int) -> None:
        """Wait until the bot has posted and replaced so many messages."""
        wanted = Counter({"chat.postMessage": posts, "chat.update": updates})

        def done() -> bool:
            calls = Counter(call.method for call in list(self.server.calls))
            return all(calls[method] == count for method, count in wanted.items())

        self.server.until(done, timeout_s=30)

    def written(self) -> dict[str, str]:
        """Return what was sent to each place, to the last byte, and forget it."""
        sent: dict[str, str] = dict.fromkeys(PLACES, "")
        for call in self.server.calls:
            if call.method.startswith("chat."):
                sent[call.arguments["channel"]] += repr(call.arguments)
        self.server.calls.clear()
        self.server.messages.clear()
        return sent

    def readable(self, person: str | None) -> set[str]:
        """Return the numbers of the pages that a person may read; None: that everyone may."""
        pages = self.company.pages
        return {
            page.id.removeprefix("wiki:") for page in pages if self.company.may_read(person, page)
        }


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    company = Company(seed=4)
    data: Path = tmp_path_factory.mktemp("index")
    engine = Engine(
        company.publish(data, company.pages),
        Models(HashEmbedder(), OVERLAP, ScriptedModel("")),
        Calibration(RANKING, SURE),
        policy=Policy(accept=0.3),
        limits=Limits(),
    )
    with SlackServer() as server:
        made = Office(server, company)
        bot = SlackBot(
            engine,
            principals=lambda email: principals_of(email, company.groups),
            rate=Ratings(),
            bot_token=BOT_TOKEN,
            app_token=APP_TOKEN,
            api_url=server.api_url,
            now=lambda: NOW,
        )
        with bot.connected():
            server.until(lambda: server.connections == 1)
            server.calls.clear()
            yield made


def test_no_place_is_told_of_a_page_that_its_readers_may_not_open(office: Office) -> None:
    dice = random.Random(8)
    everyone = office.readable(None)
    named: Counter[str] = Counter()
    for _ in range(500):
        text, user = question(dice), dice.choice(list(office.users))
        asked = {place: office.ask(place, text, user) for place in PLACES}
        office.wait(posts=len(PLACES), updates=len(PLACES) - 1)
        if dice.random() < 0.2:  # the thread goes on without a mention
            office.ask("public", "and the budget?", user, thread_ts=asked["public"]["ts"])
            office.wait(posts=len(PLACES) + 1, updates=len(PLACES))
        own = office.readable(office.users[user])
        for place, sent in office.written().items():
            found = set(NAMED.findall(sent))
            allowed = {"direct": own, "shared": set()}.get(place, everyone)
            assert found <= allowed, (place, user, text)
            named[place] += len(found)
            named["own"] += len(found - everyone)
            assert (slack.SHARED_CHANNEL in sent) == (place == "shared")
    assert min(named[place] for place in PLACES if place != "shared") > 1000
    assert named["own"] > 300


def test_a_guest_is_told_of_no_page_anywhere(office: Office) -> None:
    dice = random.Random(9)
    for _ in range(50):
        text = question(dice)
        for place in PLACES:
            office.ask(place, text, f"UGUEST{dice.randrange(4)}")
        office.wait(posts=len(PLACES), updates=0)
        for sent in office.written().values():
            assert NAMED.findall(sent) == []
            assert slack.OUTSIDER in sent
