"""Who is in a workspace and which of its channels are read, as Slack's Web API lists them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from connectors.base import ConnectorError
from connectors.slack_api import SlackApi, SlackRefusal
from connectors.slack_text import Raw, row, words
from connectors.slack_workspace import (
    Channel,
    Person,
    Workspace,
    doubled,
    is_direct,
    is_private,
    is_shared,
    members,
    names_of,
    person_of,
)

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
    vouch: Callable[
        [Iterable[str]], None
    ]  # raises if one of these users should be known, and is not


def read(api: SlackApi, selection: Selection) -> Roster:
    """Return the workspace as it is now. Raises ConnectorError if a list broke off.

    Calls: one, and one a page of users, of all channels, of the app's channels, and of the
    members of each private channel.
    """
    me = api.call("auth.test")
    users = api.objects("users.list", "members")
    people = {words(user, "id"): _person(user, me) for user in users}
    vouch = _vouching(api, words(me, "team_id"), people)
    vouch([words(me, "user_id")])
    listed = _listed(api, "conversations.list")
    # The app's own list says the same once more: a channel that one list lost is in the other.
    own = {id: raw for id, raw in listed.items() if raw.get("is_member") is True}
    own |= _listed(api, "users.conversations")
    channels = []
    for id, raw in own.items():
        if selection.takes(raw):
            readers = selection.readers
            if is_private(raw):
                ids = _members(api, id)
                vouch(ids)
                readers = members(ids, people, selection.guests)
            channels.append(Channel(id, words(raw, "name"), readers))
    _refuse_doubtful(channels)
    channels.sort(key=lambda channel: channel.name)
    names = names_of(people, {**listed, **own}.values())
    url = words(me, "url").rstrip("/")
    return Roster(Workspace(url, people, names, tuple(channels)), vouch)


def _vouching(
    api: SlackApi, home: str, people: Mapping[str, Person]
) -> Callable[[Iterable[str]], None]:
    """Return a check of ids that are in use: nobody of team `home` may be missing in `people`.

    A list of users that broke off would take people's names out of every text. The check asks
    Slack once for each id that is not known, and remembers strangers: people of other companies.
    """
    strangers: set[str] = set()

    def vouch(ids: Iterable[str]) -> None:
        for id in ids:
            if not id or id in people or id in strangers:
                continue
            try:
                user = row(api.call("users.info", user=id), "user")
            except SlackRefusal as refusal:
                if refusal.code not in ("user_not_found", "user_not_visible"):
                    raise
                user = {}
            if words(user, "team_id") == home:
                raise ConnectorError(
                    f"Slack's list of users left out {id}, so it broke off. Nothing of this "
                    "source is changed; the next run lists it again."
                )
            strangers.add(id)

    return vouch


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
