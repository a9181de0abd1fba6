"""The order in which the candidates of one question are shown: fewer repeats, newer versions first.

Pure. Nothing is lost: what repeats another candidate only comes after those that say more.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from index.base import Hit
from index.versions import older, one_subject, stated, subject

MOST = 2  # chunks of one document, where others compete
COMPETES = 0.95  # share of a third chunk's score: at 0.93 evidence is lost, see rag/eval/LOG.md
TIED = 0.8  # share of an older version's score from which the newer one takes its place
SAME = 0.95  # share of words in common from which two texts say the same

Words = Mapping[str, frozenset[str]]  # text -> its words


def arranged(hits: Sequence[Hit], question: str) -> list[Hit]:
    """Return the hits in the order to show them; those of an older version say so.

    hits: best first. question: if it names the year of the older version, that one is meant.
    """
    words = {hit.chunk.text: frozenset(hit.chunk.text.split()) for hit in hits}
    kept, repeats = _collapsed(_by_version(hits, question, words), words)
    return [*_spread(kept), *repeats]


def _by_version(hits: Sequence[Hit], question: str, words: Words) -> list[Hit]:
    """Mark older versions, and change places with the newer one where their scores are close."""
    order = list(hits)
    for old, new in _versions(hits, words):
        document = old.chunk.document
        order = [
            replace(hit, newer=new.chunk.document.id) if hit.chunk.document == document else hit
            for hit in order
        ]
        places = [hit.chunk.id for hit in order]
        before, after = places.index(old.chunk.id), places.index(new.chunk.id)
        year = stated(document.title)
        meant = year is not None and str(year.year) in question
        if before < after and new.score >= TIED * old.score and not meant:
            order[before], order[after] = order[after], order[before]
    return order


def _versions(hits: Sequence[Hit], words: Words) -> list[tuple[Hit, Hit]]:
    """Return (older, newer) for every two documents that are versions of one: their best hits."""
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit.chunk.document.id, hit)

    subjects = {id: subject(hit.chunk.document.title) for id, hit in best.items()}

    def pair(one: Hit, other: Hit) -> tuple[Hit, Hit] | None:
        if not one_subject(*(subjects[hit.chunk.document.id] for hit in (one, other))):
            return None

        def alike() -> float:
            first, second = words[one.chunk.text], words[other.chunk.text]
            return len(first & second) / max(1, len(first | second))

        found = older(one.chunk.document, other.chunk.document, alike=alike)
        return found and (best[found[0].id], best[found[1].id])

    found = list(best.values())
    pairs = (pair(one, two) for place, one in enumerate(found) for two in found[place + 1 :])
    return [pair for pair in pairs if pair]


def _collapsed(hits: Sequence[Hit], words: Words) -> tuple[list[Hit], list[Hit]]:
    """Return the hits that say something new, and the others; a newer version is kept."""
    kept: list[Hit] = []
    repeats: list[Hit] = []
    for hit in hits:
        place = next((n for n, one in enumerate(kept) if _repeats(one, hit, words)), None)
        if place is None:
            kept.append(hit)
        elif kept[place].newer == hit.chunk.document.id:
            repeats.append(kept[place])
            kept[place] = hit
        else:
            repeats.append(hit)
    return kept, repeats


def _spread(hits: Sequence[Hit]) -> list[Hit]:
    """Let a document's third chunk wait while others are about as good."""
    order: list[Hit] = []
    waiting: list[Hit] = []
    shown: Counter[str] = Counter()
    for hit in hits:
        order += [held for held in waiting if hit.score < COMPETES * held.score]
        waiting = [held for held in waiting if hit.score >= COMPETES * held.score]
        document = hit.chunk.document.id
        if shown[document] >= MOST:
            waiting.append(hit)
        else:
            shown[document] += 1
            order.append(hit)
    return order + waiting


def _repeats(first: Hit, second: Hit, words: Words) -> bool:
    """Tell whether two chunks say the same: they differ in few words, no name and no number."""
    one, other = first.chunk.text, second.chunk.text
    if min(len(one), len(other)) < SAME * max(len(one), len(other)):
        return False
    shared = len(words[one] & words[other])
    if shared < SAME * (len(words[one]) + len(words[other]) - shared):
        return False
    return not any(map(_tells, words[one] ^ words[other]))


def _tells(word: str) -> bool:
    """Tell whether a word may be a name or a number."""
    return any(letter.isupper() or letter.isdigit() for letter in word)
