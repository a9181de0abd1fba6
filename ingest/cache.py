"""Vectors by the hash of what was embedded: nothing is embedded twice, not even after a crash."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from index.base import Embedder, Vectors

SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
  embedder TEXT NOT NULL,
  hash BLOB NOT NULL,
  vector BLOB NOT NULL, -- float32, little-endian
  PRIMARY KEY (embedder, hash)
) WITHOUT ROWID;
"""


class VectorCache:
    """An embedder's vectors on disk. One process at a time."""

    def __init__(self, file: Path, embedder: Embedder) -> None:
        self._embedder = embedder
        self._database = sqlite3.connect(file)
        self._database.executescript(SCHEMA)
        self._database.execute("PRAGMA secure_delete = ON")
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
            self._database.executemany(
                "INSERT INTO vectors VALUES (?, ?, ?)",
                [(self._embedder.name, key, row.tobytes()) for key, row in rows.items()],
            )
            self._database.commit()
            known |= rows
        found = np.empty((len(texts), self._embedder.dim), np.float32)
        for row, key in enumerate(hashes):
            found[row] = known[key]
        return found

    def keep_only(self, texts: Iterable[str]) -> None:
        """Drop every vector, of any embedder, that is not of one of the texts, to the last byte."""
        with self._database:
            self._database.execute("CREATE TEMP TABLE kept (hash BLOB PRIMARY KEY)")
            self._database.executemany(
                "INSERT OR IGNORE INTO kept VALUES (?)", ((_hash(text),) for text in texts)
            )
            self._database.execute("DELETE FROM vectors WHERE hash NOT IN (SELECT hash FROM kept)")
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
        return None if row is None else np.frombuffer(row[0], np.float32)


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
