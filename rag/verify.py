"""Whether a sentence of the sources says what a sentence of an answer says. Pure; knows no model.

Strict rather than clever: a claim that fails is replaced by the sources' own words, so a false
alarm costs fluency, a miss costs trust.
"""

import re
from collections.abc import Iterable
from typing import Final

from index.lexical import STOP_WORDS
from rag import words
from rag.facts import facts, holds

_NEGATOR: Final = re.compile(
    r"\b(?:not|no|never|cannot|without|neither|nor|none|nobody|nothing|unless|except|hardly)\b"
    r"|n['’]t\b",
    re.I,
)
_CLAUSE: Final = re.compile(r"[,;:.!?()|–—]|\b(?:and|but|or)\b")
GOVERNED: Final = 2  # content words after a negator that it speaks of

# Of two such words a claim may not say one where the source says only the other.
_OPPOSITES: Final = (
    ("before", "after"), ("at least", "at most"), ("more", "less"), ("more", "fewer"),
    ("over", "under"), ("above", "below"), ("minimum", "maximum"), ("up to", "at least"),
    ("earlier", "later"), ("earliest", "latest"), ("always", "never"), ("all", "some"),
    ("allowed", "forbidden"), ("allowed", "prohibited"), ("may", "must"), ("can", "must"),
    ("optional", "mandatory"), ("optional", "required"), ("paid", "unpaid"), ("open", "closed"),
    ("increase", "decrease"), ("include", "exclude"), ("included", "excluded"),
    ("enable", "disable"), ("enabled", "disabled"), ("once", "twice"), ("with", "without"),
    ("inside", "outside"), ("start", "end"), ("first", "last"), ("internal", "external"),
    ("lower", "higher"), ("am", "pm"), ("gross", "net"), ("employer", "employee"),
)  # fmt: skip

_CAPITAL: Final = re.compile(r"\b[A-Z][\w&'’]+")
_ASKED: Final = re.compile(
    r"\b(?:ask|contact|call|phone|mail|e-?mail|message|ping|tell|notify|inform|cc|by|via)"
    r"\s+((?!\d)[\w'’]+)",
    re.I,
)
# An address, a channel, a link, a file: each is one thing and has one spelling.
_EXACT: Final = re.compile(
    r"[\w.+-]+@[\w.-]*|[#@][\w-]+|\w+://\S+|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b\S*"
)
_OF_WORDS: Final = re.compile(r"[a-z]+-\d+[.,]?\d*%?", re.I)  # "under-18"
_ENDS: Final = ".,;:!?)('\"”’]["


def says(claim: str, source: str, names: frozenset[str] = frozenset()) -> bool:
    """Whether the source holds the claim's numbers, dates, names and codes, and negates alike.

    names: `known_names` of everything that was read: a name written small is one all the same.
    """
    return (
        holds(facts(source), facts(claim))
        and _holds_names(claim, source, names)
        and _holds_exactly(claim, source)
        and _negates_alike(claim, source)
        and not _says_the_opposite(claim, source)
    )


def known_names(texts: Iterable[str]) -> frozenset[str]:
    """Return the words that the texts write with a capital letter only, in lower case."""
    capital: set[str] = set()
    small: set[str] = set()
    for text in texts:
        for match in re.finditer(r"[^\W\d_][\w&'’]*", text):
            (capital if match[0][0].isupper() else small).add(match[0].lower())
    return frozenset(capital - small - STOP_WORDS)


def _holds_names(claim: str, source: str, names: frozenset[str]) -> bool:
    """Whether every name of the claim stands in the source.

    A name: a capital inside the sentence, a capital at its start that no small word explains, a
    word that is a name elsewhere, or whom one is told to ask.
    """
    held = _words(source)
    said = _CAPITAL.findall(claim)
    opening = claim.split(maxsplit=1)[0].strip(_ENDS) if claim.split() else ""
    named = {_bare(word) for word in said if word != opening}
    named |= {_bare(word) for word in _ASKED.findall(claim)} - STOP_WORDS
    named |= _words(claim) & names
    return named <= held | STOP_WORDS


def _holds_exactly(claim: str, source: str) -> bool:
    lower = source.lower()
    exact = {match.strip(_ENDS).lower() for match in _EXACT.findall(claim)}
    codes = {
        code
        for code in words.codes(claim)
        if any(map(str.isalpha, code))
        and not words.is_amount(code)
        and not _OF_WORDS.fullmatch(code)
    }
    return all(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", lower) for one in exact | codes)


def _negates_alike(claim: str, source: str) -> bool:
    """Whether both negate as often, and of the words they share, the same ones."""
    if len(_NEGATOR.findall(claim)) != len(_NEGATOR.findall(source)):
        return False
    shared = set(words.stems(claim)) & set(words.stems(source))
    return negated(claim) & shared == negated(source) & shared


def negated(text: str) -> frozenset[str]:
    """Return the stems that a text negates: the next content words after "not", "no", …"""
    found: list[str] = []
    for match in _NEGATOR.finditer(text):
        clause = _CLAUSE.split(text[match.end() :], maxsplit=1)[0]
        found += words.content_stems(clause)[:GOVERNED]
    return frozenset(found)


def _says_the_opposite(claim: str, source: str) -> bool:
    said, held = f" {_flat(claim)} ", f" {_flat(source)} "

    def only(one: str, other: str, text: str) -> bool:
        return f" {one} " in text and f" {other} " not in text

    return any(
        only(one, other, said) and only(other, one, held)
        for pair in _OPPOSITES
        for one, other in (pair, pair[::-1])
    )


def _flat(text: str) -> str:
    return " ".join(re.findall(r"[\w'’-]+", text.lower()))


def _words(text: str) -> frozenset[str]:
    return frozenset(_bare(word) for word in re.findall(r"[^\W\d_][\w&'’]*", text))


def _bare(word: str) -> str:
    return re.sub(r"['’]s$", "", word.lower().strip("-'’"))
