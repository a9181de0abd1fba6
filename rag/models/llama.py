"""The first layers of a language model of the llama family as an OpenVINO graph.

Knows tensors, not text. Written out because a whole model's graph has no state to take a score
from; equal to the reference model within bf16 (see tests/rag/models/test_llama.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gguf
import numpy as np
import openvino as ov
import openvino.opset13 as op
from numpy.typing import NDArray
from openvino import Node

from index.eight_bits import Dense
from rag.base import ModelError
from rag.models.gguf_file import GGUFFile

Weights = Mapping[str, NDArray[np.float32]]

# GGUF's name of a layer's tensor -> the one in Hugging Face's models, and here.
TENSORS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_LAST: NDArray[np.int64] = np.array([-1])
_BACK: NDArray[np.int64] = np.array([0, 2, 1, 3])


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes that a model's GGUF file gives."""

    heads: int
    kv_heads: int
    hidden: int
    epsilon: float  # of the root mean square
    theta: float  # base of the rotary angles

    @property
    def size(self) -> int:
        """Of one head."""
        return self.hidden // self.heads


def shape_of(file: GGUFFile) -> Shape:
    """Read the sizes. Raises ModelError if the file is of no llama."""

    def field(key: str) -> Any:
        found = file.get_field(f"llama.{key}")
        if found is None:
            raise ModelError("the GGUF file is of no model of the llama family", retryable=False)
        return found.contents()

    return Shape(
        heads=field("attention.head_count"),
        kv_heads=field("attention.head_count_kv"),
        hidden=field("embedding_length"),
        epsilon=field("attention.layer_norm_rms_epsilon"),
        theta=field("rope.freq_base"),
    )


def layers_of(file: GGUFFile, count: int, shape: Shape) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of the first `count` layers, by Hugging Face's names and row order."""
    rows = {"attn_q": shape.heads, "attn_k": shape.kv_heads}
    found = {}
    for tensor in file.tensors:
        part, _, rest = tensor.name.partition(".")
        number, _, name = rest.partition(".")
        if part != "blk" or int(number) >= count:
            continue
        short = name.removesuffix(".weight")
        value = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        if short in rows:
            value = halved(value, rows[short])
        found[f"layers.{number}.{TENSORS[short]}.weight"] = value
    return found


def build(weights: Weights, shape: Shape, layers: int, dense: Dense) -> ov.Model:
    """Return a graph: embeddings (1, length, hidden) and rows (n,) int64 → (n,) scores.

    weights, whose memory the graph shares: of the layers, as `layers_of` gives them; "norm.weight",
    "norm.bias", (hidden,), and "head.weight", (1, hidden), "head.bias", (1,), of the score.
    rows: the tokens to score; each has seen itself and what stands before it. dense: how a layer
    is multiplied, see `index.eight_bits`.
    """

    def weight(name: str) -> Node:
        return op.constant(weights[name], shared_memory=True)

    state = op.parameter([1, -1, shape.hidden], np.float32, name="embeddings")
    rows = op.parameter([-1], np.int64, name="rows")
    inputs = [state, rows]
    cos, sin = _angles(state, shape)
    for layer in range(layers):
        state = _layer(state, (cos, sin), weight, dense, f"layers.{layer}.", shape)
    state = op.gather(state, rows, op.constant(1))
    centred = op.mvn(state, op.constant(_LAST), True, 1e-5, "INSIDE_SQRT")
    state = op.add(op.multiply(centred, weight("norm.weight")), weight("norm.bias"))
    score = op.add(op.matmul(state, weight("head.weight"), False, True), weight("head.bias"))
    return ov.Model([op.reshape(score, op.constant(_LAST), False)], inputs, "reader")


def halved(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Return the rows of a query or key projection with a rotary pair half a head apart."""
    rows, columns = weight.shape
    parts = weight.reshape(heads, rows // heads // 2, 2, columns)
    return np.ascontiguousarray(parts.swapaxes(1, 2).reshape(rows, columns))


def _angles(state: Node, shape: Shape) -> tuple[Node, Node]:
    length = op.gather(op.shape_of(state), op.constant(1), op.constant(0))
    steps = op.convert(op.range(op.constant(0), length, op.constant(1), "i64"), "f32")
    pairs = np.arange(0, shape.size, 2, dtype=np.float32) / shape.size
    speed = np.tile(np.float32(shape.theta) ** -pairs, 2)[None]
    angles = op.multiply(op.unsqueeze(steps, op.constant(1)), op.constant(speed))
    return op.cos(angles), op.sin(angles)


def _layer(
    state: Node,
    angles: tuple[Node, Node],
    weight: Callable[[str], Node],
    dense: Dense,
    prefix: str,
    shape: Shape,
) -> Node:
    def product(value: Node, *names: str) -> list[Node]:
        return dense(value, *(prefix + name for name in names))

    seen = _norm(state, weight(prefix + "input_layernorm.weight"), shape)
    query, key, value = product(seen, *(f"self_attn.{name}_proj" for name in "qkv"))
    query = _turned(_heads(query, shape.heads, shape), angles)
    key = _turned(_heads(key, shape.kv_heads, shape), angles)
    value = _heads(value, shape.kv_heads, shape)
    shared = op.constant(np.repeat(np.arange(shape.kv_heads), shape.heads // shape.kv_heads))
    key, value = (op.gather(part, shared, op.constant(1)) for part in (key, value))
    mixed = op.scaled_dot_product_attention(query, key, value, causal=True)
    joined = op.reshape(
        op.transpose(mixed, op.constant(_BACK)),
        op.constant(np.array([0, 0, shape.hidden])),
        special_zero=True,
    )
    state = op.add(state, *product(joined, "self_attn.o_proj"))
    seen = _norm(state, weight(prefix + "post_attention_layernorm.weight"), shape)
    gate, up = product(seen, "mlp.gate_proj", "mlp.up_proj")
    return op.add(state, *product(op.multiply(op.swish(gate), up), "mlp.down_proj"))


def _norm(state: Node, weight: Node, shape: Shape) -> Node:
    square = op.reduce_mean(op.multiply(state, state), op.constant(_LAST), True)
    size = op.sqrt(op.add(square, op.constant(np.float32(shape.epsilon))))
    return op.multiply(op.divide(state, size), weight)


def _heads(state: Node, heads: int, shape: Shape) -> Node:
    split = op.constant(np.array([0, 0, heads, shape.size]))
    return op.transpose(op.reshape(state, split, special_zero=True), op.constant(_BACK))


def _turned(state: Node, angles: tuple[Node, Node]) -> Node:
    cos, sin = angles
    first, second = op.split(state, op.constant(-1), 2).outputs()
    across = op.concat([op.negative(second), first], -1)
    return op.add(op.multiply(state, cos), op.multiply(across, sin))
