"""What Slack tells the bot: which message wants an answer, who asks, what was said before.

Pure: Slack's JSON in, facts out. It knows neither the Web API nor how an answer is made.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Json = Mapping[str, Any]  # as Slack sends it

ANSWER_BLOCK: Final = "answer"  # id of the block that holds an answer's words, and nothing else
VOTE: Final = "vote"  # id of the feedback buttons; with ":<reason>", of a button for a reason
DOWN: Final = ":down"  # after the answer's id, in what the second button says
HISTORY: Final = 4  # earlier turns of a thread that a question is asked with

_SPOKEN: Final = frozenset({None, "file_share", "thread_broadcast"})  # subtypes people write
_BRACKETED: Final = re.compile(r"<([^<>]*)>")
_TAGS: Final = re.compile(r"<(?:@|!subteam\^|!here|!channel|!everyone)")


@dataclass(frozen=True, slots=True)
class Home:
    """The workspace the bot is installed in, and the bot's own user there."""

    bot_user: str
    team: str
    enterprise: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. Without an address a person is only one of everyone."""

    email: str | None
    outsider: bool  # a guest, or from another company


@dataclass(frozen=True, slots=True)
class Vote:
    """What somebody thinks of an answer."""

    answer_id: str
    liked: str  # "up", "down" or a reason
    user: str
    channel: str
    thread: str | None  # ts


@dataclass(frozen=True, slots=True)
class Message:
    """A message that is for the bot, or may be."""

    channel: str
    ts: str  # names the message within its channel
    thread: str  # ts of the thread's first message; its own if it starts one
    user: str
    text: str  # in plain words
    has_files: bool
    private: bool  # a direct message to the bot
    shared: bool  # people of another company read the channel
    addressed: bool  # False: a reply that names nobody, in a thread the bot may be in

    @property
    def key(self) -> str:
        """Name the message; equal in every delivery, whichever event brings it."""
        return f"{self.channel}/{self.ts}"

    @property
    def thread_key(self) -> str:
        """Name the message's thread."""
        return f"{self.channel}/{self.thread}"

    @property
    def is_reply(self) -> bool:
        """Whether something was said in the thread before."""
        return self.thread != self.ts


def read(body: Json, home: Home) -> Message | None:
    """Return the message of an `app_mention` or `message` event, None if it is not for the bot.

    Not for it: what bots write, edits, deletions, and talk in a channel that names others or
    starts no question to the bot.
    """
    event: Json = body["event"]
    user, text = event.get("user"), event.get("text") or ""
    by_bot = "bot_id" in event or user in {None, "USLACKBOT", home.bot_user}
    if by_bot or "edited" in event or event.get("subtype") not in _SPOKEN:
        return None
    thread = event.get("thread_ts") or event["ts"]
    private = event["type"] == "message" and event.get("channel_type") == "im"
    mentioned = event["type"] == "app_mention" or _mentions(text, home.bot_user)
    if not private and not mentioned and (thread == event["ts"] or _TAGS.search(text)):
        return None
    return Message(
        channel=event["channel"],
        ts=event["ts"],
        thread=thread,
        user=str(user),
        text=plain(text, home.bot_user),
        has_files=bool(event.get("files")),
        private=private,
        shared=bool(body.get("is_ext_shared_channel")),
        addressed=private or mentioned,
    )


def vote(body: Json) -> Vote:
    """Return what a press of a button says."""
    action: Json = body["actions"][0]
    value = str(action["value"])
    _, _, reason = str(action["action_id"]).partition(":")
    message: Json = body.get("message") or {}
    return Vote(
        answer_id=value.removesuffix(DOWN),
        liked=reason or ("down" if value.endswith(DOWN) else "up"),
        user=str(body["user"]["id"]),
        channel=str(body["container"]["channel_id"]),
        thread=message.get("thread_ts"),
    )


def plain(text: str, bot_user: str) -> str:
    """Return Slack's mrkdwn source as words: links by their label, nameless mentions dropped."""

    def words(match: re.Match[str]) -> str:
        target, _, label = match[1].partition("|")
        if target == f"@{bot_user}":
            return ""
        return label or ("" if target[:1] in {"@", "#", "!"} else target)

    bare = _BRACKETED.sub(words, text)
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        bare = bare.replace(entity, character)
    return " ".join(bare.split())


def took_part(replies: Sequence[Json], home: Home) -> bool:
    """Whether the bot has written in a thread."""
    return any(reply.get("user") == home.bot_user for reply in replies)


def history(replies: Sequence[Json], before: str, home: Home) -> tuple[tuple[str, str], ...]:
    """Return the last answered questions of a thread, oldest first, each with an empty answer.

    replies: the thread's messages, oldest first. before: ts of the question asked now.
    An answer belongs to the last question before it; the bot's other messages are no answers.
    An answer's own words stay behind: Slack does not say which documents they come from, so
    nobody can say whether the asker may read these now.
    """
    turns: list[tuple[str, str]] = []
    question = ""
    for reply in replies:
        if reply["ts"] >= before:
            break
        if reply.get("user") != home.bot_user:
            question = plain(reply.get("text") or "", home.bot_user) or question
        elif question and _is_answer(reply):
            turns.append((question, ""))
            question = ""
    return tuple(turns[-HISTORY:])


def person(user: Json, home: Home) -> Person:
    """Return who a `user` object of users.info is."""
    guest = any(
        user.get(flag)
        for flag in ("is_restricted", "is_ultra_restricted", "is_stranger", "deleted")
    )
    enterprise = (user.get("enterprise_user") or {}).get("enterprise_id")
    colleague = user.get("team_id") == home.team or (
        home.enterprise is not None and enterprise == home.enterprise
    )
    confirmed = user.get("is_email_confirmed", True)
    email = (user.get("profile") or {}).get("email") if confirmed else None
    return Person(email=email or None, outsider=guest or not colleague)


def _mentions(text: str, user: str) -> bool:
    return f"<@{user}>" in text or f"<@{user}|" in text


def _is_answer(reply: Json) -> bool:
    return any(block.get("block_id") == ANSWER_BLOCK for block in reply.get("blocks") or ())
