"""Google Drive: folders, shared drives, or all that an account sees; a file is a document.

What a file is, and who may read it, is decided in `gdrive_file`; what changed, in `gdrive_feed`.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.cloud_errors import Refusal
from connectors.cloud_feed import Feed, Items
from connectors.cloud_memory import Memory, Raw
from connectors.files import MAX_BYTES
from connectors.gdrive_api import DriveApi
from connectors.gdrive_doc import fit
from connectors.gdrive_feed import Corpus, shared_drives
from connectors.gdrive_file import (
    EXPORTS,
    FOLDER,
    Sharing,
    is_document,
    media_type,
    noted,
    updated_at,
    version,
)
from connectors.gdrive_grants import Grants

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is read; neither folders nor drives: all that the account sees."""

    folders: tuple[str, ...] = ()  # ids, as they stand in the folders' addresses
    drives: tuple[str, ...] = ()  # ids of shared drives
    sharing: Sharing = field(default_factory=Sharing)
    readers: frozenset[str] | None = None  # None: whom Drive itself lets read


class GoogleDriveConnector:
    """Every file that may hold text, once, in however many folders it lies.

    An id is Drive's own, which survives renaming and moving. A shortcut is the file it leads to.
    """

    kind: Kind = "drive"

    def __init__(
        self,
        name: str,
        api: DriveApi,
        selection: Selection,
        memory: Memory,
        *,
        relist_days: float = 7,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take what speaks with Drive.

        relist_days: after so many, all is listed again, whatever the feed of changes says.
        now: seconds since 1970.
        """
        self.name = name
        self._api = api
        self._selection = selection
        self._memory = memory
        self._feed = Feed(memory, relist_days=relist_days, now=now)
        self._now = now

    def entries(self) -> Iterator[Entry]:
        """Yield every document, by id."""
        grants = Grants(self._api, self._selection.sharing, self._now)
        files: dict[str, Raw] = {}
        for corpus in self._corpora(grants):
            files |= self._feed.items(corpus)
        files = self._with_targets(files)
        documents = {id: file for id, file in files.items() if file["document"]}
        if not documents:
            raise ConnectorError(
                f"Google Drive shows no document to source {self.name!r}. Share its folders with "
                "the account again, or remove the source from the settings."
            )
        for id in sorted(documents):
            yield self._entry(documents[id], grants)
        if grants.unseen:
            log.warning(
                "readers unknown source=%s files=%d: let the account edit them or act for a user "
                "who may, or set readers",
                self.name,
                grants.unseen,
            )

    def fetch(self, entry: Entry) -> Document:
        """Return one file; its entry says which version was really read."""
        source, _, id = entry.id.partition(":")
        if source != self.name:
            raise ConnectorError(f"{entry.id!r} is no document of source {self.name!r}.")
        raw = self._api.file(id)
        if raw.get("trashed") or not is_document(raw):
            raise ConnectorError(
                f"{raw.get('name')!r} is in the bin. Run the ingestion again to drop it."
            )
        exports = EXPORTS.get(raw["mimeType"])
        body, kind = self._exported(raw, *exports) if exports else self._uploaded(raw)
        return Document(
            entry=replace(entry, version=version(raw)),
            title=str(raw["name"]),
            url=str(raw["webViewLink"]),
            body=body,
            media_type=kind,
            updated_at=updated_at(raw),
        )

    def _corpora(self, grants: Grants) -> Iterator[Corpus]:
        """Yield what has a feed of its own, once it is known that the account may read it."""
        chosen = self._selection
        if not chosen.folders and not chosen.drives:
            self._api.check()
            drives = shared_drives(self._api, self._memory, self._now())
            yield Corpus(self._api, None, others=frozenset(drives))
        else:
            drives = chosen.drives
            yield from self._roots(grants)
        for drive in drives:
            yield Corpus(self._api, drive, seal=self._members(drive, grants))

    def _roots(self, grants: Grants) -> Iterator[Corpus]:
        """Yield the folders of the settings, together where they are in one drive."""
        folders: dict[str | None, list[str]] = {}
        shared: dict[str | None, list[str]] = {}  # how each is: its change lies outside of it
        for id in self._selection.folders:
            raw = self._api.file(id)
            if raw.get("mimeType") != FOLDER or raw.get("trashed"):
                raise ConnectorError(
                    f"{raw.get('name')!r} ({id}) is no folder of Google Drive, or is in the bin. "
                    "Put it back, or mend the folders of the settings."
                )
            folders.setdefault(raw.get("driveId"), []).append(id)
            shared.setdefault(raw.get("driveId"), []).append(_sharing(raw))
        for drive, roots in folders.items():
            seal = "" if drive is None else self._members(drive, grants)
            yield Corpus(self._api, drive, tuple(roots), seal=" ".join((seal, *shared[drive])))

    def _members(self, drive: str, grants: Grants) -> str:
        """Learn who may read a shared drive; return what differs when that changes."""
        try:
            members = self._api.permissions(drive)
        except Refusal as error:
            if error.status != 403:
                raise
            return f"unseen {self._now()}"  # so that no listing trusts what the last one saw
        grants.learn(members)
        return json.dumps(sorted((grant["id"], grant.get("role")) for grant in members))

    def _with_targets(self, files: Items) -> dict[str, Raw]:
        """Return files with those that shortcuts lead to, where the account may read them."""
        found = dict(files)
        for target in {file["target"] for file in files.values()} - {None, *files}:
            raw = self._api.found(target)
            found |= {target: noted(raw)} if raw else {}
        return found

    def _entry(self, file: Raw, grants: Grants) -> Entry:
        readers = self._selection.readers
        allowed = grants.readers(file) if readers is None else readers
        return Entry(f"{self.name}:{file['id']}", file["version"], allowed)

    def _exported(self, raw: Raw, kind: str, plainer: str | None = None) -> tuple[bytes, str]:
        try:
            body = self._api.export(raw["id"], kind)
        except Refusal as error:
            if error.reason != "exportSizeLimitExceeded" or plainer is None:
                raise
            return self._api.export(raw["id"], plainer), plainer
        return (fit(body, raw["name"]) if kind == "text/html" else body), kind

    def _uploaded(self, raw: Raw) -> tuple[bytes, str]:
        if int(raw.get("size", 0)) > MAX_BYTES:
            raise ConnectorError(
                f"{raw['name']!r} in Google Drive is larger than {MAX_BYTES >> 20} MiB. Split it."
            )
        return self._api.content(raw["id"]), media_type(raw)


def _sharing(raw: Raw) -> str:
    """Return what differs when a folder is shared otherwise, or is moved."""
    grants = sorted((grant["id"], grant.get("role")) for grant in raw.get("permissions") or ())
    return json.dumps([grants, sorted(raw.get("permissionIds") or ()), raw.get("parents")])
