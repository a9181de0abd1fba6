"""Base model and adapter into one GGUF file, which OpenVINO, llama.cpp and Ollama read.

Adapters at run time are ignored for a GGUF or cost half the speed: so the weights are merged.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from index import disk
from rag.base import ModelError
from rag.models.gguf_file import GGUFFile

KIND = gguf.GGMLQuantizationType.Q8_0  # has a quantizer in numpy, and is as fast as the base's Q4_1

# Hugging Face's name of a linear layer -> GGUF's, and whether its rows are in llama's order.
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_FACTOR = re.compile(r"layers\.(\d+)\.([\w.]+)\.lora_A\.weight$")

Matrix = NDArray[np.float32]


def merge(base: Path, adapter: Path, out: Path) -> None:
    """Write the base with the adapter's W + scale · B·A, in eight bits; takes some six seconds.

    base: a GGUF of the llama architecture. adapter: a folder as peft writes it. The file appears
    whole or not at all. Raises ModelError if the two do not fit.
    """
    reader = GGUFFile(base)
    architecture = str(_field(reader, "general.architecture"))
    deltas = _deltas(adapter)
    writer = gguf.GGUFWriter(None, architecture)
    _copy_fields(reader, writer)
    heads, kv_heads = _heads(reader, architecture)
    order = {"attn_q": heads, "attn_k": kv_heads}
    tensors: dict[str, NDArray[Any]] = {}
    for tensor in reader.tensors:
        weight = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        delta = deltas.pop(tensor.name, None)
        if delta is not None:
            if delta.shape != weight.shape:
                raise ModelError(
                    f"{adapter} changes {tensor.name} of {delta.shape}, {base} holds "
                    f"{weight.shape}: the adapter is of another base model.",
                    retryable=False,
                )
            layer = tensor.name.split(".")[-2]
            weight = weight + (permuted(delta, order[layer]) if layer in order else delta)
        kind = KIND if weight.ndim == 2 else gguf.GGMLQuantizationType.F32
        tensors[tensor.name] = gguf.quants.quantize(weight, kind)
        writer.add_tensor(tensor.name, tensors[tensor.name], raw_dtype=kind)
    if deltas:
        raise ModelError(f"{adapter} changes {min(deltas)}, {base} has none.", retryable=False)
    try:
        with disk.new_file(out) as partial:
            _write(writer, tensors, partial, out)
    except OSError as error:
        raise ModelError(
            f"{out} cannot be written: {error}. Look whether the disk is full, sound and writable.",
            retryable=False,
        ) from error


def permuted(weight: Matrix, heads: int) -> Matrix:
    """Return the rows of a query or key projection in the order that llama's files keep them.

    weight: (heads · size, n). Rotary positions pair row i with i + size/2 at Hugging Face, with
    i + 1 in a GGUF.
    """
    rows, columns = weight.shape
    parts = weight.reshape(heads, 2, rows // heads // 2, columns)
    return parts.swapaxes(1, 2).reshape(rows, columns)


def _copy_fields(reader: GGUFFile, writer: gguf.GGUFWriter) -> None:
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            kind = field.types[0]
            inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, inner)


def _write(
    writer: gguf.GGUFWriter, tensors: Mapping[str, NDArray[Any]], partial: Path, out: Path
) -> None:
    """Write a file aside, bring it to the disk, and give it its name."""
    writer.write_header_to_file(partial)
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    for written in GGUFFile(partial).tensors:  # numpy's tofile hides a full disk
        if not np.array_equal(written.data.ravel(), tensors[written.name].ravel()):
            raise OSError(f"{written.name} is not what was written")
    partial.chmod(0o644)  # a new file is its owner's alone
    disk.sync(partial)
    partial.replace(out)
    disk.sync(out.parent)


def _deltas(adapter: Path) -> dict[str, Matrix]:
    """Return GGUF tensor name -> what is added to it, rows in Hugging Face's order."""
    recipe = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    scale = np.float32(recipe["lora_alpha"] / recipe["r"])
    found: dict[str, Matrix] = {}
    with safe_open(adapter / "adapter_model.safetensors", "pt") as factors:
        for name in factors.keys():  # noqa: SIM118  # not a dict
            match = _FACTOR.search(name)
            if match is None:
                continue
            short = NAMES[match[2]]
            down = factors.get_tensor(name).float().numpy()
            up = factors.get_tensor(name.replace("lora_A", "lora_B")).float().numpy()
            found[f"blk.{match[1]}.{short}.weight"] = scale * (up @ down)
    return found


def _heads(reader: GGUFFile, architecture: str) -> tuple[int, int]:
    heads = int(_field(reader, f"{architecture}.attention.head_count"))
    return heads, int(_field(reader, f"{architecture}.attention.head_count_kv"))


def _field(reader: GGUFFile, name: str) -> Any:
    field = reader.get_field(name)
    if field is None:
        raise ModelError(f"the GGUF file names no {name}: it is no language model", retryable=False)
    return field.contents()
