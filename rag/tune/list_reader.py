"""Tunes the listwise reader: the language model's first layers made to judge sentences in a list.

Rows, loss and what is saved are as in `rag.tune.reader`; but a question's candidates are read in
one text, each after those before it. Runs where torch and transformers are.
"""

import json
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModelForCausalLM

from rag.models.gguf_file import GGUFFile
from rag.models.list_reader import packed, tokenizer
from rag.models.reader import merged
from rag.tune.reader import LOGGED, Candidate, Row, drawn, save

TOKENS = 384  # of a question and its candidates; rather fewer candidates than more
RIGHT = 2  # candidates that answer, at most: more are no choice
SAVED = 150  # steps between two checkpoints
CHECKPOINT = "checkpoint.pt"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; kept with the adapter."""

    layers: int = 15  # of the language model
    rank: int = 32  # of what is saved
    rate: float = 7e-5
    head_rate: float = 1e-3
    epochs: int = 1
    questions: int = 8  # that run at a time
    batches: int = 2  # to a step
    candidates: int = 8  # of a question, at most
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Text:
    """A question and its candidates in one text, and which of them answer."""

    ids: list[int]
    ends: list[int]  # of the candidates: what is scored
    answers: list[bool]


class Model(torch.nn.Module):
    """The first layers and a linear head over what they make of a token."""

    def __init__(self, base: Path, layers: int) -> None:
        super().__init__()
        whole = AutoModelForCausalLM.from_pretrained(
            base.parent, gguf_file=base.name, local_files_only=True,
            dtype=torch.float32, attn_implementation="eager",
        )  # fmt: skip
        self.model = whole.model
        self.model.layers = self.model.layers[:layers]
        self.model.config.num_hidden_layers = layers
        self.model.norm = torch.nn.Identity()
        self.model.embed_tokens.requires_grad_(requires_grad=False)
        self.norm = torch.nn.LayerNorm(self.model.config.hidden_size)
        self.head = torch.nn.Linear(self.model.config.hidden_size, 1)
        torch.nn.init.normal_(self.head.weight, std=0.02)
        torch.nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return (batch, length) scores of (batch, length) tokens.

        mask: (batch, 1, length, length), added to the attention scores.
        """
        seen = self.model(input_ids=ids, attention_mask=mask, use_cache=False)
        scores: Tensor = self.head(self.norm(seen.last_hidden_state)).squeeze(-1)
        return scores


def train(
    base: Path,
    rows: Sequence[Row],
    out: Path,
    recipe: Recipe,
    *,
    start: Path | None = None,
    compiled: bool = True,
) -> None:
    """Tune the first layers of the GGUF file; write adapter.safetensors and recipe.json.

    If `out` holds an unfinished run of the same recipe, start and number of rows, that one goes on.
    start: the folder of an earlier list reader to begin with; None begins with the file itself.
    compiled: a slow start for faster steps.
    """
    torch.manual_seed(recipe.seed)
    words = tokenizer(GGUFFile(base))
    model = Model(base, recipe.layers).train()
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    if start is not None:
        _begin_with(model, start)
    run = torch.compile(model) if compiled else model
    heads = [*model.norm.parameters(), *model.head.parameters()]
    body = [weight for weight in model.model.parameters() if weight.requires_grad]
    rates = [recipe.rate, recipe.head_rate]
    optimiser = torch.optim.AdamW(
        [{"params": body, "lr": rates[0]}, {"params": heads, "lr": rates[1]}]
    )
    batches = list(_batches(rows, recipe))
    steps = len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, steps + 2, pct_start=0.06)
    out.mkdir(parents=True, exist_ok=True)
    parts: dict[str, Any] = {"model": model, "optimiser": optimiser, "schedule": schedule}
    facts = {**asdict(recipe), "rows": len(rows), "start": start and start.name}
    done = _resumed(out / CHECKPOINT, parts, facts)
    total = 0.0
    for step, batch in enumerate(batches[done:], start=done + 1):
        dice = random.Random(recipe.seed * steps + step)
        texts = sorted((_text(row, words, recipe, dice) for row in batch), key=lambda t: len(t.ids))
        for first in range(0, len(texts), recipe.questions):
            part = texts[first : first + recipe.questions]
            loss = _loss(_scores(run, part), part) * len(part) / len(texts)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        if step % LOGGED == 0:
            log.info("step=%d/%d loss=%.3f", step, steps, total / LOGGED)
            total = 0.0
        if step % SAVED == 0:
            states = {name: part.state_dict() for name, part in parts.items()}
            torch.save({**states, "step": step, "facts": facts}, out / CHECKPOINT)
    save(model.model.state_dict(), before, _own(model), out, facts)
    (out / CHECKPOINT).unlink(missing_ok=True)


def average(base: Path, adapters: Sequence[Path], out: Path) -> None:
    """Write the list reader in the middle of several, as `rag.tune.reader.average` does.

    base: the GGUF file that all were tuned on; all have the first one's layers and rank.
    """
    recipes = [json.loads((each / "recipe.json").read_text("utf-8")) for each in adapters]
    model = Model(base, recipes[0]["layers"])
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    states = []
    for each in adapters:
        model.model.load_state_dict(before)
        _begin_with(model, each)
        states.append({name: value.clone() for name, value in model.state_dict().items()})
    for name, value in model.state_dict().items():
        several = [state[name] for state in states]
        if not all(torch.equal(one, several[0]) for one in several):
            value.copy_(torch.stack(several).mean(0))
    facts = {key: recipes[0][key] for key in ("layers", "rank")}
    named = [recipe["name"] for recipe in recipes]
    save(model.model.state_dict(), before, _own(model), out, {**facts, "mean_of": named})


def _own(model: Model) -> dict[str, Tensor]:
    own = {f"norm.{name}": value for name, value in model.norm.state_dict().items()}
    return own | {f"head.{name}": value for name, value in model.head.state_dict().items()}


def _begin_with(model: Model, start: Path) -> None:
    """Add what an earlier adapter changes to a model that is as the file has it."""
    state = {name: value.numpy() for name, value in model.model.state_dict().items()}
    arrays = merged(state, load_file(start / "adapter.safetensors"))
    tensors = {name: torch.from_numpy(array).float() for name, array in arrays.items()}
    for name, part in (("norm", model.norm), ("head", model.head)):
        part.load_state_dict({key: tensors.pop(f"{name}.{key}") for key in ("weight", "bias")})
    model.model.load_state_dict(tensors)


def _resumed(file: Path, parts: Mapping[str, Any], facts: Mapping[str, object]) -> int:
    """Return the steps done; the parts get the state they had then."""
    if not file.is_file():
        return 0
    states = torch.load(file)
    if states["facts"] != facts:
        log.warning("%s is of another recipe or of other rows: begins anew", file)
        return 0
    for name, part in parts.items():
        part.load_state_dict(states[name])
    return int(states["step"])


def _batches(rows: Sequence[Row], recipe: Recipe) -> Iterator[list[Row]]:
    dice = random.Random(recipe.seed)
    size = recipe.questions * recipe.batches
    for _ in range(recipe.epochs):
        order = list(rows)
        dice.shuffle(order)
        for first in range(0, len(order) - size + 1, size):
            yield order[first : first + size]


def _text(row: Row, words: Tokenizer, recipe: Recipe, dice: random.Random) -> _Text:
    """Return a row with a random part of its candidates, in random order."""
    right = [c for c in row.candidates if c.answers]
    wrong = [c for c in row.candidates if not c.answers]
    kept = dice.sample(right, min(RIGHT, len(right)))
    kept += drawn(wrong, recipe.candidates - len(kept), dice)
    dice.shuffle(kept)
    while True:
        ids, ends = packed(words, row.question, [c.text for c in kept])
        if len(ids) <= TOKENS or len(kept) == 1:
            return _Text(ids[:TOKENS], [min(e, TOKENS - 1) for e in ends], _answers(kept))
        kept.remove(dice.choice([c for c in kept if not c.answers] or kept))


def _answers(candidates: Sequence[Candidate]) -> list[bool]:
    return [candidate.answers for candidate in candidates]


def _scores(run: Callable[[Tensor, Tensor], Tensor], texts: Sequence[_Text]) -> Tensor:
    """Return (texts, length); short texts are padded to two thirds, so that two graphs do."""
    longest = max(len(text.ids) for text in texts)
    length = TOKENS if longest > TOKENS * 2 // 3 else TOKENS * 2 // 3
    ids = torch.zeros(len(texts), length, dtype=torch.long)
    for row, text in enumerate(texts):
        ids[row, : len(text.ids)] = torch.tensor(text.ids)
    ahead = torch.full((length, length), float("-inf")).triu(1)
    mask = ahead.expand(len(texts), 1, length, length).contiguous()
    with torch.autocast("cpu", torch.bfloat16):
        return run(ids, mask).float()


def _loss(scores: Tensor, texts: Sequence[_Text]) -> Tensor:
    """Return the mean surprise at what answers, of a softmax over candidates and "none"."""
    losses = []
    for own, text in zip(scores, texts, strict=True):
        chosen = own[torch.tensor(text.ends)]
        everything = torch.logsumexp(torch.cat([chosen, chosen.new_zeros(1)]), 0)
        right = chosen[torch.tensor(text.answers)]
        losses.append(everything - (torch.logsumexp(right, 0) if len(right) else 0.0))
    return torch.stack(losses).mean()
