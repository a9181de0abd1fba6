"""Signals of one question → calibrated probability that the answer is right and supported."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.base import Hit
from index.lexical import STOP_WORDS
from rag import measures, words
from rag.evidence import COMPARED, FEATURES, JUDGED, Ranking, Sentence, Weights

_WORD = re.compile(r"[^\W_]+")
_SITE = re.compile(  # "the Tokyo office", "our plant in Tokyo"
    r"\b(?P<before>[A-Z][a-z]{2,}) (?:office|plant|branch|campus|depot|warehouse|hub)\b"
    r"|\b(?:office|plant|branch|campus|depot|warehouse|hub) (?:in|at) (?P<after>[A-Z][a-z]{2,})"
)
_OF_A_COUNTRY = re.compile(  # "the Polish office" is the one in Kraków
    r"(?:ish|ese|ian)$|^(?:Swiss|German|Dutch|French|Czech|Greek|American|Mexican|Catalan)$"
)
_MEASURED = re.compile(rf"\d[\d.,]*(?:{measures.UNIT_WORDS})", re.I)  # "10km"

SIGNALS = (
    "best",  # logit of the likeliest sentence's probability
    "any",  # log-odds, by the pointwise reader, that any of the sentences answers
    "listed",  # the same by the listwise reader
    "margin",  # its distance to the next one from another document
    "sentence_cosine",
    "top_cosine",  # of the nearest passage
    "agreement",  # the first passage is first in meaning and in words
    "covered",  # the question's words, by rarity, in the best sentence and its context
    "asked",  # log of how many content words the question has
    "codes",  # share of the question's numbers and codes that stand in the best passage
    "names",  # share of its names
    "known",  # share of its content words
)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted numbers that ship with a version: rag/calibration.json."""

    ranking: Ranking
    answer: Weights  # over SIGNALS
    version: str = ""  # the first letters of the file's SHA-256


def load() -> Calibration:
    """Read the fitted numbers. They are made by `footnote tune calibrate`."""
    body = files("rag").joinpath("calibration.json").read_bytes()
    table = json.loads(body)
    ranking = Ranking(
        _weights(table["likely"], FEATURES),
        _weights(table["judged"], JUDGED),
        _weights(table["compared"], COMPARED),
    )
    version = hashlib.sha256(body).hexdigest()[:12]
    return Calibration(ranking, _weights(table["answer"], SIGNALS), version)


def signals(question: str, hits: Sequence[Hit], ranked: Sequence[Sentence]) -> NDArray[np.float32]:
    """Return (len(SIGNALS),). ranked is not empty."""
    best = ranked[0]
    chunk = hits[best.hit].chunk
    document = chunk.document.id
    passage = f"{chunk.context}\n{chunk.text}"
    asked = set(words.content_stems(question))
    others = [s.probability for s in ranked[1:] if hits[s.hit].chunk.document.id != document]
    cosines = [hit.cosine for hit in hits if hit.cosine is not None]
    values = dict(zip(FEATURES, best.features, strict=True))
    return np.array(
        (
            _logit(best.probability),
            _any(s.read for s in ranked),
            _any(s.listed for s in ranked),
            _logit(best.probability) - _logit(others[0] if others else 0.01),
            values["cosine"],
            max(cosines, default=0.0),
            float(_agree(hits)),
            values["covered_with_context"],
            np.log1p(len(asked)),
            _share(words.codes(question), words.codes(passage)),
            _share(words.names(question), set(passage.lower().replace(",", " ").split())),
            _share(asked, set(words.stems(passage))),
        ),
        np.float32,
    )


def probability(calibration: Calibration, row: NDArray[np.float32]) -> float:
    """Return the probability that the best evidence answers the question."""
    return float(calibration.answer.probability(row[np.newaxis])[0])


def lacks_code(question: str, hit: Hit) -> bool:
    """Whether the question names a code that the passage does not: "H-38" is not "H-31".

    A code mixes letters and digits, and "W2", "W-2" and "w 2" are one. Such questions are too rare
    in the development sets for the regression to learn it.
    """
    held = _joined(f"{hit.chunk.context}\n{hit.chunk.text}")
    return any(
        _bare(code) not in held
        and any(map(str.isalpha, code))
        and not words.is_amount(code)
        and not _MEASURED.fullmatch(code)
        for code in words.codes(question)
    )


def lacks_site(question: str, hits: Sequence[Hit], best: Sentence) -> bool:
    """Whether the question names an office, plant or the like that is not what was found.

    That is, no passage speaks of it, or the page of the best sentence is about another one: what
    holds in Ghent and Leeds is nothing about the Tokyo office.
    """
    asked = _sites(question[:1].lower() + question[1:])  # its first word is no name by its letter
    if not asked:
        return False
    held = " ".join(f"{h.chunk.document.title} {h.chunk.context} {h.chunk.text}" for h in hits)
    if any(site.lower() not in held.lower() for site in asked):
        return True
    page = hits[best.hit].chunk
    about, everywhere = _WORD.findall(f"{page.document.title} {best.heading}"), _WORD.findall(held)
    others = {site for site in _sites(held) - asked if site.lower() not in everywhere}
    named = any(word.startswith(tuple(asked)) for word in about + _WORD.findall(page.text))
    return not named and not others.isdisjoint(about)  # "Lux" names Luxembourg


def _sites(text: str) -> set[str]:
    """Return the names that offices, plants and the like have in a text."""
    named = {each["before"] or each["after"] for each in _SITE.finditer(text)}
    return {
        name for name in named if name.lower() not in STOP_WORDS and not _OF_A_COUNTRY.search(name)
    }


def _joined(text: str) -> set[str]:
    """Return the codes of a text, every word and every two, as nothing but letters and digits."""
    said = _WORD.findall(text.lower())
    pairs = map("".join, zip(said, said[1:], strict=False))
    return {*said, *pairs, *map(_bare, words.codes(text))}


def _bare(word: str) -> str:
    return "".join(filter(str.isalnum, word)).lower()


def _any(scores: Iterable[float]) -> float:
    """Return the log-odds that any answers against none, of softmax scores where 0 is none."""
    return float(np.log(np.sum(np.exp(np.clip(list(scores), -20, 20)))))


def _share(wanted: set[str], held: set[str]) -> float:
    return len(wanted & held) / len(wanted) if wanted else 1.0


def lacks_turn(turn: str, hits: Sequence[Hit]) -> bool:
    """Whether no passage found holds a word of what this very turn asks.

    A follow-up borrows words of earlier turns. Where they alone led to the passages, those answer
    the earlier question once more, not "and on Mars?".
    """
    asked = set(words.content_stems(turn))
    held = {s for hit in hits for s in words.stems(f"{hit.chunk.context}\n{hit.chunk.text}")}
    return bool(asked) and asked.isdisjoint(held)


def _agree(hits: Sequence[Hit]) -> bool:
    nearest = max(hits, key=lambda hit: hit.cosine or -1.0)
    wordiest = max(hits, key=lambda hit: hit.bm25 or 0.0)
    return nearest.chunk.document.id == wordiest.chunk.document.id


def _logit(chance: float) -> float:
    clipped = min(max(chance, 1e-4), 1 - 1e-4)
    return float(np.log(clipped / (1 - clipped)))


def _weights(table: Mapping[str, Any], names: Sequence[str]) -> Weights:
    if table["names"] != list(names):
        raise ValueError(
            f"rag/calibration.json was fitted on {table['names']}, this version computes "
            f"{list(names)}. Run `footnote tune calibrate`."
        )
    mean, scale, weight = (np.array(table[key], np.float64) for key in ("mean", "scale", "weight"))
    return Weights(mean, scale, weight, float(table["bias"]))
