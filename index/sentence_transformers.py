"""Any sentence-transformers model as an Embedder: for other models, GPUs, and as a reference."""

from collections.abc import Sequence

import numpy as np
from sentence_transformers import SentenceTransformer

from index.base import Vector, Vectors


class SentenceTransformerEmbedder:
    """A model folder run by sentence-transformers, without its silent truncation."""

    def __init__(self, folder: str, *, max_tokens: int = 512) -> None:
        """Raises ValueError if the model has fewer positions than max_tokens."""
        self._model = SentenceTransformer(folder, local_files_only=True)
        tokenizer = self._model.tokenizer
        tokenizer.backend_tokenizer.no_padding()
        tokenizer.backend_tokenizer.no_truncation()
        config = getattr(self._model[0].auto_model, "config", None)
        positions = getattr(config, "max_position_embeddings", max_tokens)
        if positions < max_tokens:
            raise ValueError(f"{folder} reads {positions} tokens at most, not {max_tokens}.")
        self._model.max_seq_length = max_tokens
        self.max_tokens = max_tokens
        self.dim: int = self._model.get_embedding_dimension() or 0
        self.name = f"{folder.rstrip('/').split('/')[-1]}@{max_tokens}"

    def count_tokens(self, text: str) -> int:
        """Count as the model does, special tokens included."""
        return len(self._model.tokenizer.backend_tokenizer.encode(text).ids)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return (len(texts), dim). Raises ValueError for a text over max_tokens."""
        for text in texts:
            if (count := self.count_tokens(text)) > self.max_tokens:
                raise ValueError(
                    f"a passage of {count} tokens exceeds {self.max_tokens}: {text[:60]!r}…"
                )
        return self._encode(list(texts))

    def embed_query(self, text: str) -> Vector:
        """Return (dim,). A query over max_tokens loses its end."""
        row: Vector = self._encode([text])[0]
        return row

    def _encode(self, texts: list[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dim), np.float32)
        vectors: Vectors = self._model.encode(
            texts, batch_size=8, normalize_embeddings=True, show_progress_bar=False
        )
        return vectors
