"""The reader: how well each sentence answers a question, by the sentence encoder with an adapter.

The adapter is low-rank and was tuned by `footnote tune reader`; it is merged when it is loaded.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from index import disk
from index import eight_bits as rounding
from index.embed import Encoder
from index.encoder import build_scorer
from index.weights import Mapped, Weights
from rag.base import ModelError

OWN = ("norm", "head")  # of a reader, besides what it changes of the model
RANGES = "ranges.safetensors"  # beside the adapter: of its layers that bear eight bits
MAX_TOKENS = 128  # of question and sentence together, as it was tuned


class OpenVinoReader:
    """A cross-encoder on the CPU: 24 sentences in about 110 ms on two cores."""

    def __init__(
        self, encoder: Path, adapter: Path, *, threads: int, eight_bits: bool = False
    ) -> None:
        """encoder: the folder it was tuned on. Raises ModelError if the two do not fit.

        eight_bits: multiply the layers that the adapter's ranges name in eight bits.
        """
        base = Mapped(encoder / "model.safetensors")
        recipe = json.loads((adapter / "recipe.json").read_text())
        file = adapter / "adapter.safetensors"
        weights = merged(base, load_file(file))
        self.name: str = recipe["name"]
        ranges = rounding.borne(adapter / RANGES, disk.sha256(file)) if eight_bits else {}
        self._encoder = Encoder(encoder, weights, build_scorer, ranges, threads=threads)
        base.release()
        self._encoder.tokenizer.enable_truncation(MAX_TOKENS)

    def scores(self, question: str, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Return (len(sentences),) scores, higher is better; 0 is as good as no answer."""
        if not sentences:
            return np.empty(0, np.float32)
        pairs = self._encoder.tokenizer.encode_batch([(question, s) for s in sentences])
        found: NDArray[np.float32] = self._encoder.run(pairs)[:, 0]
        return found


def merged(base: Weights, adapter: Weights) -> Weights:
    """Return the encoder's weights with what the adapter changes, and its head.

    Factors "<module>.lora_A", (rank, in), and "<module>.lora_B", (out, rank), are multiplied and
    added; every other array takes the place of the encoder's.
    """
    weights = dict(base)
    for name, value in adapter.items():
        module, _, factor = name.rpartition(".")
        if factor == "lora_A":
            continue
        target = f"{module}.weight" if factor == "lora_B" else name
        if target not in weights and module not in OWN:
            raise ModelError(f"the reader tunes {target}, which is not there", retryable=False)
        new = value.astype(np.float32)
        if factor == "lora_B":
            new = weights[target] + new @ adapter[f"{module}.lora_A"].astype(np.float32)
        weights[target] = new
    return weights
