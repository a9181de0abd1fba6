"""An answer in the sources' own words: the most likely sentences, verbatim where they read well."""

from collections.abc import Sequence

from rag.cite import Claim, verbatim
from rag.evidence import Sentence

# A sentence of the first one's document is added when it is at least this share as likely: a sure
# answer is one sentence, an unsure one up to three. Chosen as rag/eval/LOG.md says.
ADDED = 0.2
SENTENCES = 3
MAX_WORDS = 60  # of the answer


def claims(ranked: Sequence[Sentence]) -> list[Claim]:
    """Return one to three claims, each resting on the sentence it is made of.

    All are of the likeliest sentence's document: what another adds is seldom to the point. Its
    passage comes first, sentences of a passage in reading order.
    """
    chosen: list[Sentence] = []
    length = 0
    for sentence in ranked:
        if sentence.document != ranked[0].document:
            continue
        length += len(verbatim(sentence).text.split())
        unlikely = sentence.probability < ADDED * ranked[0].probability
        if chosen and (unlikely or length > MAX_WORDS or len(chosen) == SENTENCES):
            break
        if sentence.text not in {other.text for other in chosen}:
            chosen.append(sentence)
    passages = list(dict.fromkeys(sentence.hit for sentence in chosen))
    chosen.sort(key=lambda s: (passages.index(s.hit), s.start))
    return [verbatim(sentence) for sentence in chosen]
