"""Claims of an answer → the sentence that supports each, and citations with verbatim quotes.

What a model wrote as "[n]" is evidence, not authority: numbers are assigned here, after
generation, and a claim that no passage supports has no citation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.base import Embedder, Hit
from rag import words
from rag.base import Citation, Outcome, Quote, Verdict
from rag.evidence import Sentence
from rag.sentences import sentences

MIN_COSINE = 0.6  # claim and sentence, both embedded; below it they speak of different things
MIN_OVERLAP = 0.6  # share of the claim's content words that the sentence or its heading holds

_YES_NO = re.compile(r"^(?:Yes|No)[,.:;]\s+(?=\w)", re.I)
_MARKER = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
_NEGATION = re.compile(r"\b(?:not|no|never|cannot|without|neither|nor|none)\b|n['’]t\b", re.I)
_NAME = re.compile(r"(?<=[a-z,;:] )[A-Z][\w&'’-]+")


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer, and what it rests on."""

    text: str  # without "[n]"
    support: Sentence | None  # None: nothing retrieved says so
    repaired: bool = False  # whether it is not what was written


def resolve(text: str, ranked: Sequence[Sentence], embedder: Embedder) -> list[Claim]:
    """Return the sentences of a model's answer, each with the sentence that supports it."""
    plain = _MARKER.sub("", text)
    claims = [" ".join(plain[a:b].split()) for a, b in sentences(plain, 0, len(plain))]
    return [_claim(claim, ranked, embedder) for claim in claims]


def _claim(claim: str, ranked: Sequence[Sentence], embedder: Embedder) -> Claim:
    """Return a claim with its support; where only its Yes or No is unsupported, without that."""
    resting = support(claim, ranked, embedder)
    if resting is None and (opening := _YES_NO.match(claim)):
        shorter = claim[opening.end() :]
        shorter = shorter[:1].upper() + shorter[1:]
        return Claim(shorter, support(shorter, ranked, embedder), repaired=True)
    return Claim(claim, resting)


def omits(question: str, claims: Sequence[Claim]) -> bool:
    """Whether a number, time, name … was asked for that the sources show and the claims leave out.

    A small model likes to say all of a sentence but its value.
    """
    wanted = words.wanted(question)
    if wanted is words.Wanted.ANY or any(words.shows(wanted, claim.text) for claim in claims):
        return False
    return any(claim.support and words.shows(wanted, claim.support.text) for claim in claims)


def support(claim: str, ranked: Sequence[Sentence], embedder: Embedder) -> Sentence | None:
    """Return the sentence that says what the claim says, or None.

    Numbers, names and negations of the claim must stand in the sentence, its lead-in or its
    heading; of the sentences that pass, the one nearest in words and meaning is returned.
    """
    if _repeats(claim):
        return None
    vector = embedder.embed_query(claim)
    best: tuple[float, Sentence] | None = None
    for sentence in ranked:
        cosine = float(sentence.vector @ vector)
        overlap = _overlap(claim, sentence)
        if cosine < MIN_COSINE or overlap < MIN_OVERLAP or not _consistent(claim, sentence):
            continue
        if best is None or cosine + overlap > best[0]:
            best = (cosine + overlap, sentence)
    return best[1] if best else None


def cited(claims: Sequence[Claim], hits: Sequence[Hit]) -> tuple[str, tuple[Citation, ...]]:
    """Return the answer with "[n]" after every supported claim, and the citations; drop the rest.

    One number a place: two claims from one section share it, and it carries both quotes.
    """
    numbers: dict[tuple[str, int], int] = {}
    resting: dict[int, list[Sentence]] = {}
    said = []
    for claim in claims:
        if claim.support is None:
            continue
        chunk = hits[claim.support.hit].chunk
        key = (chunk.id, chunk.place_at(claim.support.start).start)
        marker = numbers.setdefault(key, len(numbers) + 1)
        resting.setdefault(marker, []).append(claim.support)
        said.append(f"{claim.text} [{marker}]")
    citations = tuple(
        citation(hits[supports[0].hit], supports, marker) for marker, supports in resting.items()
    )
    return " ".join(said), citations


def verdicts(claims: Sequence[Claim], hits: Sequence[Hit]) -> tuple[Verdict, ...]:
    """Return what became of every claim, without its words."""
    return tuple(_verdict(claim, hits) for claim in claims)


def _verdict(claim: Claim, hits: Sequence[Hit]) -> Verdict:
    words_ = len(claim.text.split())
    if claim.support is None:
        return Verdict("dropped", words_, None, None, 0, 0)
    chunk = hits[claim.support.hit].chunk
    outcome: Outcome = "repaired" if claim.repaired else "supported"
    start, end = claim.support.start, claim.support.end
    return Verdict(outcome, words_, chunk.id, chunk.document.id, start, end)


def citation(hit: Hit, supports: Sequence[Sentence], marker: int) -> Citation:
    """Return the citation of one place, with the sentences that are quoted from it.

    Without sentences it points at the chunk as a whole and quotes nothing.
    """
    chunk = hit.chunk
    place = chunk.place_at(supports[0].start if supports else chunk.start)
    return Citation(
        marker=marker,
        document_id=chunk.document.id,
        chunk_id=chunk.id,
        title=chunk.document.title,
        heading=" › ".join(place.heading),
        page=place.page,
        url=place.url,
        kind=chunk.document.kind,
        updated_at=chunk.document.updated_at,
        quotes=_quotes(hit, supports),
        passage=Quote(chunk.text, chunk.start, chunk.end),
    )


def _quotes(hit: Hit, supports: Sequence[Sentence]) -> tuple[Quote, ...]:
    """Return the sentences and their lead-in lines verbatim, in reading order, each once."""
    spans = {(s.start, s.end) for s in supports}
    spans |= {(s.lead_start, s.lead_start + len(s.lead)) for s in supports if s.lead}
    first = hit.chunk.start
    return tuple(
        Quote(hit.chunk.text[start - first : end - first], start, end)
        for start, end in sorted(spans)
    )


def _overlap(claim: str, sentence: Sentence) -> float:
    asked = set(words.content_stems(claim))
    held = set(words.stems(f"{sentence.lead} {sentence.text}"))
    return len(asked & held) / len(asked) if asked else 0.0


def _repeats(claim: str) -> bool:
    """Whether a small model went round in circles."""
    said = words.stems(claim)
    return len(said) > 2 * len(set(said))


def _consistent(claim: str, sentence: Sentence) -> bool:
    """Whether the sentence holds every number and name of the claim, and negates as it does."""
    source = f"{sentence.heading} {sentence.lead} {sentence.text}"
    held = set(words.numbers(source))
    if any(number not in held for number in words.numbers(claim)):
        return False
    lower = source.lower()
    if any(name.lower() not in lower for name in _NAME.findall(claim)):
        return False
    return bool(_NEGATION.search(claim)) == bool(_NEGATION.search(source))
