"""The graph of a llama's first layers equals the reference model; a GGUF's rows come back."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch
from transformers import LlamaConfig, LlamaModel

from index import eight_bits
from index.compile import on_own_thread
from rag.base import ModelError
from rag.models import llama
from rag.models.gguf_file import GGUFFile
from rag.tune.merge import permuted
from tests.rag import tiny_gguf
from ui.wiring import packaged_model

LAYERS = 3
CONFIG = LlamaConfig(
    hidden_size=64, intermediate_size=96, num_hidden_layers=LAYERS, num_attention_heads=4,
    num_key_value_heads=2, vocab_size=50, rms_norm_eps=1e-5,
    rope_parameters={"rope_type": "default", "rope_theta": 100000.0},
)  # fmt: skip
SHAPE = llama.Shape(heads=4, kv_heads=2, hidden=64, epsilon=1e-5, theta=100000.0)
IDS = [3, 17, 40, 2, 17, 9, 33]


def test_scores_equal_the_reference_models() -> None:
    torch.manual_seed(4)
    model = LlamaModel(CONFIG).train(mode=False)
    model.norm = torch.nn.Identity()
    head, norm = torch.nn.Linear(64, 1), torch.nn.LayerNorm(64)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, mean=0.3 if weight.ndim == 1 else 0.0, std=0.3)
    with torch.no_grad():
        states = model(torch.tensor([IDS])).last_hidden_state
        expected = head(norm(states))[0, [2, 6], 0].numpy()
    parts = {**model.state_dict(), **_named("norm", norm), **_named("head", head)}
    weights = {name: value.numpy() for name, value in parts.items()}
    graph = llama.build(weights, SHAPE, LAYERS, eight_bits.dense(weights, {}))
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = on_own_thread(lambda: ov.Core().compile_model(graph, "CPU", exact))
    states = weights["embed_tokens.weight"][IDS][None]
    found = compiled.create_infer_request().infer([states, np.array([2, 6])])[0]
    assert np.allclose(found, expected, atol=1e-4)


def _named(name: str, part: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {f"{name}.{key}": value for key, value in part.state_dict().items()}


def test_a_query_projection_is_read_in_the_order_of_its_pairs() -> None:
    weight = np.arange(64 * 8, dtype=np.float32).reshape(64, 8)
    stored = permuted(weight, 4)
    assert not np.array_equal(stored, weight)
    assert np.array_equal(llama.halved(stored, 4), weight)


@pytest.mark.model
def test_the_packaged_models_first_layers_are_read() -> None:
    file = GGUFFile(packaged_model())
    shape = llama.shape_of(file)
    assert (shape.heads, shape.kv_heads, shape.hidden, shape.size) == (9, 3, 576, 64)
    layers = llama.layers_of(file, 2, shape)
    assert len(layers) == 2 * len(llama.TENSORS)
    assert layers["layers.1.mlp.down_proj.weight"].shape == (576, 1536)
    assert layers["layers.0.input_layernorm.weight"].shape == (576,)


def test_a_file_that_names_no_sizes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="llama"):
        llama.shape_of(GGUFFile(tiny_gguf.base(tmp_path)))
