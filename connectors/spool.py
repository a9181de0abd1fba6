"""Documents that a listing has read and that wait to be fetched, in a nameless temporary file."""

import sqlite3
from datetime import datetime
from weakref import finalize

from connectors.base import Document, Entry

_TABLE = """
CREATE TABLE documents (
    id TEXT PRIMARY KEY, version TEXT, readers TEXT, title TEXT, url TEXT, body BLOB, type TEXT,
    updated_at TEXT
) WITHOUT ROWID
"""


class Spool:
    """Documents by id. SQLite deletes the file when the process ends, however it ends."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        finalize(self, self._database.close)
        self._database.executescript(f"PRAGMA journal_mode = OFF; {_TABLE}")

    def clear(self) -> None:
        """Forget every document."""
        self._database.execute("DELETE FROM documents")

    def put(self, document: Document) -> None:
        """Keep a document, instead of an older one of its id."""
        entry = document.entry
        self._database.execute(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.id,
                entry.version,
                "\n".join(sorted(entry.readers)),
                document.title,
                document.url,
                document.body,
                document.media_type,
                document.updated_at.isoformat(),
            ),
        )

    def get(self, id: str) -> Document | None:
        """Return a document, None if it was not kept."""
        row = self._database.execute("SELECT * FROM documents WHERE id = ?", (id,)).fetchone()
        if row is None:
            return None
        id, version, readers, title, url, body, media_type, updated_at = row
        entry = Entry(id, version, frozenset(readers.split("\n")) if readers else frozenset())
        when = datetime.fromisoformat(updated_at)
        return Document(entry, title, url, body, media_type, when)
