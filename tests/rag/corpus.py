"""A tiny company: hits and sentences for the tests of rag, made without an index."""

from datetime import UTC, datetime

import numpy as np

from index.base import Chunk, DocumentInfo, Hit, Place
from rag.evidence import FEATURES, Ranking, Sentence, Weights, rank
from tests.fake_models import OVERLAP, HashEmbedder

EMBEDDER = HashEmbedder()

# Only the covered words count: enough for texts that share words.
LIKELY = Weights(
    np.zeros(len(FEATURES)),
    np.ones(len(FEATURES)),
    np.array([8.0 if name == "covered" else 0.0 for name in FEATURES]),
    -3.0,
)
RANKING = Ranking(
    LIKELY,
    Weights(np.zeros(3), np.ones(3), np.array([1.0, 0.0, 2.0]), 0.0),
    Weights(np.zeros(3), np.ones(3), np.array([0.0, 0.0, 1.0]), 0.0),
)


def hit(
    text: str,
    *,
    document: str = "wiki:leave",
    title: str = "Leave",
    heading: tuple[str, ...] = (),
    start: int = 0,
    cosine: float = 0.5,
    updated_at: datetime = datetime(2026, 1, 2, tzinfo=UTC),
) -> Hit:
    """Return a chunk of one section that was found."""
    info = DocumentInfo(
        document, "1", title, f"https://w.example/{document}", "wiki",
        updated_at, frozenset({"everyone"}),
    )  # fmt: skip
    place = Place(start, start + len(text), heading, None, f"{info.url}#here")
    chunk = Chunk(f"{document}@{start}", info, 0, text, start, place.end, (place,), title)
    return Hit(chunk, 0.03, cosine, 2.0, near=(cosine,))


def ranked(question: str, *hits: Hit) -> list[Sentence]:
    """Rank the hits' sentences."""
    return rank(question, hits, OVERLAP, RANKING)
