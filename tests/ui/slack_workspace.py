"""A company's Slack with the bot in it: the real Bolt app against a stand-in for Slack."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from rag.base import Answer, Event, Question
from tests.ui.fake_answers import (
    NOW,
    Ratings,
    ScriptedAnswerer,
    answered,
    chunks,
    citation,
    document,
)
from tests.ui.slack_server import APP_TOKEN, BOT_TOKEN, BOT_USER, TEAM, Json, SlackServer, member
from ui import slack
from ui.slack import SlackBot

EVERYONE = frozenset({"everyone"})
LEAVE = chunks(
    document("wiki:leave", "Leave"), [("Leave › Annual leave", "Everyone has 25 days of leave.")]
)
SOURCE = citation(LEAVE[0], "Everyone has 25 days of leave.")
DAYS = answered("You have 25 days. [1]", [SOURCE])
PEOPLE = {
    "UANN": member("ann@fernhill.example"),
    "UBOB": member("bob@fernhill.example"),
    "UGUEST": member("guest@fernhill.example", is_restricted=True),
    "USINGLE": member("single@fernhill.example", is_ultra_restricted=True),
    "USTRANGER": member("eve@other.example", is_stranger=True),
    "UOTHER": member("eve@other.example", team_id="T0OTHER"),
    "UNOMAIL": member(None),
    "UFORGED": member("ann@fernhill.example", is_email_confirmed=False),
}
MEET = "wait for the other workers"


def principals_of(email: str | None) -> frozenset[str]:
    """Ann is in the group hr."""
    own = {f"user:{email}"} | ({"group:hr"} if email == "ann@fernhill.example" else set())
    return EVERYONE | own


@dataclass
class Replaceable:
    """An Answerer whose answers each test sets for itself."""

    real: ScriptedAnswerer = field(default_factory=lambda: ScriptedAnswerer({}))
    workers: threading.Barrier = field(default_factory=lambda: threading.Barrier(slack.WORKERS))

    def stream(self, question: Question) -> Iterator[Event]:
        return self.real.stream(question)

    def ask(self, question: Question) -> Answer:
        if question.text == MEET:
            self.workers.wait(5)
            return DAYS
        return self.real.ask(question)


@dataclass
class Workspace:
    """A server, a bot connected to it, and what a person does there."""

    server: SlackServer
    answerer: Replaceable
    ratings: Ratings
    later: timedelta = timedelta(0)  # how far the bot's time is past NOW
    channel: str = ""
    _channels: Iterator[int] = field(default_factory=itertools.count)

    def start(self) -> None:
        """Begin a test: in a channel of its own, at a time when people are looked up afresh."""
        self.channel = f"C{next(self._channels):04d}"
        self.later += timedelta(hours=1)
        self.answers(DAYS)
        self.server.calls.clear()
        self.ratings.given.clear()
        self.server.faults.clear()

    def answers(self, *script: Event | Exception) -> None:
        """Script the answer to every question."""
        self.answerer.real = ScriptedAnswerer({"*": script})

    @property
    def asked(self) -> list[Question]:
        return self.answerer.real.asked

    def mention(self, text: str, *, user: str = "UANN", **fields: Any) -> Json:
        """Write a message that mentions the bot, and deliver the event."""
        message = self.write(f"<@{BOT_USER}> {text}", user=user, **fields)
        self.server.deliver({**message, "type": "app_mention", "channel": self.channel})
        return message

    def direct(self, text: str, *, user: str = "UANN", **fields: Any) -> Json:
        """Write a direct message to the bot, and deliver the event."""
        message = self.write(text, user=user, **fields)
        self.deliver(message, kind="im")
        return message

    def say(self, text: str, *, user: str = "UANN", **fields: Any) -> Json:
        """Write in the channel without a mention, and deliver the event."""
        message = self.write(text, user=user, **fields)
        self.deliver(message, kind="channel")
        return message

    def write(self, text: str, *, user: str = "UANN", **fields: Any) -> Json:
        return self.server.write(self.channel, text, user=user, **fields)

    def deliver(self, message: Json, *, kind: str, **outer: Any) -> str:
        event = {**message, "channel": self.channel, "channel_type": kind}
        return self.server.deliver(event, **outer)

    def press(self, reply: Json, action_id: str, value: str, *, user: str = "UANN") -> str:
        """Press a button of one of the bot's messages; return the envelope's id."""
        return self.server.send(
            "interactive",
            {
                "type": "block_actions",
                "team": {"id": TEAM},
                "user": {"id": user, "team_id": TEAM},
                "container": {
                    "type": "message", "message_ts": reply["ts"], "channel_id": self.channel,
                },
                "channel": {"id": self.channel},
                "message": reply,
                "actions": [{"action_id": action_id, "block_id": "b", "value": value}],
            },
        )  # fmt: skip

    def shown(self, message: Json) -> list[Json]:
        """Return the bot's messages in the thread of a message."""
        return self.server.thread(self.channel, message.get("thread_ts") or message["ts"])

    def reply(self, message: Json, count: int = 1) -> Json:
        """Wait until the bot has finished its `count`th message in the thread; return that."""

        def finished() -> bool:
            replies = self.shown(message)
            return len(replies) >= count and replies[-1]["text"] != slack.LOOKING

        self.server.until(finished)
        return self.shown(message)[-1]

    def settled(self) -> None:
        """Wait until the bot has handled all that was delivered.

        Acknowledged events are in the pool's queue, which is worked off in order: when every
        worker holds a later question at the same time, nothing earlier is left.
        """
        self.server.until(lambda: all(self.server.acks[each] for each in self.server.delivered))
        channel, self.channel = self.channel, f"{self.channel}-later"
        for message in [self.direct(MEET) for _ in range(slack.WORKERS)]:
            self.reply(message)
        self.channel = channel


@contextmanager
def opened() -> Iterator[Workspace]:
    """Yield a workspace whose bot is connected."""
    with SlackServer(users=dict(PEOPLE)) as server:
        ratings = Ratings(DAYS.id)
        workspace = Workspace(server, Replaceable(), ratings)
        bot = SlackBot(
            workspace.answerer,
            principals=principals_of,
            rate=ratings,
            bot_token=BOT_TOKEN,
            app_token=APP_TOKEN,
            api_url=server.api_url,
            now=lambda: NOW + workspace.later,
        )
        with bot.connected():
            server.until(lambda: server.connections == 1)
            yield workspace


def words(message: Json) -> list[str]:
    """Return the texts of a message's blocks."""
    return [
        text["text"]
        for block in message["blocks"]
        for text in ([block["text"]] if "text" in block else block["elements"])
        if "text" in text
    ]
