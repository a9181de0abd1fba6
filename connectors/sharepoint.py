"""SharePoint and OneDrive, through Microsoft Graph: a file or a site's page is a document.

What a file is, and who may read it, is decided in `sharepoint_item`; what changed, in
`sharepoint_feed`.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.cloud_feed import Feed
from connectors.cloud_memory import Memory, Raw
from connectors.files import MAX_BYTES
from connectors.sharepoint_api import BATCH, GraphApi, values
from connectors.sharepoint_feed import Library
from connectors.sharepoint_item import (
    Place,
    is_document,
    media_type,
    readers,
    updated_at,
    version,
)
from connectors.sharepoint_page import is_page, libraries, read, to_html

READINGS = 3  # of a page that is edited while it is read

_UNSEEN: Final = frozenset({403, 404})  # who may read it is hidden from the app, or it is gone

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read."""

    sites: tuple[str, ...] = ()  # addresses: "https://acme.sharepoint.com/sites/hr"
    users: tuple[str, ...] = ()  # people whose OneDrive is read, as they sign in
    site_pages: bool = False  # whether the sites' own pages are read beside their libraries
    organisation: frozenset[str] = frozenset()  # whom "Everyone except external users" means
    readers: frozenset[str] | None = None  # None: whom SharePoint itself lets read


class SharePointConnector:
    """Every file that may hold text, in the libraries of sites and in people's OneDrives.

    The sites' pages are read if that is wanted: Graph lists them as files of one more drive.

    An id is that of the drive and the item, which survives renaming and moving within a drive.
    """

    kind: Kind = "drive"

    def __init__(
        self,
        name: str,
        api: GraphApi,
        selection: Selection,
        memory: Memory,
        *,
        relist_days: float = 7,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take what speaks with Graph.

        relist_days: after so many, all is listed again, whatever the feed of changes says.
        now: seconds since 1970.
        """
        self.name = name
        self._api = api
        self._selection = selection
        self._feed = Feed(memory, relist_days=relist_days, now=now)
        self._now = now

    def entries(self) -> Iterator[Entry]:
        """Yield every document, drive by drive.

        Who may read is asked for in every listing: one request for 20 files.
        """
        empty = True
        for place in self._places():
            items = self._feed.items(Library(self._api, place)).values()
            files = [item for item in items if item["document"]]
            files.sort(key=lambda file: str(file["id"]))
            for start in range(0, len(files), BATCH):
                empty = False
                yield from self._entries(place, files[start : start + BATCH])
        if empty:
            raise ConnectorError(
                f"Microsoft Graph shows no document to source {self.name!r}. Check that the app "
                "may still read its sites, or remove the source from the settings."
            )

    def fetch(self, entry: Entry) -> Document:
        """Return one file; its entry says which version was really read.

        Calls: two; for a page four.
        """
        source, _, key = entry.id.partition(":")
        drive, _, item = key.partition("/")
        if source != self.name or not item:
            raise ConnectorError(f"{entry.id!r} is no document of source {self.name!r}.")
        path = f"/drives/{quote(drive)}/items/{quote(item)}"
        raw = self._api.one(path)
        if self._selection.site_pages and is_page(raw):
            return self._page(entry, path, raw)
        url = raw.get("@microsoft.graph.downloadUrl")
        if not is_document(raw) or not isinstance(url, str):
            raise ConnectorError(
                f"{raw.get('name')!r} is no file that can be downloaded any more. Run the "
                "ingestion again to drop it."
            )
        if int(raw.get("size", 0)) > MAX_BYTES:
            raise ConnectorError(f"{raw['webUrl']} is larger than {MAX_BYTES >> 20} MiB. Split it.")
        return Document(
            entry=replace(entry, version=version(raw)),
            title=str(raw["name"]),
            url=str(raw["webUrl"]),
            body=self._api.download(url),
            media_type=media_type(raw),
            updated_at=updated_at(raw),
        )

    def _page(self, entry: Entry, path: str, raw: Raw) -> Document:
        for _ in range(READINGS):
            page = read(self._api, path)
            before, raw = raw, self._api.one(path)
            if version(before) == version(raw):
                return Document(
                    entry=replace(entry, version=version(raw)),
                    title=str(page.get("title") or raw["name"]),
                    url=str(raw["webUrl"]),
                    body=to_html(page).encode(),
                    media_type="text/html",
                    updated_at=updated_at(raw),
                )
        raise ConnectorError(f"{raw['webUrl']} changes faster than it can be read.")

    def _places(self) -> Iterator[Place]:
        for address in self._selection.sites:
            parts = urlsplit(address)
            path = parts.path.strip("/")
            site = self._api.one(f"/sites/{parts.netloc}" + (f":/{quote(path)}" if path else ""))
            drives = self._api.rows(f"/sites/{quote(str(site['id']), safe=',')}/drives")
            if not drives:
                raise ConnectorError(
                    f"Microsoft Graph shows no library of {address}. Check that the app may read "
                    "the site, or take it out of the settings."
                )
            if self._selection.site_pages:
                drives = [*drives, *self._page_libraries(address, str(site["id"]))]
            for drive in drives:
                yield Place(str(drive["id"]), path or parts.netloc, str(drive.get("webUrl")))
        for user in self._selection.users:
            drive = self._api.one(f"/users/{quote(user)}/drive")
            yield Place(str(drive["id"]), user, f"the OneDrive of {user}")

    def _page_libraries(self, address: str, site: str) -> list[Raw]:
        found = libraries(self._api, site)
        if not found:
            raise ConnectorError(
                f"Microsoft Graph shows no library of pages of {address}. Check that the app may "
                "read the site, or set site_pages = false."
            )
        return found

    def _entries(self, place: Place, files: Sequence[Raw]) -> Iterator[Entry]:
        allowed = self._selection.readers
        for file, found in zip(files, self._readers(place, files), strict=True):
            id = f"{self.name}:{place.drive}/{file['id']}"
            yield Entry(id, file["version"], found if allowed is None else allowed)

    def _readers(self, place: Place, files: Sequence[Raw]) -> list[frozenset[str]]:
        """Return who may read at most BATCH files; where that is hidden, nobody."""
        if self._selection.readers is not None:
            return [frozenset()] * len(files)
        paths = [f"/drives/{place.drive}/items/{file['id']}/permissions" for file in files]
        now = datetime.fromtimestamp(self._now(), UTC)
        found = []
        for path, part in zip(paths, self._api.batch(paths), strict=True):
            if part.status in _UNSEEN:
                log.warning("readers unknown source=%s item=%s", self.name, path)
                found.append(frozenset[str]())
                continue
            grants = values(part, path)
            if "@odata.nextLink" in part.body:
                grants = self._api.rows(path)
            found.append(readers(grants, place, self._selection.organisation, now))
        return found
