"""A way of doing something, told whole: the numbered list that the likeliest sentence stands in.

Who asks how to do something is not helped by its third step.
"""

from collections.abc import Sequence
from dataclasses import replace

from index.base import Chunk, Hit
from rag import words
from rag.cite import Claim
from rag.evidence import NOT_HERE, Sentence
from rag.sentences import Unit, units

MAX_WORDS = 120  # of all steps
MAX_STEPS = 12
BETWEEN = 3  # sentences of one step, at most: more are no step


def claims(question: str, ranked: Sequence[Sentence], hits: Sequence[Hit]) -> list[Claim]:
    """Return the steps of the list that the likeliest sentence stands in or introduces.

    Nothing, unless a way of doing something is asked for and the passage holds the list from its
    first step on.
    """
    if not ranked or not words.asks_how(question):
        return []
    best = ranked[0]
    chunk = hits[best.hit].chunk
    for steps in _lists(chunk):
        told = [unit for step in steps for unit in step]
        lead = told[0].lead
        first = lead[0] if lead else told[0].start
        if first <= best.start - chunk.start < told[-1].end and _is_short(chunk, steps):
            return [_claim(best, chunk, step, place + 1) for place, step in enumerate(steps)]
    return []


def _lists(chunk: Chunk) -> list[list[list[Unit]]]:
    """Return the numbered lists of a chunk, each a list of steps, each its sentences."""
    found: list[list[list[Unit]]] = []
    steps: list[list[Unit]] = []
    before = 0
    for unit in units(chunk.text):
        goes_on = bool(steps) and _place(chunk, steps[0][0]) == _place(chunk, unit)
        if unit.number and goes_on and unit.number in (before, before + 1):
            steps.append([unit])
        elif unit.number:
            steps = [[unit]] if unit.number == 1 else []
            found += [steps] if steps else []
        elif goes_on and not unit.row:
            steps[-1].append(unit)
        else:
            steps = []
        before = unit.number or before
    for steps in found:
        steps[-1] = _of_one_line(chunk, steps[-1])
    return [steps for steps in found if len(steps) > 1]


def _of_one_line(chunk: Chunk, step: Sequence[Unit]) -> list[Unit]:
    """Return the last step without what stands below the list."""
    end = chunk.text.find("\n", step[0].start)
    return [unit for unit in step if end < 0 or unit.start < end]


def _place(chunk: Chunk, unit: Unit) -> tuple[str, ...]:
    return tuple(chunk.place_at(chunk.start + unit.start).heading)


def _is_short(chunk: Chunk, steps: Sequence[Sequence[Unit]]) -> bool:
    length = sum(len(chunk.text[u.start : u.end].split()) for step in steps for u in step)
    return (
        length <= MAX_WORDS
        and len(steps) <= MAX_STEPS
        and all(len(step) <= BETWEEN for step in steps)
    )


def _claim(best: Sentence, chunk: Chunk, step: Sequence[Unit], number: int) -> Claim:
    """Return a step as a claim that rests on its own sentences."""
    start, end = step[0].start, step[-1].end
    lead = step[0].lead if number == 1 else None
    above = chunk.text[slice(*lead)].strip() if lead else ""
    support = replace(
        best,
        start=chunk.start + start,
        end=chunk.start + end,
        text=chunk.text[start:end],
        lead=above,
        lead_start=chunk.start + chunk.text.index(above, lead[0]) if lead else NOT_HERE,
        row=False,
        heading=" › ".join(_place(chunk, step[0])),
    )
    return Claim(" ".join(support.text.split()), support, step=number)
