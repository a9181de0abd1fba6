"""Measures which layers of an encoder bear eight bits, and what their inputs range over.

On the graph that answers, not on a copy of it in another library.
"""

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import Node
from safetensors.numpy import load_file, save
from tokenizers import Encoding, Tokenizer

from index import disk, eight_bits
from index.compile import on_own_thread
from index.eight_bits import MEASURED_WITH, Dense, Ranges
from index.embed import shape_of
from index.encoder import build, build_scorer
from index.weights import Mapped, Weights
from rag.models.reader import MAX_TOKENS, RANGES, merged
from rag.tune.reader import Row

MEASURED = 600  # texts that the ranges come from
JUDGED = 300  # other texts, with which each layer is tried alone
ROWS = 300  # that give as many texts
PAIRS = 6  # of a question and a sentence
BEARABLE = 0.025  # of the outputs' standard deviation, by which one layer may change them
MODEL, ADAPTER = "model.safetensors", "adapter.safetensors"

log = logging.getLogger(__name__)

Graph = Callable[[Dense], ov.Model]
Inputs = tuple[NDArray[np.int64], NDArray[np.int64]]


def reader(encoder: Path, folder: Path, rows: Sequence[Row]) -> list[str]:
    """Write the ranges of the reader in `folder`; return the layers that stay as they are.

    encoder: the folder that it was tuned on. rows: ROWS or more.
    """
    base, shape = Mapped(encoder / MODEL), shape_of(encoder)
    weights = merged(base, load_file(folder / ADAPTER))
    pairs = [(row.question, each.text) for row in rows for each in row.candidates[:PAIRS]]
    inputs = _inputs(_tokenizer(encoder, MAX_TOKENS).encode_batch(pairs))
    found, left = borne(weights, lambda dense: build_scorer(weights, shape, dense), inputs)
    _write(folder / RANGES, found, folder / ADAPTER)
    return left


def passages(encoder: Path, out: Path, rows: Sequence[Row]) -> list[str]:
    """Write the ranges of the sentence encoder; return the layers that stay as they are.

    It is shown questions, sentences, and as long passages as it reads. rows: ROWS or more.
    """
    weights, shape = Mapped(encoder / MODEL), shape_of(encoder)
    shown = []
    for row in rows:
        sentences = [candidate.text for candidate in row.candidates]
        shown += [row.question, sentences[0], " ".join(sentences)]
    inputs = _inputs(_tokenizer(encoder, shape.positions).encode_batch(shown))
    found, left = borne(weights, lambda dense: build(weights, shape, dense), inputs)
    _write(out, found, encoder / MODEL)
    return left


def borne(weights: Weights, graph: Graph, inputs: Sequence[Inputs]) -> tuple[Ranges, list[str]]:
    """Return the ranges of the layers that bear eight bits, and the layers that do not.

    graph: what makes it with the layers as they are to be multiplied.
    """
    order = random.Random(0).sample(inputs, len(inputs))
    seen: dict[str, Node] = {}
    watching = graph(eight_bits.watched(weights, seen))
    found = _ranges(watching, seen, order[:MEASURED])
    judged = order[MEASURED : MEASURED + JUDGED]
    exact = _outputs(graph(eight_bits.dense(weights, {})), judged)
    kept = {}
    for layer, ranged in found.items():
        outputs = _outputs(graph(eight_bits.dense(weights, {layer: ranged})), judged)
        change = float(np.sqrt(np.mean((outputs - exact) ** 2)) / np.std(exact))
        log.info("layer=%s change=%.4f bears=%s", layer, change, change <= BEARABLE)
        if change <= BEARABLE:
            kept[layer] = ranged
    return kept, [layer for layer in found if layer not in kept]


def _ranges(graph: ov.Model, seen: dict[str, Node], inputs: Iterable[Inputs]) -> Ranges:
    """Return what each seen node's last axis ranges over."""
    outputs = [*graph.outputs, *(node.output(0) for node in seen.values())]
    compiled = _compiled(ov.Model(outputs, graph.get_parameters(), graph.get_friendly_name()))
    found: dict[str, NDArray[np.float32]] = {}
    for each in inputs:
        _, *states = compiled(list(each)).values()
        for layer, state in zip(seen, states, strict=True):
            flat = state.reshape(-1, state.shape[-1])
            ends = np.stack([flat.min(axis=0), flat.max(axis=0)])
            if layer in found:
                low, high = found[layer]
                ends = np.stack([np.minimum(ends[0], low), np.maximum(ends[1], high)])
            found[layer] = ends
    return found


def _outputs(graph: ov.Model, inputs: Iterable[Inputs]) -> NDArray[np.float32]:
    compiled = _compiled(graph)
    return np.concatenate([compiled(list(each))[0].ravel() for each in inputs])


def _compiled(graph: ov.Model) -> ov.CompiledModel:
    """All but the layers in eight bits run in full precision: only they are measured."""
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    return on_own_thread(lambda: ov.Core().compile_model(graph, "CPU", options))


def _tokenizer(encoder: Path, most: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(encoder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(most)
    return tokenizer


def _inputs(texts: Iterable[Encoding]) -> list[Inputs]:
    """Return the texts one by one: padding would count as a range."""
    ids = [np.array([text.ids]) for text in texts]
    return [(one, np.ones_like(one)) for one in ids]


def _write(out: Path, ranges: Ranges, weights: Path) -> None:
    halves = {layer: ranged.astype(np.float16) for layer, ranged in ranges.items()}
    disk.replace(out, save(halves, {MEASURED_WITH: disk.sha256(weights)}))
