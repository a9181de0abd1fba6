"""An export as a folder or as a ZIP file, read in place within limits; nothing is unpacked."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from connectors import zip_rules
from connectors.base import ConnectorError
from connectors.folder import Folder

MAX_FILE_BYTES = 64 * 2**20  # of one file in an export
# Chat as JSON packs to between a fifth and a fortieth.
LIMITS = zip_rules.ZipLimits(entries=1_000_000, unpacked_bytes=8 * 2**30, ratio=100)

_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)


class Archive(Protocol):
    """Files by their path from the top of an export, with "/" between names."""

    def names(self, folder: str) -> list[str]:
        """Return the files directly in a folder ("" is the top), sorted; none if it is absent.

        Raises ConnectorError if there are links or special files among them.
        """
        ...

    def read(self, path: str) -> bytes:
        """Return one file. Raises ConnectorError if it is absent, damaged or too large."""
        ...


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an export. Raises ConnectorError if it is neither a folder nor a sound ZIP file."""
    try:
        size = path.stat().st_size
        archive = (
            Folder(path) if path.is_dir() else zipfile.ZipFile(path, metadata_encoding="utf-8")
        )
    except (*_ZIP_ERRORS, UnicodeDecodeError) as error:
        raise ConnectorError(
            f"The export {path} cannot be opened: {error}. Name the folder or the ZIP file as it "
            "was downloaded; download it again if it is damaged."
        ) from error
    with archive:
        if isinstance(archive, Folder):
            yield _FolderArchive(path, archive)
        else:
            yield _ZipArchive(path, archive, size)


class _FolderArchive:
    def __init__(self, path: Path, folder: Folder) -> None:
        self._path = path
        self._folder = folder

    def names(self, folder: str) -> list[str]:
        try:
            items = self._folder.items(folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConnectorError(
                f"The folder {self._path / folder} cannot be read: {error.strerror}. "
                "Let Footnote's account read the whole export."
            ) from error
        for item in items:
            if item.kind == "other":
                raise ConnectorError(
                    f"{self._path / folder / item.name} is a link or a special file. "
                    "Put the file itself there; links are not followed."
                )
        return [item.name for item in items if item.kind == "file"]

    def read(self, path: str) -> bytes:
        try:
            with self._folder.open(path) as file:
                body = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise ConnectorError(
                f"{self._path / path} cannot be read: {error.strerror}. "
                "Let Footnote's account read the whole export."
            ) from error
        if len(body) > MAX_FILE_BYTES:
            raise _too_large(self._path, path)
        return body


class _ZipArchive:
    def __init__(self, path: Path, archive: zipfile.ZipFile, size: int) -> None:
        self._path = path
        self._archive = archive
        try:
            zip_rules.check(archive, size, LIMITS)
        except zip_rules.ZipFault as fault:
            raise ConnectorError(f"{path} {fault}. {_way_out(fault)}") from fault
        self._folders: dict[str, dict[str, zipfile.ZipInfo]] = {}
        for info in archive.infolist():
            folder, _, name = info.filename.rpartition("/")
            files = self._folders.setdefault(folder, {})
            if name:
                files[name] = info

    def names(self, folder: str) -> list[str]:
        return sorted(self._folders.get(folder, ()))

    def read(self, path: str) -> bytes:
        folder, _, name = path.rpartition("/")
        info = self._folders.get(folder, {}).get(name)
        if info is None:
            raise ConnectorError(f"{self._path} holds no {path!r}. Download it again.")
        if info.file_size > MAX_FILE_BYTES:
            raise _too_large(self._path, path)
        try:
            return self._archive.read(info)  # stops at the size announced, and checks the CRC
        except _ZIP_ERRORS as error:
            raise ConnectorError(
                f"{path!r} in {self._path} cannot be read: {error}. Download the export again."
            ) from error


def _way_out(fault: zip_rules.ZipFault) -> str:
    if fault.is_too_large:
        return "If it is sound, unpack it and name the folder."
    return "Use the ZIP file as Slack made it; download it again."


def _too_large(export: Path, path: str) -> ConnectorError:
    return ConnectorError(
        f"{path!r} in {export} is larger than {MAX_FILE_BYTES >> 20} MiB. "
        "Take it out of the export."
    )
