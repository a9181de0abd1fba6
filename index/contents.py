"""What the files of a generation hold: whether it is sound, and one hash of all of it."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import faiss
import numpy as np

from index import records
from index.base import Vectors

CHUNKS = "chunks.sqlite"
VECTORS = "vectors.faiss"
OWNERS = "owners.npy"  # (vectors,) int64: the chunk of each vector
UNIT = 1e-2  # how far from 1 a vector may be long: half precision rounds by 4e-3

_DOCUMENTS = """
SELECT id, version, title, url, kind, updated_at, stale, (
  SELECT json_group_array(json_array(principal, denied)) FROM
    (SELECT principal, denied FROM readers r WHERE r.document = d.document ORDER BY 1, 2)
)
FROM documents d ORDER BY id
"""
_CHUNKS = """
SELECT row, c.id, d.id, position, text, start, "end", places, context, windows
FROM chunks c JOIN documents d USING (document) ORDER BY d.id, position
"""


def faults(folder: Path, *, dim: int) -> list[str]:
    """Return what makes the files of a generation unfit to be published; none if they are fit."""
    with closing(records.open_read_only(folder / CHUNKS)) as database:
        found = _faulty_rows(database)
        (chunks,) = database.execute("SELECT count(*) FROM chunks").fetchone()
    index = faiss.read_index(str(folder / VECTORS))
    owners = np.load(folder / OWNERS, allow_pickle=False)
    if index.d != dim:
        found.append(f"vectors of {index.d} dimensions, not {dim}")
    if index.ntotal != len(owners) or not np.array_equal(np.unique(owners), np.arange(chunks)):
        found.append(f"{index.ntotal} vectors with {len(owners)} owners for {chunks} chunks")
    if (np.diff(owners) < 0).any():
        found.append("vectors that are not in the order of their chunks")
    return found + _faulty_vectors(index.reconstruct_n(0, index.ntotal))


def content_hash(folder: Path) -> str:
    """Return a hash of the documents, readers, chunks and vectors of a generation.

    Equal for equal content, whatever the order in which it was ingested, and when.
    """
    digest = hashlib.sha256()
    index = faiss.read_index(str(folder / VECTORS))
    owners = np.load(folder / OWNERS, allow_pickle=False)
    with closing(records.open_read_only(folder / CHUNKS)) as database:
        for facts in database.execute(_DOCUMENTS):
            digest.update(json.dumps(facts).encode())
        for row, *facts in database.execute(_CHUNKS):
            first, last = np.searchsorted(owners, [row, row + 1])
            digest.update(json.dumps(facts).encode())
            digest.update(index.reconstruct_n(int(first), int(last - first)).tobytes())
    return digest.hexdigest()


def _faulty_rows(database: sqlite3.Connection) -> list[str]:
    found = [
        f"{CHUNKS}: {line}"
        for (line,) in database.execute("PRAGMA integrity_check")
        if line != "ok"
    ]
    found += [
        f"{CHUNKS}: a row of {row[0]} without its document"
        for row in database.execute("PRAGMA foreign_key_check")
    ]
    count, ids, first, last = database.execute(
        "SELECT count(*), count(DISTINCT id), coalesce(min(row), 0), coalesce(max(row), -1)"
        " FROM chunks"
    ).fetchone()
    if ids != count:
        found.append(f"{count} chunks with {ids} ids")
    if (first, last) != (0, count - 1):
        found.append(f"{count} chunks numbered {first} to {last}")
    (words,) = database.execute("SELECT count(*) FROM words_docsize").fetchone()
    if words != count:
        found.append(f"words of {words} chunks, not {count}")
    return found


def _faulty_vectors(vectors: Vectors) -> list[str]:
    if not np.isfinite(vectors).all():
        return ["vectors that are not finite"]
    lengths = np.linalg.norm(vectors, axis=1)
    wrong = lengths[np.abs(lengths - 1) > UNIT]
    return [f"{len(wrong)} vectors not of length 1: {wrong[0]:.3f}"] if len(wrong) else []
