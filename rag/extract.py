"""An answer in the sources' own words: the most likely sentences, verbatim where they read well."""

from collections.abc import Sequence

from rag.cite import Claim
from rag.evidence import Sentence

# A sentence is added when it is at least this share as likely as the first: a sure answer is one
# sentence, an unsure one up to three. Chosen on the development sets, see rag/eval/LOG.md.
ADDED = 0.3
SENTENCES = 3
MAX_WORDS = 60  # of the answer


def claims(ranked: Sequence[Sentence]) -> list[Claim]:
    """Return one to three claims, each resting on the sentence it is made of.

    The likeliest sentence's passage comes first, sentences of a passage in reading order.
    """
    chosen: list[Sentence] = []
    length = 0
    for sentence in ranked:
        length += len(_said(sentence).split())
        unlikely = sentence.probability < ADDED * ranked[0].probability
        if chosen and (unlikely or length > MAX_WORDS or len(chosen) == SENTENCES):
            break
        if sentence.text not in {other.text for other in chosen}:
            chosen.append(sentence)
    passages = list(dict.fromkeys(sentence.hit for sentence in chosen))
    chosen.sort(key=lambda s: (passages.index(s.hit), s.start))
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
