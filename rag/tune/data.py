"""Answered questions into training examples, in exactly the prompt that the product builds.

The passages are what retrieval found, so that the distractors are those the model will meet. The
sentences are ordered by the regression that knows no training row, not by the readers, which have
learned these rows by heart and would always put the right one first; then one that answers is put
where the readers put it of questions they do not know.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rag import prompt, words
from rag.base import LanguageModel
from rag.eval.questions import EvalQuestion
from rag.evidence import Sentence, Weights
from rag.tune.calibrate import Example

# Share of questions whose first sentence that answers is first, second, third … of the ranking: of
# development questions, measured as rag/eval/LOG.md says.
PLACES = (0.75, 0.15, 0.04, 0.02, 0.02, 0.02)
SHARED = 0.5  # share of the answer's content words that its evidence must hold
REFUSAL = "The passages do not say."


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model reads, and what it should reply."""

    system: str
    user: str
    reply: str


@dataclass(frozen=True, slots=True)
class Curated:
    """The examples of some questions, and why the others gave none."""

    turns: tuple[Turn, ...]
    outcomes: dict[str, int]  # "kept", "refusal", or the reason -> questions


def curate(
    candidates: Iterable[tuple[Example, Sequence[Sentence], Sequence[bool]]],
    likely: Weights,
    model: LanguageModel,
    *,
    prompt_tokens: int,
    refusals: float,
    seed: int,
) -> Curated:
    """Return a turn for every question whose evidence was found and supports its answer.

    candidates: an example, its sentences, and which of them are the evidence.
    refusals: share in [0, 1] of the unanswerable questions that become refusals.
    """
    dice = random.Random(seed)
    outcomes: Counter[str] = Counter()
    turns: dict[str, Turn] = {}  # by what is read: a question written twice counts once
    for example, found, answers in candidates:
        outcome, turn = _turn(example, found, answers, likely, model, prompt_tokens, dice)
        if outcome == "refusal" and dice.random() >= refusals:
            outcome, turn = "unanswerable", None
        if turn is not None and turn.user in turns:
            outcome, turn = "duplicate", None
        outcomes[outcome] += 1
        if turn is not None:
            turns[turn.user] = turn
    return Curated(tuple(turns.values()), dict(outcomes))


def write(turns: Iterable[Turn], file: Path) -> None:
    """Write {"system", "user", "reply"} a line."""
    lines = (json.dumps(asdict(turn), ensure_ascii=False) + "\n" for turn in turns)
    file.write_text("".join(lines), encoding="utf-8")


def load(file: Path) -> list[Turn]:
    """Read what `write` wrote."""
    with file.open(encoding="utf-8") as lines:
        return [Turn(**json.loads(line)) for line in lines]


def table(outcomes: dict[str, int]) -> str:
    """Return how many questions became examples, and why the others did not."""
    total = sum(outcomes.values())
    rows = sorted(outcomes.items(), key=lambda row: -row[1])
    return "\n".join(f"{count:6d}  {count / total:6.1%}  {outcome}" for outcome, count in rows)


def _turn(
    example: Example,
    found: Sequence[Sentence],
    answers: Sequence[bool],
    likely: Weights,
    model: LanguageModel,
    prompt_tokens: int,
    dice: random.Random,
) -> tuple[str, Turn | None]:
    """Return the outcome, and the turn if there is one."""
    question = example.question
    if not found:
        return "nothing found", None
    evidence = [s for s, answer in zip(found, answers, strict=True) if answer]
    if question.answerable and not evidence:
        return "evidence not among the sentences found", None
    if question.answerable and not _supported(question):
        return "answer not in the words of its evidence", None
    ranked = _placed(_ordered(found, likely), evidence, dice)
    packed = prompt.pack(example.query, example.hits, ranked, model, prompt_tokens)
    if not question.answerable:
        return "refusal", Turn(packed.system, packed.user, REFUSAL)
    cited = _markers(question, evidence, packed)
    if not cited:
        return "evidence does not fit the prompt", None
    reply = " ".join(question.answer.split())
    reply = reply if reply.endswith((".", "!", "?")) else f"{reply}."
    return "kept", Turn(packed.system, packed.user, f"{reply} {cited}")


def _ordered(found: Sequence[Sentence], likely: Weights) -> list[Sentence]:
    logits = likely.logit(np.stack([sentence.features for sentence in found]))
    return [found[i] for i in np.argsort(-logits, kind="stable")]


def _placed(
    ranked: list[Sentence], evidence: Sequence[Sentence], dice: random.Random
) -> list[Sentence]:
    """Return the ranking with the likeliest evidence at a place drawn from PLACES."""
    if not evidence:
        return ranked
    best = next(sentence for sentence in ranked if sentence in evidence)
    (place,) = dice.choices(range(len(PLACES)), PLACES)
    before = [sentence for sentence in ranked if sentence not in evidence][:place]
    others = [s for s in ranked if s is not best and not any(s is other for other in before)]
    return [*before, best, *others]


def _markers(question: EvalQuestion, evidence: Sequence[Sentence], packed: prompt.Prompt) -> str:
    """Return "[n]" of the passage that holds the evidence, "[n][m]" where it takes two; or ""."""
    seen = [s for s in evidence if s.hit in packed.shown]
    shown = [s for s in seen if " ".join(s.text.split()) in packed.user]  # its lines joined
    said = set(words.content_stems(question.answer))
    shown.sort(key=lambda s: -len(said & set(words.stems(f"{s.lead} {s.text}"))))
    hits = list(dict.fromkeys(s.hit for s in shown))[: max(1, len(question.evidence))]
    return "".join(f"[{marker}]" for marker in sorted(packed.shown.index(h) + 1 for h in hits))


def _supported(question: EvalQuestion) -> bool:
    """Whether the evidence holds the answer's numbers and at least SHARED of its words."""
    source = " ".join(text for _, text in question.evidence)
    numbers = set(words.numbers(source))
    said = set(words.content_stems(question.answer))
    held = set(words.stems(source))
    if any(number not in numbers for number in words.numbers(question.answer)):
        return False
    return not said or len(said & held) >= SHARED * len(said)
