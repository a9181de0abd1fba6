"""Files on another machine: one document a file, readers by path.

Knows no protocol: `s3`, `webdav` and `smb` say what is there and read it.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Protocol
from urllib.parse import quote

from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.drive_identity import Identities, Place
from connectors.files import (
    MAX_BYTES,
    MEDIA_TYPES,
    UNKNOWN,
    is_document,
    is_hidden,
    title_of,
)
from connectors.path_rules import PathRules

MAX_ITEMS = 1_000_000  # of one drive
MAX_DEPTH = 100  # folders in each other; more is a folder that holds itself
READINGS = 3  # of a file that changes while it is read
WALKS = 3  # through a tree whose folders go away meanwhile

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNSAFE = frozenset({"", ".", ".."})


class FolderGoneError(ConnectorError):
    """A folder that was listed a moment ago is not there."""


@dataclass(frozen=True, slots=True)
class Item:
    """One file or folder of a listing."""

    path: str  # from the top of the drive, with "/" between names
    version: str | None  # differs whenever the bytes differ; None: a folder
    key: str | None = None  # stays when the file moves; None: the server has no such thing


@dataclass(frozen=True, slots=True)
class Content:
    """One file as it was read."""

    body: bytes
    version: str  # as a listing would have given it
    changed_at: datetime  # aware, UTC


class Drive(Protocol):
    """A tree of files elsewhere."""

    address: str  # of its top, as a message names it

    def files(self) -> Iterator[Item]:
        """Yield every file. Raises ConnectorError for what is not known to be all of them."""
        ...

    def read(self, path: str, max_bytes: int) -> Content:
        """Return a file, or so much that it has more than `max_bytes`. Raises ConnectorError."""
        ...


class DriveConnector:
    """The files of a drive, but hidden ones, links and what is no document.

    An id is the path that a file had first; it stays when the file moves, if its server tells by a
    key that it is the same. A version is what the drive says of the file (ETag, or size and times)
    with its address. An empty drive is an error: that is what a bucket, share or folder looks like
    that is not the one meant.
    """

    kind: Kind = "drive"

    def __init__(
        self, name: str, drive: Drive, rules: PathRules, *, base_url: str, memory: Path | None
    ) -> None:
        """Take who may read what.

        base_url: where people open these files.
        memory: where the last listing is kept; None: until the process ends.
        """
        self.name = name
        self._drive = drive
        self._rules = rules
        self._base_url = base_url.rstrip("/")
        self._identities = Identities(memory)

    def entries(self) -> Iterator[Entry]:
        """Yield every file, sorted by path."""
        found = list(self._drive.files())
        self._warn_of_odd_names([item.path for item in found])
        files = {item.path: item for item in found if _is_listed(item.path)}
        if not files:
            raise ConnectorError(
                f"{self._drive.address} of source {self.name!r} holds no document. Check the "
                "address and the account's rights, or remove the source from the settings."
            )
        self._rules.warn_of_idle(self.name, sorted(files))
        places = [Place(item.path, item.key) for item in files.values()]
        for id, place in self._identities.of(places):
            version = self._version(place.path, files[place.path].version or "")
            yield Entry(f"{self.name}:{id}", version, self._rules.readers_of(place.path))

    def fetch(self, entry: Entry) -> Document:
        """Return one file; its entry says which version was really read."""
        source, _, id = entry.id.partition(":")
        path = self._identities.path(id)
        if source != self.name or not _is_listed(path):
            raise ConnectorError(f"{entry.id!r} is no document of source {self.name!r}.")
        content = self._drive.read(path, MAX_BYTES)
        if len(content.body) > MAX_BYTES:
            raise ConnectorError(
                f"{path} of {self._drive.address} is larger than {MAX_BYTES >> 20} MiB. Split it, "
                "or move it out of the folder."
            )
        return Document(
            entry=replace(entry, version=self._version(path, content.version)),
            title=title_of(path),
            url=self._url(path),
            body=content.body,
            media_type=MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), UNKNOWN),
            updated_at=content.changed_at,
        )

    def _warn_of_odd_names(self, paths: Iterable[str]) -> None:
        odd = [
            path
            for path in paths
            if is_document(PurePosixPath(path).name) and not _is_safe(path.split("/"))
        ]
        if odd:
            log.warning(
                "source %s: %d files are left out, such as %r: a name is empty, '.' or '..' or "
                "holds a backslash. Rename them to have them answer.",
                self.name,
                len(odd),
                odd[0],
            )

    def _version(self, path: str, version: str) -> str:
        text = f"{self._url(path)}\0{version}"
        return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()

    def _url(self, path: str) -> str:
        return f"{self._base_url}/{quote(os.fsencode(path))}"


def walked(list_folder: Callable[[str], Sequence[Item]], address: str) -> Iterator[Item]:
    """Yield the files beneath the top folder ""; hidden folders are not entered.

    list_folder: what lies directly in a folder; an error for a folder that cannot be read. Where
    one is gone before it is looked into, all is listed again: it may lie elsewhere now.
    """
    for walk in range(1, WALKS + 1):
        try:
            files = list(_walk(list_folder, address))
        except FolderGoneError as error:
            if walk == WALKS:
                raise
            log.info("drive_changed address=%s error=%s", address, error)
        else:
            yield from files
            return


def _walk(list_folder: Callable[[str], Sequence[Item]], address: str) -> Iterator[Item]:
    waiting, count = [""], 0
    while waiting:
        folder = waiting.pop()
        for item in list_folder(folder):
            count += 1
            if count > MAX_ITEMS or item.path.count("/") > MAX_DEPTH:
                raise ConnectorError(
                    f"{address} holds more than {MAX_ITEMS} files or {MAX_DEPTH} folders in each "
                    "other. Name a smaller folder, or look for one that holds itself."
                )
            if item.version is not None:
                yield item
            elif _is_entered(item.path):
                waiting.append(item.path)


def settled(
    look: Callable[[], Item], read: Callable[[], bytes], address: str
) -> tuple[bytes, Item]:
    """Return a file's bytes, and what its drive says of it both before and after they were read."""
    before = look()
    for _ in range(READINGS):
        body, after = read(), look()
        if after == before:
            return body, after
        before = after
    raise ConnectorError(f"{before.path} of {address} changes faster than it can be read.")


def time_of(seconds: float) -> datetime:
    """Return seconds since 1970 as a time; what no calendar has is its nearer end."""
    latest_s = (datetime.max.replace(tzinfo=UTC) - _EPOCH).total_seconds() - 1
    return _EPOCH + timedelta(seconds=min(max(seconds, 0), latest_s))


def _is_listed(path: str) -> bool:
    *_, name = names = path.split("/")
    return is_document(name) and _is_safe(names) and not any(map(is_hidden, names))


def _is_entered(path: str) -> bool:
    names = path.split("/")
    return _is_safe(names) and not is_hidden(names[-1])


def _is_safe(names: Iterable[str]) -> bool:
    return not any(name in _UNSAFE or "\0" in name or "\\" in name for name in names)
