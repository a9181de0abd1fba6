"""Which documents a measurement takes of a corpus that is too large for it. Pure and seeded."""

import random
from collections.abc import Collection, Sequence

from rag.eval.questions import names

SEED = 20261121
CHANGED = 0.01  # of the documents


def order(ids: Collection[str], gold: Collection[str]) -> list[str]:
    """Return every id once: those that answer a question first, the rest shuffled.

    gold: whole ids, or the source's own keys.
    """
    wanted = set(gold)
    first = sorted(id for id in ids if id in wanted or id.partition(":")[2] in wanted)
    rest = sorted(set(ids) - set(first))
    random.Random(SEED).shuffle(rest)
    return first + rest


def changing(ids: Collection[str]) -> list[str]:
    """Return the documents that change overnight: one in a hundred, at least one."""
    return sorted(random.Random(SEED).sample(sorted(ids), max(1, round(CHANGED * len(ids)))))


def missing(gold: Collection[str], ids: Sequence[str]) -> list[str]:
    """Return the gold ids that no document has."""
    return sorted(given for given in gold if not any(names(given, id) for id in ids))
