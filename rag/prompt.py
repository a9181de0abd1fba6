"""The prompt: a versioned template, and the best sentences packed into the model's budget.

Knows sentences and token counts, not where they came from.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from index.base import Hit
from rag.base import LanguageModel
from rag.evidence import Sentence

VERSION = "answer-3"

# By these a model tells who speaks, wherever they stand; a document must not speak as the system.
_TURN = re.compile(
    r"<\|[^<>|]{1,40}\|>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model reads."""

    system: str
    user: str
    shown: tuple[int, ...]  # positions of the hits, in marker order: [1] is shown[0]


def system(version: str = VERSION) -> str:
    """Return the system prompt of a version; the files are in rag/prompts."""
    return files("rag").joinpath("prompts", f"{version}.txt").read_text("utf-8").strip()


def pack(
    question: str,
    hits: Sequence[Hit],
    ranked: Sequence[Sentence],
    model: LanguageModel,
    max_tokens: int,
    *,
    version: str = VERSION,
    draft: str = "",
) -> Prompt:
    """Fill the prompt with the most likely sentences, grouped by passage, best passage first.

    The likeliest sentence is the first of all: a small model believes what it reads first.

    max_tokens: of system and user text together, in the model's own count; the chat template
    adds some ten more. draft: what another model answered.
    """
    head, asked = system(version), _ask(question, draft)
    room = max_tokens - model.count_tokens(head) - model.count_tokens(asked)
    chosen: list[Sentence] = []
    for sentence in ranked:
        block = _blocks(hits, [*chosen, sentence])
        if model.count_tokens("\n".join(block)) > room:
            break
        chosen.append(sentence)
    shown = tuple(dict.fromkeys(sentence.hit for sentence in chosen))
    user = "\n".join([*_blocks(hits, chosen), asked])
    return Prompt(head, user, shown)


def _blocks(hits: Sequence[Hit], chosen: Sequence[Sentence]) -> list[str]:
    """Return one line a passage: "[1] Title: sentence sentence …".

    After the likeliest sentence of all, those of a passage are in reading order.
    """
    lines = []
    for marker, position in enumerate(dict.fromkeys(s.hit for s in chosen), start=1):
        own = [sentence for sentence in chosen if sentence.hit == position]
        own.sort(key=lambda sentence: (sentence is not chosen[0], sentence.start))
        about = own[0].heading.rpartition(" › ")[2] or hits[position].chunk.document.title
        text = " ".join(" ".join(_said(own)).split())
        lines.append(f"[{marker}] {_without_turns(f'{about}: {text}')}")
    return lines


def _said(sentences: Sequence[Sentence]) -> list[str]:
    """Return the sentences, a shared lead-in line once."""
    said: list[str] = []
    for sentence in sentences:
        if sentence.lead and sentence.lead not in said:
            said.append(sentence.lead)
        if sentence.text not in said:
            said.append(sentence.text)
    return said


def _ask(question: str, draft: str) -> str:
    draft = " ".join(draft.split())
    asked = f"Question: {question}" + (f"\nDraft, unverified: {draft}" if draft else "")
    return _without_turns(asked)


def _without_turns(text: str) -> str:
    while (bare := _TURN.sub(" ", text)) != text:
        text = bare
    return text
