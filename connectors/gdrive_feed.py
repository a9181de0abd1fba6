"""What lies in a Google Drive, and what Drive says has changed there.

Knows neither documents nor readers. The feed is told of what happens to a file; what happens to a
folder happens to all that lies in it, of which the feed need not say a word: then it is read again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from connectors.base import ConnectorError
from connectors.cloud_feed import Items, Listing
from connectors.cloud_memory import Memory, Raw, State
from connectors.gdrive_api import DriveApi
from connectors.gdrive_file import FOLDER, below, noted

FOLDERS_ASKED: Final = 20  # in one request

_DRIVES: Final = "drives"  # what the list of shared drives is remembered by

_INHERITED: Final = ("parents", "permissions", "permissionIds", "driveId")


@dataclass(frozen=True, slots=True)
class Corpus:
    """What has a feed of its own: a shared drive, or all that is in none of them."""

    api: DriveApi
    drive: str | None  # None: what is in no shared drive
    roots: tuple[str, ...] = ()  # folders to which it is narrowed; none: all of it
    others: frozenset[str] = frozenset()  # shared drives with feeds of their own
    seal: str = ""  # differs when who may read the drive as a whole does
    name: str = "Google Drive"

    @property
    def key(self) -> str:
        return " ".join((self.drive or "-", *self.roots))

    def holds(self, raw: Raw) -> bool:
        """Return whether a file is of this drive, in whatever folder."""
        drive = raw.get("driveId")
        return drive == self.drive if self.drive else drive not in self.others

    def narrowed(self, files: Items) -> dict[str, Raw]:
        """Return the files and folders that belong to it."""
        inside = below(files, self.roots) | {*self.roots} if self.roots else files.keys()
        return {id: raw for id, raw in files.items() if id in inside and self.holds(raw)}

    def updated(self, known: State) -> Listing | None:
        changes, cursor = self.api.changes(known.cursor, self.drive)
        files = applied(known.items, changes)
        if files is None:
            return None
        moved = moved_folders(known.items, self.narrowed(files))
        return self.narrowed(files | self._walked(moved)), cursor

    def listed(self) -> Listing:
        cursor = self.api.cursor(self.drive)  # first: what changes meanwhile is in the feed
        if self.roots:
            roots = {id: noted(self.api.file(id)) for id in self.roots}
            found = roots | self._walked(self.roots)
        else:
            every = self.api.files("trashed = false", self.drive)
            found = {raw["id"]: noted(raw) for raw in every}
        return self.narrowed(found), cursor

    def still_there(self, id: str, listed: Items) -> str | None:
        raw = self.api.found(id)
        return str(raw.get("name")) if raw and id in self.narrowed({**listed, id: raw}) else None

    def _walked(self, folders: Sequence[str]) -> dict[str, Raw]:
        found: dict[str, Raw] = {}
        waiting = list(folders)
        while waiting:
            asked, waiting = waiting[:FOLDERS_ASKED], waiting[FOLDERS_ASKED:]
            parents = " or ".join(f"'{id}' in parents" for id in asked)
            for raw in self.api.files(f"({parents}) and trashed = false", self.drive):
                if raw["id"] not in found and _is_folder(raw):
                    waiting.append(raw["id"])
                found[raw["id"]] = noted(raw)
        return found


def shared_drives(api: DriveApi, memory: Memory, now: float) -> tuple[str, ...]:
    """Return the shared drives that the account is a member of."""
    known = memory.recall(_DRIVES)
    drives = tuple(api.drives())
    for lost in (known.items.keys() if known else set[str]()) - {*drives}:
        raw = api.found(lost)
        if raw:
            raise ConnectorError(
                f"Google Drive's list of shared drives left out {raw.get('name')!r}, which is "
                "still there. Nothing of this source is changed; the next run lists it again."
            )
    memory.keep(_DRIVES, State({drive: {} for drive in drives}, "", now))
    return drives


def applied(files: Items, changes: Iterable[Raw]) -> dict[str, Raw] | None:
    """Return files after changes; None if a folder left the drive, and more may have with it."""
    after = dict(files)
    for change in changes:
        if change.get("changeType") == "drive":
            continue
        id, raw = change.get("fileId"), change.get("file")
        if not isinstance(id, str):
            raise ConnectorError("Google Drive told of a change without saying of which file.")
        old = after.pop(id, None)
        if isinstance(raw, dict) and not change.get("removed") and not raw.get("trashed"):
            after[id] = noted(raw)
        if old and _is_folder(old) and not _stayed(old, after.get(id)):
            return None
    return after


def moved_folders(before: Items, after: Items) -> list[str]:
    """Return the folders whose content may be new, or may have readers anew."""
    return [
        id
        for id, raw in after.items()
        if _is_folder(raw)
        and (id not in before or any(raw.get(key) != before[id].get(key) for key in _INHERITED))
    ]


def _stayed(old: Raw, new: Raw | None) -> bool:
    return new is not None and new.get("driveId") == old.get("driveId")


def _is_folder(raw: Raw) -> bool:
    return raw.get("mimeType") == FOLDER
