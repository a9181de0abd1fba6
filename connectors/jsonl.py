"""A file with one document a line, as another program exports it.

A line is a JSON object: {"id", "text" or "html", "title"?, "url"?}. Of text and html, html counts,
because it has the headings.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.folder import changed_at

_FIELDS = ("id", "title", "url", "text", "html")
_MEDIA_TYPES = {"text": "text/plain", "html": "text/html"}


@dataclass(frozen=True, slots=True)
class _Line:
    number: int  # counted from 1
    start: int  # of its first byte in the file
    version: str
    updated_at: datetime


class JsonLinesConnector:
    """The lines of a file; a version is a hash of the line.

    The listing keeps where each line starts, so that a fetch reads one line. If the file was
    replaced meanwhile, the line found there has another hash, and the file is read anew.
    """

    def __init__(self, name: str, path: Path, *, kind: Kind, readers: frozenset[str]) -> None:
        self.name = name
        self.kind: Kind = kind
        self._path = path
        self._readers = readers
        self._lines: dict[str, _Line] = {}  # by document id, as of the last reading

    def entries(self) -> Iterator[Entry]:
        """Yield every line, in the order of the file, once all are known to be sound."""
        self._lines = self._read_all()
        for id, line in self._lines.items():
            yield Entry(id, line.version, self._readers)

    def fetch(self, entry: Entry) -> Document:
        """Return one line; its entry says which version was really read."""
        line, raw = self._find(entry.id)
        fields = self._fields(raw, line.number)
        kind = "html" if "html" in fields else "text"
        url = fields.get("url", "")
        if not url.startswith(("https://", "http://")):
            url = f"{self._path.absolute().as_uri()}#{quote(fields['id'])}"
        return Document(
            entry=Entry(entry.id, line.version, self._readers),
            title=fields.get("title", "").strip() or fields["id"],
            url=url,
            body=fields[kind].encode(),
            media_type=_MEDIA_TYPES[kind],
            updated_at=line.updated_at,
        )

    def _find(self, id: str) -> tuple[_Line, bytes]:
        if id in self._lines:
            line = self._lines[id]
            raw = self._read(line)
            if _digest(raw) == line.version:
                return line, raw
        self._lines = self._read_all()
        if id not in self._lines:
            raise ConnectorError(
                f"{id!r} is no longer in {self._path}. Run the ingestion again to drop it."
            )
        return self._lines[id], self._read(self._lines[id])

    def _read(self, line: _Line) -> bytes:
        with self._open() as file:
            file.seek(line.start)
            return file.readline()

    def _read_all(self) -> dict[str, _Line]:
        lines: dict[str, _Line] = {}
        start = 0
        with self._open() as file:
            updated_at = changed_at(file)
            for number, raw in enumerate(file, start=1):
                if raw.strip():
                    id = f"{self.name}:{self._fields(raw, number)['id']}"
                    if id in lines:
                        raise self._fault(number, f"it has the id of line {lines[id].number}")
                    lines[id] = _Line(number, start, _digest(raw), updated_at)
                start += len(raw)
        if not lines:
            raise ConnectorError(
                f"The file {self._path} of source {self.name!r} holds no document. "
                "Export it again, or remove the source from the settings."
            )
        return lines

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        try:
            with self._path.open("rb") as file:
                yield file
        except OSError as error:
            raise ConnectorError(
                f"The file {self._path} of source {self.name!r} cannot be read: {error.strerror}. "
                "Put it there, let Footnote's account read it, or mend its path."
            ) from error

    def _fields(self, raw: bytes, number: int) -> dict[str, str]:
        """Return the fields a line has. Raises ConnectorError for a bad line."""
        try:
            row = json.loads(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
        except (ValueError, RecursionError) as error:
            raise self._fault(number, str(error)) from error
        if not isinstance(row, dict):
            raise self._fault(number, "it is not a JSON object")
        fields = {key: row[key] for key in _FIELDS if row.get(key) is not None}
        for key, value in fields.items():
            if not isinstance(value, str):
                raise self._fault(number, f"{key!r} is a {type(value).__name__}, not a string")
        if not _is_id(fields.get("id", "")):
            raise self._fault(number, f"{fields.get('id')!r} is no id")
        if not fields.keys() & _MEDIA_TYPES.keys():
            raise self._fault(number, "it has neither 'text' nor 'html'")
        # JSON can hold half of a surrogate pair, which cannot be stored.
        return {key: value.encode(errors="replace").decode() for key, value in fields.items()}

    def _fault(self, number: int, what: str) -> ConnectorError:
        return ConnectorError(
            f"Line {number} of {self._path} cannot be used: {what}. Mend it; until then nothing of "
            f"source {self.name!r} is changed."
        )


def _is_id(text: str) -> bool:
    return bool(text.strip()) and text.isprintable()


def _digest(raw: bytes) -> str:
    return hashlib.blake2b(raw.strip(), digest_size=16).hexdigest()
