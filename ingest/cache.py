"""Vectors by the hash of what was embedded: nothing is embedded twice, not even after a crash.

It only saves time: what is damaged in it is embedded again.
"""

import hashlib
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from index import disk
from index.base import Embedder, Vectors

SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
  embedder TEXT NOT NULL,
  hash BLOB NOT NULL,
  vector BLOB NOT NULL, -- float32, little-endian
  PRIMARY KEY (embedder, hash)
) WITHOUT ROWID;
"""

UNIT = 1e-2  # how far from 1 a vector may be long: half precision rounds by 4e-3

log = logging.getLogger(__name__)


class VectorCache:
    """An embedder's vectors on disk. One process at a time."""

    def __init__(self, file: Path, embedder: Embedder) -> None:
        """Raises StoreError if the disk is full or fails; so does `vectors`."""
        self._embedder = embedder
        self._data = file.parent
        with disk.writing(self._data):
            self._database = _open(file)
        self.embedded_texts = 0  # since the start, not found in the cache
        self.embedded_tokens = 0

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return (len(texts), dim), embedding what is not known yet."""
        hashes = [_hash(text) for text in texts]
        known = {key: vector for key in hashes if (vector := self._find(key)) is not None}
        missing = {key: text for key, text in zip(hashes, texts, strict=True) if key not in known}
        if missing:
            fresh = self._embedder.embed_passages(list(missing.values()))
            self.embedded_texts += len(missing)
            self.embedded_tokens += sum(map(self._embedder.count_tokens, missing.values()))
            rows = dict(zip(missing, fresh, strict=True))
            with disk.writing(self._data):
                self._database.executemany(
                    "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)",
                    [(self._embedder.name, key, row.tobytes()) for key, row in rows.items()],
                )
                self._database.commit()
            known |= rows
        found = np.empty((len(texts), self._embedder.dim), np.float32)
        for row, key in enumerate(hashes):
            found[row] = known[key]
        return found

    def count(self) -> int:
        """Return how many vectors there are, of whatever embedder."""
        return int(self._database.execute("SELECT count(*) FROM vectors").fetchone()[0])

    def keep_only(self, texts: Iterable[str]) -> None:
        """Drop every vector but this embedder's of these texts, to the last byte."""
        with self._database:
            self._database.execute("CREATE TEMP TABLE kept (hash BLOB PRIMARY KEY)")
            self._database.executemany(
                "INSERT OR IGNORE INTO kept VALUES (?)", ((_hash(text),) for text in texts)
            )
            self._database.execute(
                "DELETE FROM vectors WHERE embedder != ? OR hash NOT IN (SELECT hash FROM kept)",
                (self._embedder.name,),
            )
            self._database.execute("DROP TABLE kept")
        self._database.execute("VACUUM")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _find(self, key: bytes) -> Vectors | None:
        row = self._database.execute(
            "SELECT vector FROM vectors WHERE embedder = ? AND hash = ?",
            (self._embedder.name, key),
        ).fetchone()
        if row is None or len(row[0]) != 4 * self._embedder.dim:
            return None
        vector = np.frombuffer(row[0], np.float32)
        return vector if abs(np.linalg.norm(vector) - 1) <= UNIT else None


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _open(file: Path) -> sqlite3.Connection:
    """Open the file, and start it anew if it is damaged."""
    database = sqlite3.connect(file)
    try:
        database.executescript(SCHEMA)
        intact = database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.OperationalError:  # the disk, not the file
        database.close()
        raise
    except sqlite3.DatabaseError:
        intact = False
    if intact:
        database.execute("PRAGMA secure_delete = ON")
        return database
    log.warning("cache damaged file=%s: starting a new one", file)
    database.close()
    file.unlink()
    return _open(file)
