"""What lies in a drive, cheaply: all of it once, and then what Drive says has changed.

Knows neither documents nor readers. The feed is told of what happens to a file; what happens to a
folder happens to all that lies in it, of which the feed need not say a word: then it is read again.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from connectors.base import ConnectorError
from connectors.cloud_memory import Memory, Raw, State
from connectors.gdrive_api import DriveApi
from connectors.gdrive_errors import DriveRefusal
from connectors.gdrive_file import FOLDER, below, noted

DAY_S: Final = 86_400
FOLDERS_ASKED: Final = 20  # in one request
LOSSES_ASKED: Final = 20  # of a listing: each costs a request

_DRIVES: Final = "drives"  # what the list of shared drives is remembered by

_STALE: Final = frozenset({400, 404, 410})  # what Drive answers to a cursor that it does not know
_INHERITED: Final = ("parents", "permissions", "permissionIds", "driveId")

Files = Mapping[str, Raw]  # what is noted of each, by id

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What has a feed of its own: a shared drive, or all that is in none of them."""

    drive: str | None  # None: what is in no shared drive
    roots: tuple[str, ...] = ()  # folders to which it is narrowed; none: all of it
    others: frozenset[str] = frozenset()  # shared drives with feeds of their own
    seal: str = ""  # differs when who may read the drive as a whole does

    @property
    def name(self) -> str:
        """What its state is remembered by."""
        return " ".join((self.drive or "-", *self.roots))

    def holds(self, raw: Raw) -> bool:
        """Return whether a file is of this drive, in whatever folder."""
        drive = raw.get("driveId")
        return drive == self.drive if self.drive else drive not in self.others

    def narrowed(self, files: Files) -> dict[str, Raw]:
        """Return the files and folders that belong to it."""
        inside = below(files, self.roots) | {*self.roots} if self.roots else files.keys()
        return {id: raw for id, raw in files.items() if id in inside and self.holds(raw)}


class Feed:
    """Lists corpora, with a memory of what they were."""

    def __init__(
        self, api: DriveApi, memory: Memory, *, relist_days: float, now: Callable[[], float]
    ) -> None:
        """Take what speaks with Drive.

        relist_days: after so many, all is listed again, whatever the feed says.
        """
        self._api = api
        self._memory = memory
        self._relist_s = relist_days * DAY_S
        self._now = now

    def files(self, corpus: Corpus) -> Files:
        """Return every file and folder that is not in the bin."""
        known = self._memory.recall(corpus.name)
        state = self._updated(corpus, known) if known else None
        state = state or self._listed(corpus, known.items if known else {})
        self._memory.keep(corpus.name, state)
        return state.items

    def drives(self) -> tuple[str, ...]:
        """Return the shared drives that the account is a member of."""
        known = self._memory.recall(_DRIVES)
        drives = tuple(self._api.drives())
        for lost in (known.items.keys() if known else set[str]()) - {*drives}:
            raw = self._api.found(lost)
            if raw:
                raise _left_out(raw)
        self._memory.keep(_DRIVES, State({drive: {} for drive in drives}, "", self._now()))
        return drives

    def _updated(self, corpus: Corpus, known: State) -> State | None:
        """Return a state brought up to date; None if all must be listed."""
        if known.seal != corpus.seal or self._now() - known.listed_at >= self._relist_s:
            return None
        try:
            changes, cursor = self._api.changes(known.cursor, corpus.drive)
        except DriveRefusal as error:
            if error.status not in _STALE:
                raise
            log.info("listing anew drive=%s reason=%s", corpus.name, error.reason)
            return None
        files = applied(known.items, changes)
        if files is None:
            return None
        moved = moved_folders(known.items, corpus.narrowed(files))
        found = files | self._walked(moved, corpus)
        return replace(known, items=corpus.narrowed(found), cursor=cursor)

    def _listed(self, corpus: Corpus, known: Files) -> State:
        cursor = self._api.cursor(corpus.drive)  # first: what changes meanwhile is in the feed
        if corpus.roots:
            roots = {id: noted(self._api.file(id)) for id in corpus.roots}
            found = roots | self._walked(corpus.roots, corpus)
        else:
            every = self._api.files("trashed = false", corpus.drive)
            found = {raw["id"]: noted(raw) for raw in every}
        files = corpus.narrowed(found)
        self._check_losses(corpus, known, files)
        return State(files, cursor, self._now(), corpus.seal)

    def _walked(self, folders: Sequence[str], corpus: Corpus) -> dict[str, Raw]:
        found: dict[str, Raw] = {}
        waiting = list(folders)
        while waiting:
            asked, waiting = waiting[:FOLDERS_ASKED], waiting[FOLDERS_ASKED:]
            parents = " or ".join(f"'{id}' in parents" for id in asked)
            for raw in self._api.files(f"({parents}) and trashed = false", corpus.drive):
                if raw["id"] not in found and _is_folder(raw):
                    waiting.append(raw["id"])
                found[raw["id"]] = noted(raw)
        return found

    def _check_losses(self, corpus: Corpus, known: Files, files: Files) -> None:
        """Raise if something that was there before is still there, but was not listed."""
        lost = sorted(id for id in known if id not in files and not _is_folder(known[id]))
        for id in lost[:LOSSES_ASKED]:
            raw = self._api.found(id)
            if raw and id in corpus.narrowed({**files, id: raw}):
                raise _left_out(raw)


def applied(files: Files, changes: Iterable[Raw]) -> dict[str, Raw] | None:
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


def moved_folders(before: Files, after: Files) -> list[str]:
    """Return the folders whose content may be new, or may have readers anew."""
    return [
        id
        for id, raw in after.items()
        if _is_folder(raw)
        and (id not in before or any(raw.get(key) != before[id].get(key) for key in _INHERITED))
    ]


def _stayed(old: Raw, new: Raw | None) -> bool:
    return new is not None and new.get("driveId") == old.get("driveId")


def _left_out(raw: Raw) -> ConnectorError:
    return ConnectorError(
        f"Google Drive's listing left out {raw.get('name')!r}, which is still there. Nothing of "
        "this source is changed; the next run lists it again."
    )


def _is_folder(raw: Raw) -> bool:
    return raw.get("mimeType") == FOLDER
