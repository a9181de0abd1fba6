"""The listwise reader as one file: merged once, so that a start only has to map it."""

import json
from dataclasses import asdict
from pathlib import Path

import gguf
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from index import disk
from rag.base import ModelError
from rag.models import llama
from rag.models.gguf_file import GGUFFile
from rag.models.list_reader import EMBEDDINGS, TOLD, tokenizer
from rag.models.reader import merged


def merge(base: Path, adapter: Path, out: Path) -> None:
    """Write the base's first layers with what the adapter changes, its word vectors and tokenizer.

    base: the GGUF file that the adapter, a folder as `footnote tune list-reader` writes it, was
    tuned on. The file, 270 MB, appears whole or not at all; takes some four seconds. Raises
    ModelError if the two do not fit.
    """
    file = GGUFFile(base)
    recipe = json.loads((adapter / "recipe.json").read_text(encoding="utf-8"))
    shape = llama.shape_of(file)
    layers = llama.layers_of(file, recipe["layers"], shape)
    weights = dict(merged(layers, load_file(adapter / "adapter.safetensors")))
    words = next(tensor for tensor in file.tensors if tensor.name == "token_embd.weight")
    vectors = gguf.quants.dequantize(words.data, words.tensor_type)
    told = {  # under one name: of several, safetensors keeps no order
        TOLD: json.dumps(
            {
                "name": recipe["name"],
                "layers": recipe["layers"],
                "shape": asdict(shape),
                "tokenizer": tokenizer(file).to_str(),
            }
        )
    }
    try:
        with disk.new_file(out) as partial:
            save_file({**weights, EMBEDDINGS: vectors.astype(np.float16)}, partial, told)
            partial.chmod(0o644)  # safetensors lets only its owner read it
            disk.sync(partial)
            partial.replace(out)
            disk.sync(out.parent)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{out} cannot be written: {error}. Look whether the disk is full, sound and writable.",
            retryable=False,
        ) from error
