"""How right an answer's words are, and whether its citations hold.

Pure: texts and ids in, numbers out.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from rag.eval.questions import EvalQuestion, names

SHORT_ANSWER = 6  # words; a longer answer is a sentence, which nobody repeats word by word
OVERLAP = 0.5  # of the shorter one's words: then a quote is taken from the evidence

_MARKERS = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")
_SPELLINGS: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(r"['’`]"), ""),  # company's, don't
    (re.compile(r"(?<![^\W\d_])(?:[^\W\d_]\.)+[^\W\d_]\b\.?"), lambda m: m[0].replace(".", "")),
    (re.compile(r"\d+(?:\.\d+){2,}"), lambda m: m[0].replace(".", " ")),  # 1.555.101.2020
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),  # 50,000
    (re.compile(r"(?<=\d)\.0+(?![\w.])"), ""),  # 100.0
    (re.compile(r"(?<=\d)\s*per\s?cent\b"), "%"),
    (re.compile(r"(?<=\d)\s*([ap])m\b"), r" \1m"),  # 10am; 10 p.m. has lost its dots above
]
_TOKEN = re.compile(
    r"""
    (?:(?<!\S)-)? \d+ (?:\.\d+)? (?!\w)   # 12, 2.5, -3; but 7-10 is two numbers
  | [^\W_]+ (?:(?:\+\+|\#)(?!\w))?        # words, ic6, c++, c#
  | (?<=\d)\+ | % | [$€£¥]                # what changes the meaning of a number
    """,
    re.VERBOSE,
)
_ARTICLES = frozenset({"a", "an", "the"})


def plain(text: str) -> str:
    """Return an answer's text without its citation markers."""
    return _MARKERS.sub("", text)


def normalise(text: str) -> str:
    """Return the words that count, apart by one blank.

    As for SQuAD, case, articles and punctuation do not matter; unlike there, punctuation parts
    words, and numbers keep their meaning: decimals, %, currencies, a minus, a plus behind them.
    50,000 is 50000 and 100.0 is 100; the plus of a phone number is dropped, and its parts may be
    joined by hyphens, dots, brackets or blanks.
    """
    lower = unicodedata.normalize("NFKC", plain(text)).casefold()
    for pattern, replacement in _SPELLINGS:
        lower = pattern.sub(replacement, lower)
    return " ".join(token for token in _TOKEN.findall(lower) if token not in _ARTICLES)


def exact_match(text: str, question: EvalQuestion) -> bool:
    """Tell whether the text is the answer, its short form or an alternative, normalised."""
    given = [question.answer, question.short, *question.alternatives]
    return normalise(text) in {words for one in given if (words := normalise(one))}


def contains(text: str, question: EvalQuestion) -> bool | None:
    """Tell whether the text says the answer in so many words; None if that cannot be told.

    Looked for, normalised and on word borders: the short form, the answer, every alternative.
    An answer over six words counts only where a short form or alternatives are given with it;
    alone it is a free text that only `token_f1` can judge.
    """
    key = [one for one in (question.short, *question.alternatives) if normalise(one)]
    answer = normalise(question.answer)
    if answer and (key or len(answer.split()) <= SHORT_ANSWER):
        key.append(answer)
    if not key:
        return None
    said = f" {normalise(text)} "
    return any(f" {normalise(one)} " in said for one in key)


def token_f1(text: str, question: EvalQuestion) -> float:
    """Return the harmonic mean of word precision and recall, the best over all full answers.

    Full answers: the answer and its alternatives; the short form only if there is nothing else,
    because a sentence with the short form in it is no worse than the short form alone.
    """
    full = [one for one in (question.answer, *question.alternatives) if one] or [question.short]
    return max(_f1(normalise(text).split(), normalise(one).split()) for one in full)


def is_gold(document_id: str, question: EvalQuestion) -> bool:
    """Tell whether a cited document is one that answers the question."""
    return any(names(given, document_id) for given in question.gold)


def is_evidence(document_id: str, quotes: Sequence[str], question: EvalQuestion) -> bool:
    """Tell whether one of the quotes shares half of its words with an evidence text.

    Half of the words of the shorter of the two, of the same document.
    """
    texts = [text for given, text in question.evidence if not given or names(given, document_id)]
    return any(_overlap(quote, text) >= OVERLAP for quote in quotes for text in texts)


def _overlap(first: str, second: str) -> float:
    """Return the shared words, as a share of the shorter text's."""
    mine, theirs = normalise(first).split(), normalise(second).split()
    shorter = min(len(mine), len(theirs))
    return _shared(mine, theirs) / shorter if shorter else 0.0


def _f1(mine: Sequence[str], theirs: Sequence[str]) -> float:
    return 2 * _shared(mine, theirs) / (len(mine) + len(theirs)) if mine or theirs else 0.0


def _shared(mine: Sequence[str], theirs: Sequence[str]) -> int:
    return (Counter(mine) & Counter(theirs)).total()
