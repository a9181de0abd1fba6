"""Google Drive's REST API: whole answers, page by page, or a ConnectorError an admin can use.

Called through our own client and not through google-api-python-client: that one brings httplib2,
whose redirects, retries and bodies know none of the client's bounds, and all it would add to these
few requests is their addresses. google-auth signs what asks for the token.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from connectors.base import ConnectorError
from connectors.client import Answer, Client, HttpError
from connectors.cloud_errors import Refusal
from connectors.cloud_memory import Raw
from connectors.gdrive_errors import explained

HOME: Final = "https://www.googleapis.com"
PAGE: Final = 1000  # of files; Drive gives 100 where it gives permissions with them

_GRANT: Final = "id,type,emailAddress,domain,role,allowFileDiscovery,deleted,expirationTime,view"
_FILE: Final = (
    "id,name,mimeType,trashed,parents,driveId,webViewLink,modifiedTime,md5Checksum,"
    f"headRevisionId,size,shortcutDetails(targetId),permissionIds,permissions({_GRANT})"
)
_ALL_DRIVES: Final = {"supportsAllDrives": "true", "includeItemsFromAllDrives": "true"}


class DriveApi:
    """Reads as one service account, or as the user whom it stands for."""

    def __init__(self, client: Client, who: str, *, home: str = HOME) -> None:
        """Take a client of that home, and the address that files are shared with."""
        self._client = client
        self._who = who
        self._base = f"{home.rstrip('/')}/drive/v3"

    def files(self, query: str, drive: str | None) -> Iterator[Raw]:
        """Yield the files of a shared drive; of none: those that the account has met."""
        corpora = "user" if drive is None else "drive"
        fields = f"nextPageToken,incompleteSearch,files({_FILE})"
        asked = {**_ALL_DRIVES, **_of(drive), "corpora": corpora, "q": query, "fields": fields}
        for page in self._pages("files", {**asked, "pageSize": PAGE}):
            if page.get("incompleteSearch"):
                raise _broken_off("files")
            yield from _rows(page, "files")

    def file(self, id: str) -> Raw:
        """Return what Drive says of one file or folder."""
        raw = self._json(f"files/{id}", {"supportsAllDrives": "true", "fields": _FILE})
        if raw.get("id") != id:
            raise _broken_off(f"files/{id}")
        return raw

    def found(self, id: str) -> Raw | None:
        """Return what `file` does; None for what is gone, in the bin, or not for the account."""
        try:
            raw = self.file(id)
        except Refusal as error:
            if error.status != 404:
                raise
            return None
        return None if raw.get("trashed") else raw

    def permissions(self, id: str) -> list[Raw]:
        """Return who may do what with a file, a folder or a shared drive."""
        fields = f"nextPageToken,permissions({_GRANT})"
        asked = {"supportsAllDrives": "true", "fields": fields, "pageSize": 100}
        pages = self._pages(f"files/{id}/permissions", asked)
        return [row for page in pages for row in _rows(page, "permissions")]

    def drives(self) -> list[str]:
        """Return the shared drives that the account is a member of."""
        pages = self._pages("drives", {"fields": "nextPageToken,drives(id)", "pageSize": 100})
        return [str(row["id"]) for page in pages for row in _rows(page, "drives")]

    def check(self) -> None:
        """Raise if the account may not even ask who it is."""
        self._json("about", {"fields": "user(emailAddress)"})

    def cursor(self, drive: str | None) -> str:
        """Return where the changes begin that are yet to come."""
        asked = {"supportsAllDrives": "true", **_of(drive)}
        token = self._json("changes/startPageToken", asked).get("startPageToken")
        if not isinstance(token, str):
            raise _broken_off("changes")
        return token

    def changes(self, cursor: str, drive: str | None) -> tuple[list[Raw], str]:
        """Return what changed since, oldest first, and where the next changes begin."""
        change = f"changes(changeType,removed,fileId,file({_FILE}))"
        asked = {
            **_ALL_DRIVES,
            **_of(drive),
            "includeRemoved": "true",
            "fields": f"nextPageToken,newStartPageToken,{change}",
            "pageSize": PAGE,
        }
        changes: list[Raw] = []
        following = None
        for page in self._pages("changes", asked, first=cursor):
            changes += _rows(page, "changes")
            following = page.get("newStartPageToken")
        if not isinstance(following, str):
            raise _broken_off("changes")
        return changes, following

    def content(self, id: str) -> bytes:
        """Return the bytes of a file that somebody uploaded."""
        return self._get(f"files/{id}", {"alt": "media", "supportsAllDrives": "true"}).content

    def export(self, id: str, media_type: str) -> bytes:
        """Return a Google document in another format; Drive gives at most 10 MB."""
        return self._get(f"files/{id}/export", {"mimeType": media_type}).content

    def _pages(
        self, path: str, asked: Mapping[str, Any], first: str | None = None
    ) -> Iterator[Raw]:
        token, seen = first, {first}
        while True:
            page = self._json(path, asked if token is None else {**asked, "pageToken": token})
            yield page
            token = page.get("nextPageToken")
            if token is None:
                return
            if not isinstance(token, str) or token in seen:
                raise _broken_off(path)
            seen.add(token)

    def _json(self, path: str, asked: Mapping[str, Any]) -> Raw:
        content = self._get(path, asked).content
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise _broken_off(path)
        return found

    def _get(self, path: str, asked: Mapping[str, Any]) -> Answer:
        try:
            return self._client.request("GET", f"{self._base}/{path}", params=asked)
        except HttpError as error:
            raise explained(error, path, self._who) from error


def _of(drive: str | None) -> dict[str, str]:
    return {} if drive is None else {"driveId": drive}


def _rows(page: Raw, key: str) -> list[Raw]:
    rows = page.get(key)
    id = "changeType" if key == "changes" else "id"
    if not isinstance(rows, list) or not all(isinstance(row, dict) and id in row for row in rows):
        raise _broken_off(key)
    return rows


def _broken_off(what: str) -> ConnectorError:
    return ConnectorError(
        f"Google Drive's answer about {what} broke off, or is none of Drive's. Nothing of this "
        "source is changed; the next run asks again. If it lasts, look for a proxy in between."
    )
