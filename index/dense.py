"""Vector search: FAISS, exact, filtered inside the search.

A chunk has several vectors, one a window of its text, and is as near as the nearest of them.
Vectors lie in the order of their chunks.
"""

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index import disk
from index.base import Vector, Vectors

WINDOWS = 4  # vectors of a chunk, as a first guess of how many to look at


class DenseIndex:
    """The vectors of one generation, read-only and safe to share between threads."""

    def __init__(self, file: Path, owners: NDArray[np.int64]) -> None:
        """owners: (vectors,) the chunk of each, ascending. Raises ValueError if one is missing."""
        self._index = faiss.read_index(str(file))
        if len(owners) != self._index.ntotal:
            raise ValueError(f"{self._index.ntotal} vectors, but {len(owners)} owners")
        self._owners = owners
        self.chunks = int(owners[-1]) + 1 if len(owners) else 0

    def search(
        self, vector: Vector, n: int, readable: NDArray[np.bool_]
    ) -> list[tuple[int, float]]:
        """Return at most n (chunk, cosine), best first, of chunks where `readable` is true.

        readable: (chunks,).
        """
        mine = readable[self._owners]
        vectors = int(mine.sum())
        # Always a selector: without one FAISS computes in another order, and the last bit differs.
        bits = np.packbits(mine, bitorder="little")
        parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        wanted = min(n * WINDOWS, vectors)
        while wanted:
            cosines, rows = self._index.search(vector[np.newaxis], wanted, params=parameters)
            best = self._by_chunk(rows[0], cosines[0])
            if len(best) >= n or wanted == vectors:
                return best[:n]
            wanted = min(wanted * 2, vectors)
        return []

    def _by_chunk(
        self, rows: NDArray[np.int64], cosines: NDArray[np.float32]
    ) -> list[tuple[int, float]]:
        found: dict[int, float] = {}
        for row, cosine in zip(rows, cosines, strict=True):
            found.setdefault(int(self._owners[row]), float(cosine))
        return list(found.items())

    def of_chunks(self) -> list[Vectors]:
        """Return for every chunk its vectors, (windows, dim)."""
        matrix: Vectors = self._index.reconstruct_n(0, len(self._owners))
        starts = np.searchsorted(self._owners, np.arange(1, self.chunks))
        return np.split(matrix, starts) if self.chunks else []


def write(vectors: Vectors, file: Path) -> None:
    """Write vectors, (n, dim) of length 1, as an exact inner-product index."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    # faiss.write_index neither syncs nor says why a write failed.
    disk.write(file, faiss.serialize_index(index).data)
