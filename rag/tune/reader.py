"""Tunes the reader: LoRA on the sentence encoder, so that it judges (question, sentence) pairs.

Rows say which of a question's candidate sentences answer it; none may. The loss is a softmax over
the candidates and "none of them", so that the scores know what an unanswerable question is.
Runs where torch, transformers and peft are; `rag.models.reader` needs none of them.
"""

import json
import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModel

TARGETS = ["query", "key", "value", "dense"]
MAX_TOKENS = 128  # of question and candidate together

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence in its context, as `rag.evidence` shows it to the reader."""

    text: str
    answers: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One question and the sentences that were found for it."""

    question: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; kept with the adapter."""

    rank: int = 32
    first_layer: int = 2  # the ones below stay as they are: half the time to train
    alpha: int = 64
    rate: float = 8e-4
    epochs: int = 2
    questions: int = 8  # in a batch
    candidates: int = 10  # of a question, at most
    seed: int = 0


def load(file: Path) -> list[Row]:
    """Read rows: {"question", "candidates": [{"text", "answers"}]} a line."""
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        candidates = tuple(Candidate(c["text"], c["answers"]) for c in row["candidates"])
        if candidates:
            rows.append(Row(row["question"], candidates))
    return rows


def train(
    folder: Path, rows: Sequence[Row], out: Path, recipe: Recipe, *, start: Path | None = None
) -> None:
    """Tune the encoder in `folder` on the rows; write adapter.safetensors and recipe.json.

    start: an adapter of the same recipe to go on from; None begins with a neutral one.
    """
    torch.manual_seed(recipe.seed)
    dice = random.Random(recipe.seed)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    base = AutoModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False)
    lora = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules=TARGETS,
        layers_to_transform=list(range(recipe.first_layer, base.config.num_hidden_layers)),
    )
    model = get_peft_model(base, lora)
    head = torch.nn.Linear(base.config.hidden_size, 1)
    if start is not None:
        _resume(model, head, start)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW([*weights, *head.parameters()], lr=recipe.rate)
    steps = recipe.epochs * (len(rows) // recipe.questions)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, steps + 1)
    seen, total = 0, 0.0
    for epoch in range(recipe.epochs):
        for batch in _batches(rows, recipe, dice):
            loss = _loss(model, head, tokenizer, batch)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            seen, total = seen + 1, total + float(loss.detach())
            if seen % 50 == 0:
                log.info("epoch=%d step=%d/%d loss=%.3f", epoch, seen, steps, total / 50)
                total = 0.0
        _save(model, head, out, recipe, len(rows))


def _batches(rows: Sequence[Row], recipe: Recipe, dice: random.Random) -> Iterator[list[Row]]:
    """Yield batches of questions in random order, each with a random part of its candidates."""
    order = list(rows)
    dice.shuffle(order)
    for first in range(0, len(order) - recipe.questions + 1, recipe.questions):
        yield [_sample(row, recipe, dice) for row in order[first : first + recipe.questions]]


def _sample(row: Row, recipe: Recipe, dice: random.Random) -> Row:
    right = [c for c in row.candidates if c.answers][:3]
    wrong = [c for c in row.candidates if not c.answers]
    room = recipe.candidates - len(right)
    return Row(row.question, (*right, *dice.sample(wrong, min(room, len(wrong)))))


def _loss(
    model: torch.nn.Module, head: torch.nn.Module, tokenizer: Tokenizer, batch: Sequence[Row]
) -> Tensor:
    pairs = [(row.question, c.text) for row in batch for c in row.candidates]
    scores = _scores(model, head, tokenizer, pairs)
    losses, first = [], 0
    for row in batch:
        own = scores[first : first + len(row.candidates)]
        first += len(row.candidates)
        everything = torch.logsumexp(torch.cat([own, own.new_zeros(1)]), 0)  # 0: none of them
        right = own[torch.tensor([c.answers for c in row.candidates])]
        losses.append(everything - (torch.logsumexp(right, 0) if len(right) else 0.0))
    return torch.stack(losses).mean()


def _scores(
    model: torch.nn.Module,
    head: torch.nn.Module,
    tokenizer: Tokenizer,
    pairs: Sequence[tuple[str, str]],
) -> Tensor:
    """Return (len(pairs),) scores; the longest pairs run apart from the short ones."""
    encoded = tokenizer.encode_batch(list(pairs))
    order = sorted(range(len(pairs)), key=lambda i: len(encoded[i].ids))
    found = []
    for first in range(0, len(order), 32):
        rows = [encoded[i].ids for i in order[first : first + 32]]
        ids = torch.zeros(len(rows), len(rows[-1]), dtype=torch.long)
        for row, tokens in enumerate(rows):
            ids[row, : len(tokens)] = torch.tensor(tokens)
        mask = (ids != 0).long()
        with torch.autocast("cpu", torch.bfloat16):
            states = model(input_ids=ids, attention_mask=mask).last_hidden_state
        seen = mask.unsqueeze(2)
        pooled = (states.float() * seen).sum(1) / seen.sum(1)
        found.append(head(pooled).squeeze(1))
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return torch.cat(found)[back]


def _resume(model: torch.nn.Module, head: torch.nn.Linear, start: Path) -> None:
    tensors = load_file(start / "adapter.safetensors")
    state = model.state_dict()
    for name in state:
        if "lora_" in name:
            state[name] = tensors[_plain(name)].float()
    model.load_state_dict(state)
    head.load_state_dict(
        {"weight": tensors["head.weight"].float(), "bias": tensors["head.bias"].float()}
    )


def _plain(name: str) -> str:
    """Return the encoder's own name of a factor that peft wraps in its own."""
    return name.replace("base_model.model.", "").replace(".default.weight", "")


def _save(
    model: torch.nn.Module, head: torch.nn.Linear, out: Path, recipe: Recipe, rows: int
) -> None:
    """Write the low-rank factors and the head in fp16, named as the encoder names its weights."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = {"head.weight": head.weight, "head.bias": head.bias}
    for name, value in model.state_dict().items():
        if "lora_" in name:
            tensors[_plain(name)] = value
    kept = {name: value.detach().half().contiguous() for name, value in tensors.items()}
    save_file(kept, out / "adapter.safetensors")
    facts = {"name": out.name, **asdict(recipe), "rows": rows, "scale": recipe.alpha / recipe.rank}
    (out / "recipe.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
