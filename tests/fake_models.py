"""Stand-ins for the embedder and the language model: deterministic, instant, with limits."""

import hashlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from index.base import Vector, Vectors
from rag.base import ModelError, Token
from rag.evidence import Readers


class HashEmbedder:
    """Bags of words hashed into 384 dimensions: texts that share words are near each other."""

    name = "hash@1"
    dim = 384
    max_tokens = 512

    def __init__(self) -> None:
        self.embedded: list[str] = []  # every passage that was asked for

    def count_tokens(self, text: str) -> int:
        """Count words and punctuation marks, and two for the ends."""
        return len(_tokens(text)) + 2

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return (len(texts), dim). Raises ValueError for a text over max_tokens."""
        self.embedded += texts
        for text in texts:
            if self.count_tokens(text) > self.max_tokens:
                raise ValueError(f"{self.count_tokens(text)} tokens: {text[:40]!r}")
        rows = [self._vector(text) for text in texts]
        return np.stack(rows) if rows else np.empty((0, self.dim), np.float32)

    def embed_query(self, text: str) -> Vector:
        """Return (dim,)."""
        return self._vector(text)

    def _vector(self, text: str) -> Vector:
        vector = np.zeros(self.dim, np.float32)
        for token in _tokens(text.lower()):
            digest = hashlib.blake2b(token.encode(), digest_size=8).digest()
            vector[int.from_bytes(digest[:4], "little") % self.dim] += 1.0
        length = float(np.linalg.norm(vector))
        if not length:
            vector[0] = length = 1.0
        unit: Vector = vector / np.float32(length)
        return unit


class OverlapReader:
    """Scores a sentence by the words it shares with the question."""

    name = "overlap"

    def scores(self, question: str, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Return (len(sentences),) scores: shared words, less two."""
        asked = set(_tokens(question.lower()))
        return np.array([len(asked & set(_tokens(s.lower()))) - 2 for s in sentences], np.float32)


OVERLAP = Readers(OverlapReader(), OverlapReader())


class ScriptedModel:
    """Says what it is told to, a word at a time."""

    name = "scripted"
    context_tokens = 2048

    def __init__(self, reply: str, *, fail_after: int | None = None) -> None:
        """fail_after: raise ModelError after that many tokens."""
        self._reply = reply
        self._fail_after = fail_after
        self.prompts: list[str] = []
        self.said = 0  # tokens of all replies
        self.closed = 0  # replies that ended, by themselves or because the reader left

    def count_tokens(self, text: str) -> int:
        """Count words and punctuation marks."""
        return len(_tokens(text))

    def generate(self, system: str, user: str, *, max_tokens: int) -> Iterator[Token]:
        """Stream the reply, cut at max_tokens."""
        self.prompts.append(f"{system}\n{user}")
        try:
            for number, word in enumerate(re.findall(r"\s*\S+", self._reply)[:max_tokens]):
                if number == self._fail_after:
                    raise ModelError("scripted failure", retryable=True)
                self.said += 1
                yield Token(word, None)
        finally:
            self.closed += 1


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text)
