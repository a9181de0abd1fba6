"""A tree of files: one document a file, readers by path.

Does not look into files: what cannot be parsed is listed too, for ingestion to report.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.folder import Folder, changed_at
from connectors.path_rules import PathRules

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

        rules: (glob, readers), as PathRules takes them.
        base_url: where people open these files; None: by file: address.
        """
        self.name = name
        self.kind: Kind = kind
        self._root = root
        self._rules = PathRules(readers, rules)
        self._base_url = (base_url or root.absolute().as_uri()).rstrip("/")

    def entries(self) -> Iterator[Entry]:
        """Yield every file, sorted by path."""
        with self._opened() as folder:
            paths = sorted(self._paths(folder))
            self._rules.warn_of_idle(self.name, paths)
            for path in paths:
                printable = path.encode(errors="surrogateescape").decode(errors="backslashreplace")
                try:
                    version = self._version(folder, path)
                except FileNotFoundError:
                    continue  # deleted since the folder was read
                except (OSError, UnicodeEncodeError):
                    version = UNREADABLE
                yield Entry(f"{self.name}:{printable}", version, self._rules.readers_of(path))

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
            title=title_of(path),
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
                if item.kind == "folder" and not is_hidden(item.name):
                    waiting.append(path)
                elif item.kind == "file" and is_document(item.name):
                    paths.append(path)
        return paths

    def _version(self, folder: Folder, path: str) -> str:
        with folder.open(path) as file:
            status = os.fstat(file.fileno())
            if status.st_size > MAX_BYTES:
                return f"{status.st_size}-{status.st_mtime_ns}"
            return _digest(file.read(), self._url(path))

    def _url(self, path: str) -> str:
        return f"{self._base_url}/{quote(path)}"


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is not for readers, by its name."""
    return name.startswith((".", "~$")) or name in _SKIPPED_NAMES


def is_document(name: str) -> bool:
    """Return whether a file may be a document, by its name."""
    return not is_hidden(name) and PurePosixPath(name).suffix.lower() not in SKIPPED_SUFFIXES


def _digest(body: bytes, url: str) -> str:
    digest = hashlib.blake2b(url.encode() + b"\0", digest_size=16)
    digest.update(body)
    return digest.hexdigest()


def title_of(path: str) -> str:
    """Return a file's name in words."""
    file = PurePosixPath(path)
    return re.sub(r"[-_\s]+", " ", file.stem).strip() or file.name
