"""Who is in a workspace and which of its channels are read, as Slack's Web API lists them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from connectors.base import ConnectorError
from connectors.slack_api import SlackApi, SlackRefusal
from connectors.slack_text import Names, Raw, row, words
from connectors.slack_workspace import (
    Channel,
    Person,
    Workspace,
    doubled,
    is_direct,
    is_private,
    is_shared,
    members,
    person_of,
    public_names,
)

NEWCOMERS = 10  # colleagues who may have joined while a listing runs

_KINDS = "public_channel,private_channel"  # and no direct messages


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the channels that the app is in are read, and for whom."""

    readers: frozenset[str]  # of public channels; a private one is for its members
    include: tuple[str, ...] = ("*",)  # names, with * and ?
    exclude: tuple[str, ...] = ()
    shared: frozenset[str] = frozenset()  # names of channels read although other companies do too
    guests: frozenset[str] = frozenset()  # addresses of guests who read the channels they are in

    def takes(self, channel: Raw) -> bool:
        """Return whether a channel is read if the app is in it."""
        name = words(channel, "name")
        if is_direct(channel) or (is_shared(channel) and name not in self.shared):
            return False
        included = any(fnmatchcase(name, pattern) for pattern in self.include)
        return included and not any(fnmatchcase(name, pattern) for pattern in self.exclude)


@dataclass(frozen=True, slots=True)
class Roster:
    """The workspace as it is now."""

    workspace: Workspace
    look_up: Callable[[Iterable[str]], None]  # makes users known who are not yet, by their ids


def read(api: SlackApi, selection: Selection) -> Roster:
    """Return the workspace as it is now. Raises ConnectorError if a list broke off.

    Calls: one, and one a page of users, of all channels, of the app's channels, and of the
    members of each private channel.
    """
    me = api.call("auth.test")
    users = api.objects("users.list", "members")
    people = {words(user, "id"): _person(user, me) for user in users}
    called = {id: person.name for id, person in people.items()}
    look_up = _looking_up(api, me, people, called)
    look_up([words(me, "user_id")])
    listed = _listed(api, "conversations.list")
    # The app's own list says the same once more: a channel that one list lost is in the other.
    own = {id: listed.get(id, raw) for id, raw in _listed(api, "users.conversations").items()}
    own |= {id: raw for id, raw in listed.items() if raw.get("is_member") is True}
    channels = []
    for id, raw in own.items():
        if selection.takes(raw):
            readers = selection.readers
            if is_private(raw):
                ids = _members(api, id)
                look_up(ids)
                readers = members(ids, people, selection.guests)
            channels.append(Channel(id, words(raw, "name"), readers))
    _refuse_doubtful(channels)
    channels.sort(key=lambda channel: channel.name)
    names = Names(called, public_names({**listed, **own}.values()))
    url = words(me, "url").rstrip("/")
    return Roster(Workspace(url, people, names, tuple(channels)), look_up)


def _looking_up(
    api: SlackApi, me: Raw, people: dict[str, Person], called: dict[str, str]
) -> Callable[[Iterable[str]], None]:
    """Return what asks Slack once for each id that is not known, and adds it to both.

    Strangers from shared channels are in no list of users, nor is who joined since it was read.
    More colleagues than NEWCOMERS mean that the list broke off.
    """
    newcomers: list[str] = []
    asked: set[str] = set()

    def look_up(ids: Iterable[str]) -> None:
        for id in ids:
            if not id or id in people or id in asked:
                continue
            asked.add(id)
            try:
                user = row(api.call("users.info", user=id), "user")
            except SlackRefusal as refusal:
                if refusal.code not in ("user_not_found", "user_not_visible"):
                    raise
                continue
            people[id] = _person(user, me)
            called[id] = people[id].name
            if words(user, "team_id") == words(me, "team_id"):
                newcomers.append(id)
            if len(newcomers) > NEWCOMERS:
                raise ConnectorError(
                    f"Slack's list of users left out {', '.join(newcomers)}, so it broke off. "
                    "Nothing of this source is changed; the next run lists it again."
                )

    return look_up


def _person(user: Raw, me: Raw) -> Person:
    enterprise = words(row(user, "enterprise_user"), "enterprise_id")
    colleague = words(user, "team_id") in ("", words(me, "team_id")) or (
        enterprise != "" and enterprise == words(me, "enterprise_id")
    )
    person = person_of(user)
    return person if colleague else replace(person, is_guest=True)


def _listed(api: SlackApi, method: str) -> dict[str, Raw]:
    """Return id -> channel, archived ones too: what was said there is still true."""
    channels = api.objects(method, "channels", types=_KINDS, exclude_archived=False)
    listed = {words(raw, "id"): raw for raw in channels if not is_direct(raw)}
    for id, raw in listed.items():
        if not id or not words(raw, "name"):
            raise ConnectorError(f"Slack lists a channel without a name or id ({method}): {id!r}.")
    return listed


def _members(api: SlackApi, channel: str) -> list[str]:
    ids = api.items("conversations.members", "members", channel=channel)
    return [id for id in ids if isinstance(id, str)]


def _refuse_doubtful(channels: list[Channel]) -> None:
    if not channels:
        raise ConnectorError(
            "Slack lists no channel that the app is in and the settings select. Invite the app "
            "(/invite in each channel), and look at include, exclude and shared of this source."
        )
    name = doubled(channels)
    if name is not None:
        raise ConnectorError(
            f"The app is in two channels named {name!r}, one of them of another company, so it "
            "cannot be said who may read them. Take the app out of one."
        )
