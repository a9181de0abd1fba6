"""A folder of a WebDAV server, such as a Nextcloud, by way of the polite client."""

import base64
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote, unquote, urlsplit

from lxml import etree

from connectors.base import ConnectorError
from connectors.client import LIMITS, SYSTEM_CLOCK, Account, Client, Clock, HttpError, Limits
from connectors.drive import Content, FolderGoneError, Item, settled, time_of, walked
from connectors.origin import shown

_ASKED = b"""<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:" xmlns:oc="http://owncloud.org/ns"><prop>
<resourcetype/><getetag/><getlastmodified/><getcontentlength/><oc:fileid/>
</prop></propfind>"""
_DAV = "{DAV:}"
_FILE_ID = "{http://owncloud.org/ns}fileid"  # of Nextcloud, ownCloud and their kin


@dataclass(frozen=True, slots=True)
class _Found:
    """What a server says of one file or folder."""

    path: str
    etag: str
    modified: str
    size: str
    is_folder: bool
    file_id: str | None

    def item(self) -> Item:
        version = None if self.is_folder else f"{self.etag} {self.modified} {self.size}"
        return Item(self.path, version, self.file_id)


class WebDavDrive:
    """The files beneath a folder, one request a folder.

    A version is the ETag with size and time; a key is Nextcloud's own id. An answer in which the
    folder itself or the state of anything in it is missing is an error: a listing must not lack
    what could not be looked at.
    """

    def __init__(self, url: str, client: Client) -> None:
        """Take the folder's address, and a client as `polite` makes it."""
        self.address = shown(url).rstrip("/")
        self._client = client
        self._top = _names(urlsplit(url).path)

    def files(self) -> Iterator[Item]:
        """Yield every file."""
        return walked(self._folder, self.address)

    def read(self, path: str, max_bytes: int) -> Content:
        """Return a file."""
        found: list[_Found] = []

        def look() -> Item:
            found[:] = self._asked(path, "0")
            if found[0].is_folder:
                raise ConnectorError(f"{self._url(path)} is a folder now.")
            return found[0].item()

        body, item = settled(look, lambda: self._client.get(self._url(path)).content, self.address)
        return Content(body, item.version or "", _time(found[0].modified))

    def _folder(self, folder: str) -> Sequence[Item]:
        try:
            itself, *items = self._asked(folder, "1")
        except HttpError as error:
            if folder and error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                raise FolderGoneError(str(error)) from error
            raise
        if not itself.is_folder:
            raise self._odd(self._url(folder), "it is no folder")
        return [found.item() for found in items]

    def _asked(self, path: str, depth: str) -> list[_Found]:
        """Return what a server says of a path, first, and with depth 1 of what lies in it."""
        url = self._url(path)
        answer = self._client.request(
            "PROPFIND",
            url,
            data=_ASKED,
            headers={"Depth": depth, "Content-Type": "application/xml; charset=utf-8"},
        )
        if answer.status_code != 207:
            raise self._odd(url, f"it answered {answer.status_code}")
        found = {each.path: each for each in self._parsed(url, answer.content)}
        itself = found.pop(path, None)
        if itself is None:
            raise self._odd(url, "the folder itself is not in the listing")
        parent = f"{path}/" if path else ""
        for each in found:
            if depth == "0" or not each.startswith(parent) or "/" in each[len(parent) :]:
                raise self._odd(url, f"{each!r} does not belong there")
        return [itself, *found.values()]

    def _parsed(self, url: str, body: bytes) -> Iterator[_Found]:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            root = etree.fromstring(body, parser)
        except etree.XMLSyntaxError as error:
            raise self._odd(url, "its XML breaks off or is none") from error
        if root.tag != f"{_DAV}multistatus":
            raise self._odd(url, f"it begins with {root.tag!r}")
        for response in root.iterfind(f"{_DAV}response"):
            yield self._found(url, response)

    def _found(self, url: str, response: etree._Element) -> _Found:
        path = self._path(url, response.findtext(f"{_DAV}href") or "")
        status = response.findtext(f"{_DAV}status")
        if status is not None and not _is_ok(status):
            raise ConnectorError(
                f"{path!r} in {shown(url)} cannot be looked at: {status.strip()}. Let Footnote's "
                "account read it, or move it out of the folder; until then nothing of this source "
                "is changed."
            )
        for group in response.iterfind(f"{_DAV}propstat"):
            kind = group.find(f"{_DAV}prop/{_DAV}resourcetype")
            if kind is not None and _is_ok(group.findtext(f"{_DAV}status") or ""):
                etag, modified, size = (
                    (group.findtext(f"{_DAV}prop/{_DAV}{name}") or "").strip()
                    for name in ("getetag", "getlastmodified", "getcontentlength")
                )
                is_folder = kind.find(f"{_DAV}collection") is not None
                if not (is_folder or etag or modified):
                    raise self._odd(url, f"{path!r} has neither ETag nor time")
                file_id = (group.findtext(f"{_DAV}prop/{_FILE_ID}") or "").strip() or None
                etag = etag.removeprefix("W/")
                return _Found(path, etag, modified, size, is_folder, file_id)
        raise self._odd(url, f"what {path!r} is is not said")

    def _path(self, url: str, href: str) -> str:
        """Return the path from the top that an answer's address means, whatever its server."""
        names = _names(urlsplit(href.strip()).path)
        if names[: len(self._top)] != self._top or any("/" in name for name in names):
            raise self._odd(url, f"{href!r} does not lie beneath it")
        return "/".join(names[len(self._top) :])

    def _url(self, path: str) -> str:
        return f"{self.address}/{quote(os.fsencode(path))}"

    def _odd(self, url: str, why: str) -> ConnectorError:
        return ConnectorError(
            f"{shown(url)} did not answer as a WebDAV server does: {why}. Check that the address "
            "is the WebDAV one (Nextcloud: https://host/remote.php/dav/files/USER/folder), and "
            "that no login page is before it."
        )


def polite(
    url: str,
    login: tuple[str, str] | None,
    secret: str,
    *,
    limits: Limits = LIMITS,
    clock: Clock = SYSTEM_CLOCK,
) -> Client:
    """Return a client for a server. secret: where the password comes from, in words."""
    headers = {}
    if login is not None:
        basic = base64.b64encode(":".join(login).encode()).decode()
        headers["Authorization"] = f"Basic {basic}"
    account = Account(headers, secret, "the right to read every folder and file of it")
    return Client(url, account, limits=limits, clock=clock)


def _names(path: str) -> list[str]:
    return [unquote(name, errors="surrogateescape") for name in path.split("/") if name]


def _is_ok(status: str) -> bool:
    return status.split()[1:2] == ["200"]


def _time(modified: str) -> datetime:
    try:
        return parsedate_to_datetime(modified).astimezone(UTC)
    except ValueError:
        return time_of(0)
