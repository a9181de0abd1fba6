"""The embedded index: SQLite and FAISS in one directory a generation."""

import io
import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from index import contents, dense, disk, generations, lexical, records
from index.access import Access, may_read
from index.base import Chunk, DocumentInfo, Hit, StoreError, Vector, Vectors
from index.collapse import arranged
from index.contents import CHUNKS, OWNERS, VECTORS
from index.fuse import fuse
from index.live import Live
from index.overlay import Forbidden, Overlay

POOL = 50  # candidates a ranking gives to the fusion: chosen on development sets, as the next
FUSION_K = 10  # the paper's 60 lets the depth of a ranking outvote its head: rag/eval/LOG.md
ARRANGED = 20  # best of the fusion that are looked at for repeats and older versions

log = logging.getLogger(__name__)


class LocalStore:
    """One published generation, opened once, shared between threads."""

    def __init__(
        self,
        data: Path,
        manifest: generations.Manifest,
        forbidden: Callable[[], Forbidden],
        *,
        groups: frozenset[str] | None = None,
    ) -> None:
        """Take a verified generation. Raises StoreError if it was removed since.

        forbidden: what is not to be seen any more, asked at every look.
        groups: see `index.access.denies`.
        """
        folder = generations.folder(data, manifest.name)
        try:
            self._rows = records.Readers(folder / CHUNKS)
            self._dense = _open_dense(folder)
            with self._rows.one() as database:
                owners = np.array(records.owners(database), np.int64)  # (chunks,)
                self._words = lexical.LexicalIndex(database, self._dense.chunks)
        except (OSError, RuntimeError, sqlite3.Error) as error:  # RuntimeError: FAISS
            raise StoreError(f"{folder} cannot be read: {error}. Run `footnote doctor`.") from error
        self.generation = manifest.name
        self._forbidden = forbidden
        self._groups = groups
        # Of the store itself the cache knows nothing: it would keep a superseded one in memory.
        self._mask = lru_cache(maxsize=256)(partial(_readable_rows, self._rows, owners, groups))

    def pinned(self) -> "LocalStore":
        """Return this store: it is one generation, and its files stay open."""
        return self

    def search(self, text: str, vector: Vector, k: int, principals: frozenset[str]) -> list[Hit]:
        """Return at most k chunks that `principals` may read, best first."""
        readable = self._mask(principals, self._forbidden())
        cosines = dict(self._dense.search(vector, max(POOL, k), readable))
        with self._rows.one() as database:
            scores = dict(self._words.search(database, text, max(POOL, k), readable))
            fused = fuse([cosines, scores], FUSION_K)[: max(ARRANGED, k)]
            chunks = records.chunks_of_rows(database, [row for row, _ in fused])
        near = self._dense.near(vector, [row for row, _ in fused])
        hits = [
            Hit(chunks[row], score, cosines.get(row), scores.get(row), near=of_windows)
            for (row, score), of_windows in zip(fused, near, strict=True)
        ]
        return arranged(hits, text)[:k]

    def read(self, document_id: str, principals: frozenset[str]) -> list[Chunk]:
        """Return all chunks of one document in order; none if it is gone or forbidden."""
        with self._rows.one() as database:
            chunks = records.chunks_of_document(database, document_id)
        readable = self.readable({document_id}, principals)
        return [chunk for chunk in chunks if chunk.document.id in readable]

    def readable(self, document_ids: Iterable[str], principals: frozenset[str]) -> frozenset[str]:
        """Return those of the documents that exist and `principals` may read at this moment."""
        forbidden = self._forbidden()
        with self._rows.one() as database:
            infos = records.named(database, document_ids)
        return frozenset(
            id
            for id, info in infos.items()
            if may_read(info.access, principals, self._groups)
            and not forbidden.hides(id, principals, self._groups)
        )


@dataclass(frozen=True, slots=True)
class _Opened:
    """A store, and what CURRENT said when it was chosen."""

    pointer: str | None
    store: LocalStore
    degraded: str | None


class PublishedStore:
    """Whatever generation is published now; follows CURRENT without a restart."""

    def __init__(self, data: Path, *, recipe: str, groups: frozenset[str] | None = None) -> None:
        """recipe: what this process embeds questions with; must be the index's own.

        groups: see `index.access.denies`.
        """
        self._data = data
        self._groups = groups
        self._recipe = recipe
        self._overlay: Overlay | None = None  # not before there is an index beside it
        self._opening = Lock()
        self._opened: _Opened | None = None

    @property
    def generation(self) -> str:
        """Name of the generation that answers now."""
        return self.pinned().generation

    @property
    def degraded(self) -> str | None:
        """Why an older generation than the published one answers; None: it does not."""
        return self._current().degraded

    def pinned(self) -> LocalStore:
        """Return the generation that answers now."""
        return self._current().store

    def search(self, text: str, vector: Vector, k: int, principals: frozenset[str]) -> list[Hit]:
        """Return at most k chunks that `principals` may read, best first."""
        return self.pinned().search(text, vector, k, principals)

    def read(self, document_id: str, principals: frozenset[str]) -> list[Chunk]:
        """Return all chunks of one document in order; none if it is gone or forbidden."""
        return self.pinned().read(document_id, principals)

    def readable(self, document_ids: Iterable[str], principals: frozenset[str]) -> frozenset[str]:
        """Return those of the documents that exist and `principals` may read at this moment."""
        return self.pinned().readable(document_ids, principals)

    def _current(self) -> _Opened:
        opened = self._opened
        if opened is not None and opened.pointer == generations.pointer(self._data):
            return opened
        # One thread opens what is new; the others answer from what they have meanwhile.
        if not self._opening.acquire(blocking=opened is None):
            return opened or self._current()
        try:
            opened = self._opened
            if opened is None or opened.pointer != generations.pointer(self._data):
                self._opened = opened = self._open()
            return opened
        finally:
            self._opening.release()

    def _open(self) -> _Opened:
        pointer = generations.pointer(self._data)
        try:
            selected = generations.select(self._data)
            if selected is None:
                raise StoreError(generations.NO_INDEX.format(data=self._data))
            _require(selected.manifest, self._recipe)
            self._overlay = self._overlay or Overlay(Live(self._data))
            store = LocalStore(
                self._data, selected.manifest, self._overlay.now, groups=self._groups
            )
        except StoreError:
            if generations.pointer(self._data) != pointer:  # published and pruned meanwhile
                return self._open()
            raise
        if selected.degraded:
            log.error("index degraded generation=%s reason=%s", store.generation, selected.degraded)
        return _Opened(pointer, store, selected.degraded)


class LocalBuild:
    """A private copy of the published generation, changed and then published.

    Every method raises StoreError if the disk is full or fails.
    """

    def __init__(self, data: Path, *, recipe: str, dim: int, now: datetime, rebuild: bool) -> None:
        """rebuild: start empty. Raises StoreError if the published recipe is another one."""
        parent = None if rebuild else _whole(data)
        self._data, self._recipe, self._dim, self._now = data, recipe, dim, now
        self._old: list[Vectors] = []
        if parent is not None:
            _require(parent, recipe)
        self.parent = parent.name if parent else None
        try:
            with disk.writing(data):
                self._folder = generations.begin(data)
                if parent is not None:
                    folder = generations.folder(data, parent.name)
                    shutil.copyfile(folder / CHUNKS, self._folder / CHUNKS)
                    self._old = _open_dense(folder).of_chunks()
                self._database = records.open_for_writing(self._folder / CHUNKS)
        except StoreError:
            generations.abandon(data)
            raise
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
        for chunk, matrix in zip(chunks, vectors, strict=True):
            if matrix.shape != (len(chunk.windows), self._dim):
                raise ValueError(
                    f"{document.id}: a chunk of {len(chunk.windows)} windows came with vectors of "
                    f"{matrix.shape}"
                )
        rows = range(self._next_row, self._next_row + len(chunks))
        self._fresh.update(zip(rows, vectors, strict=True))
        with disk.writing(self._data):
            records.put(self._database, document, chunks, rows)
        self._next_row += len(chunks)

    def set_readers(self, readers: Mapping[str, Access]) -> None:
        """Change who may read documents, by id, without touching text or vectors."""
        with disk.writing(self._data):
            for document_id, access in readers.items():
                records.put_readers(self._database, document_id, access)

    def set_stale(self, stale: Mapping[str, bool]) -> None:
        """Say of documents, by id, whether a newer version exists that could not be read."""
        with disk.writing(self._data):
            for document_id, is_stale in stale.items():
                records.put_stale(self._database, document_id, is_stale)

    def delete(self, document_ids: Sequence[str]) -> int:
        """Delete documents; return how many existed."""
        with disk.writing(self._data):
            return sum(
                self._database.execute("DELETE FROM documents WHERE id = ?", (id,)).rowcount
                for id in document_ids
            )

    def purge(self, forgotten: Callable[[str], bool]) -> int:
        """Delete the documents, of whatever source, whose id is forgotten; return how many."""
        ids = [id for (id,) in self._database.execute("SELECT id FROM documents")]
        return self.delete([id for id in ids if forgotten(id)])

    def publish(self, report: Mapping[str, object]) -> str:
        """Make this the generation every Store opens next; return its name.

        Raises StoreError, and publishes nothing, if what was built is not sound.
        """
        with disk.writing(self._data):
            rows = [row for (row,) in self._database.execute("SELECT row FROM chunks ORDER BY row")]
            self._write_vectors(rows)
            documents = self._seal(rows)
            faults = contents.faults(self._folder, dim=self._dim)
            if faults:
                raise StoreError(
                    f"The new index is not published, it has {'; '.join(faults)}. "
                    "Run `footnote doctor`, then `footnote ingest --rebuild`."
                )
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

    def _write_vectors(self, rows: Sequence[int]) -> None:
        vectors = [self._old[r] if r < len(self._old) else self._fresh[r] for r in rows]
        empty = np.empty((0, self._dim), np.float32)
        dense.write(np.concatenate([empty, *vectors]), self._folder / VECTORS)
        owners = io.BytesIO()
        np.save(owners, np.repeat(np.arange(len(rows)), [len(v) for v in vectors]))
        disk.write(self._folder / OWNERS, owners.getbuffer())

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
        lexical.write(database)
        (documents,) = database.execute("SELECT count(*) FROM documents").fetchone()
        database.commit()
        database.execute("VACUUM")
        database.close()
        return int(documents)


def _readable_rows(
    rows: records.Readers,
    owners: NDArray[np.int64],
    groups: frozenset[str] | None,
    principals: frozenset[str],
    forbidden: Forbidden,
) -> NDArray[np.bool_]:
    """Return (chunks,) true where readable. owners: (chunks,) the documents' numbers."""
    with rows.one() as database:
        documents = records.readable(database, principals, groups)
    mine = [n for n, id in documents.items() if not forbidden.hides(id, principals, groups)]
    return np.isin(owners, np.array(mine, np.int64))


def _open_dense(folder: Path) -> dense.DenseIndex:
    return dense.DenseIndex(folder / VECTORS, np.load(folder / OWNERS, allow_pickle=False))


def _whole(data: Path) -> generations.Manifest | None:
    """Return the generation to go on from; if it is an older one, CURRENT names it from now on."""
    selected = generations.select(data)
    if selected is None:
        return None
    if selected.degraded:
        name = selected.manifest.name
        log.error("index mended generation=%s reason=%s", name, selected.degraded)
        with disk.writing(data):
            generations.point(data, selected.manifest)
    return selected.manifest


def _require(manifest: generations.Manifest, recipe: str) -> None:
    if manifest.recipe != recipe:
        raise StoreError(
            f"index generation {manifest.name} was built with '{manifest.recipe}', "
            f"settings and this version say '{recipe}'. "
            "Run `footnote ingest --rebuild`, or set [embedder] back."
        )
