"""Hits into sentences, ranked by how likely each answers the question.

Knows no language model. The ranking feeds the prompt, the extractive answer and the confidence.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.base import Embedder, Hit, Vector
from rag import words
from rag.sentences import units

EMBEDDED = 48  # sentences whose vectors are made for one question: 26 ms on two cores
MIN_LETTERS = 12  # shorter units (a lone heading word, a table cell) answer nothing

FEATURES = (
    "cosine",  # question and sentence in its context
    "passage_cosine",  # question and chunk
    "rank",  # 1 / (1 + place of the chunk among the hits)
    "covered",  # share of the question's words in the sentence, by rarity
    "covered_with_context",  # … or in its headings, its lead-in or its neighbours' chunk title
    "pairs",  # share of the question's neighbouring words that stand together here too
    "kind",  # holds a number, a name, a place … when the question wants one
    "length",  # log of its words
    "row",  # is a table row
    "item",  # has a lead-in line
    "question",  # is itself a question
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A unit of a retrieved chunk, and how likely it answers the question."""

    hit: int  # position of its chunk among the hits
    start: int  # [start, end) in the document's parsed text
    end: int
    text: str  # verbatim
    lead: str  # the line that introduces it, verbatim; "" if there is none
    lead_start: int  # where the lead begins in the document's parsed text
    row: bool
    heading: str  # of the place it stands in
    vector: Vector  # (dim,) of the sentence in its context
    features: NDArray[np.float32]  # (len(FEATURES),)
    probability: float  # in [0, 1]


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic regression over FEATURES, fitted by `footnote tune calibrate`."""

    mean: NDArray[np.float64]  # (n,) subtracted before, so that weights are comparable
    scale: NDArray[np.float64]  # (n,) divided by
    weight: NDArray[np.float64]  # (n,)
    bias: float

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (rows,) probabilities for (rows, n) features."""
        logits = ((features - self.mean) / self.scale) @ self.weight + self.bias
        result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-logits))
        return result


def rank(
    question: str, vector: Vector, hits: Sequence[Hit], embedder: Embedder, weights: Weights
) -> list[Sentence]:
    """Return the sentences of the hits, most likely answer first; ties keep the hits' order.

    vector: the question's. Sentences beyond the EMBEDDED most promising are left out.
    """
    found = [sentence for position, hit in enumerate(hits) for sentence in _split(position, hit)]
    found = _promising(question, found)
    if not found:
        return []
    vectors = embedder.embed_passages([_in_context(s, hits[s.hit])[:1000] for s in found])
    features = _features(question, found, hits, vectors @ vector)
    known = [replace(s, vector=vectors[i], features=features[i]) for i, s in enumerate(found)]
    return reranked(known, weights)[0]


def reranked(
    found: Sequence[Sentence], weights: Weights
) -> tuple[list[Sentence], NDArray[np.intp]]:
    """Return the sentences by the given weights, likeliest first, and where each stood before."""
    chances = weights.probability(np.stack([sentence.features for sentence in found]))
    order = np.argsort(-chances, kind="stable")
    return [replace(found[i], probability=float(chances[i])) for i in order], order


def _split(position: int, hit: Hit) -> list[Sentence]:
    chunk = hit.chunk
    none = np.zeros(0, np.float32)  # until `rank` fills it in
    found = []
    for unit in units(chunk.text):
        text = chunk.text[unit.start : unit.end]
        lead = chunk.text[slice(*unit.lead)].strip() if unit.lead else ""
        place = chunk.place_at(chunk.start + unit.start)
        if len(text) < MIN_LETTERS and not lead:
            continue
        if place.heading and text == place.heading[-1]:
            continue
        found.append(
            Sentence(
                hit=position,
                start=chunk.start + unit.start,
                end=chunk.start + unit.end,
                text=text,
                lead=lead,
                lead_start=chunk.start + unit.lead[0] if unit.lead else chunk.start + unit.start,
                row=unit.row,
                heading=" › ".join(place.heading),
                vector=none,
                features=none,
                probability=0.0,
            )
        )
    return found


def _promising(question: str, found: list[Sentence]) -> list[Sentence]:
    """Keep the EMBEDDED sentences with most of the question's words, the best hits' first."""
    if len(found) <= EMBEDDED:
        return found
    asked = set(words.content_stems(question))
    scored = sorted(
        range(len(found)),
        key=lambda row: (
            -len(asked & set(words.stems(f"{found[row].lead} {found[row].text}")))
            - 1.5 / (1 + found[row].hit)
        ),
    )
    return [found[row] for row in sorted(scored[:EMBEDDED])]


def _in_context(sentence: Sentence, hit: Hit) -> str:
    """Return the sentence with what it is about: title, heading, lead-in line."""
    about = sentence.heading.rpartition(" › ")[2] or hit.chunk.document.title
    return f"{about}: {sentence.lead} {sentence.text}"


def _features(
    question: str, found: Sequence[Sentence], hits: Sequence[Hit], cosines: Vector
) -> NDArray[np.float32]:
    """Return (len(found), len(FEATURES))."""
    asked = words.content_stems(question)
    pairs = set(zip(asked, asked[1:], strict=False))
    kind = words.wanted(question)
    bags = [words.stems(sentence.text) for sentence in found]
    rarity = _rarity(asked, bags)
    table = np.zeros((len(found), len(FEATURES)), np.float32)
    for row, (sentence, bag) in enumerate(zip(found, bags, strict=True)):
        hit = hits[sentence.hit]
        about = words.stems(
            f"{hit.chunk.document.title} {sentence.heading} {sentence.lead} {hit.chunk.context}"
        )
        content = [s for s in bag if s in rarity]
        table[row] = (
            cosines[row],
            hit.cosine if hit.cosine is not None else 0.2,
            1.0 / (1 + sentence.hit),
            _covered(rarity, set(bag)),
            _covered(rarity, {*bag, *about}),
            len(pairs & set(zip(content, content[1:], strict=False))) / max(1, len(pairs)),
            float(words.shows(kind, sentence.text)) if kind is not words.Wanted.ANY else 0.5,
            math.log1p(len(bag)),
            float(sentence.row),
            float(bool(sentence.lead)),
            float(sentence.text.endswith("?")),
        )
    return table


def _rarity(asked: Sequence[str], bags: Sequence[list[str]]) -> dict[str, float]:
    """Return word -> weight, summing to 1: words in few of the sentences weigh more."""
    held = Counter(stem for bag in bags for stem in set(bag))
    weights = {stem: math.log((len(bags) + 1) / (held[stem] + 0.5)) for stem in asked}
    total = sum(weights.values()) or 1.0
    return {stem: weight / total for stem, weight in weights.items()}


def _covered(rarity: dict[str, float], bag: set[str]) -> float:
    return sum(weight for stem, weight in rarity.items() if stem in bag)
