"""Files that survive a crash: written and synced, hashed, moved; a failing disk said in words."""

import errno
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from index.base import StoreError

FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
UNFINISHED = ".part"  # what the names of `new_file` and `new_folder` end with


def write(file: Path, body: bytes | memoryview) -> None:
    """Write a whole file so that it is on the disk when this returns."""
    with file.open("wb") as stream:
        stream.write(body)
        stream.flush()
        os.fsync(stream.fileno())


def replace(file: Path, body: bytes) -> None:
    """Give a file new content: readers, and a crash, find the old or the new, never a mix."""
    new = file.with_name(f"{file.name}.new")
    write(new, body)
    new.replace(file)
    sync(file.parent)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield an empty file beside a path, to be written and then moved to it.

    Its name begins as the path's and is no other process's: a pid would not do, which processes
    of two containers share. It is removed at the end if it was not moved.
    """
    descriptor, name = tempfile.mkstemp(UNFINISHED, f"{path.name}.", path.parent)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside a path in the same way; removed at the end with all in it."""
    folder = Path(tempfile.mkdtemp(UNFINISHED, f"{path.name}.", path.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sync(path: Path) -> None:
    """Bring a file's content, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(file: Path) -> str:
    """Return the checksum of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return sha256_of(stream)


def sha256_of(stream: IO[bytes]) -> str:
    """Return the checksum of what is left of a stream, in hexadecimal."""
    digest = hashlib.sha256()
    while block := stream.read(2**20):
        digest.update(block)
    return digest.hexdigest()


def discard(folder: Path) -> None:
    """Remove a folder: its name at once, so that no half of it is ever found, then its files."""
    gone = folder.with_name(f".gone-{folder.name}")
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)
    shutil.rmtree(gone)


@contextmanager
def writing(data: Path) -> Iterator[None]:
    """Turn a disk that is full or fails into one StoreError that says so and what to do."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise StoreError(
            f"{data} cannot be written: {error}. {_advice(error)} Questions are answered "
            "from the last published generation meanwhile; then run `footnote ingest` again."
        ) from error


def _advice(error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in FULL:
        return "The disk, a quota or a limit is full: make room."
    return "Look whether it is full, sound and writable."
