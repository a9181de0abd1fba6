"""The reranker of [retrieval]: loaded where an admin names one, and what it costs."""

import time
from collections import deque
from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from index.base import Reranker, Store
from index.rerank import RerankedStore
from ui.settings import RetrievalSection, SettingsError

REMEMBERED = 1000  # searches whose cost is kept
PROBES = 3  # searches that the doctor times
PROBE = "What is this about?"
PASSAGE = "Everyone who works here may read this page and ask about it. " * 25  # about 300 words


class Timed:
    """A reranker, and how long it took for each of the last searches."""

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker
        self.name = reranker.name
        self.seconds: deque[float] = deque(maxlen=REMEMBERED)

    def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """Return the reranker's scores."""
        start = time.perf_counter()
        scores = self._reranker.scores(question, passages)
        self.seconds.append(time.perf_counter() - start)
        return scores


def ordered(store: Store, section: RetrievalSection) -> Store:
    """Return the store, its best hits in the reranker's order if there is one."""
    if section.reranker is None:
        return store
    return RerankedStore(store, load(section.reranker), depth=section.depth)


def load(model: str) -> Timed:
    """Load a reranker. Raises SettingsError naming it."""
    from index.cross_encoder import CrossEncoderReranker

    try:
        return Timed(CrossEncoderReranker(model))
    except (OSError, ValueError) as error:
        why = str(error).partition("\n")[0]
        raise SettingsError(
            f"[retrieval] reranker {model!r} cannot be loaded: {why} Name the folder of a "
            "sentence-transformers CrossEncoder; nothing is downloaded."
        ) from error


def cost(store: Store) -> str:
    """Return what a reranker took for each search of this process; "" where there is none."""
    if not isinstance(store, RerankedStore) or not isinstance(store.reranker, Timed):
        return ""
    return _cost(store.reranker, store.depth)


def probed(section: RetrievalSection) -> str:
    """Return what the reranker takes for passages of 300 words. Raises SettingsError."""
    if section.reranker is None:
        return "none"
    reranker = load(section.reranker)
    for _ in range(PROBES):
        reranker.scores(PROBE, [PASSAGE] * section.depth)
    return _cost(reranker, section.depth)


def _cost(reranker: Timed, depth: int) -> str:
    if not reranker.seconds:
        return f"{reranker.name}, {depth} passages a search, not used yet"
    return (
        f"{reranker.name}, {depth} passages a search, median {median(reranker.seconds) * 1000:.0f} "
        f"ms of {len(reranker.seconds)} searches"
    )
