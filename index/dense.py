"""Vector search: FAISS, exact, filtered inside the search. Row number = position in the index."""

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index.base import Vector, Vectors


class DenseIndex:
    """The vectors of one generation, read-only and safe to share between threads."""

    def __init__(self, file: Path) -> None:
        self._index = faiss.read_index(str(file))

    @property
    def rows(self) -> int:
        """How many vectors there are."""
        return int(self._index.ntotal)

    def search(
        self, vector: Vector, n: int, readable: NDArray[np.bool_] | None
    ) -> list[tuple[int, float]]:
        """Return at most n (row, cosine), best first, of rows where `readable` is true.

        readable: (rows,); None means every row.
        """
        n = min(n, self.rows if readable is None else int(readable.sum()))
        if n == 0:
            return []
        parameters = None
        if readable is not None:
            bits = np.packbits(readable, bitorder="little")
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        cosines, rows = self._index.search(vector[np.newaxis], n, params=parameters)
        return [(int(row), float(cosine)) for row, cosine in zip(rows[0], cosines[0], strict=True)]

    def vectors(self) -> Vectors:
        """Return all vectors, (rows, dim), in row order."""
        matrix: Vectors = self._index.reconstruct_n(0, self.rows)
        return matrix


def write(vectors: Vectors, file: Path) -> None:
    """Write vectors, (n, dim) of length 1, as an exact inner-product index."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    faiss.write_index(index, str(file))
