"""Models run by transformers: the contract, adapters, and what is refused."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from rag.base import ModelError
from rag.models.transformers import TransformersModel, load
from tests.contracts.language_model import LONG, SYSTEM, LanguageModelContract, said
from tests.rag import tiny_model
from tests.rag.models.in_process import InProcess
from ui.wiring import packaged_model

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model.build(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def model(base: Path) -> TransformersModel:
    return TransformersModel(base, name="tiny")


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that changes what the tiny model says."""
    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(1)
    tuned = get_peft_model(load(base)[0], LoraConfig(r=4, target_modules=["q_proj", "down_proj"]))
    for name, value in tuned.named_parameters():
        if "lora_B" in name:
            value.data.normal_()
    tuned.save_pretrained(str(folder))
    return folder


class TestTransformersModel(LanguageModelContract):
    failure_is_retryable = False

    @pytest.fixture
    def case(self, model: TransformersModel, tmp_path: Path) -> InProcess:
        return InProcess(model, lambda: TransformersModel(tmp_path, name="nothing"))


def test_the_log_probability_is_that_of_the_token_that_was_chosen(
    base: Path, model: TransformersModel
) -> None:
    plain, tokenizer = load(base)
    ids = model._prompt(SYSTEM, LONG)
    for token in said(model, 4):
        with torch.no_grad():
            logits = plain(torch.tensor([ids])).logits[0, -1].float()
        best = int(logits.argmax())
        assert token.logprob == pytest.approx(float(logits.log_softmax(-1)[best]), abs=0.05)
        assert token.text == tokenizer.decode([best])
        ids.append(best)


def test_leaving_ends_the_forward_passes(model: TransformersModel) -> None:
    passes: list[object] = []
    hook = model._model.register_forward_hook(lambda *_: passes.append(1))
    try:
        tokens = model.generate(SYSTEM, LONG, max_tokens=1000)
        assert isinstance(tokens, Generator)
        next(tokens)
        tokens.close()
        ended = len(passes)
        assert ended < 500
        assert len(said(model, 2)) == 2
        assert len(passes) == ended + 2
    finally:
        hook.remove()


def test_a_reply_ends_at_the_models_end_token(base: Path, model: TransformersModel) -> None:
    ids = AutoTokenizer.from_pretrained(base).encode(said(model, 1)[0].text)
    ends, model._ends = model._ends, frozenset(ids)
    try:
        assert said(model, 5) == []
    finally:
        model._ends = ends


def test_a_character_of_several_tokens_comes_whole(model: TransformersModel) -> None:
    ids = model._tokenizer.encode("Grüezi 🦙!", add_special_tokens=False)
    pieces = [token.text for token in model._texts((id, -0.5) for id in ids)]
    assert "".join(pieces) == "Grüezi 🦙!"
    assert len(pieces) == len(ids)
    assert not any("\ufffd" in piece for piece in pieces)


def test_sampling_and_penalties_of_the_folder_do_not_apply(base: Path, tmp_path: Path) -> None:
    for file in base.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    wild = {"do_sample": True, "temperature": 2.0, "repetition_penalty": 9.0}
    settings = json.loads((base / "generation_config.json").read_text())
    (tmp_path / "generation_config.json").write_text(json.dumps({**settings, **wild}))
    assert said(TransformersModel(tmp_path, name="w"), 9) == said(
        TransformersModel(base, name="b"), 9
    )


def test_an_adapter_changes_the_replies_and_one_of_zeros_does_not(
    base: Path, model: TransformersModel, adapter: Path, tmp_path: Path
) -> None:
    untouched = [token.text for token in said(model, 9)]
    tuned = TransformersModel(base, name="tuned", adapter=adapter)
    assert [token.text for token in said(tuned, 9)] != untouched
    (tmp_path / "adapter_config.json").write_bytes((adapter / "adapter_config.json").read_bytes())
    weights = load_file(adapter / "adapter_model.safetensors")
    zeros = {name: torch.zeros_like(value) for name, value in weights.items()}
    save_file(zeros, tmp_path / "adapter_model.safetensors")
    same = TransformersModel(base, name="same", adapter=tmp_path)
    assert [token.text for token in said(same, 9)] == untouched


def test_a_pickled_adapter_is_never_opened(base: Path, adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_bytes((adapter / "adapter_config.json").read_bytes())
    torch.save(load_file(adapter / "adapter_model.safetensors"), tmp_path / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"holds no adapter_model\.safetensors"):
        TransformersModel(base, name="p", adapter=tmp_path)


def test_pickled_weights_are_never_opened(base: Path, tmp_path: Path) -> None:
    for file in base.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save(load_file(base / "model.safetensors"), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded"):
        TransformersModel(tmp_path, name="p")


def test_an_adapter_of_another_model_is_an_error(base: Path, adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_bytes((adapter / "adapter_config.json").read_bytes())
    weights = load_file(adapter / "adapter_model.safetensors")
    save_file({name: value[:, :3].contiguous() for name, value in weights.items()},
              tmp_path / "adapter_model.safetensors")  # fmt: skip
    with pytest.raises(ModelError, match="with the adapter"):
        TransformersModel(base, name="p", adapter=tmp_path)


def test_a_model_without_a_chat_template_is_refused(base: Path, tmp_path: Path) -> None:
    for file in base.iterdir():
        if file.name != "chat_template.jinja":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="has no chat template"):
        TransformersModel(tmp_path, name="bare")


def test_more_than_the_context_is_refused_before_it_is_computed(model: TransformersModel) -> None:
    with pytest.raises(ModelError, match="holds 2048 tokens; the prompt has") as caught:
        said(model, 2048)
    assert not caught.value.retryable


def test_a_gguf_file_is_read_and_a_reply_ends_by_itself() -> None:
    model = TransformersModel(packaged_model(), name="base")
    assert model.context_tokens == 8192
    tokens = list(model.generate("Be brief.", "Name the capital of France.", max_tokens=40))
    text = "".join(token.text for token in tokens)
    assert "Paris" in text
    assert len(tokens) < 40
    assert "<|im_end|>" not in text
