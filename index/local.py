"""The embedded index: SQLite and FAISS in one directory a generation."""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from index import dense, generations, lexical, records
from index.access import may_read
from index.base import Chunk, DocumentInfo, Hit, StoreError, Vector, Vectors
from index.fuse import fuse

CHUNKS = "chunks.sqlite"
VECTORS = "vectors.faiss"
OWNERS = "owners.npy"  # (vectors,) int64: the chunk of each vector
POOL = 50  # candidates a ranking gives to the fusion: chosen on development sets, as the next
FUSION_K = 10  # the paper's 60 lets the depth of a ranking outvote its head: rag/eval/LOG.md


class LocalStore:
    """One published generation, opened once, shared between threads."""

    def __init__(self, data: Path, manifest: generations.Manifest) -> None:
        """Raises StoreError if a file is not what was published."""
        generations.verify(data, manifest)
        folder = generations.folder(data, manifest.name)
        self._file = folder / CHUNKS
        self._dense = _open_dense(folder)
        if self._dense.chunks != manifest.chunks:
            raise StoreError(
                f"{folder} holds vectors of {self._dense.chunks} chunks, not {manifest.chunks}. "
                "Run `footnote ingest --rebuild`."
            )
        self.generation = manifest.name
        self._readable = lru_cache(maxsize=256)(self._readable_rows)

    def search(self, text: str, vector: Vector, k: int, principals: frozenset[str]) -> list[Hit]:
        """Return at most k chunks that `principals` may read, best first."""
        readable = self._readable(principals)
        cosines = dict(self._dense.search(vector, max(POOL, k), readable))
        with closing(records.open_read_only(self._file)) as database:
            scores = dict(
                lexical.search(
                    database,
                    text,
                    max(POOL, k),
                    principals_json=json.dumps(sorted(principals)),
                    all_readable=readable is None,
                )
            )
            fused = fuse([cosines, scores], FUSION_K)[:k]
            chunks = records.chunks_of_rows(database, [row for row, _ in fused])
        return [Hit(chunks[row], score, cosines.get(row), scores.get(row)) for row, score in fused]

    def read(self, document_id: str, principals: frozenset[str]) -> list[Chunk]:
        """Return all chunks of one document in order; none if it is gone or forbidden."""
        with closing(records.open_read_only(self._file)) as database:
            chunks = records.chunks_of_document(database, document_id)
        return [chunk for chunk in chunks if may_read(chunk.document.readers, principals)]

    def _readable_rows(self, principals: frozenset[str]) -> NDArray[np.bool_] | None:
        """Return (chunks,) true where readable; None if every chunk is."""
        readable = np.zeros(self._dense.chunks, np.bool_)
        with closing(records.open_read_only(self._file)) as database:
            rows = database.execute(
                "SELECT row FROM chunks WHERE document IN (SELECT document FROM readers"
                " WHERE principal IN (SELECT value FROM json_each(?)))",
                (json.dumps(sorted(principals)),),
            )
            readable[[row for (row,) in rows]] = True
        return None if readable.all() else readable


class PublishedStore:
    """Whatever generation is published now; follows CURRENT without a restart."""

    def __init__(self, data: Path, *, recipe: str) -> None:
        """recipe: what this process embeds questions with; must be the index's own."""
        self._data = data
        self._recipe = recipe
        self._lock = Lock()
        self._store: LocalStore | None = None

    @property
    def generation(self) -> str:
        """Name of the generation that answers now."""
        return self._current().generation

    def search(self, text: str, vector: Vector, k: int, principals: frozenset[str]) -> list[Hit]:
        """Return at most k chunks that `principals` may read, best first."""
        return self._current().search(text, vector, k, principals)

    def read(self, document_id: str, principals: frozenset[str]) -> list[Chunk]:
        """Return all chunks of one document in order; none if it is gone or forbidden."""
        return self._current().read(document_id, principals)

    def _current(self) -> LocalStore:
        manifest = generations.current(self._data)
        if manifest is None:
            raise StoreError(f"There is no index in {self._data} yet. Run `footnote ingest`.")
        with self._lock:
            if self._store is None or self._store.generation != manifest.name:
                _require(manifest, self._recipe)
                self._store = LocalStore(self._data, manifest)
            return self._store


class LocalBuild:
    """A private copy of the published generation, changed and then published."""

    def __init__(self, data: Path, *, recipe: str, dim: int, now: datetime, rebuild: bool) -> None:
        """rebuild: start empty. Raises StoreError if the published recipe is another one."""
        parent = None if rebuild else generations.current(data)
        self._data, self._recipe, self._dim, self._now = data, recipe, dim, now
        self._old: list[Vectors] = []
        if parent is not None:
            _require(parent, recipe)
            generations.verify(data, parent)
        self.parent = parent.name if parent else None
        self._folder = generations.begin(data)
        if parent is not None:
            folder = generations.folder(data, parent.name)
            shutil.copyfile(folder / CHUNKS, self._folder / CHUNKS)
            self._old = _open_dense(folder).of_chunks()
        self._database = records.open_for_writing(self._folder / CHUNKS)
        # Rows below this are the parent's; it also keeps a deleted row's number from being reused.
        self._next_row = len(self._old)
        self._fresh: dict[int, Vectors] = {}

    def documents(self, source: str) -> dict[str, DocumentInfo]:
        """Return document id -> what is known of it, for every document of one source."""
        return records.documents(self._database, source)

    def upsert(
        self, document: DocumentInfo, chunks: Sequence[Chunk], vectors: Sequence[Vectors]
    ) -> None:
        """Replace one document and all its chunks; a matrix (windows, dim) for every chunk."""
        for matrix in vectors:
            if not len(matrix) or matrix.shape[1] != self._dim:
                raise ValueError(f"{document.id}: a chunk came with vectors of {matrix.shape}")
        rows = range(self._next_row, self._next_row + len(chunks))
        self._fresh.update(zip(rows, vectors, strict=True))
        records.put(self._database, document, chunks, rows)
        self._next_row += len(chunks)

    def set_readers(self, readers: Mapping[str, frozenset[str]]) -> None:
        """Change who may read documents, by id, without touching text or vectors."""
        for document_id, principals in readers.items():
            records.put_readers(self._database, document_id, principals)

    def set_stale(self, stale: Mapping[str, bool]) -> None:
        """Say of documents, by id, whether a newer version exists that could not be read."""
        for document_id, is_stale in stale.items():
            records.put_stale(self._database, document_id, is_stale)

    def delete(self, document_ids: Sequence[str]) -> int:
        """Delete documents; return how many existed."""
        return sum(
            self._database.execute("DELETE FROM documents WHERE id = ?", (id,)).rowcount
            for id in document_ids
        )

    def publish(self, report: Mapping[str, object]) -> str:
        """Make this the generation every Store opens next; return its name."""
        rows = [row for (row,) in self._database.execute("SELECT row FROM chunks ORDER BY row")]
        vectors = [self._old[r] if r < len(self._old) else self._fresh[r] for r in rows]
        empty = np.empty((0, self._dim), np.float32)
        dense.write(np.concatenate([empty, *vectors]), self._folder / VECTORS)
        np.save(self._folder / OWNERS, np.repeat(np.arange(len(rows)), [len(v) for v in vectors]))
        documents = self._seal(rows)
        manifest = generations.publish(
            self._data,
            {
                "parent": self.parent,
                "created_at": self._now.isoformat(),
                "recipe": self._recipe,
                "dim": self._dim,
                "documents": documents,
                "chunks": len(rows),
                "report": dict(report),
            },
        )
        return manifest.name

    def abandon(self) -> None:
        """Drop the private copy."""
        self._database.close()
        generations.abandon(self._data)

    def _seal(self, rows: Sequence[int]) -> int:
        """Number the chunks 0, 1, 2, …, index their words, leave no deleted byte.

        Returns how many documents there are.
        """
        database = self._database
        database.executemany(  # ascending and never upwards, so no two rows ever share a number
            "UPDATE chunks SET row = ? WHERE row = ?",
            [(position, row) for position, row in enumerate(rows) if position != row],
        )
        database.execute("DROP TABLE IF EXISTS words")
        database.execute(lexical.SCHEMA)
        database.execute(
            "INSERT INTO words (rowid, context, text) SELECT row, context, text FROM chunks"
        )
        database.execute("INSERT INTO words (words) VALUES ('optimize')")
        (documents,) = database.execute("SELECT count(*) FROM documents").fetchone()
        database.commit()
        database.execute("VACUUM")
        database.close()
        return int(documents)


def published_documents(data: Path, source: str) -> dict[str, DocumentInfo]:
    """Return what the published generation holds of one source; before the first, nothing."""
    manifest = generations.current(data)
    if manifest is None:
        return {}
    file = generations.folder(data, manifest.name) / CHUNKS
    with closing(records.open_read_only(file)) as database:
        return records.documents(database, source)


def stale_documents(data: Path) -> frozenset[str]:
    """Return the published documents of which a newer version could not be read."""
    manifest = generations.current(data)
    if manifest is None:
        return frozenset()
    file = generations.folder(data, manifest.name) / CHUNKS
    with closing(records.open_read_only(file)) as database:
        return frozenset(id for (id,) in database.execute("SELECT id FROM documents WHERE stale"))


def _open_dense(folder: Path) -> dense.DenseIndex:
    return dense.DenseIndex(folder / VECTORS, np.load(folder / OWNERS, allow_pickle=False))


def _require(manifest: generations.Manifest, recipe: str) -> None:
    if manifest.recipe != recipe:
        raise StoreError(
            f"index generation {manifest.name} was built with '{manifest.recipe}', "
            f"settings and this version say '{recipe}'. "
            "Run `footnote ingest --rebuild`, or set [embedder] back."
        )
