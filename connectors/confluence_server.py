"""Confluence Data Center: everything by version 1 of its API, the only one it has."""

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from connectors.client import Client, HttpError
from connectors.confluence_access import EVERYONE, Layer
from connectors.confluence_api import Api, Raw
from connectors.confluence_people import People, Restrictions, ServerPeople
from connectors.confluence_site import Attachment, Page, Space, at
from connectors.files import UNKNOWN

_RESTRICTED = "restrictions.read.restrictions"
_LISTED = (
    f"version,space,ancestors,metadata.labels,{_RESTRICTED}.user,{_RESTRICTED}.group,"
    "children.attachment.version"
)
_RIGHTS = {
    "/permissions": "an account that administers the space, and Confluence 9.1 or later; or say "
    "readers = […] in the settings",
    "/group/": "the right to browse users",
}


class ServerSite:
    """One Confluence Data Center."""

    def __init__(self, url: str, client: Client, *, home: str, user_domain: str | None) -> None:
        """Take the address by which it is read, and that where people open pages."""
        self.api = Api(url, client, rights=_RIGHTS)
        self.home = home.rstrip("/")
        self.people: People = ServerPeople(self.api, user_domain)
        self.restrictions = Restrictions(self.api, self.people)

    def spaces(self, keys: Sequence[str]) -> list[Space]:
        chosen = {"spaceKey": list(keys)} if keys else {"type": "global"}
        rows = self.api.counted(
            "rest/api/space", lambda row: row["key"], status="current", expand="homepage", **chosen
        )
        return [Space(row["key"], row["key"], row.get("homepage") is not None) for row in rows]

    def admitted(self, space: Space) -> Layer:
        path = f"rest/api/space/{quote(space.key)}/permissions"
        try:
            rows = self.api.get(path)
        except HttpError as error:
            if error.status != 404:
                raise
            raise HttpError(f"{error} This needs {_RIGHTS['/permissions']}.", 404) from error
        found = set()
        for row in rows:
            operation = row["operation"]
            if (operation["operationKey"], operation["targetType"]) == ("read", "space"):
                found.add(self._principal(row["subject"]))
        return frozenset(filter(None, found))

    def pages(self, space: Space) -> list[Page]:
        rows = self.api.counted(
            "rest/api/content",
            lambda row: row["id"],
            spaceKey=space.key,
            type="page",
            status="current",
            expand=_LISTED,
        )
        return [self._page(row) for row in rows if row["status"] == "current"]

    def page(self, id: str) -> tuple[Page, str]:
        row = self.api.get(f"rest/api/content/{id}", expand=f"{_LISTED},body.storage")
        _check_current(row, "page")
        return self._page(row), row["body"]["storage"]["value"]

    def attachments(self, pages: Mapping[str, Page]) -> Iterator[Attachment]:
        for page in pages.values():
            yield from page.attachments

    def attachment(self, id: str) -> Attachment:
        row = self.api.get(f"rest/api/content/{id}", expand="version,container")
        _check_current(row, "attachment")
        return _attachment(row, row["container"]["id"])

    def content(self, attachment: Attachment) -> bytes:
        path = f"download/attachments/{attachment.page}/{quote(attachment.title, safe='')}"
        return self.api.download(path).content

    def anchor(self, title: str, heading: str) -> str:
        return "-".join(re.sub(r"\s+", "", part) for part in (title, heading))

    def _principal(self, subject: Raw) -> str | None:
        if subject["type"] == "group":
            return self.people.group(subject)
        if subject["type"] == "user":
            return self.people.user(subject)
        return EVERYONE if subject["type"] == "anonymous" else None

    def _page(self, row: Raw) -> Page:
        self.restrictions.learn(row["id"], row["restrictions"]["read"])
        return Page(
            id=row["id"],
            space=row["space"]["key"],
            title=row["title"],
            number=row["version"]["number"],
            updated_at=at(row["version"]["when"]),
            above=frozenset(each["id"] for each in row["ancestors"]),
            labels=tuple(sorted(label["name"] for label in row["metadata"]["labels"]["results"])),
            url=f"{self.home}/pages/viewpage.action?pageId={row['id']}",  # survives moves
            attachments=tuple(self._attachments(row)),
        )

    def _attachments(self, row: Raw) -> Iterator[Attachment]:
        """Yield a page's attachments: those that came with it, and where there may be more, all."""
        children = row["children"]["attachment"]
        rows: list[Raw] = children["results"]
        if len(rows) >= children["limit"]:
            path = f"rest/api/content/{row['id']}/child/attachment"
            shown = {each["id"] for each in rows}
            rows = list(self.api.counted(path, lambda each: each["id"], expand="version"))
            if lacking := shown - {each["id"] for each in rows}:
                what = f"{len(lacking)} of the attachments that came with the page lack"
                raise self.api.incomplete(path, what)
        for each in rows:
            if each["status"] == "current":
                yield _attachment(each, row["id"])


def _attachment(row: Raw, page: str) -> Attachment:
    return Attachment(
        id=row["id"],
        page=page,
        title=row["title"],
        number=row["version"]["number"],
        updated_at=at(row["version"]["when"]),
        media_type=row.get("metadata", {}).get("mediaType") or UNKNOWN,
    )


def _check_current(row: Raw, what: str) -> None:
    if row["type"] != what or row["status"] != "current":
        raise HttpError(f"{row['id']} is a {row['type']} of status {row['status']}.", 404)
