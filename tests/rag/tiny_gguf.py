"""A base model and an adapter of a few kilobytes, in the files' real formats."""

import json
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save_file

SIZE = 64  # two rows of blocks of 32, the least that eight bits are kept in
WIDE = 4  # heads


def base(folder: Path) -> Path:
    """Write a GGUF of the llama architecture with one query projection and a norm."""
    file = folder / "tiny.Q8.gguf"
    dice = np.random.default_rng(3)
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_head_count(WIDE)
    writer.add_head_count_kv(WIDE)
    writer.add_tensor("blk.0.attn_q.weight", dice.normal(size=(SIZE, SIZE)).astype(np.float32))
    writer.add_tensor("output_norm.weight", np.ones(SIZE, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def adapter(folder: Path, seed: int = 5, scale: float = 1) -> Path:
    """Write an adapter of that base as peft does; with a scale of 0 it changes nothing."""
    folder.mkdir(exist_ok=True)
    dice = np.random.default_rng(seed)
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"
    factors = {
        name.format("A"): dice.normal(size=(2, SIZE)).astype(np.float32),
        name.format("B"): (scale * dice.normal(size=(SIZE, 2))).astype(np.float32),
    }
    save_file(factors, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"r": 2, "lora_alpha": 4}))
    return folder
