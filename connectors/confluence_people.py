"""Confluence's users and groups as principals, and what is restricted to whom."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from connectors.client import HttpError
from connectors.confluence_access import Layer
from connectors.confluence_api import Api, Raw

log = logging.getLogger(__name__)

_NOBODY: Layer = frozenset()
_SOMEBODY = "someone"  # mentioned, but deleted since


class People(Protocol):
    """Who Confluence's people are in Footnote; whoever is not known has no principal."""

    def user(self, raw: Raw) -> str | None:
        """Return the principal of a user object, None where the address is not known."""
        ...

    def group(self, raw: Raw) -> str | None:
        """Return the principal of a group object, None where the group was deleted."""
        ...

    def members(self, principal: str) -> frozenset[str]:
        """Return a group's people as principals; none of a group that Confluence does not have.

        They are asked for once, until `forget`.
        """
        ...

    def forget(self) -> None:
        """Ask for every group's people anew."""
        ...

    def name(self, reference: Mapping[str, str]) -> str:
        """Return what a mentioned user is called; reference: {"account-id": "…"} for example."""
        ...


class CloudPeople:
    """Cloud's: accounts with an address, which people may hide."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._accounts: dict[str, Raw] = {}
        self._names: dict[str, str | None] = {}  # of groups, by id
        self._groups: dict[str, str] = {}  # principal -> id
        self._members: dict[str, frozenset[str]] = {}

    def user(self, raw: Raw) -> str | None:
        address = raw.get("email") or self._account(raw["accountId"]).get("email")
        return f"user:{address.lower()}" if address else None

    def group(self, raw: Raw) -> str | None:
        id = raw["id"]
        if id not in self._names:
            found = raw if raw.get("name") else _found(self._api, "rest/api/group/by-id", id=id)
            self._names[id] = found.get("name")
        if self._names[id] is None:
            return None
        principal = f"group:{self._names[id]}"
        self._groups[principal] = id
        return principal

    def members(self, principal: str) -> frozenset[str]:
        if principal not in self._members:
            self._members[principal] = self._listed(principal)
        return self._members[principal]

    def _listed(self, principal: str) -> frozenset[str]:
        if principal not in self._groups:
            return _strangers(principal)
        path = f"rest/api/group/{quote(self._groups[principal])}/membersByGroupId"
        found = (self.user(raw) for raw in self._api.counted(path, lambda raw: raw["accountId"]))
        return frozenset(filter(None, found))

    def forget(self) -> None:
        self._members.clear()

    def name(self, reference: Mapping[str, str]) -> str:
        account = self._account(reference.get("account-id", ""))
        return account.get("publicName") or account.get("displayName") or _SOMEBODY

    def _account(self, id: str) -> Raw:
        if id not in self._accounts:
            self._accounts[id] = _found(self._api, "rest/api/user", accountId=id)
        return self._accounts[id]


class ServerPeople:
    """Data Center's: names of users, whose addresses are made with the company's domain."""

    def __init__(self, api: Api, domain: str | None) -> None:
        """domain: "acme.example" makes the user "ann" user:ann@acme.example; None: user:ann."""
        self._api = api
        self._domain = domain
        self._users: dict[tuple[str, str], Raw] = {}
        self._members: dict[str, frozenset[str]] = {}

    def user(self, raw: Raw) -> str | None:
        known = raw if "username" in raw else self._user("key", raw["userKey"])
        name = str(known.get("username") or "").lower()
        if not name:
            return None
        return f"user:{name}" if "@" in name or not self._domain else f"user:{name}@{self._domain}"

    def group(self, raw: Raw) -> str | None:
        return f"group:{raw['name']}"

    def members(self, principal: str) -> frozenset[str]:
        if principal not in self._members:
            self._members[principal] = self._listed(principal)
        return self._members[principal]

    def _listed(self, principal: str) -> frozenset[str]:
        path = f"rest/api/group/{quote(principal.removeprefix('group:'), safe='')}/member"
        found = (self.user(raw) for raw in self._api.counted(path, lambda raw: raw["username"]))
        try:
            return frozenset(filter(None, found))
        except HttpError as error:
            if error.status != 404:
                raise
            return _strangers(principal)

    def forget(self) -> None:
        self._members.clear()

    def name(self, reference: Mapping[str, str]) -> str:
        key, name = reference.get("userkey", ""), reference.get("username", "")
        known = self._user("key", key) if key else self._user("username", name)
        return known.get("displayName") or name or _SOMEBODY

    def _user(self, parameter: str, value: str) -> Raw:
        if (parameter, value) not in self._users:
            self._users[parameter, value] = _found(self._api, "rest/api/user", **{parameter: value})
        return self._users[parameter, value]


class Restrictions:
    """What is restricted to whom, by the id of a page or of what holds pages."""

    def __init__(self, api: Api, people: People) -> None:
        self._api = api
        self._people = people
        self._layers: dict[str, Layer | None] = {}

    def forget(self) -> None:
        """Look everything up anew."""
        self._layers.clear()
        self._people.forget()

    def learn(self, id: str, raw: Raw) -> None:
        """Take the "read" restriction that came with a listing, unless it is cut off."""
        lists = list(_lists(raw))
        if not any(_is_full(found) for found in lists):
            self._layers[id] = self._layer(subject for found in lists for subject in _rows(found))

    def of(self, id: str) -> Layer | None:
        """Return whom a read restriction admits, None if there is none.

        What is not there any more admits nobody; what cannot be looked up is a ConnectorError.
        """
        if id not in self._layers:
            try:
                self._layers[id] = self._layer(self._read(id))
            except HttpError as error:
                if error.status != 404:
                    raise
                self._layers[id] = _NOBODY
        return self._layers[id]

    def _read(self, id: str) -> Iterator[tuple[str, Raw]]:
        path = f"rest/api/content/{id}/restriction/byOperation/read"
        start, goes_on = 0, True
        while goes_on:
            answer = self._api.get(
                path, expand="restrictions.user,restrictions.group", start=start, limit=200
            )
            lists = list(_lists(answer))
            for found in lists:
                yield from _rows(found)
            goes_on = any(map(_is_full, lists))
            start += max(len(found["results"]) for _, found in lists)

    def _layer(self, subjects: Iterator[tuple[str, Raw]]) -> Layer | None:
        found = list(subjects)
        if not found:
            return None
        principals = (
            self._people.user(raw) if kind == "user" else self._people.group(raw)
            for kind, raw in found
        )
        return frozenset(filter(None, principals))


def _lists(raw: Raw) -> Iterator[tuple[str, Raw]]:
    for kind in ("user", "group"):
        yield kind, raw["restrictions"][kind]


def _rows(of_kind: tuple[str, Raw]) -> Iterator[tuple[str, Raw]]:
    kind, found = of_kind
    for raw in found["results"]:
        yield kind, raw


def _is_full(of_kind: tuple[str, Raw]) -> bool:
    _, found = of_kind
    limit: int = found.get("limit", 0)
    return 0 < limit <= len(found["results"])


def _strangers(principal: str) -> frozenset[str]:
    """Return nobody: of a group of the settings it is not known here who is in it."""
    log.warning(
        "restricted page is read by nobody of a group that Confluence does not have group=%r",
        principal,
    )
    return frozenset()


def _found(api: Api, path: str, **parameters: Any) -> Raw:
    """Return an object, an empty one if it was deleted."""
    try:
        found: Raw = api.get(path, **parameters)
    except HttpError as error:
        if error.status != 404:
            raise
        return {}
    return found
