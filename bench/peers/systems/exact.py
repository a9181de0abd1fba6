"""Does an index find what exact fp32 search over its own vectors finds?"""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

TOP = 5
TIE = 1e-5  # equal passages may come in any order


def agreement(index: Any, questions: NDArray[np.float32]) -> float:
    """Return the share of exact search's top 5 that a FAISS index of unit vectors finds.

    questions: (n, dim), of length 1.
    """
    flat, ids = index, None
    if isinstance(index, faiss.IndexIDMap | faiss.IndexIDMap2):
        ids = faiss.vector_to_array(index.id_map)
        flat = faiss.downcast_index(index.index)
    if hasattr(flat, "make_direct_map"):
        flat.make_direct_map()
    vectors = flat.reconstruct_n(0, flat.ntotal)
    rows: dict[int, list[int]] = {-1: []}  # LlamaIndex may give one number to two vectors
    for row, id in enumerate(range(len(vectors)) if ids is None else ids):
        rows.setdefault(int(id), []).append(row)
    top = min(TOP, len(vectors))
    exact = questions @ vectors.T
    _, found = index.search(questions, top)
    hits = 0
    for scores, labels in zip(exact, found, strict=True):
        least = np.sort(scores)[-top] - TIE
        hits += sum(bool((scores[rows[int(label)]] >= least).any()) for label in labels)
    return hits / (top * len(questions))
