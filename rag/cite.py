"""Claims of an answer → the sentence that supports each, and citations with verbatim quotes.

What a model wrote as "[n]" is evidence, not authority: numbers are assigned here, after
generation, and a claim that no passage supports has no citation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from index.base import Embedder, Hit
from rag import verify, words
from rag.base import Citation, Outcome, Quote, Verdict
from rag.evidence import NOT_HERE, Sentence
from rag.sentences import sentences

MIN_COSINE = 0.6  # claim and sentence, both embedded; below it they speak of different things
MIN_OVERLAP = 0.6  # share of the claim's content words that the sentence or its lead-in holds
SURELY_FITS = 128  # letters that no script makes too many tokens of: three each in Hangul

WHOLE = 45  # words of a sentence that takes the place of a piece of it
_YES_NO = re.compile(r"^(?:Yes|No)[,.:;]\s+(?=\w)", re.I)
_BULLET = re.compile(r"^[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+(?=\S)", re.M)
_MARKER = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer, and what it rests on."""

    text: str
    support: Sentence | None  # None: nothing retrieved says so
    nearest: Sentence | None = None  # speaks of the same, whatever it says
    repaired: bool = False  # whether it is not what was written
    step: int = 0  # its number where a list is told, a line each; 0: it is no step


def resolve(text: str, ranked: Sequence[Sentence], embedder: Embedder) -> list[Claim]:
    """Return the sentences of a model's answer, each with the sentence that supports it."""
    plain = unmarked(text)
    claims = [" ".join(plain[a:b].split()) for a, b in sentences(plain, 0, len(plain))]
    return [_whole(_claim(claim, ranked, embedder)) for claim in claims]


def unmarked(text: str) -> str:
    """Return a text without "[n]", whoever wrote it: a document's own would point at our sources.

    Until none is left: of "[[1]2]" a "[2]" remains.
    """
    while (bare := _MARKER.sub("", text)) != text:
        text = bare
    return text


def unlisted(text: str) -> str:
    """Return a model's answer without the bullets and numbers of its lists."""
    return _BULLET.sub("", text)


def unopened(text: str) -> str:
    """Return a model's answer without the Yes or No that it begins with."""
    return _YES_NO.sub("", text)


def repaired(claims: Sequence[Claim]) -> list[Claim]:
    """Return the claims; one that got its source's facts wrong says what the source says.

    One that no sentence comes near stays unsupported, and so is not told. Where nothing at all is
    supported the claims come back as they are: then there is no answer to repair.
    """
    if not any(claim.support for claim in claims):
        return list(claims)
    said = {claim.support.text for claim in claims if claim.support}
    kept: list[Claim] = []
    for claim in claims:
        if claim.support is None and claim.nearest and claim.nearest.text not in said:
            said.add(claim.nearest.text)
            kept.append(replace(verbatim(claim.nearest), repaired=True))
        else:
            kept.append(claim)
    return kept


def verbatim(sentence: Sentence) -> Claim:
    """Return the claim that a sentence makes itself, worded so that it can be read alone."""
    text = " ".join(sentence.text.split())
    if sentence.row:
        text = _row(sentence.lead, text)
    elif sentence.lead:
        text = f"{' '.join(sentence.lead.split())} {text}"
    return Claim(text, sentence)


def _row(header: str, row: str) -> str:
    """Return a table row with the names of its columns: "Region: EMEA; days: 25".

    A line that ends early has empty cells there.
    """
    if not header:
        return "; ".join(cell for cell in _cells(row) if cell)
    pairs = zip_longest(_cells(header), _cells(row), fillvalue="")
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


def _cells(line: str) -> list[str]:
    """Return the cells of a table's line; the first and the last may be empty."""
    padded = f" {line}" if line.startswith("| ") else line
    return (f"{padded} " if padded.endswith(" |") else padded).split(" | ")


def _claim(claim: str, ranked: Sequence[Sentence], embedder: Embedder) -> Claim:
    """Return a claim with its support; where only its Yes or No is unsupported, without that."""
    found = matched(claim, ranked, embedder)
    shorter = unopened(claim)
    if found.support is None and shorter != claim:
        shorter = shorter[:1].upper() + shorter[1:]
        return replace(matched(shorter, ranked, embedder), repaired=True)
    return found


def _whole(claim: Claim) -> Claim:
    """Return the claim; a piece out of its source's sentence as that sentence.

    "Submit your timesheet on your behalf" leaves out who does and when, and every word is right.
    """
    if claim.support is None:
        return claim
    source = " ".join(claim.support.text.split()).lower()
    begins = source.find(claim.text.rstrip(".!").lower())
    whole = replace(verbatim(claim.support), repaired=True)
    cut = begins > 0 or (begins == 0 and bool(claim.support.lead))
    return whole if cut and len(whole.text.split()) <= WHOLE else claim


def omits(question: str, claims: Sequence[Claim]) -> bool:
    """Whether a number, time, name … was asked for that the sources show and the claims leave out.

    A small model likes to say all of a sentence but its value.
    """
    wanted = words.wanted(question)
    if wanted is words.Wanted.ANY or any(words.shows(wanted, claim.text) for claim in claims):
        return False
    return any(claim.support and words.shows(wanted, claim.support.text) for claim in claims)


def matched(claim: str, ranked: Sequence[Sentence], embedder: Embedder) -> Claim:
    """Return a claim with the sentence that says what it says, if there is one.

    Numbers, dates, names and negations of the claim must stand in the sentence, its lead-in or
    its heading; of the sentences that pass, the one nearest in words and meaning supports it.
    """
    if _repeats(claim):
        return Claim(claim, None)
    names = verify.known_names(f"{s.heading} | {s.lead} | {s.text}" for s in ranked)
    alike = [(overlap, s) for s in ranked if (overlap := _overlap(claim, s)) >= MIN_OVERLAP]
    cosines = _cosines(claim, [sentence for _, sentence in alike], embedder)
    near = [
        (cosine + overlap, sentence)
        for cosine, (overlap, sentence) in zip(cosines, alike, strict=True)
        if cosine >= MIN_COSINE
    ]
    near.sort(key=lambda each: -each[0])
    passing = (sentence for _, sentence in near if _says(claim, sentence, names))
    return Claim(claim, next(passing, None), near[0][1] if near else None)


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
        said.append(f"{_before(claim)}{unmarked(claim.text)} [{marker}]")
    citations = tuple(
        citation(hits[supports[0].hit], supports, marker) for marker, supports in resting.items()
    )
    return " ".join(said).replace(" \n", "\n").strip(), citations


def _before(claim: Claim) -> str:
    """Return what stands before a step: the line that introduces the list, and its number."""
    if not claim.step or claim.support is None:
        return ""
    lead = unmarked(" ".join(claim.support.lead.split()))
    return f"{lead}\n{claim.step}. "


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
    spans |= {
        (s.lead_start, s.lead_start + len(s.lead))
        for s in supports
        if s.lead and s.lead_start != NOT_HERE
    }
    first = hit.chunk.start
    return tuple(
        Quote(hit.chunk.text[start - first : end - first], start, end)
        for start, end in sorted(spans)
    )


def _overlap(claim: str, sentence: Sentence) -> float:
    asked = set(words.content_stems(claim))
    held = set(words.stems(f"{sentence.lead} {sentence.text}"))
    return len(asked & held) / len(asked) if asked else 0.0


def _cosines(claim: str, found: Sequence[Sentence], embedder: Embedder) -> list[float]:
    """Return how near a claim is to each of the sentences in its context."""
    if not found:
        return []
    vectors = embedder.embed_passages([_fitting(s.in_context, embedder) for s in found])
    return list((vectors @ embedder.embed_query(claim)).tolist())


def _fitting(text: str, embedder: Embedder) -> str:
    """Return the text as far as the embedder can read it."""
    while len(text) > SURELY_FITS:
        tokens = embedder.count_tokens(text)
        if tokens <= embedder.max_tokens:
            break
        text = text[: len(text) * embedder.max_tokens // tokens]
    return text


def _repeats(claim: str) -> bool:
    """Whether a small model went round in circles."""
    said = words.stems(claim)
    return len(said) > 2 * len(set(said))


def _says(claim: str, sentence: Sentence, names: frozenset[str]) -> bool:
    if claim == unmarked(verbatim(sentence).text):
        return True
    source = " | ".join(filter(None, (sentence.heading, sentence.lead, sentence.text)))
    return verify.says(claim, source, names)
