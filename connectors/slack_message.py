"""One message of Slack's JSON: who said what and when, or nothing worth keeping."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.slack_text import Names, Raw, markup_of, plain, row, rows, says_nothing, words
from connectors.slack_workspace import SLACKBOT, Person

# What people and apps say. All other subtypes are Slack's own words about joins, topics, pins,
# reminders, huddles, deleted messages ("tombstone"), and new ones keep coming.
_SPOKEN = frozenset(
    {"", "bot_message", "file_comment", "file_share", "me_message", "thread_broadcast"}
)


@dataclass(frozen=True, slots=True)
class Said:
    """What one message says."""

    ts: str  # Slack's id of the message within its channel: seconds since 1970, with six decimals
    thread_ts: str | None  # ts of the thread's first message, its own included
    author: str
    text: str  # plain; never empty
    by_bot: bool

    @property
    def at(self) -> datetime:
        """When it was sent."""
        return datetime.fromtimestamp(float(self.ts), UTC)


def is_ts(text: str) -> bool:
    """Return whether a text has the form of Slack's ts."""
    return re.fullmatch(r"[0-9]{1,11}\.[0-9]{1,9}", text) is not None


def said(raw: Raw, people: Mapping[str, Person], names: Names) -> Said | None:
    """Return what a message says; None if it is Slack's own, deleted, or only emoji.

    raw: an object of a day's list, with a sound "ts".
    """
    if words(raw, "subtype") not in _SPOKEN or words(raw, "type") not in ("", "message"):
        return None
    text = _text(raw, names)
    if not text:
        return None
    thread_ts = words(raw, "thread_ts")
    return Said(
        ts=words(raw, "ts"),
        thread_ts=thread_ts if is_ts(thread_ts) else None,
        author=_author(raw, people),
        text=text,
        by_bot=_by_bot(raw, people),
    )


def _text(raw: Raw, names: Names) -> str:
    text = plain(_markup(raw), names)
    lines = [] if says_nothing(text) else [text]
    for file in [*rows(raw, "files"), row(raw, "file")]:
        title = words(file, "title") or words(file, "name")
        if title:
            lines.append(f"Attachment: {' '.join(title.split())}")
    return "\n".join(lines)


def _markup(raw: Raw) -> str:
    """Return the words of the message itself, leaving out what Slack put around or below them."""
    if words(raw, "subtype") == "file_comment":
        return words(row(raw, "comment"), "comment")
    if row(raw, "file"):  # before 2018 the text of an upload was Slack's: "<@U1> uploaded a file"
        return words(row(row(raw, "file"), "initial_comment"), "comment")
    own = words(raw, "text") or markup_of(rows(raw, "blocks"))
    if own:
        return own
    # Without any text of its own, an app says it in attachments; those of links have a "from_url".
    apps = [item for item in rows(raw, "attachments") if "from_url" not in item]
    return "\n".join(filter(None, (words(item, "fallback") for item in apps)))


def _author(raw: Raw, people: Mapping[str, Person]) -> str:
    user = words(raw, "user") or words(row(raw, "comment"), "user")
    if user in people:
        return people[user].name
    profile = row(raw, "user_profile")
    name = (
        words(profile, "real_name")
        or words(profile, "display_name")
        or words(row(raw, "bot_profile"), "name")
        or words(raw, "username")
        or user
        or "Unknown"
    )
    return " ".join(name.split())


def _by_bot(raw: Raw, people: Mapping[str, Person]) -> bool:
    user = words(raw, "user")
    if words(raw, "subtype") == "bot_message" or user == SLACKBOT:
        return True
    return people[user].is_bot if user in people else bool(words(raw, "bot_id"))
