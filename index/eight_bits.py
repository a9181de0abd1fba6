"""A graph's dense layers in eight bits, where the processor multiplies those faster.

Knows tensors, not text. Which layers bear it, and what their inputs range over, is measured once
and stored beside the weights; every other layer stays as it is.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import openvino.opset13 as op
from numpy.typing import NDArray
from openvino import Node

from index.weights import Mapped, Weights

Ranges = Mapping[str, NDArray[np.float32]]  # layer -> (2, in): least and greatest of its inputs
MEASURED_WITH = "weights"  # under this name a file of ranges tells of which weights they are
EASE = 0.65  # how much of an input's width the weights take over: measured, see rag/eval/LOG.md
LEAST = np.float32(1e-5)  # of a width
STEPS = 127  # of a weight on each side of zero
LEVELS = 256  # of an input

log = logging.getLogger(__name__)


class Dense(Protocol):
    """How layers are multiplied that all take one state."""

    def __call__(self, state: Node, *layers: str) -> list[Node]:
        """Return state @ weight.T of each, (…, out); state: (…, in)."""
        ...


def supported(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Tell whether the processor has instructions for it: without, sums of two could overflow."""
    try:
        return "vnni" in cpuinfo.read_text(encoding="ascii", errors="replace")
    except OSError:
        return False


def borne(file: Path, weights: str) -> Ranges:
    """Return the ranges in a safetensors file; none, with a warning, where they are of no use.

    weights: SHA-256 of the file of weights that they must have been measured with.
    """
    kept = Mapped(file) if file.is_file() else None
    if not supported():
        reason = "the processor has no instructions for it"
    elif kept is None or kept.told.get(MEASURED_WITH) != weights:
        reason = "no ranges were measured with these weights"
    else:
        return {layer: ends.astype(np.float32) for layer, ends in kept.items()}
    log.warning("not in eight bits ranges=%s reason=%s", file, reason)
    return {}


def dense(weights: Weights, ranges: Ranges) -> Dense:
    """Return how layers are multiplied: in eight bits where the ranges name the first of them.

    weights: "<layer>.weight", (out, in); the graph shares the memory of those that stay.
    """

    def multiplied(state: Node, *layers: str) -> list[Node]:
        several = [weights[f"{layer}.weight"] for layer in layers]
        if layers[0] in ranges:
            return _eight_bits(state, several, ranges[layers[0]])
        constants = [op.constant(weight, shared_memory=True) for weight in several]
        return [op.matmul(state, constant, False, True) for constant in constants]

    return multiplied


def watched(weights: Weights, seen: dict[str, Node]) -> Dense:
    """Return how layers are multiplied as they are; the input is kept under the first's name."""
    plain = dense(weights, {})

    def multiplied(state: Node, *layers: str) -> list[Node]:
        seen[layers[0]] = state
        return plain(state, *layers)

    return multiplied


def _eight_bits(
    state: Node, weights: Sequence[NDArray[np.float32]], ranged: NDArray[np.float32]
) -> list[Node]:
    """Divide the inputs by factors that the weights take over, then round both.

    Source: Xiao et al., SmoothQuant, ICML 2023.
    """
    width = np.maximum(np.abs(ranged).max(axis=0), LEAST)
    most = np.max([np.abs(weight).max(axis=0) for weight in weights], axis=0)
    factors = width**EASE / np.maximum(most, LEAST) ** (1 - EASE)
    low, high = (op.constant(np.float32(end)) for end in _ends(ranged / factors))
    eased = op.multiply(state, op.constant((1 / factors).astype(np.float32)))
    rounded = op.fake_quantize(eased, low, high, low, high, LEVELS)
    return [op.matmul(rounded, _rounded(weight * factors), False, True) for weight in weights]


def _rounded(weight: NDArray[np.float32]) -> Node:
    """Return the weight as whole steps of each row, which the processor multiplies."""
    step = np.maximum(np.abs(weight).max(axis=1, keepdims=True), LEAST) / STEPS
    steps = op.constant(np.round(weight / step).astype(np.int8))
    return op.multiply(op.convert(steps, "f32"), op.constant(step.astype(np.float32)))


def _ends(ranged: NDArray[np.float32]) -> tuple[float, float]:
    return min(float(ranged[0].min()), 0.0), max(float(ranged[1].max()), 0.0)
