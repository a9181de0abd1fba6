"""A folder held open: whatever is read through it lies beneath it, because no link is followed.

Knows neither documents nor connectors; errors are OSError, for the caller to word.
"""

import errno
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal, Self

# Without O_NONBLOCK, opening a FIFO would wait for its writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY


@dataclass(frozen=True, slots=True)
class Item:
    """One name in a folder."""

    name: str
    kind: Literal["file", "folder", "other"]  # other: a link, a device, a FIFO, a socket


class Folder:
    """A folder that may itself be reached through a link; nothing beneath it may.

    Every path is walked from the open folder one name at a time, so neither ".." nor a folder
    exchanged for a link between listing and reading leads out, and a share that is unmounted
    meanwhile is an error instead of an empty folder.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def items(self, relative: str = "") -> list[Item]:
        """Return what lies directly in a subfolder ("" is the folder itself), sorted by name."""
        fd = self._open_folder(_names(relative))
        try:
            with os.scandir(fd) as entries:
                return sorted((_item(entry) for entry in entries), key=lambda item: item.name)
        finally:
            os.close(fd)

    def open(self, relative: str) -> BinaryIO:
        """Open a regular file for reading."""
        *folders, name = _names(relative) or [""]
        folder = self._open_folder(folders)
        try:
            fd = os.open(name, _FILE, dir_fd=folder)
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "Not a regular file", relative)
        return os.fdopen(fd, "rb")

    def _open_folder(self, names: list[str]) -> int:
        fd = os.dup(self._fd)
        for name in names:
            try:
                child = os.open(name, _FOLDER, dir_fd=fd)
            finally:
                os.close(fd)
            fd = child
        return fd


def changed_at(file: BinaryIO) -> datetime:
    """Return when a file was last changed; a time outside 1970 to 9999 becomes its nearer end."""
    latest_s = datetime.max.replace(tzinfo=UTC).timestamp() - 1
    changed_s = os.fstat(file.fileno()).st_mtime
    return datetime.fromtimestamp(min(max(changed_s, 0), latest_s), UTC)


def _names(relative: str) -> list[str]:
    names = relative.split("/") if relative else []
    if any(name in ("", ".", "..") or "\0" in name for name in names):
        raise OSError(errno.EINVAL, "Not a path beneath the folder", relative)
    return names


def _item(entry: os.DirEntry[str]) -> Item:
    if entry.is_dir(follow_symlinks=False):
        return Item(entry.name, "folder")
    return Item(entry.name, "file" if entry.is_file(follow_symlinks=False) else "other")
