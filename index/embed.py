"""Sentence encoder on the CPU: text to unit vectors, every token of it counted.

Knows nothing of documents or chunks.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import openvino as ov
from tokenizers import Encoding, Tokenizer

from index.base import Vector, Vectors
from index.encoder import Shape, build

BATCH_TOKENS = 4096  # padded tokens a batch: beyond that the caches of 2 cores overflow


class OpenVinoEmbedder:
    """A sentence-transformers folder of the BERT family, run by OpenVINO.

    Its tokenizer file pads and truncates at 128 and its configuration says 256; both are
    switched off here, because they silently drop the rest of a 512-token chunk.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        """threads: 0 lets OpenVINO choose."""
        config = json.loads((folder / "config.json").read_text())
        self.dim: int = config["hidden_size"]
        self.max_tokens: int = config["max_position_embeddings"]
        weights = folder / "model.safetensors"
        self.name = f"{folder.parent.name}-{_fingerprint(weights)}@{self.max_tokens}"
        self._tokenizer = _tokenizer(folder / "tokenizer.json")
        shape = Shape(
            layers=config["num_hidden_layers"],
            heads=config["num_attention_heads"],
            hidden=self.dim,
            epsilon=config["layer_norm_eps"],
        )
        options: dict[str, object] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        self._graph = ov.Core().compile_model(build(weights, shape), "CPU", options)

    def count_tokens(self, text: str) -> int:
        """Count as the model does, special tokens included."""
        return len(self._tokenizer.encode(text).ids)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return (len(texts), dim). Raises ValueError for a text over max_tokens."""
        encoded = self._tokenizer.encode_batch(list(texts))
        for text, one in zip(texts, encoded, strict=True):
            if len(one.ids) > self.max_tokens:
                raise ValueError(
                    f"a passage of {len(one.ids)} tokens exceeds {self.max_tokens}: {text[:60]!r}…"
                )
        vectors = np.empty((len(texts), self.dim), np.float32)
        for rows in _batches([len(one.ids) for one in encoded]):
            vectors[rows] = self._run([encoded[row] for row in rows])
        return vectors

    def embed_query(self, text: str) -> Vector:
        """Return (dim,). A query over max_tokens loses its end."""
        one = self._tokenizer.encode(text)
        if len(one.ids) > self.max_tokens:
            one.truncate(self.max_tokens)
        row: Vector = self._run([one])[0]
        return row

    def _run(self, batch: Sequence[Encoding]) -> Vectors:
        length = max(len(one.ids) for one in batch)
        ids = np.zeros((len(batch), length), np.int64)
        mask = np.zeros((len(batch), length), np.int64)
        for row, one in enumerate(batch):
            ids[row, : len(one.ids)] = one.ids
            mask[row, : len(one.ids)] = 1
        # A request of its own per call: the compiled model is shared between threads.
        vectors: Vectors = self._graph.create_infer_request().infer([ids, mask])[0].copy()
        return vectors


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group rows of similar length, so that little is padded."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[row] > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _tokenizer(file: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _fingerprint(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:8]
