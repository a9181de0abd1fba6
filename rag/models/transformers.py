"""Any Hugging Face model from a folder or a GGUF file, run by transformers: for a GPU, and tuning.

Reads local files alone, weights from safetensors or GGUF alone, and no code that came with them.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from peft import PeftModel
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, StoppingCriteria

from rag.base import ModelError, Token
from rag.models.streaming import UNFINISHED, streamed

ADAPTER = "adapter_model.safetensors"

Step = tuple[int, float]  # a token's id and its log-probability


def load(base: Path, dtype: torch.dtype = torch.bfloat16) -> tuple[Any, Any]:
    """Return model and tokenizer, on the graphics card if there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = base
    source: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    weights: dict[str, Any] = {"use_safetensors": True}
    if base.suffix == ".gguf":
        folder, source, weights = base.parent, {**source, "gguf_file": base.name}, {}
    tokenizer = AutoTokenizer.from_pretrained(folder, **source)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **source, **weights)
    model.to(torch.device(device))
    return model, tokenizer


class TransformersModel:
    """One model in this process. Calls wait for each other."""

    def __init__(self, base: Path, *, name: str, adapter: Path | None = None) -> None:
        """Load a folder or a GGUF file, and merge an adapter as peft writes it.

        Raises ModelError if they cannot be read or do not fit.
        """
        self.name = name
        self._turn = threading.Lock()
        try:
            self._model, self._tokenizer = load(base)
            if adapter is not None:
                self._model = _merged(self._model, adapter)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            what = f"the model {base}" + (f" with the adapter {adapter}" if adapter else "")
            raise ModelError(f"{what} cannot be loaded: {error}", retryable=False) from error
        self._model.eval()
        config = self._model.config.get_text_config()
        self.context_tokens: int = getattr(config, "max_position_embeddings", None) or 2048
        self._ends = _ends(self._model, self._tokenizer)
        # What a folder says of sampling and penalties would otherwise apply to a greedy reply.
        self._model.generation_config = _config()
        self._prompt("", "")  # a model that cannot be talked to fails now

    def count_tokens(self, text: str) -> int:
        """Count as this model does; every model counts differently."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))

    def generate(self, system: str, user: str, *, max_tokens: int) -> Iterator[Token]:
        """Stream the reply, greedily. Closing the iterator stops the generation."""
        prompt = self._prompt(system, user)
        if len(prompt) + max_tokens > self.context_tokens:
            raise ModelError(
                f"{self.name} holds {self.context_tokens} tokens; the prompt has {len(prompt)} and "
                f"the reply may have {max_tokens}. Lower [model] prompt_tokens.",
                retryable=False,
            )
        with self._turn:
            yield from self._texts(self._steps(prompt, max_tokens))

    def _prompt(self, system: str, user: str) -> list[int]:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        try:
            text = self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        except (ValueError, TemplateError) as error:
            raise ModelError(
                f"{self.name} has no chat template for a system and a user message: {error}. "
                "Take a model that is tuned for instructions.",
                retryable=False,
            ) from error
        try:
            ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        except TypeError as error:  # half a surrogate pair
            raise ModelError(
                f"{self.name} cannot read the prompt: {error}", retryable=False
            ) from error
        return ids

    def _steps(self, prompt: list[int], max_tokens: int) -> Iterator[Step]:
        """Yield the tokens as a thread generates them; it ends within a token of being left."""

        def work(hand_on: Callable[[Step], bool]) -> None:
            self._run(prompt, max_tokens, _Watch(hand_on))

        with closing(streamed(self.name, work)) as steps:
            for step in steps:
                if step[0] not in self._ends:
                    yield step

    def _run(self, prompt: list[int], max_tokens: int, watch: "_Watch") -> None:
        ids = torch.tensor([prompt], device=self._model.device)
        config = _config(
            max_new_tokens=max_tokens,
            do_sample=False,
            eos_token_id=sorted(self._ends) or None,
            pad_token_id=min(self._ends, default=0),  # nothing is padded; it asks all the same
            return_dict_in_generate=True,
            output_scores=True,
        )
        self._model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            generation_config=config,
            stopping_criteria=[watch],
        )

    def _texts(self, steps: Iterator[Step]) -> Iterator[Token]:
        """Yield a token a step; one that ends inside a character leaves its text to the next."""
        ids: list[int] = []
        told = ""
        for id, logprob in steps:
            ids.append(id)
            text = self._tokenizer.decode(ids, skip_special_tokens=True)
            text = told if text.endswith(UNFINISHED) else text
            yield Token(text[len(told) :], logprob)
            told = text


class _Watch(StoppingCriteria):
    """Hands on every token as it is chosen, and stops when the reader has left."""

    def __init__(self, hand_on: Callable[[Step], bool]) -> None:
        self._hand_on = hand_on

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Any:
        """Return one bool a row. scores: the logits (1, vocabulary) of every step so far."""
        id = int(input_ids[0, -1])
        logprob = torch.log_softmax(scores[-1][0].float(), dim=-1)[id]
        stops = self._hand_on((id, float(logprob)))
        return torch.full((len(input_ids),), stops, device=input_ids.device)


def _config(**options: Any) -> GenerationConfig:
    return GenerationConfig(**options)  # type: ignore[no-untyped-call]  # left untyped there


def _merged(model: Any, adapter: Path) -> Any:
    """Return the model with W + scale · B·A in the place of W."""
    if not (adapter / ADAPTER).is_file():  # peft would read a pickle instead
        raise ValueError(f"{adapter} holds no {ADAPTER}")
    return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens that end a reply, as model and tokenizer name them."""
    named = model.generation_config.eos_token_id
    several = named if isinstance(named, list) else [named]
    return frozenset(id for id in (*several, tokenizer.eos_token_id) if id is not None)
