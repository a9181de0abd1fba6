"""Chunks and hits, and the seams in front of them: Embedder, Store, Build."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.access import Access

Vectors = NDArray[np.float32]  # (n, dim), every row of length 1
Vector = NDArray[np.float32]  # (dim,), of length 1


class StoreError(Exception):
    """The index cannot be used as it is; the message names the command that repairs it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a document that has an address of its own: a section, a page, a message."""

    start: int  # [start, end) in the document's parsed text, in characters
    end: int
    heading: tuple[str, ...]  # path of headings above it, outermost first; may be empty
    page: int | None  # counted from 1; None where the format has no pages
    url: str  # opens the document at this very place


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What is known of a document besides its text."""

    id: str  # "<source>:<the source's own stable key>"
    version: str
    title: str
    url: str
    kind: str  # "wiki", "slack", "drive"
    updated_at: datetime  # aware, UTC
    readers: frozenset[str]  # who may see it; empty means nobody
    denied: frozenset[str] = frozenset()  # who may not, even if they are readers
    stale: bool = False  # a newer version exists, but could not be read

    @property
    def access(self) -> Access:
        """Who may read it, as the one rule takes it."""
        return Access(self.readers, self.denied)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of one document: what is embedded, searched, shown and cited."""

    id: str  # hash of (document id, position, text): equal in every process and every run
    document: DocumentInfo
    position: int  # 0, 1, 2, … within the document
    text: str  # verbatim: the document's parsed text[start:end]
    start: int  # [start, end) in the document's parsed text, in characters
    end: int
    places: tuple[Place, ...]  # those that overlap [start, end), in order; at least one
    context: str  # what the text does not say itself: title, headings, a table's header row
    windows: tuple[int, ...] = (0,)  # where in the text each begins: a vector is made of each

    def window_at(self, offset: int) -> int:
        """Return the number of the window that holds a character of the document's parsed text."""
        return max(0, bisect_right(self.windows, offset - self.start) - 1)

    def place_at(self, offset: int) -> Place:
        """Return the place that holds a character of the document's parsed text."""
        for place in self.places:
            if offset < place.end:
                return place
        return self.places[-1]


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk found for a query. Scores order the hits of one query, never of two."""

    chunk: Chunk
    score: float  # fused; higher is better
    cosine: float | None  # in [-1, 1]; None if only the words matched
    bm25: float | None  # >= 0; None if only the meaning matched
    newer: str | None = None  # id of the document that seems a newer version of this one's
    near: tuple[float, ...] = ()  # cosine of each window of the chunk, whatever else matched


class Embedder(Protocol):
    """Text to unit vectors."""

    name: str  # with the revision: one name, one set of vectors
    dim: int  # 384
    max_tokens: int  # 512

    def count_tokens(self, text: str) -> int:
        """Count as the model does, special tokens included."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return (len(texts), dim). Raises ValueError for a text over max_tokens."""
        ...

    def embed_query(self, text: str) -> Vector:
        """Return (dim,). A query over max_tokens loses its end."""
        ...


class Reranker(Protocol):
    """Question and passages in, scores out: a slower judge of what the search found."""

    name: str

    def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """Return (len(passages),), higher is better. What is too long loses its end."""
        ...


class Store(Protocol):
    """What is published, read-only: all that `rag` sees of the index."""

    @property
    def generation(self) -> str:
        """Name of the generation that answers now, e.g. "000124"."""
        ...

    def pinned(self) -> "Store":
        """Return the generation that answers now, as a store that never changes to another.

        It can be read as long as it is held: take one for a question, and drop it.
        """
        ...

    def search(self, text: str, vector: Vector, k: int, principals: frozenset[str]) -> list[Hit]:
        """Return at most k chunks that `principals` may read, best first.

        The filter runs inside the search, so a forbidden chunk never takes one of the k places.
        """
        ...

    def read(self, document_id: str, principals: frozenset[str]) -> list[Chunk]:
        """Return all chunks of one document in order; none if it is gone or forbidden."""
        ...

    def readable(self, document_ids: Iterable[str], principals: frozenset[str]) -> frozenset[str]:
        """Return those of the documents that exist and `principals` may read at this moment."""
        ...


class Build(Protocol):
    """A private copy that becomes the next generation: all that `ingest` sees of the index."""

    def documents(self, source: str) -> Mapping[str, DocumentInfo]:
        """Return document id -> what is known of it, for every document of one source."""
        ...

    def upsert(
        self, document: DocumentInfo, chunks: Sequence[Chunk], vectors: Sequence[Vectors]
    ) -> None:
        """Replace one document and all its chunks.

        vectors: for every chunk a matrix (windows, dim), at least one row; a chunk is as near to
        a question as the nearest of its windows. Raises ValueError for another shape.
        """
        ...

    def set_readers(self, readers: Mapping[str, Access]) -> None:
        """Change who may read documents, by id, without touching text or vectors."""
        ...

    def set_stale(self, stale: Mapping[str, bool]) -> None:
        """Say of documents, by id, whether a newer version exists that could not be read."""
        ...

    def delete(self, document_ids: Sequence[str]) -> int:
        """Delete documents; return how many existed."""
        ...

    def purge(self, forgotten: Callable[[str], bool]) -> int:
        """Delete the documents, of whatever source, whose id is forgotten; return how many."""
        ...

    def publish(self, report: Mapping[str, object]) -> str:
        """Make this the generation every Store opens next; return its name.

        report: JSON-serialisable facts about the run, kept in the manifest.
        """
        ...
