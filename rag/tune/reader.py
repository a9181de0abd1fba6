"""Tunes the reader: the sentence encoder made to judge (question, sentence) pairs.

Rows say which of a question's candidate sentences answer it; none may. The loss is a softmax over
the candidates and "none of them", so that the scores know what an unanswerable question is.
All layers learn, which on a CPU is twice as fast as low-rank factors in each; what they learned is
cut down to low rank when it is saved. Runs where torch and transformers are.
"""

import json
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModel

from rag.models.reader import merged

MAX_TOKENS = 128  # of question and candidate together
PAIRS = 40  # that run at a time, of like length
EASE = 4  # places after which a candidate is drawn half as often as the first
LOGGED = 50  # steps between two lines of the log
SAVED = 300  # steps between two checkpoints

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
    candidates: tuple[Candidate, ...]  # likeliest first


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run is made of; kept with the adapter."""

    rank: int = 96  # of what is saved
    rate: float = 8e-5
    head_rate: float = 8e-4
    epochs: int = 2
    questions: int = 16  # in a batch
    candidates: int = 9  # of a question, at most
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

    start: the folder of an earlier reader to go on from; None begins with the encoder itself.
    """
    torch.manual_seed(recipe.seed)
    dice = random.Random(recipe.seed)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    model, head = _model(folder)
    base = {name: value.clone() for name, value in model.state_dict().items()}
    if start is not None:
        _go_on(model, head, folder, start)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(
        [
            {"params": weights, "lr": recipe.rate},
            {"params": head.parameters(), "lr": recipe.head_rate},
        ]
    )
    steps = recipe.epochs * (len(rows) // recipe.questions)
    rates = [recipe.rate, recipe.head_rate]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, steps + 2, pct_start=0.1)
    facts = {**asdict(recipe), "rows": len(rows)}
    step, total = 0, 0.0
    for _ in range(recipe.epochs):
        for batch in _batches(rows, recipe, dice):
            loss = _loss(model, head, tokenizer, batch)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            step, total = step + 1, total + float(loss.detach())
            if step % LOGGED == 0:
                log.info("step=%d/%d loss=%.3f", step, steps, total / LOGGED)
                total = 0.0
            if step % SAVED == 0:
                save(model.state_dict(), base, _named(head), out, facts)
    save(model.state_dict(), base, _named(head), out, facts)


def average(folder: Path, adapters: Sequence[Path], out: Path, *, rank: int) -> None:
    """Write the adapter in the middle of several: the mean of their weights, cut to rank again.

    folder: of the encoder that all were tuned on. Runs that went on from one reader over other
    rows err apart, and their mean less than each. Source: Wortsman et al., ICML 2022.
    """
    base = load_arrays(folder / "model.safetensors")
    several = [merged(base, load_arrays(each / "adapter.safetensors")) for each in adapters]
    means = {
        name: torch.from_numpy(sum(np.asarray(each[name], np.float32) for each in several))
        / len(several)
        for name in several[0]
        if any(each[name] is not base.get(name) for each in several)
    }
    tuned = {name: mean for name, mean in means.items() if name in base}
    own = {name: mean for name, mean in means.items() if name not in base}
    before = {name: torch.from_numpy(base[name]) for name in tuned}
    save(tuned, before, own, out, {"rank": rank, "mean_of": [each.name for each in adapters]})


def low_rank(delta: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Return A, (rank, in), and B, (out, rank), so that B·A is the nearest matrix of that rank.

    delta: (out, in). Source: Eckart & Young, Psychometrika 1936.
    """
    left, sizes, right = torch.linalg.svd(delta.float(), full_matrices=False)
    root = sizes[:rank].sqrt()
    return root[:, None] * right[:rank], left[:, :rank] * root


def _model(folder: Path) -> tuple[torch.nn.Module, torch.nn.Linear]:
    """Return the encoder, whose embeddings stay as they are, and a fresh head."""
    model: torch.nn.Module = AutoModel.from_pretrained(
        folder, local_files_only=True, add_pooling_layer=False, attn_implementation="eager"
    )
    for part in model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0  # drawing its random numbers takes a third of the time
    model.get_submodule("embeddings").requires_grad_(requires_grad=False)
    head = torch.nn.Linear(int(model.config.hidden_size), 1)  # type: ignore[union-attr, arg-type]
    torch.nn.init.normal_(head.weight, std=0.02)
    torch.nn.init.zeros_(head.bias)
    return model.train(), head


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
    return Row(row.question, (*right, *drawn(wrong, room, dice)))


def drawn(wrong: Sequence[Candidate], count: int, dice: random.Random) -> list[Candidate]:
    """Return at most `count` of the candidates, drawn by 1 / (EASE + place): hard ones sooner.

    Source: Efraimidis & Spirakis, Information Processing Letters 2006.
    """
    keys = [dice.random() ** (EASE + place) for place in range(len(wrong))]
    best = sorted(range(len(wrong)), key=keys.__getitem__, reverse=True)[:count]
    return [wrong[place] for place in best]


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
    for first in range(0, len(order), PAIRS):
        rows = [encoded[i].ids for i in order[first : first + PAIRS]]
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


def _named(head: torch.nn.Linear) -> dict[str, Tensor]:
    return {"head.weight": head.weight, "head.bias": head.bias}


def _go_on(model: torch.nn.Module, head: torch.nn.Linear, folder: Path, start: Path) -> None:
    arrays = merged(
        load_arrays(folder / "model.safetensors"), load_arrays(start / "adapter.safetensors")
    )
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    head.load_state_dict({name: tensors.pop(f"head.{name}") for name in ("weight", "bias")})
    model.load_state_dict({name: tensors[name] for name in model.state_dict() if name in tensors})


def save(
    state: Mapping[str, Tensor],
    base: Mapping[str, Tensor],
    more: Mapping[str, Tensor],
    out: Path,
    facts: Mapping[str, object],
) -> None:
    """Write in fp16 what changed: factors of the matrices, the vectors whole, and `more`.

    facts: of recipe.json; "rank" is the factors'.
    """
    out.mkdir(parents=True, exist_ok=True)
    tensors = dict(more)
    for name, value in state.items():
        if torch.equal(value, base[name]):
            continue
        if value.ndim == 2:
            module = name.removesuffix(".weight")
            down, up = low_rank(value - base[name], int(str(facts["rank"])))
            tensors |= {f"{module}.lora_A": down, f"{module}.lora_B": up}
        else:
            tensors[name] = value
    kept = {name: value.detach().half().contiguous() for name, value in tensors.items()}
    save_file(kept, out / "adapter.safetensors")
    named = {"name": out.name, **facts}
    (out / "recipe.json").write_text(json.dumps(named, indent=1) + "\n", encoding="utf-8")
