"""What the last listing of a drive saw, and where its feed of changes goes on. Safe to lose.

Holds what the server says about files (names, addresses, who may read them), and nothing of what
is in them. Knows no server.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from weakref import finalize

FORMAT: Final = 1  # a file of another format, or a damaged one, is begun anew

Raw = Mapping[str, Any]  # a JSON object as the server sent it

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS feeds (
    name TEXT PRIMARY KEY, cursor TEXT NOT NULL, seal TEXT NOT NULL, listed_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS items (
    feed TEXT NOT NULL, id TEXT NOT NULL, raw TEXT NOT NULL, PRIMARY KEY (feed, id)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class State:
    """A drive as it was after the last listing."""

    items: Mapping[str, Raw]  # by id
    cursor: str  # from which the server tells what changed since
    listed_at: float  # when all of it was listed last, in seconds since 1970
    seal: str = ""  # what must be the same for the items to hold


class Memory:
    """States by the name of their feed. Without a path it forgets when the process ends."""

    def __init__(self, path: Path | None) -> None:
        """Open or begin a memory."""
        self._database = _opened(path)
        finalize(self, self._database.close)

    def recall(self, feed: str) -> State | None:
        """Return what is known of a feed."""
        row = self._database.execute(
            "SELECT cursor, listed_at, seal FROM feeds WHERE name = ?", (feed,)
        ).fetchone()
        if row is None:
            return None
        items = self._database.execute("SELECT id, raw FROM items WHERE feed = ?", (feed,))
        return State({id: json.loads(raw) for id, raw in items}, *row)

    def keep(self, feed: str, state: State) -> None:
        """Remember a feed as it is now; all of it or nothing."""
        rows = ((feed, id, json.dumps(raw)) for id, raw in state.items.items())
        with self._database as database:
            database.execute("DELETE FROM items WHERE feed = ?", (feed,))
            database.executemany("INSERT INTO items VALUES (?, ?, ?)", rows)
            database.execute(
                "INSERT OR REPLACE INTO feeds VALUES (?, ?, ?, ?)",
                (feed, state.cursor, state.seal, state.listed_at),
            )


def _opened(path: Path | None) -> sqlite3.Connection:
    if path is None:
        return _prepared(":memory:")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _prepared(str(path))
    except sqlite3.DatabaseError:
        path.unlink()
        return _prepared(str(path))


def _prepared(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False)
    try:
        if database.execute("PRAGMA user_version").fetchone()[0] not in (0, FORMAT):
            raise sqlite3.DatabaseError("another format")
        if database.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
        # No fsync: what a crash takes is read again, what it damages is begun anew.
        pragmas = f"PRAGMA synchronous = OFF; PRAGMA user_version = {FORMAT};"
        database.executescript(pragmas + _TABLES)
        return database
    except sqlite3.DatabaseError:
        with closing(database):
            raise
