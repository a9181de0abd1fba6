"""An answer in the sources' own words: the most likely sentences, verbatim where they read well."""

import re
from collections.abc import Sequence
from dataclasses import replace

from rag import words
from rag.cite import Claim, unlisted, unmarked, unopened, verbatim
from rag.evidence import NOT_HERE, Sentence

# A sentence of the first one's document is added when it is at least this share as likely: a sure
# answer is one sentence, an unsure one up to three. Chosen as rag/eval/LOG.md says.
ADDED = 0.2
SENTENCES = 3
MAX_WORDS = 60  # of the answer
APART = 5  # letters between two sentences that follow one another: a blank line, a bullet

# So begins what says the opposite when the sentence before it is left out.
_GOES_ON = re.compile(
    r"(?:Not|Only|But|Except|Otherwise|Nor|Neither|So|Then|Instead|However|Therefore|In that case"
    r"|After that|Afterwards|If so|If not|Both|Either)\b"
)


def claims(ranked: Sequence[Sentence], *, in_order: bool = False) -> list[Claim]:
    """Return one to three claims, each resting on the sentence it is made of.

    in_order: all in reading order, as where it is asked how something is done.

    All are of the likeliest sentence's document: what another adds is seldom to the point. That
    sentence comes first, with those that stand next to it, then the others in reading order.
    "Not in room Whin." is told with the sentence that it goes on from; items of one list, one
    after the other, with the line that introduces them once.
    """
    chosen: list[Sentence] = []
    length = 0
    for sentence in _with_opening(ranked):
        if sentence.document != ranked[0].document:
            continue
        led = any(_share_lead(sentence, other) for other in chosen)
        length += len((_unled(sentence) if led else verbatim(sentence)).text.split())
        unlikely = sentence.probability < ADDED * ranked[0].probability
        if chosen and (unlikely or length > MAX_WORDS or len(chosen) == SENTENCES):
            break
        if sentence.text not in {other.text for other in chosen}:
            chosen.append(sentence)
    stretches = _stretches(chosen)
    if not in_order:
        stretches.sort(key=lambda stretch: all(s is not ranked[0] for s in stretch))
    told = [sentence for stretch in stretches for sentence in stretch]
    return [
        _unled(sentence) if before and _share_lead(sentence, before) else verbatim(sentence)
        for before, sentence in zip([None, *told], told, strict=False)
    ]


def _share_lead(one: Sentence, other: Sentence) -> bool:
    same = (one.hit, one.lead_start) == (other.hit, other.lead_start)
    return same and one.lead_start != NOT_HERE and not one.row and not other.row


def _unled(sentence: Sentence) -> Claim:
    return Claim(" ".join(sentence.text.split()), sentence)


def _with_opening(ranked: Sequence[Sentence]) -> list[Sentence]:
    """Return the sentences; the one that the likeliest goes on from is as likely, and second."""
    if not ranked or ranked[0].row or ranked[0].lead or not _GOES_ON.match(ranked[0].text):
        return list(ranked)
    best = ranked[0]
    for other in ranked:
        if other.hit == best.hit and not other.row and 0 <= best.start - other.end <= APART:
            opening = replace(other, probability=best.probability)
            return [best, opening, *(s for s in ranked[1:] if s is not other)]
    return list(ranked)


def shortens(said: Sequence[Claim], whole: Sequence[Claim], kept: float) -> bool:
    """Whether what was said is the extractive answer with words left out, and not too many.

    whole: the extractive answer, as `claims` returns it.
    kept: share of its content words that must be left; 0 while more may still be said.

    A small model that turns a sentence round turns its meaning round: "red for a national, green
    for a local emergency" became "the national colour is green". It may only leave out.
    """
    held, short = _content(whole), _content(said)
    return len(short) >= kept * len(set(held)) and _leaves_out(short, held)


def may_shorten(begun: str, whole: Sequence[Claim]) -> bool:
    """Whether a text that is still being written may become one that `shortens` the whole.

    begun: what there is of it; its last word may still grow.
    """
    said, _, _ = unopened(unmarked(unlisted(begun))).rpartition(" ")
    return _leaves_out(words.content_stems(said), _content(whole))


def _content(claims: Sequence[Claim]) -> list[str]:
    return [word for claim in claims for word in words.content_stems(claim.text)]


def _leaves_out(short: Sequence[str], whole: Sequence[str]) -> bool:
    left = iter(whole)
    return all(word in left for word in short)


def _stretches(chosen: Sequence[Sentence]) -> list[list[Sentence]]:
    """Return the sentences in reading order, those together that stand together."""
    stretches: list[list[Sentence]] = []
    passages = list(dict.fromkeys(sentence.hit for sentence in chosen))
    for sentence in sorted(chosen, key=lambda s: (passages.index(s.hit), s.start)):
        before = stretches[-1][-1] if stretches else None
        if before and before.hit == sentence.hit and sentence.start - before.end <= APART:
            stretches[-1].append(sentence)
        else:
            stretches.append([sentence])
    return stretches
