"""Tunes a language model by LoRA on turns of the product's own prompt; loss on the reply alone.

Runs unchanged for any Hugging Face causal model, from a folder or a GGUF file, on a machine that
has only torch, transformers, peft and gguf. An interrupted run goes on from its last checkpoint.
"""

import json
import logging
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft import set_peft_model_state_dict as put_factors
from safetensors.torch import load_file, save_file
from torch import Tensor

from rag.models.transformers import load
from rag.tune.data import Turn

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
IGNORED = -100  # label of a token whose prediction costs nothing
ADAPTER, FACTS, STATE = "adapter_model.safetensors", "run.json", "optimiser.safetensors"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; kept with the adapter."""

    rank: int = 16
    alpha: int = 32
    rate: float = 1e-3
    epochs: int = 2
    batch: int = 8  # turns
    max_tokens: int = 448  # of prompt and reply; a longer turn is left out
    warmup: float = 0.05  # share of the steps
    checkpoint_steps: int = 50
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Encoded:
    """One turn in tokens."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]  # with the token that ends it

    def __len__(self) -> int:
        return len(self.prompt) + len(self.reply)


def train(
    base: Path,
    turns: Sequence[Turn],
    held_out: Sequence[Turn],
    out: Path,
    recipe: Recipe,
    *,
    start: Path | None = None,
) -> None:
    """Tune the model in `base`, a folder or a GGUF file; write the adapter into `out`.

    Writes adapter_model.safetensors and adapter_config.json as peft reads them, in bf16, and
    run.json with the recipe and the held-out loss at every checkpoint. If `out` holds an
    unfinished run of the same recipe and start, that one goes on.
    start: the folder of an earlier adapter to begin with, of the same base and rank.
    """
    torch.manual_seed(recipe.seed)
    # On a CPU, single precision that is cast to half of it for the products is a quarter faster.
    model, tokenizer = load(base, torch.bfloat16 if torch.cuda.is_available() else torch.float32)
    encoded = _encoded(tokenizer, turns, recipe.max_tokens)
    judged = _encoded(tokenizer, held_out, recipe.max_tokens)
    lora = LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, target_modules=TARGETS, task_type="CAUSAL_LM"
    )
    tuned = get_peft_model(model, lora)
    weights = [weight for weight in tuned.parameters() if weight.requires_grad]
    batches = list(_batches(encoded, recipe))
    optimiser = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=0.0)
    if start is not None:
        put_factors(tuned, load_file(start / ADAPTER))
    facts = {
        "recipe": asdict(recipe),
        "start": start and start.name,
        "turns": len(encoded),
        "steps": len(batches),
    }
    done, curve = _resume(tuned, optimiser, out, facts)
    lora.base_model_name_or_path = base.stem  # not where it lay on this machine
    lora.save_pretrained(str(out))
    started, losses = time.monotonic(), []
    for step, batch in enumerate(batches[done:], start=done + 1):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * _schedule(step, len(batches), recipe.warmup)
        loss = _loss(tuned, batch)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()))
        if step % recipe.checkpoint_steps == 0 or step == len(batches):
            curve.append(
                {
                    "step": step,
                    "loss": round(sum(losses) / len(losses), 4),
                    "held_out": round(_held_out_loss(tuned, judged, recipe.batch), 4),
                }
            )
            seconds = (time.monotonic() - started) / (step - done)
            log.info("step=%d/%d s_per_step=%.1f %s", step, len(batches), seconds, curve[-1])
            losses = []
            _save(tuned, optimiser, out, {**facts, "done": step, "curve": curve})
    (out / STATE).unlink(missing_ok=True)


def prompt_text(tokenizer: Any, turn: Turn) -> str:
    """Return what the model reads: the chat template around system and user."""
    text: str = tokenizer.apply_chat_template(
        [{"role": "system", "content": turn.system}, {"role": "user", "content": turn.user}],
        tokenize=False,
        add_generation_prompt=True,
    )
    return text


def _encoded(tokenizer: Any, turns: Sequence[Turn], max_tokens: int) -> list[Encoded]:
    found = []
    for turn in turns:
        prompt = tokenizer.encode(prompt_text(tokenizer, turn), add_special_tokens=False)
        reply = tokenizer.encode(turn.reply, add_special_tokens=False)
        one = Encoded(tuple(prompt), (*reply, tokenizer.eos_token_id))
        if len(one) <= max_tokens:
            found.append(one)
    return found


def _batches(encoded: Sequence[Encoded], recipe: Recipe) -> Iterator[list[Encoded]]:
    """Yield batches of like length, so that little is padded, in an order the seed decides."""
    dice = random.Random(recipe.seed)
    for _ in range(recipe.epochs):
        order = sorted(encoded, key=lambda one: (len(one) + dice.randrange(24), one.prompt))
        batches = [order[i : i + recipe.batch] for i in range(0, len(order), recipe.batch)]
        dice.shuffle(batches)
        yield from batches


def _schedule(step: int, steps: int, warmup: float) -> float:
    """Return the share of the rate: a linear rise, then a linear fall to a twentieth."""
    rise = max(1, round(warmup * steps))
    return min(step / rise, max(0.05, (steps - step) / max(1, steps - rise)))


def _loss(model: PeftModel, batch: Sequence[Encoded]) -> Tensor:
    """Return the mean loss of the replies' tokens; prompts are padded on the left."""
    longest = max(len(one) for one in batch)
    replies = max(len(one.reply) for one in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    seen = torch.zeros(len(batch), longest, dtype=torch.long)
    labels = torch.full((len(batch), replies), IGNORED)
    for row, one in enumerate(batch):
        ids[row, longest - len(one) :] = torch.tensor([*one.prompt, *one.reply])
        seen[row, longest - len(one) :] = 1
        labels[row, replies - len(one.reply) :] = torch.tensor(one.reply)
    device = model.device
    with torch.autocast(device.type, torch.bfloat16):
        logits = model(
            input_ids=ids.to(device),
            attention_mask=seen.to(device),
            position_ids=(seen.cumsum(1) - 1).clamp(min=0).to(device),
            logits_to_keep=replies + 1,  # the head is a fifth of the work
        ).logits
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), labels.flatten().to(device), ignore_index=IGNORED
    )


@torch.no_grad()
def _held_out_loss(model: PeftModel, judged: Sequence[Encoded], batch: int) -> float:
    if not judged:
        return float("nan")
    model.eval()
    parts = [judged[i : i + batch] for i in range(0, len(judged), batch)]
    total = sum(float(_loss(model, part)) * len(part) for part in parts)
    model.train()
    return total / len(judged)


def _save(
    model: PeftModel, optimiser: torch.optim.Optimizer, out: Path, facts: dict[str, Any]
) -> None:
    factors = {
        name: value.detach().to("cpu", torch.bfloat16).contiguous()
        for name, value in get_peft_model_state_dict(model, save_embedding_layers=False).items()
    }
    save_file(factors, out / ADAPTER)
    moments = {
        f"{index}.{name}": value.contiguous()
        for index, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }
    save_file(moments, out / STATE)
    (out / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _resume(
    model: PeftModel, optimiser: torch.optim.Optimizer, out: Path, facts: dict[str, Any]
) -> tuple[int, list[dict[str, float]]]:
    """Return the steps done and the curve so far, of an unfinished run of the same recipe."""
    out.mkdir(parents=True, exist_ok=True)
    if not (out / STATE).exists():
        return 0, []
    written = json.loads((out / FACTS).read_text(encoding="utf-8"))
    if any(written.get(name) != value for name, value in facts.items()):
        return 0, []
    put_factors(model, load_file(out / ADAPTER))
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in load_file(out / STATE).items():
        index, _, moment = name.partition(".")
        state.setdefault(int(index), {})[moment] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
    done: int = written["done"]
    log.info("resuming step=%d", done)
    return done, written["curve"]
