"""Sentence encoder on the CPU: text to unit vectors, every token of it counted.

Knows nothing of documents or chunks.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import openvino as ov
from tokenizers import Encoding, Tokenizer

from index import disk, eight_bits
from index.base import Vector, Vectors
from index.compile import on_own_thread
from index.eight_bits import Dense, Ranges
from index.encoder import Shape, build
from index.requests import Requests
from index.weights import Mapped, Weights

BATCH_TOKENS = 4096  # padded tokens a batch: beyond that the caches of 2 cores overflow
PASS = 120  # tokens that could be read in the time that a batch takes, however small it is


class Encoder:
    """A model folder of the BERT family, run by OpenVINO: token ids in, one row a text out.

    Its tokenizer file pads and truncates at 128 and its configuration says 256; both are
    switched off here, because they silently drop the rest of a 512-token chunk.
    """

    def __init__(
        self,
        folder: Path,
        weights: Weights,
        graph: Callable[[Weights, Shape, Dense], ov.Model],
        ranges: Ranges,
        *,
        threads: int,
    ) -> None:
        """graph: `encoder.build` or `encoder.build_scorer`. threads: 0 lets OpenVINO choose.

        ranges: of the layers to multiply in eight bits.
        """
        shape, dense = shape_of(folder), eight_bits.dense(weights, ranges)
        self.hidden = shape.hidden
        self.positions = shape.positions
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        options: dict[str, object] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        self._requests = Requests(
            on_own_thread(
                lambda: ov.Core().compile_model(graph(weights, shape, dense), "CPU", options)
            )
        )
        self.run([self.tokenizer.encode("first")])  # only now are the weights laid out: see Mapped

    def run(self, texts: Sequence[Encoding]) -> Vectors:
        """Return (len(texts), width of the graph's rows), in the order of the texts."""
        rows: dict[int, Vector] = {}
        for batch in _batches([len(text.ids) for text in texts]):
            rows.update(zip(batch, self._infer([texts[row] for row in batch]), strict=True))
        return np.stack([rows[row] for row in range(len(texts))])

    def _infer(self, batch: Sequence[Encoding]) -> Vectors:
        length = max(len(one.ids) for one in batch)
        ids = np.zeros((len(batch), length), np.int64)
        mask = np.zeros((len(batch), length), np.int64)
        for row, one in enumerate(batch):
            ids[row, : len(one.ids)] = one.ids
            mask[row, : len(one.ids)] = 1
        return self._requests.infer([ids, mask])


class OpenVinoEmbedder:
    """A sentence-transformers folder of the BERT family as an Embedder."""

    def __init__(self, folder: Path, *, threads: int, ranges: Path | None = None) -> None:
        """threads: 0 lets OpenVINO choose. ranges: of its layers that bear eight bits."""
        file = folder / "model.safetensors"
        checksum = disk.sha256(file)
        weights = Mapped(file)
        borne = eight_bits.borne(ranges, checksum) if ranges else {}
        self._encoder = Encoder(folder, weights, build, borne, threads=threads)
        weights.release()
        self.dim = self._encoder.hidden
        self.max_tokens = self._encoder.positions
        self.name = f"{folder.parent.name}-{checksum[:8]}@{self.max_tokens}"

    def count_tokens(self, text: str) -> int:
        """Count as the model does, special tokens included."""
        return len(self._encoder.tokenizer.encode(text).ids)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return (len(texts), dim). Raises ValueError for a text over max_tokens."""
        if not texts:
            return np.empty((0, self.dim), np.float32)
        encoded = self._encoder.tokenizer.encode_batch(list(texts))
        for text, one in zip(texts, encoded, strict=True):
            if len(one.ids) > self.max_tokens:
                raise ValueError(
                    f"a passage of {len(one.ids)} tokens exceeds {self.max_tokens}: {text[:60]!r}…"
                )
        return self._encoder.run(encoded)

    def embed_query(self, text: str) -> Vector:
        """Return (dim,). A query over max_tokens loses its end."""
        one = self._encoder.tokenizer.encode(text)
        if len(one.ids) > self.max_tokens:
            one.truncate(self.max_tokens)
        row: Vector = self._encoder.run([one])[0]
        return row


def shape_of(folder: Path) -> Shape:
    """Read the sizes of a model folder of the BERT family."""
    config = json.loads((folder / "config.json").read_text())
    return Shape(
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        hidden=config["hidden_size"],
        positions=config["max_position_embeddings"],
        epsilon=config["layer_norm_eps"],
    )


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Group rows of like length, so that padding and passes together cost least; longest first."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    costs: list[int] = [0]  # of the first rows in that order
    starts: list[int] = []  # where the last batch of them starts
    for end, row in enumerate(order, start=1):
        most = max(1, BATCH_TOKENS // lengths[row])
        cost, start = min(
            (costs[start] + (end - start) * lengths[row] + PASS, start)
            for start in range(max(0, end - most), end)
        )
        costs.append(cost)
        starts.append(start)
    found: list[list[int]] = []
    end = len(order)
    while end:
        found.append(order[starts[end - 1] : end])
        end = starts[end - 1]
    return found
