"""sentence-transformers, watched from outside: which texts it encodes, whoever calls it.

Where only quality is measured, texts that it encoded before are not encoded again: every peer
gives the same passages to the same weights.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from bench.peers.tokens import plain_tokenizer


class Watch:
    """What sentence-transformers encodes in this process from now on."""

    def __init__(self, model: Path, vectors: Path | None) -> None:
        """vectors: folder of the vectors that are known; None: everything is encoded."""
        self._tokenizer = plain_tokenizer(model)
        self._folder = vectors
        self._known: dict[int, dict[str, NDArray[np.float32]]] = {}  # by maximum length
        self._texts: list[tuple[str, int]] = []  # with the maximum length

        encode = SentenceTransformer.encode

        @wraps(encode)
        def watched(model: SentenceTransformer, texts: Any, *args: Any, **options: Any) -> Any:
            if isinstance(texts, str):
                return encode(model, texts, *args, **options)
            most = int(model.max_seq_length or 0)
            self._texts += [(text, most) for text in texts]
            if self._folder is None:
                return encode(model, texts, *args, **options)
            known = self._vectors(most)
            missing = {key(text): text for text in texts if key(text) not in known}
            if missing:
                fresh = encode(model, list(missing.values()), *args, **options)
                known |= dict(zip(missing, fresh, strict=True))
            return np.stack([known[key(text)] for text in texts])

        setattr(SentenceTransformer, "encode", watched)  # noqa: B010  # its overloads

    def tokens_read(self) -> int:
        """Return how many tokens were read since the last call, padding left out."""
        texts, self._texts = self._texts, []
        return sum(min(length, most) for length, most in self._lengths(texts))

    def keep(self) -> None:
        """Write what is known for the next process."""
        for most, known in self._known.items():
            if known and self._folder is not None:
                keys, rows = np.array(list(known)), np.stack(list(known.values()))
                np.savez(self._file(most), keys=keys, rows=rows)

    def _lengths(self, texts: list[tuple[str, int]]) -> Iterable[tuple[int, int]]:
        encoded = self._tokenizer.encode_batch([text for text, _ in texts])
        return ((len(one.ids), most) for one, (_, most) in zip(encoded, texts, strict=True))

    def _vectors(self, most: int) -> dict[str, NDArray[np.float32]]:
        if most not in self._known:
            self._known[most] = {}
            if self._file(most).exists():
                with np.load(self._file(most)) as kept:
                    self._known[most] = dict(zip(kept["keys"].tolist(), kept["rows"], strict=True))
        return self._known[most]

    def _file(self, most: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{most}.npz"


@lru_cache
def watch(model: Path, vectors: Path | None) -> Watch:
    """Begin to watch, once a process."""
    return Watch(model, vectors)


def key(text: str) -> str:
    """Return what two texts share that the encoder cannot tell apart: white space is nothing."""
    return hashlib.blake2b(" ".join(text.split()).encode(), digest_size=16).hexdigest()
