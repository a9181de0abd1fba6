"""An answer in the sources' own words: the most likely sentences, verbatim where they read well."""

from collections.abc import Sequence

from rag.cite import Claim
from rag.evidence import Sentence

SECOND = 0.6  # a second sentence is added when it is at least this share as likely as the first
MAX_WORDS = 60  # of the answer


def claims(ranked: Sequence[Sentence]) -> list[Claim]:
    """Return one or two claims, each resting on the sentence it is made of, in reading order."""
    if not ranked:
        return []
    chosen = [ranked[0]]
    for sentence in ranked[1:3]:
        likely = sentence.probability >= SECOND * ranked[0].probability
        short = len(f"{chosen[0].text} {sentence.text}".split()) <= MAX_WORDS
        if likely and short and sentence.text != chosen[0].text:
            chosen.append(sentence)
            break
    chosen.sort(key=lambda s: (s.hit != ranked[0].hit, s.start))
    return [Claim(_said(sentence), sentence) for sentence in chosen]


def _said(sentence: Sentence) -> str:
    """Return the sentence so that it can be read alone."""
    text = " ".join(sentence.text.split())
    if sentence.row:
        return _row(sentence.lead, text)
    if sentence.lead:
        return f"{' '.join(sentence.lead.split())} {text}"
    return text


def _row(header: str, row: str) -> str:
    """Return a table row with the names of its columns: "Region: EMEA; days: 25"."""
    names, cells = header.split(" | "), row.split(" | ")
    if len(names) != len(cells):
        return "; ".join(cell for cell in cells if cell)
    return "; ".join(
        f"{name}: {cell}" if name else cell for name, cell in zip(names, cells, strict=True) if cell
    )
