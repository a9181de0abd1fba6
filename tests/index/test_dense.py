"""Vectors in half precision, exact and chosen by their signs, against numpy."""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from index import dense
from index.base import Vectors

DIM = 384
CHUNKS, WINDOWS = 3_000, 2


def unit(rows: NDArray[np.floating[Any]]) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    made: Vectors = (rows / lengths).astype(np.float32)
    return made


@pytest.fixture
def vectors() -> Vectors:
    dice = np.random.default_rng(1)
    topics = dice.standard_normal((100, DIM))
    near = topics[dice.integers(0, 100, CHUNKS * WINDOWS)]
    return unit(near + 0.8 * dice.standard_normal((CHUNKS * WINDOWS, DIM)))


def opened(vectors: Vectors, folder: Path, *, exact: int) -> dense.DenseIndex:
    dense.write(vectors, folder / "v.faiss")
    owners = np.repeat(np.arange(len(vectors) // WINDOWS), WINDOWS)
    return dense.DenseIndex(folder / "v.faiss", owners, exact=exact)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.02])
@pytest.mark.parametrize("exact", [10**9, 0])
def test_of_the_five_nearest_at_least_98_in_100_are_found_and_none_forbidden(
    vectors: Vectors, tmp_path: Path, share: float, exact: int
) -> None:
    dice = np.random.default_rng(2)
    index = opened(vectors, tmp_path, exact=exact)
    readable = dice.random(CHUNKS) < share
    asked = unit(vectors[dice.integers(0, len(vectors), 60)] + dice.normal(0, 0.05, (60, DIM)))
    right = 0
    for question in asked:
        cosines = (vectors @ question).reshape(CHUNKS, WINDOWS).max(axis=1)
        best = np.argsort(-np.where(readable, cosines, -2))[:5]
        found = index.search(question, 50, readable)
        assert readable[[chunk for chunk, _ in found]].all()
        assert len(found) == min(50, readable.sum())
        assert all(abs(cosine - cosines[chunk]) < 1e-3 for chunk, cosine in found)
        right += len(set(best) & {chunk for chunk, _ in found[:5]})
    assert right >= 0.98 * 5 * len(asked)


@pytest.mark.parametrize("exact", [0, CHUNKS * WINDOWS * 3 // 4])  # more than a half, less than all
def test_what_may_not_be_read_does_not_move_what_is_chosen(
    vectors: Vectors, tmp_path: Path, exact: int
) -> None:
    dice = np.random.default_rng(3)
    readable = dice.random(CHUNKS) < 0.5
    with_all = opened(vectors, tmp_path, exact=exact)
    places = np.flatnonzero(readable)
    alone = opened(
        vectors.reshape(CHUNKS, WINDOWS, DIM)[places].reshape(-1, DIM), tmp_path, exact=exact
    )
    for question in unit(dice.standard_normal((20, DIM))):
        found = with_all.search(question, 20, readable)
        same = alone.search(question, 20, np.ones(len(places), np.bool_))
        assert found == [(places[chunk], cosine) for chunk, cosine in same]


def test_vectors_that_were_read_are_written_as_the_same_bytes(
    vectors: Vectors, tmp_path: Path
) -> None:
    index = opened(vectors, tmp_path, exact=10**9)
    first = (tmp_path / "v.faiss").read_bytes()
    opened(np.concatenate(index.of_chunks()), tmp_path, exact=10**9)
    assert (tmp_path / "v.faiss").read_bytes() == first
    assert len(first) < 1.01 * 2 * vectors.size


def test_an_index_of_single_precision_is_read_as_before(vectors: Vectors, tmp_path: Path) -> None:
    flat = faiss.IndexFlatIP(DIM)
    flat.add(vectors[:10])
    faiss.write_index(flat, str(tmp_path / "v.faiss"))
    index = dense.DenseIndex(tmp_path / "v.faiss", np.repeat(np.arange(5), WINDOWS))
    ((chunk, cosine),) = index.search(vectors[6], 1, np.ones(5, np.bool_))
    assert chunk == 3
    assert cosine == pytest.approx(1, abs=1e-6)
