"""Any sentence-transformers CrossEncoder as a Reranker."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder


class CrossEncoderReranker:
    """A model that reads question and passage together and gives one score."""

    def __init__(self, model: str) -> None:
        """model: a folder, or a name in the local cache; nothing is downloaded.

        Raises OSError or ValueError if it cannot be loaded or gives more than one score.
        """
        self._model = CrossEncoder(model, local_files_only=True, trust_remote_code=False)
        if self._model.num_labels != 1:
            raise ValueError(f"{model} gives {self._model.num_labels} scores a passage, not one.")
        self.name = model.rstrip("/").rpartition("/")[2]

    def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """Return (len(passages),) scores, higher is better."""
        if not passages:
            return np.empty(0, np.float32)
        pairs = [(question, passage) for passage in passages]
        scores = self._model.predict(pairs, batch_size=8, show_progress_bar=False)
        return np.asarray(scores, np.float32)
