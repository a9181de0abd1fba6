"""A tree of files: one document a file, readers by path.

Does not look into files: what cannot be parsed is listed too, for ingestion to report.
"""

import hashlib
import logging
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.folder import Folder, changed_at

MAX_BYTES = 50 * 2**20  # of one file
UNREADABLE = "unreadable"  # version of a file that cannot be opened: it differs from every other

# A table of our own: that of `mimetypes` differs from machine to machine.
MEDIA_TYPES = {
    ".adoc": "text/plain",
    ".csv": "text/csv",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".eml": "message/rfc822",
    ".htm": "text/html",
    ".html": "text/html",
    ".json": "application/json",
    ".log": "text/plain",
    ".markdown": "text/markdown",
    ".md": "text/markdown",
    ".msg": "application/vnd.ms-outlook",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pdf": "application/pdf",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rst": "text/plain",
    ".rtf": "application/rtf",
    ".text": "text/plain",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".xhtml": "application/xhtml+xml",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
UNKNOWN = "application/octet-stream"

# Clearly no documents; reporting each of them every night would bury what matters.
_IMAGES = ".avif .bmp .gif .heic .ico .jpeg .jpg .png .psd .svg .tif .tiff .webp"
_SOUND_AND_FILM = ".aac .avi .flac .m4a .m4v .mkv .mov .mp3 .mp4 .mpeg .mpg .ogg .wav .webm .wmv"
_PACKED = ".7z .bz2 .gz .jar .rar .tar .tgz .whl .xz .zip .zst"
_BINARIES = ".bin .class .dll .dmg .dylib .exe .iso .msi .o .otf .pyc .so .ttf .wasm .woff .woff2"
SKIPPED_SUFFIXES = frozenset(f"{_IMAGES} {_SOUND_AND_FILM} {_PACKED} {_BINARIES}".split())
_SKIPPED_NAMES = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX"})

log = logging.getLogger(__name__)


class FilesConnector:
    """A folder and everything beneath it, but hidden files, links and what is no document.

    A version is a hash of the file's bytes and of its address. Size and time of change would be
    cheaper, but a restored or copied file can have both of the one before it, and a new checkout
    has all of them new. Reading takes one to three seconds a gigabyte on a local disk (1,000 pages
    of 4 kB: 0.03 s), and a file over MAX_BYTES, which cannot be fetched, is not read for it.

    A file that cannot be read is listed all the same: its fetch says why, and its old text stays.
    A folder that cannot be read ends the listing with an error, as does an empty root, which is
    what a share that is not mounted looks like.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        *,
        kind: Kind,
        readers: frozenset[str],
        rules: Sequence[tuple[str, frozenset[str]]] = (),
        base_url: str | None,
    ) -> None:
        """Take the last rule that matches a path, or else `readers`, as who may read it.

        rules: (glob, readers). A glob is relative to the root and case-sensitive: "*" stays
        within one name, "**" spans folders, "HR/" is "HR/**".
        base_url: where people open these files; None: by file: address.
        """
        self.name = name
        self.kind: Kind = kind
        self._root = root
        self._readers = readers
        self._rules = tuple((_pattern(glob), glob, granted) for glob, granted in rules)
        self._base_url = (base_url or root.absolute().as_uri()).rstrip("/")

    def entries(self) -> Iterator[Entry]:
        """Yield every file, sorted by path."""
        with self._opened() as folder:
            paths = sorted(self._paths(folder))
            self._warn_of_idle_rules(paths)
            for path in paths:
                printable = path.encode(errors="surrogateescape").decode(errors="backslashreplace")
                try:
                    version = self._version(folder, path)
                except FileNotFoundError:
                    continue  # deleted since the folder was read
                except (OSError, UnicodeEncodeError):
                    version = UNREADABLE
                yield Entry(f"{self.name}:{printable}", version, self._readers_of(path))

    def fetch(self, entry: Entry) -> Document:
        """Return one file; its entry says which version was really read."""
        path = entry.id.removeprefix(f"{self.name}:")
        try:
            with self._opened() as folder, folder.open(path) as file:
                updated_at = changed_at(file)
                body = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ConnectorError(
                f"{self._root / path} cannot be read: {error.strerror}. Put it back or let "
                "Footnote's account read it; a name that shows \\x must be renamed to UTF-8."
            ) from error
        if len(body) > MAX_BYTES:
            raise ConnectorError(
                f"{self._root / path} is larger than {MAX_BYTES >> 20} MiB. Split it, or move it "
                "out of the folder."
            )
        url = self._url(path)
        return Document(
            entry=replace(entry, version=_digest(body, url)),
            title=_title(path),
            url=url,
            body=body,
            media_type=MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), UNKNOWN),
            updated_at=updated_at,
        )

    @contextmanager
    def _opened(self) -> Iterator[Folder]:
        try:
            folder = Folder(self._root)
        except OSError as error:
            raise ConnectorError(
                f"The folder {self._root} of source {self.name!r} cannot be opened: "
                f"{error.strerror}. Mount it, let Footnote's account read it, or mend its path."
            ) from error
        with folder:
            yield folder

    def _paths(self, folder: Folder) -> list[str]:
        paths: list[str] = []
        waiting = [""]
        while waiting:
            parent = waiting.pop()
            try:
                items = folder.items(parent)
            except OSError as error:
                raise ConnectorError(
                    f"The folder {self._root / parent} of source {self.name!r} cannot be read: "
                    f"{error.strerror}. Let Footnote's account read it, or move it out of the "
                    "source; until then nothing of this source is changed."
                ) from error
            if not (parent or items):
                raise ConnectorError(
                    f"The folder {self._root} of source {self.name!r} is empty. Mount the share "
                    "that belongs there, or remove the source from the settings."
                )
            for item in items:
                path = f"{parent}/{item.name}" if parent else item.name
                if item.kind == "folder" and not _hidden(item.name):
                    waiting.append(path)
                elif item.kind == "file" and _is_document(item.name):
                    paths.append(path)
        return paths

    def _version(self, folder: Folder, path: str) -> str:
        with folder.open(path) as file:
            status = os.fstat(file.fileno())
            if status.st_size > MAX_BYTES:
                return f"{status.st_size}-{status.st_mtime_ns}"
            return _digest(file.read(), self._url(path))

    def _readers_of(self, path: str) -> frozenset[str]:
        for pattern, _, readers in reversed(self._rules):
            if _matches(pattern, _names(path)):
                return readers
        return self._readers

    def _warn_of_idle_rules(self, paths: Sequence[str]) -> None:
        """Say which rules match nothing: a misspelt one leaves its files open to all readers."""
        for pattern, glob, _ in self._rules:
            if not any(_matches(pattern, _names(path)) for path in paths):
                log.warning("rule matches no file source=%s path=%r", self.name, glob)

    def _url(self, path: str) -> str:
        return f"{self._base_url}/{quote(path)}"


def _hidden(name: str) -> bool:
    return name.startswith((".", "~$")) or name in _SKIPPED_NAMES


def _is_document(name: str) -> bool:
    return not _hidden(name) and PurePosixPath(name).suffix.lower() not in SKIPPED_SUFFIXES


def _digest(body: bytes, url: str) -> str:
    digest = hashlib.blake2b(url.encode() + b"\0", digest_size=16)
    digest.update(body)
    return digest.hexdigest()


def _title(path: str) -> str:
    file = PurePosixPath(path)
    return re.sub(r"[-_\s]+", " ", file.stem).strip() or file.name


def _names(path: str) -> tuple[str, ...]:
    # A name typed on one system and stored by another may differ in how accents are composed.
    return tuple(unicodedata.normalize("NFC", path).split("/"))


def _pattern(glob: str) -> tuple[str, ...]:
    """Return a glob's parts. Raises ConnectorError for one that could never match."""
    names = _names(f"{glob}**" if glob.endswith("/") else glob)
    if "\\" in glob or any(name in ("", ".", "..") for name in names):
        raise ConnectorError(
            f"The path {glob!r} of a readers rule can match no file. Write it relative to the "
            'source\'s folder and with "/": "HR/**".'
        )
    return names


def _matches(pattern: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Return whether a glob's parts match a path's: "**" takes any number of names."""
    if not pattern or not names:
        return not names and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return any(_matches(pattern[1:], names[taken:]) for taken in range(len(names) + 1))
    return fnmatchcase(names[0], pattern[0]) and _matches(pattern[1:], names[1:])
