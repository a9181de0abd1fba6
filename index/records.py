"""Documents and chunks as SQLite rows: the schema, and the way there and back."""

import json
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue

from index.access import GROUP, Access, is_somebody
from index.base import Chunk, DocumentInfo, Place

SCHEMA = """
CREATE TABLE documents (
  document INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,
  version TEXT NOT NULL,
  title TEXT NOT NULL,
  url TEXT NOT NULL,
  kind TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  stale INTEGER NOT NULL DEFAULT 0 -- a newer version exists, but could not be read
);
CREATE INDEX documents_by_source ON documents (source);
CREATE TABLE readers (
  document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
  principal TEXT NOT NULL,
  denied INTEGER NOT NULL, -- 1: may not read it, whatever else says so
  PRIMARY KEY (document, principal, denied)
) WITHOUT ROWID;
CREATE TABLE chunks (
  row INTEGER PRIMARY KEY, -- = position in the vector index, once published
  id TEXT NOT NULL UNIQUE,
  document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
  position INTEGER NOT NULL,
  text TEXT NOT NULL,
  start INTEGER NOT NULL,
  "end" INTEGER NOT NULL,
  places TEXT NOT NULL, -- JSON: [[start, end, [heading, …], page, url], …]
  context TEXT NOT NULL,
  windows TEXT NOT NULL -- JSON: [start, …]
);
CREATE INDEX chunks_by_document ON chunks (document, position);
"""

_DOCUMENTS = """
SELECT d.document, d.id, d.version, d.title, d.url, d.kind, d.updated_at, d.stale,
  (SELECT json_group_array(principal) FROM readers r WHERE r.document = d.document AND NOT denied),
  (SELECT json_group_array(principal) FROM readers r WHERE r.document = d.document AND denied)
FROM documents d
"""
_OF_NUMBERS = "WHERE d.document IN (SELECT value FROM json_each(?))"
_READABLE = """
SELECT document, id FROM documents WHERE document IN (
  SELECT document FROM readers WHERE NOT denied AND principal IN (SELECT value FROM json_each(:by))
  EXCEPT
  SELECT document FROM readers WHERE denied AND (
    :nobody
    OR principal IN (SELECT value FROM json_each(:by))
    OR :groups IS NOT NULL AND principal GLOB :group
      AND principal NOT IN (SELECT value FROM json_each(:groups))
  )
)
"""
_CHUNK = """
SELECT row, document, id, position, text, start, "end", places, context, windows FROM chunks
"""


class Readers:
    """A published file, opened a few times at once and shared between threads.

    It can be read until this is dropped, even after the file was removed.
    """

    def __init__(self, file: Path, count: int = 4) -> None:
        """count: how many may read at a time; the others wait."""
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        opened = [open_read_only(file) for _ in range(count)]
        for database in opened:
            self._idle.put(database)
        self._close = weakref.finalize(self, _close, opened)

    @contextmanager
    def one(self) -> Iterator[sqlite3.Connection]:
        """Lend one connection."""
        database = self._idle.get()
        try:
            yield database
        finally:
            self._idle.put(database)


def open_read_only(file: Path) -> sqlite3.Connection:
    """Open a published file: nothing writes it, so SQLite neither locks nor looks for a journal."""
    database = sqlite3.connect(
        f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
    )
    database.execute("PRAGMA schema_version")  # opens the file now, not with the first query
    return database


def open_for_writing(file: Path) -> sqlite3.Connection:
    """Open a private copy, with the schema if it is new. The caller commits, closes and syncs.

    A crash throws the copy away, so nothing is kept on disk that could mend it.
    """
    database = sqlite3.connect(file)
    database.execute("PRAGMA journal_mode = MEMORY")
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA foreign_keys = ON")
    with closing(database.execute("SELECT 1 FROM sqlite_master WHERE name = 'chunks'")) as found:
        new = found.fetchone() is None
    if new:
        database.executescript(SCHEMA)
    return database


def put(
    database: sqlite3.Connection, info: DocumentInfo, chunks: Sequence[Chunk], rows: Sequence[int]
) -> None:
    """Replace a document and its chunks; rows: the number of each chunk, unused so far."""
    database.execute("DELETE FROM documents WHERE id = ?", (info.id,))
    cursor = database.execute(
        "INSERT INTO documents (id, source, version, title, url, kind, updated_at, stale)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            info.id,
            info.id.partition(":")[0],
            info.version,
            info.title,
            info.url,
            info.kind,
            info.updated_at.isoformat(),
            info.stale,
        ),
    )
    number = cursor.lastrowid or 0
    put_readers(database, info.id, info.access)
    for row, chunk in zip(rows, chunks, strict=True):
        _put_chunk(database, row, number, chunk)


def put_readers(database: sqlite3.Connection, document_id: str, readers: Access) -> None:
    """Replace who may read one document."""
    database.execute(
        "DELETE FROM readers WHERE document = (SELECT document FROM documents WHERE id = ?)",
        (document_id,),
    )
    database.executemany(
        "INSERT INTO readers SELECT document, ?, ? FROM documents WHERE id = ?",
        [
            (principal, denied, document_id)
            for denied, principals in enumerate((readers.allowed, readers.denied))
            for principal in sorted(principals)
        ],
    )


def put_stale(database: sqlite3.Connection, document_id: str, stale: bool) -> None:
    """Say whether a newer version of one document exists that could not be read."""
    database.execute("UPDATE documents SET stale = ? WHERE id = ?", (stale, document_id))


def documents(database: sqlite3.Connection, source: str) -> dict[str, DocumentInfo]:
    """Return id -> document, for one source."""
    rows = database.execute(_DOCUMENTS + "WHERE d.source = ? ORDER BY d.id", (source,))
    return {info.id: info for _, info in map(_document, rows)}


def named(database: sqlite3.Connection, document_ids: Iterable[str]) -> dict[str, DocumentInfo]:
    """Return id -> document, for those of the ids that exist."""
    where = "WHERE d.id IN (SELECT value FROM json_each(?)) ORDER BY d.id"
    rows = database.execute(_DOCUMENTS + where, (json.dumps(list(document_ids)),))
    return {info.id: info for _, info in map(_document, rows)}


def readable(
    database: sqlite3.Connection, principals: frozenset[str], groups: frozenset[str] | None
) -> dict[int, str]:
    """Return number -> id of the documents that someone with these principals may read.

    groups: see `index.access.denies`.
    """
    known = json.dumps(sorted(groups)) if groups is not None else None
    by = {
        "by": json.dumps(sorted(principals)),
        "nobody": not is_somebody(principals),
        "groups": known,
        "group": f"{GROUP}*",
    }
    return dict(database.execute(_READABLE, by).fetchall())


def owners(database: sqlite3.Connection) -> list[int]:
    """Return the number of the document of every chunk, in the chunks' order."""
    return [number for (number,) in database.execute("SELECT document FROM chunks ORDER BY row")]


def chunks_of_rows(database: sqlite3.Connection, rows: Sequence[int]) -> dict[int, Chunk]:
    """Return row -> chunk."""
    return _chunks(
        database, "WHERE row IN (SELECT value FROM json_each(?))", json.dumps(list(rows))
    )


def chunks_of_document(database: sqlite3.Connection, document_id: str) -> list[Chunk]:
    """Return the chunks of one document, in order."""
    found = _chunks(
        database, "WHERE document = (SELECT document FROM documents WHERE id = ?)", document_id
    )
    return sorted(found.values(), key=lambda chunk: chunk.position)


def _chunks(database: sqlite3.Connection, where: str, value: str) -> dict[int, Chunk]:
    found = database.execute(_CHUNK + where, (value,)).fetchall()
    numbers = json.dumps(sorted({row[1] for row in found}))
    rows = database.execute(_DOCUMENTS + _OF_NUMBERS, (numbers,))
    infos = dict(map(_document, rows))
    return {
        row: Chunk(
            id=id,
            document=infos[document],
            position=position,
            text=text,
            start=start,
            end=end,
            places=_places(places),
            context=context,
            windows=tuple(json.loads(windows)),
        )
        for row, document, id, position, text, start, end, places, context, windows in found
    }


def _document(row: Sequence[str]) -> tuple[int, DocumentInfo]:
    number, id, version, title, url, kind, updated_at, stale, readers, denied = row
    return int(number), DocumentInfo(
        id=id,
        version=version,
        title=title,
        url=url,
        kind=kind,
        updated_at=datetime.fromisoformat(updated_at),
        readers=frozenset(json.loads(readers)),
        denied=frozenset(json.loads(denied)),
        stale=bool(stale),
    )


def _put_chunk(database: sqlite3.Connection, row: int, document: int, chunk: Chunk) -> None:
    places = [[p.start, p.end, p.heading, p.page, p.url] for p in chunk.places]
    database.execute(
        "INSERT INTO chunks"
        ' (row, id, document, position, text, start, "end", places, context, windows)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row,
            chunk.id,
            document,
            chunk.position,
            chunk.text,
            chunk.start,
            chunk.end,
            json.dumps(places, ensure_ascii=False),
            chunk.context,
            json.dumps(chunk.windows),
        ),
    )


def _places(text: str) -> tuple[Place, ...]:
    return tuple(
        Place(start, end, tuple(heading), page, url)
        for start, end, heading, page, url in json.loads(text)
    )


def _close(databases: Iterable[sqlite3.Connection]) -> None:
    for database in databases:
        database.close()
