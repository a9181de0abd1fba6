"""Vector search: FAISS in half precision, filtered inside the search; exact while that is fast.

A chunk has several vectors, one a window of its text, and is as near as the nearest of them.
Vectors lie in the order of their chunks. Beyond EXACT of them, the signs of their components
choose which are compared. That needs no training: a graph or clusters made of all pages would let
those that somebody may not read move what they find (bench/scale.py measures what is lost).
"""

from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from index import disk
from index.base import Vector, Vectors

WINDOWS = 4  # vectors of a chunk, as a first guess of how many to look at
EXACT = 60_000  # vectors compared one by one; more are chosen by their signs first
CHOSEN = 100  # vectors chosen by their signs for each chunk asked for: recall@5 and @50 .996
NEVER = np.iinfo(np.uint16).max  # signs unlike of a vector that may not be chosen
BLOCK = 1 << 14  # vectors read at a time

Signs = NDArray[np.uint64]  # (words, vectors): a bit a component, set where it is positive


class DenseIndex:
    """The vectors of one generation, read-only and safe to share between threads."""

    def __init__(self, file: Path, owners: NDArray[np.int64], *, exact: int = EXACT) -> None:
        """owners: (vectors,) the chunk of each, ascending. Raises ValueError if one is missing."""
        self._index = faiss.read_index(str(file))
        if len(owners) != self._index.ntotal:
            raise ValueError(f"{self._index.ntotal} vectors, but {len(owners)} owners")
        self._owners = owners
        self.chunks = int(owners[-1]) + 1 if len(owners) else 0
        self._exact = exact
        self._signs = self._read_signs() if len(owners) > exact else None

    def search(
        self, vector: Vector, n: int, readable: NDArray[np.bool_]
    ) -> list[tuple[int, float]]:
        """Return at most n (chunk, cosine), best first, of chunks where `readable` is true.

        readable: (chunks,).
        """
        mine = readable[self._owners]
        # By what may be read alone: what may not must not move what is found.
        if self._signs is not None and mine.sum() > max(self._exact, n * CHOSEN):
            mine = _chosen(self._signs, vector, mine, n * CHOSEN)
        # One question is compared by one thread; others would only spin until it is done.
        faiss.omp_set_num_threads(1)
        # Always a selector: without one FAISS computes in another order, and the last bit differs.
        bits = np.packbits(mine, bitorder="little")
        parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        vectors = int(mine.sum())
        wanted = min(n * WINDOWS, vectors)
        while wanted:
            cosines, rows = self._index.search(vector[np.newaxis], wanted, params=parameters)
            best = self._by_chunk(rows[0], cosines[0], n)
            if len(best) == n or wanted == vectors:
                return best
            wanted = min(wanted * 2, vectors)
        return []

    def _by_chunk(
        self, rows: NDArray[np.int64], cosines: NDArray[np.float32], n: int
    ) -> list[tuple[int, float]]:
        """Return the first n chunks that rows, best first, are windows of."""
        found: dict[int, float] = {}
        for row, cosine in zip(rows, cosines, strict=True):
            found.setdefault(int(self._owners[row]), float(cosine))
            if len(found) == n:
                break
        return list(found.items())

    def near(self, vector: Vector, chunks: Sequence[int]) -> list[tuple[float, ...]]:
        """Return for each of the chunks the cosine of each of its windows."""
        ends = np.searchsorted(self._owners, [(chunk, chunk + 1) for chunk in chunks])
        return [
            tuple((self._index.reconstruct_n(int(first), int(last - first)) @ vector).tolist())
            for first, last in ends
        ]

    def of_chunks(self) -> list[Vectors]:
        """Return for every chunk its vectors, (windows, dim)."""
        matrix: Vectors = self._index.reconstruct_n(0, len(self._owners))
        starts = np.searchsorted(self._owners, np.arange(1, self.chunks))
        return np.split(matrix, starts) if self.chunks else []

    def _read_signs(self) -> Signs:
        total = self._index.ntotal
        blocks = [
            _signs(self._index.reconstruct_n(start, min(BLOCK, total - start)))
            for start in range(0, total, BLOCK)
        ]
        return np.concatenate(blocks, axis=1)


def write(vectors: Vectors, file: Path) -> None:
    """Write vectors, (n, dim) of length 1, as an inner-product index in half precision.

    A vector that was read from such an index is written as the same bytes again.
    """
    half = faiss.ScalarQuantizer.QT_fp16
    index = faiss.IndexScalarQuantizer(vectors.shape[1], half, faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)
    # faiss.write_index neither syncs nor says why a write failed.
    disk.write(file, faiss.serialize_index(index).data)


def _signs(vectors: Vectors) -> Signs:
    bits = np.packbits(vectors > 0, axis=1)
    padded = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8)))
    return np.ascontiguousarray(padded.view(np.uint64).T)


def _chosen(signs: Signs, vector: Vector, mine: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    """Return (vectors,) true for at least n of those that are mine: with the fewest signs unlike.

    The arrays are long: every one that is made anew costs more than what is computed.
    """
    unlike = np.zeros(len(mine), np.uint16)
    differ, count = np.empty(len(mine), np.uint64), np.empty(len(mine), np.uint8)
    for word, asked in zip(signs, _signs(vector[np.newaxis])[:, 0], strict=True):
        np.bitwise_xor(word, asked, out=differ)
        unlike += np.bitwise_count(differ, out=count)
    unlike[~mine] = NEVER
    chosen: NDArray[np.bool_] = unlike <= np.partition(unlike, n)[n]
    return chosen
