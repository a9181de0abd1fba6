"""Questions that have an answer made into some that have none, to learn from what to refuse.

Where every page that answers is taken away, all that is found instead is wrong, and looks like an
answer as much as such pages do in earnest. A handful of near misses written by hand is less.
"""

from collections.abc import Sequence
from dataclasses import replace

from index.base import Hit
from rag import words
from rag.eval.questions import EvalQuestion, names


def without_answer(hits: Sequence[Hit], question: EvalQuestion) -> list[Hit]:
    """Return the hits less those of gold documents and those that hold the answer's words."""
    told = [" ".join(words.stems(text)) for _, text in question.evidence]
    told = [text for text in (" ".join(words.stems(question.short)), *told) if text]
    return [hit for hit in hits if not _answers(hit, question, told)]


def unanswerable(question: EvalQuestion) -> EvalQuestion:
    """Return the question as one that nothing answers."""
    return replace(
        question, answer="", short="", alternatives=(), gold=(), evidence=(), answerable=False
    )


def _answers(hit: Hit, question: EvalQuestion, told: Sequence[str]) -> bool:
    if any(names(gold, hit.chunk.document.id) for gold in question.gold):
        return True
    held = " ".join(words.stems(hit.chunk.text))
    return any(text in held for text in told)
