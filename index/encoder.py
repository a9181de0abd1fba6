"""A BERT sentence encoder as an OpenVINO graph, built straight from its tensors.

Knows tensors, not text. Written out because tracing the reference model needs torch at every
first start and fails on its mask code; equal to it within bf16 (see tests/index/test_embed.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset13 as op
from numpy.typing import NDArray
from openvino import Node

from index.eight_bits import Dense
from index.weights import Weights

MASKED = np.float32(-1e9)  # added to the attention score of padding


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes that a model's config.json gives."""

    layers: int
    heads: int
    hidden: int
    positions: int
    epsilon: float


def build(weights: Weights, shape: Shape, dense: Dense) -> ov.Model:
    """Return a graph: (ids, mask), both (batch, length) int64 → (batch, hidden) unit rows.

    weights: tensors by their name in the safetensors file; the graph shares their memory. Mean
    pooling over unmasked tokens and L2 normalisation are inside the graph. dense: how a layer is
    multiplied, see `eight_bits`.
    """
    ids, mask, pooled = _pooled(weights, shape, dense)
    unit = op.normalize_l2(pooled, op.constant(np.array([1])), 1e-12, "max")
    return ov.Model([unit], [ids, mask], "encoder")


def build_scorer(weights: Weights, shape: Shape, dense: Dense) -> ov.Model:
    """Return a graph as `build`'s that ends in one score a row, (batch, 1), by a linear head.

    weights also holds "head.weight", (1, hidden), and "head.bias", (1,).
    """
    ids, mask, pooled = _pooled(weights, shape, dense)
    score = op.matmul(pooled, op.constant(weights["head.weight"]), False, True)
    score = op.add(score, op.constant(weights["head.bias"]))
    return ov.Model([score], [ids, mask], "scorer")


def _pooled(weights: Weights, shape: Shape, dense: Dense) -> tuple[Node, Node, Node]:
    def weight(name: str) -> Node:
        return op.constant(weights[name], shared_memory=True)

    ids = op.parameter([-1, -1], np.int64, name="ids")
    mask = op.parameter([-1, -1], np.int64, name="mask")
    state = _embed(ids, weight, shape)
    seen = op.convert(mask, "f32")  # (batch, length)
    one = op.constant(np.float32(1))
    penalty = op.multiply(op.subtract(one, seen), op.constant(MASKED))
    penalty = op.unsqueeze(penalty, op.constant(np.array([1, 2])))  # (batch, 1, 1, length)
    for layer in range(shape.layers):
        state = _layer(state, penalty, weight, dense, f"encoder.layer.{layer}.", shape)
    seen = op.unsqueeze(seen, op.constant(2))  # (batch, length, 1)
    along = op.constant(1)
    total = op.reduce_sum(op.multiply(state, seen), along, False)
    return ids, mask, op.divide(total, op.reduce_sum(seen, along, False))


def _embed(ids: Node, weight: Callable[[str], Node], shape: Shape) -> Node:
    axis = op.constant(0)
    words = op.gather(weight("embeddings.word_embeddings.weight"), ids, axis)
    length = op.gather(op.shape_of(ids), op.constant(1), axis)
    steps = op.range(op.constant(0), length, op.constant(1), "i64")
    positions = op.gather(weight("embeddings.position_embeddings.weight"), steps, axis)
    kind = op.gather(weight("embeddings.token_type_embeddings.weight"), op.constant(0), axis)
    total = op.add(op.add(words, positions), kind)
    return _norm(total, weight, "embeddings.LayerNorm", shape.epsilon)


def _layer(
    state: Node,
    penalty: Node,
    weight: Callable[[str], Node],
    dense: Dense,
    prefix: str,
    shape: Shape,
) -> Node:
    def affine(value: Node, *names: str) -> list[Node]:
        products = dense(value, *(prefix + name for name in names))
        biases = [weight(f"{prefix}{name}.bias") for name in names]
        return [op.add(*both) for both in zip(products, biases, strict=True)]

    inputs = affine(state, *(f"attention.self.{name}" for name in ("query", "key", "value")))
    query, key, value = (_heads(each, shape) for each in inputs)
    mixed = op.scaled_dot_product_attention(query, key, value, penalty)
    mixed = op.transpose(mixed, op.constant(np.array([0, 2, 1, 3])))
    joined = op.reshape(mixed, op.constant(np.array([0, 0, shape.hidden])), special_zero=True)
    (output,) = affine(joined, "attention.output.dense")
    state = _norm(
        op.add(output, state), weight, prefix + "attention.output.LayerNorm", shape.epsilon
    )
    (inner,) = affine(state, "intermediate.dense")
    (output,) = affine(op.gelu(inner, "ERF"), "output.dense")
    return _norm(op.add(output, state), weight, prefix + "output.LayerNorm", shape.epsilon)


def _heads(state: Node, shape: Shape) -> Node:
    split = np.array([0, 0, shape.heads, shape.hidden // shape.heads])
    apart = op.reshape(state, op.constant(split), special_zero=True)
    return op.transpose(apart, op.constant(np.array([0, 2, 1, 3])))


def _norm(state: Node, weight: Callable[[str], Node], name: str, epsilon: float) -> Node:
    last: NDArray[np.int64] = np.array([-1])
    centred = op.mvn(state, op.constant(last), True, epsilon, "INSIDE_SQRT")
    return op.add(op.multiply(centred, weight(name + ".weight")), weight(name + ".bias"))
