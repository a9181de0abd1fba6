"""The encoder on OpenVINO against the same model in sentence-transformers."""

from pathlib import Path

import numpy as np
import pytest

from index import eight_bits
from index.embed import BATCH_TOKENS, PASS, OpenVinoEmbedder, _batches
from index.sentence_transformers import SentenceTransformerEmbedder
from ui.settings import EmbedderSection
from ui.wiring import EMBEDDER_PACKAGE, packaged
from ui.wiring import embedder as embedder_of

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SENTENCE = "Employees get thirty days of paid leave each year, and unused days lapse in March. "
TEXTS = [SENTENCE * n for n in (1, 3, 25, 8, 1)] + ["wifi", "Wie viele Tage Urlaub?", "🙂"]


@pytest.fixture(scope="module")
def folder() -> Path:
    return packaged(EMBEDDER_PACKAGE) / "model"


@pytest.fixture(scope="module")
def embedder(folder: Path) -> OpenVinoEmbedder:
    return OpenVinoEmbedder(folder, threads=2)


@pytest.fixture(scope="module")
def reference(folder: Path) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(str(folder))


def test_vectors_are_those_of_the_reference(
    embedder: OpenVinoEmbedder, reference: SentenceTransformerEmbedder
) -> None:
    ours, theirs = embedder.embed_passages(TEXTS), reference.embed_passages(TEXTS)
    assert ours.shape == (len(TEXTS), 384)
    assert ours.dtype == np.float32
    assert np.einsum("ij,ij->i", ours, theirs).min() > 0.999
    assert np.abs(np.linalg.norm(ours, axis=1) - 1).max() < 1e-3
    assert [embedder.count_tokens(t) for t in TEXTS] == [reference.count_tokens(t) for t in TEXTS]


@pytest.mark.skipif(not eight_bits.supported(), reason="gains nothing here")
def test_vectors_in_eight_bits_are_near_those_of_the_reference(
    reference: SentenceTransformerEmbedder,
) -> None:
    rounded = embedder_of(EmbedderSection(eight_bits=True))
    cosines = np.einsum("ij,ij->i", rounded.embed_passages(TEXTS), reference.embed_passages(TEXTS))
    assert 0.99 < cosines.min() < 0.9999  # else nothing was in eight bits


def test_the_end_of_a_512_token_passage_counts(embedder: OpenVinoEmbedder) -> None:
    body = SENTENCE * 25
    assert 400 < embedder.count_tokens(body + "The safe code is 4711.") <= 512
    plain, ending = embedder.embed_passages([body + SENTENCE, body + "The safe code is 4711."])
    assert float(plain @ ending) < 0.999


def test_a_passage_that_is_too_long_is_an_error_and_a_query_loses_its_end(
    embedder: OpenVinoEmbedder,
) -> None:
    long = SENTENCE * 60
    with pytest.raises(ValueError, match="exceeds 512"):
        embedder.embed_passages(["short", long])
    assert embedder.embed_query(long).shape == (384,)


def test_a_batch_gives_what_single_texts_give(embedder: OpenVinoEmbedder) -> None:
    together = embedder.embed_passages(TEXTS)
    alone = np.stack([embedder.embed_query(text) for text in TEXTS])
    assert np.einsum("ij,ij->i", together, alone).min() > 0.9995


def test_no_texts_are_no_vectors(embedder: OpenVinoEmbedder) -> None:
    assert embedder.embed_passages([]).shape == (0, 384)


@pytest.mark.parametrize(
    ("lengths", "batches"),
    [
        ([], []),
        ([9], [[0]]),
        ([30, 20, 30], [[1, 0, 2]]),  # 10 tokens of padding cost less than another pass
        ([500, 10, 490, 12], [[2, 0], [1, 3]]),
        ([BATCH_TOKENS + 1, 3], [[0], [1]]),
    ],
)
def test_texts_are_read_together_where_padding_costs_less_than_a_pass(
    lengths: list[int], batches: list[list[int]]
) -> None:
    assert _batches(lengths) == batches


def test_batches_hold_every_text_once_and_cost_no_more_than_those_of_equal_rows() -> None:
    lengths = [7 + n * n % 501 for n in range(300)]
    batches = _batches(lengths)
    assert sorted(row for batch in batches for row in batch) == list(range(300))
    padded = [len(batch) * max(lengths[row] for row in batch) for batch in batches]
    assert max(padded) <= BATCH_TOKENS
    ordered = sorted(lengths)
    for rows in (1, 4, 8):  # 8 of the longest fill a batch
        groups = [ordered[first : first + rows] for first in range(0, 300, rows)]
        assert sum(padded) + PASS * len(batches) <= sum(len(g) * g[-1] + PASS for g in groups)
