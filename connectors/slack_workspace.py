"""Who and what a Slack workspace has: people, channels, names. Knows no messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.slack_text import Names, Raw, row, words

SLACKBOT = "USLACKBOT"

# In a user object: members of a few channels only, members of another company, and unproven ones.
_OUTSIDERS = ("is_restricted", "is_ultra_restricted", "is_stranger")


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the workspace."""

    name: str
    email: str | None  # lower case; None for bots, people who left, and where it is not told
    is_bot: bool
    is_guest: bool = False  # sees a few channels only, or belongs to another company


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel whose messages are documents."""

    id: str
    name: str  # without "#"
    readers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Workspace:
    """What is needed to read messages, and to say who may."""

    url: str  # "https://acme.slack.com", without a slash at its end
    people: Mapping[str, Person]  # by id
    names: Names
    channels: tuple[Channel, ...]  # by name


def person_of(user: Raw) -> Person:
    """Return a user object, as users.json and users.list have it."""
    profile = row(user, "profile")
    name = (
        words(profile, "real_name")
        or words(profile, "display_name")
        or words(user, "name")
        or words(user, "id")
    )
    email = words(profile, "email").strip().lower()
    present = "@" in email and user.get("deleted") is not True
    proven = user.get("is_email_confirmed") is not False
    is_bot = user.get("is_bot") is True or words(user, "id") == SLACKBOT
    return Person(
        name=" ".join(name.split()),
        email=email if present and proven and not is_bot else None,
        is_bot=is_bot,
        is_guest=any(user.get(flag) is True for flag in _OUTSIDERS),
    )


def members(
    ids: Iterable[object], people: Mapping[str, Person], guests: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Return the members of a channel as principals: those with an address who have not left.

    guests: addresses of guests who count as members; all other guests do not.
    """
    known = [people[id] for id in ids if isinstance(id, str) and id in people]
    return frozenset(
        f"user:{person.email}"
        for person in known
        if person.email and (not person.is_guest or person.email in guests)
    )


def public_names(channels: Iterable[Raw]) -> dict[str, str]:
    """Return id -> name of channels. Private ones are left out: names tell secrets."""
    return {words(raw, "id"): words(raw, "name") for raw in channels if not is_private(raw)}


def is_private(channel: Raw) -> bool:
    """Return whether only its members may read a channel."""
    return channel.get("is_private") is True or channel.get("is_group") is True


def is_direct(channel: Raw) -> bool:
    """Return whether a "channel" is a direct message, between two people or more."""
    return channel.get("is_im") is True or channel.get("is_mpim") is True


def is_shared(channel: Raw) -> bool:
    """Return whether another workspace reads a channel, or has been invited to."""
    flags = ("is_shared", "is_ext_shared", "is_org_shared", "is_pending_ext_shared")
    pending = ("pending_shared", "pending_connected_team_ids")
    return any(channel.get(key) is True for key in flags) or any(map(channel.get, pending))


def doubled(channels: Sequence[Channel]) -> str | None:
    """Return the name of a channel whose name or id another one has too, None if there is none."""
    seen: set[str] = set()
    for channel in channels:
        if not seen.isdisjoint((channel.name, channel.id)):
            return channel.name
        seen |= {channel.name, channel.id}
    return None
