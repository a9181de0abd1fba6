"""How well a ranking of passages finds the documents and the sentences that answer a question.

Pure: ids and texts in, numbers out.

Documents are ranked by their first passage: the rank of a document is the rank of that passage
among all passages, as a reader counts them. Its later passages count for nothing, but they take
their places. `gold` ids may be whole or the source's own key, see `questions.names`.
"""

import html
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from rag.eval.questions import names

IN_ORDER = 0.9  # share of an evidence's words that a passage must have, in their order
WINDOW = 1.25  # within this many times the evidence's length

_MARKUP = [
    (re.compile(r"<!--.*?-->|</?[a-z][\w-]*(?:\s[^<>]*)?/?>", re.I | re.S), " "),
    (re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s[^()]*)?\)|\[[^\[\]]*\])"), r"\1"),  # links
    (re.compile(r"\[![a-z]+\]", re.I), " "),  # [!NOTE]
    (re.compile(r"^[\s>]*(?:[-*+]|\d{1,3}[.)])\s+", re.M), " "),  # list markers
]
_WORD = re.compile(r"[^\W_]+")


def hit(found: Sequence[str], gold: Sequence[str], *, k: int) -> float:
    """Return 1 if a gold document is among the first k passages, else 0.

    found: document id of every passage, best first; gold: not empty.
    """
    return float(bool(_ranks(found[:k], gold)))


def recall(found: Sequence[str], gold: Sequence[str], *, k: int) -> float:
    """Return the share of the gold documents that are among the first k passages."""
    return len(_ranks(found[:k], gold)) / len(set(gold))


def ndcg(found: Sequence[str], gold: Sequence[str], *, k: int) -> float:
    """Return nDCG with binary relevance: DCG = Σ 1 / log2(1 + rank), over that of a perfect order.

    Source: Järvelin & Kekäläinen, TOIS 2002; this discount as in trec_eval.
    """
    ideal = range(1, min(len(set(gold)), k) + 1)
    return _dcg(_ranks(found[:k], gold)) / _dcg(ideal)


def evidence_share(
    evidence: Sequence[tuple[str, str]], passages: Sequence[tuple[str, str]]
) -> float:
    """Return the share of the evidence texts that one of the passages contains.

    evidence: (gold id, text), not empty; passages: (document id, text). An evidence is only
    looked for in passages of its own document, or in all if its id is "".
    """
    found = [
        any(
            contains(text, passage)
            for document_id, passage in passages
            if not given or names(given, document_id)
        )
        for given, text in evidence
    ]
    return sum(found) / len(found)


def contains(evidence: str, passage: str) -> bool:
    """Tell whether a passage contains an evidence text, but for markup and small differences.

    Both become lower-case words without markup, link targets, list markers, quotes and other
    punctuation. Then some stretch of the passage, at most 1.25 times as long as the evidence,
    must have at least 90 % of the evidence's words in the same order.
    """
    wanted, words = _words(evidence), _words(passage)
    needed = math.ceil(IN_ORDER * len(wanted))
    if not wanted or (Counter(wanted) & Counter(words)).total() < needed:
        return False
    size = math.ceil(WINDOW * len(wanted))
    last = max(0, len(words) - size)
    return any(
        common_in_order(wanted, words[start : start + size]) >= needed for start in range(last + 1)
    )


def common_in_order(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence.

    Source: Hyyrö, AWOCA 2004; one integer holds a row of the table, a zero bit is a step in it.
    """
    places: dict[str, int] = {}
    for index, item in enumerate(first):
        places[item] = places.get(item, 0) | 1 << index
    full = (1 << len(first)) - 1
    row = full
    for item in second:
        matches = row & places.get(item, 0)
        row = ((row + matches) | (row - matches)) & full
    return len(first) - row.bit_count()


def _ranks(found: Sequence[str], gold: Sequence[str]) -> list[int]:
    """Return the rank, from 1, of the first passage of every gold document that was found."""
    first = {document_id: rank for rank, document_id in reversed(list(enumerate(found, 1)))}
    ranks = []
    for given in set(gold):
        of_this = [rank for document_id, rank in first.items() if names(given, document_id)]
        if of_this:
            ranks.append(min(of_this))
    return ranks


def _dcg(ranks: Sequence[int]) -> float:
    return sum(1 / math.log2(1 + rank) for rank in sorted(ranks))


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", html.unescape(text))
    for pattern, replacement in _MARKUP:
        plain = pattern.sub(replacement, plain)
    return _WORD.findall(plain.casefold())
