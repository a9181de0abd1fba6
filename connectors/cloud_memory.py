"""What the last listing of a drive saw, and where its feed of changes goes on. Safe to lose.

Holds ids, digests and who may read; no name, and nothing that anybody wrote. The id of a file that
is forgotten stays: the feed tells of changes by it. Knows no server.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from weakref import finalize

from connectors.memory_file import opened

FORMAT: Final = 1  # a file of another format, or a damaged one, is begun anew

Raw = Mapping[str, Any]  # a JSON object as the server sent it, or what is noted of it

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

    items: Mapping[str, Raw]  # what is noted of each, by id
    cursor: str  # from which the server tells what changed since
    listed_at: float  # when all of it was listed last, in seconds since 1970
    seal: str = ""  # what must be the same for the items to hold


class Memory:
    """States by the name of their feed. Without a path it forgets when the process ends."""

    def __init__(self, path: Path | None) -> None:
        """Open or begin a memory."""
        self._database = opened(path, _TABLES, version=FORMAT)
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
