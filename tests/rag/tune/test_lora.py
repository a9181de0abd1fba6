"""Tuning a language model: it learns, goes on where it was stopped, and merges into GGUF."""

import json
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file

from rag.base import ModelError
from rag.models.gguf_file import GGUFFile
from rag.models.transformers import load
from rag.tune import lora
from rag.tune.data import Turn
from rag.tune.merge import merge, permuted
from tests.rag import tiny_model
from ui.wiring import packaged_model

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]

TURNS = [
    Turn("Answer.", f"[1] {name}: opens at {hour}.\nQuestion: when?", f"At {hour}. [1]")
    for hour, name in enumerate(("the lab", "the shed", "the bar", "the gym"), start=5)
]  # fmt: skip
RECIPE = lora.Recipe(rank=4, alpha=8, rate=3e-2, epochs=12, batch=2, checkpoint_steps=6)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.build(tmp_path_factory.mktemp("base"))


def tensors(file: Path) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of a GGUF file."""
    return {
        tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        for tensor in GGUFFile(file).tensors
    }


def curve(out: Path) -> list[dict[str, float]]:
    found: list[dict[str, float]] = json.loads((out / lora.FACTS).read_text())["curve"]
    return found


def test_the_loss_falls_and_peft_reads_what_is_written(base: Path, tmp_path: Path) -> None:
    lora.train(base, TURNS, TURNS[:2], tmp_path, RECIPE)
    points = curve(tmp_path)
    assert points[-1]["held_out"] < points[0]["held_out"] - 0.1
    model, _ = load(base)
    tuned = PeftModel.from_pretrained(model, tmp_path)
    assert any("lora" in name and value.abs().max() > 0 for name, value in tuned.named_parameters())
    assert not (tmp_path / lora.STATE).exists()


def test_a_stopped_run_goes_on_and_ends_where_an_uninterrupted_one_does(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    lora.train(base, TURNS, [], whole, RECIPE)
    save, calls = lora._save, []

    def save_then_stop(*args: object) -> None:
        save(*args)  # type: ignore[arg-type]
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(lora, "_save", save_then_stop)
    with pytest.raises(KeyboardInterrupt):
        lora.train(base, TURNS, [], parts, RECIPE)
    lora.train(base, TURNS, [], parts, RECIPE)
    assert [p["step"] for p in curve(parts)] == [p["step"] for p in curve(whole)]
    one, other = load_file(whole / lora.ADAPTER), load_file(parts / lora.ADAPTER)
    for name in one:
        assert torch.allclose(one[name].float(), other[name].float(), atol=0.02)


def test_a_run_begins_with_an_earlier_adapter(base: Path, tmp_path: Path) -> None:
    lora.train(base, TURNS, TURNS, tmp_path / "first", RECIPE)
    once = replace(RECIPE, epochs=1, rate=1e-6, checkpoint_steps=1)
    lora.train(base, TURNS, TURNS, tmp_path / "on", once, start=tmp_path / "first")
    assert curve(tmp_path / "on")[0]["held_out"] == pytest.approx(
        curve(tmp_path / "first")[-1]["held_out"], abs=0.05
    )
    assert json.loads((tmp_path / "on" / lora.FACTS).read_text())["start"] == "first"


def test_another_recipe_does_not_go_on_from_the_unfinished_run(base: Path, tmp_path: Path) -> None:
    lora.train(base, TURNS, [], tmp_path, replace(RECIPE, epochs=1))
    lora.train(base, TURNS, [], tmp_path, RECIPE)
    assert curve(tmp_path)[-1]["step"] == RECIPE.epochs * 2


def test_a_merged_file_answers_as_peft_does(tmp_path: Path) -> None:
    file = packaged_model()
    model, tokenizer = load(file, torch.float32)
    ids = tokenizer(lora.prompt_text(tokenizer, TURNS[0]), return_tensors="pt").input_ids
    with torch.no_grad():
        untouched = model(ids).logits[0]
    torch.manual_seed(0)
    tuned = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=lora.TARGETS))
    tuned.save_pretrained(str(tmp_path / "zero"))
    for name, value in tuned.named_parameters():
        if "lora_B" in name:
            value.data.normal_(std=0.2)
    tuned.save_pretrained(str(tmp_path / "some"))
    with torch.no_grad():
        changed = tuned(ids).logits[0]
    for adapter in ("zero", "some"):
        merge(file, tmp_path / adapter, tmp_path / f"{adapter}.gguf")
    before = tensors(file)
    for name, tensor in tensors(tmp_path / "zero.gguf").items():
        assert (
            np.abs(tensor - before[name]).max() <= np.abs(before[name]).max() / 127
        )  # of eight bits, a step
    merged, _ = load(tmp_path / "some.gguf", torch.float32)
    with torch.no_grad():
        logits = merged(ids).logits[0]
    # What eight bits lose is little beside what the adapter does.
    assert (logits - changed).norm() < 0.1 * (changed - untouched).norm()


def test_an_adapter_of_another_model_is_refused_and_no_file_is_left(
    base: Path, tmp_path: Path
) -> None:
    lora.train(base, TURNS, [], tmp_path / "adapter", replace(RECIPE, epochs=1))
    with pytest.raises(ModelError, match="another base model"):
        merge(packaged_model(), tmp_path / "adapter", tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()


def test_rows_of_a_projection_are_put_in_llamas_order() -> None:
    rows = np.arange(8, dtype=np.float32)[:, None]  # two heads of four: halves 0 1 | 2 3
    assert permuted(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
