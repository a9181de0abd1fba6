"""A store whose best hits are read once more by a model and put in its order."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from index.base import Chunk, Hit, Reranker, Store, Vector


class RerankedStore:
    """Another store's hits, the best `depth` of them in a reranker's order."""

    def __init__(self, store: Store, reranker: Reranker, *, depth: int) -> None:
        """depth: hits that the reranker reads a search; more are read only if more are wanted."""
        self._store = store
        self.reranker = reranker
        self.depth = depth

    @property
    def generation(self) -> str:
        """Name of the generation that answers now."""
        return self._store.generation

    def pinned(self) -> "RerankedStore":
        """Return the generation that answers now, its hits in the reranker's order."""
        return RerankedStore(self._store.pinned(), self.reranker, depth=self.depth)

    def search(self, text: str, vector: Vector, k: int, principals: frozenset[str]) -> list[Hit]:
        """Return at most k chunks that `principals` may read, best first; ties keep their order."""
        pool = self._store.search(text, vector, max(k, self.depth), principals)
        if not pool:
            return []
        passages = [f"{hit.chunk.context}\n{hit.chunk.text}" for hit in pool]
        scores = self.reranker.scores(text, passages)
        best = np.argsort(-scores, kind="stable")[:k]
        return [replace(pool[place], score=float(scores[place])) for place in best]

    def read(self, document_id: str, principals: frozenset[str]) -> list[Chunk]:
        """Return all chunks of one document in order; none if it is gone or forbidden."""
        return self._store.read(document_id, principals)

    def readable(self, document_ids: Iterable[str], principals: frozenset[str]) -> frozenset[str]:
        """Return those of the documents that exist and `principals` may read at this moment."""
        return self._store.readable(document_ids, principals)
