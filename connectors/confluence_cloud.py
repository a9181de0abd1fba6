"""Confluence Cloud: what exists by version 2 of its API, restrictions and people by version 1."""

import re
from collections.abc import Iterator, Mapping, Sequence

from connectors.base import ConnectorError
from connectors.client import Client, HttpError
from connectors.confluence_access import Layer
from connectors.confluence_api import Api, Raw
from connectors.confluence_people import CloudPeople, People, Restrictions
from connectors.confluence_site import Attachment, Page, Space, at
from connectors.files import UNKNOWN

_RESTRICTED = "restrictions.read.restrictions"
_SEARCHED = f"{_RESTRICTED}.user,{_RESTRICTED}.group,metadata.labels"
_RIGHTS = {  # part of an address -> the scope that a token with scopes needs for it
    "/permissions": "the scope read:space.permission:confluence",
    "/restriction/": "the scope read:content.restriction:confluence",
    "/labels": "the scope read:label:confluence",
    "/ancestors": "the scope read:hierarchical-content:confluence",
    "/search": "the scopes search:confluence and read:content-details:confluence",
    "/download": "the scope readonly:content.attachment:confluence",
    "v2/attachments": "the scope read:attachment:confluence",
    "v2/pages": "the scope read:page:confluence",
    "/pages": "the scope read:page:confluence",
    "v2/spaces": "the scope read:space:confluence",
    "api/group": "the scope read:group:confluence",
    "api/user": "the scopes read:user:confluence and read:email-address:confluence",
}


class CloudSite:
    """One site of Confluence Cloud."""

    def __init__(self, url: str, client: Client, *, home: str) -> None:
        """Take the address of the API, which ends in /wiki, and that where people open pages.

        They differ for tokens with scopes: "https://api.atlassian.com/ex/confluence/<id>/wiki".
        """
        self.api = Api(url, client, rights=_RIGHTS)
        self.people: People = CloudPeople(self.api)
        self.restrictions = Restrictions(self.api, self.people)
        self.home = home.rstrip("/")

    def spaces(self, keys: Sequence[str]) -> list[Space]:
        chosen = {"keys": ",".join(keys)} if keys else {}
        rows = self.api.ended("api/v2/spaces", newest_first="-id", status="current", **chosen)
        return [
            Space(row["id"], row["key"], row.get("homepageId") is not None)
            for row in rows
            if keys or row["type"] != "personal"  # other types are many, and grow
        ]

    def admitted(self, space: Space) -> Layer:
        principals = set()
        for row in self.api.linked(f"api/v2/spaces/{space.id}/permissions"):
            operation, subject = row["operation"], row["principal"]
            if (operation["key"], operation["targetType"]) == ("read", "space"):
                principals.add(self._principal(subject))
        return frozenset(filter(None, principals))

    def pages(self, space: Space) -> list[Page]:
        path = f"api/v2/spaces/{space.id}/pages"
        listed = self.api.ended(path, newest_first="-id", status="current")
        rows = {row["id"]: row for row in listed if row["status"] == "current"}
        labels = self._searched(space)
        above = _Above(self.api, rows)
        return [
            self._page(row, above.of(id), labels[id] if id in labels else self._labels(id))
            for id, row in rows.items()
        ]

    def page(self, id: str) -> tuple[Page, str]:
        row = self.api.get(f"api/v2/pages/{id}", **{"body-format": "storage"})
        _check_current(row, "page")
        page = self._page(row, _ancestors(self.api, row), self._labels(id))
        return page, row["body"]["storage"]["value"]

    def attachments(self, pages: Mapping[str, Page]) -> Iterator[Attachment]:
        rows = self.api.ended("api/v2/attachments", newest_first="-created-date", status="current")
        for row in rows:
            if row.get("pageId") in pages and row["status"] == "current":
                yield _attachment(row)

    def attachment(self, id: str) -> Attachment:
        row = self.api.get(f"api/v2/attachments/{id}")
        _check_current(row, "attachment")
        return _attachment(row)

    def content(self, attachment: Attachment) -> bytes:
        path = f"rest/api/content/{attachment.page}/child/attachment/{attachment.id}/download"
        return self.api.download(path).content

    def anchor(self, title: str, heading: str) -> str:
        return re.sub(r"\s+", "-", heading)

    def _principal(self, subject: Raw) -> str | None:
        """Return a user or a group; a role's people are not known, so it admits nobody."""
        if subject["type"] == "group":
            return self.people.group(subject)
        return self.people.user({"accountId": subject["id"]}) if subject["type"] == "user" else None

    def _searched(self, space: Space) -> dict[str, tuple[str, ...]]:
        """Learn restrictions, and return labels by page, of all pages that the search knows.

        For the few that it does not know yet both are asked for one by one.
        """
        labels = {}
        for row in self.api.found(f'space = "{space.key}" and type = page', _SEARCHED):
            self.restrictions.learn(row["id"], row["restrictions"]["read"])
            labels[row["id"]] = _names(row["metadata"]["labels"]["results"])
        return labels

    def _labels(self, id: str) -> tuple[str, ...]:
        return _names(self.api.linked(f"api/v2/pages/{id}/labels"))

    def _page(self, row: Raw, above: frozenset[str], labels: tuple[str, ...]) -> Page:
        return Page(
            id=row["id"],
            space=row["spaceId"],
            title=row["title"],
            number=row["version"]["number"],
            updated_at=at(row["version"]["createdAt"]),
            above=above,
            labels=labels,
            url=self.home + row["_links"]["webui"],
        )


class _Above:
    """What the pages of one listing lie in: other pages, and folders, which are in no listing."""

    def __init__(self, api: Api, rows: Mapping[str, Raw]) -> None:
        self._api = api
        self._rows = rows
        self._known: dict[str, frozenset[str]] = {}  # of what is not listed, with itself

    def of(self, id: str) -> frozenset[str]:
        found: set[str] = set()
        row = self._rows[id]
        while parent := row.get("parentId"):
            if parent in found:
                raise ConnectorError(f"Page {id} lies in itself, says {self._api.url}.")
            if parent not in self._rows:
                if parent not in self._known:
                    self._known[parent] = _ancestors(self._api, row)
                return frozenset(found | self._known[parent])
            found.add(parent)
            row = self._rows[parent]
        return frozenset(found)


def _ancestors(api: Api, row: Raw) -> frozenset[str]:
    """Return everything that a page lies in."""
    path = f"api/v2/pages/{row['id']}/ancestors"
    found = frozenset(each["id"] for each in api.linked(path)) if row.get("parentId") else set()
    if row.get("parentId") not in {None, "", *found}:
        raise api.incomplete(path, "the page's own parent lacks")
    return frozenset(found)


def _attachment(row: Raw) -> Attachment:
    return Attachment(
        id=row["id"],
        page=row.get("pageId") or "",
        title=row["title"],
        number=row["version"]["number"],
        updated_at=at(row["version"]["createdAt"]),
        media_type=row.get("mediaType") or UNKNOWN,
    )


def _names(labels: Iterator[Raw] | Sequence[Raw]) -> tuple[str, ...]:
    return tuple(sorted(label["name"] for label in labels))


def _check_current(row: Raw, what: str) -> None:
    if row["status"] != "current":
        raise HttpError(f"The {what} {row['id']} is {row['status']}.", 404)
