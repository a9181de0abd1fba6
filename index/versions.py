"""Which of two documents is the older version of the other, as far as titles, dates and words tell.

Pure. A title without what says "version" is a subject: "Travel and expenses (2024)" and "Travel and
expenses" have one. Minutes of June and of September have one too, but are a series, not versions.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from index.base import DocumentInfo

APART = timedelta(days=1)  # a copied folder has times that differ by less and say nothing
A_YEAR = timedelta(days=365)  # lists that are made anew within it stay true of their time
ALIKE = 0.5  # share of words in common from which texts of one subject are versions
ACRONYM = 3  # letters at least

_DATE = re.compile(r"(?<!\d)(?:FY ?)?((?:19|20)\d\d)(?:[-_. ](\d\d))?(?:[-_. ](\d\d))?(?!\d)", re.I)
_VERSION = re.compile(
    r"\b(?:v(?:ersion)?|rev(?:ision)?)[ .]*\d[\d.]*|\b(?:archived?|superseded|outdated|deprecated|"
    r"obsolete|old|previous|former|latest|new|current|updated?|draft|final|copy|version|revision)\b",
    re.I,
)
_NOT_IN_FORCE = re.compile(
    r"\b(?:archived?|superseded|outdated|deprecated|obsolete|old|previous|former|draft)\b", re.I
)
_NUMBERED = re.compile(r"\b(?:v(?:ersion)?|rev(?:ision)?)[ .]*(\d+(?:\.\d+)*)", re.I)
_KIND = frozenset("a the and of for policy january february march april may june july august "
                  "september october november december".split())  # fmt: skip
_WORD = re.compile(r"[^\W_]+")


def older(
    first: DocumentInfo, second: DocumentInfo, *, alike: Callable[[], float]
) -> tuple[DocumentInfo, DocumentInfo] | None:
    """Return (older, newer) if documents of one subject are versions, and it can be told which.

    Whether they are of one subject is for `one_subject` to tell, which takes less.
    alike: gives the share of words that what was found of them has in common, 0 to 1.
    """
    if by_title := order(first.title, second.title):
        return (first, second) if by_title < 0 else (second, first)
    one, other = as_of(first), as_of(second)
    if abs(one - other) < APART:
        return None
    marked = _VERSION.search(first.title) or _VERSION.search(second.title)
    one_dated = (stated(first.title) is None) != (stated(second.title) is None)
    if not (marked or one_dated or (alike() >= ALIKE and not _of_a_series(first, second))):
        return None
    return (first, second) if one < other else (second, first)


def _of_a_series(first: DocumentInfo, second: DocumentInfo) -> bool:
    """Whether the titles name a month or a day each, of within a year, as monthly lists' do."""
    one, other = (_DATE.search(document.title) for document in (first, second))
    if not (one and one[2] and other and other[2]):
        return False
    return abs(as_of(first) - as_of(second)) < A_YEAR


def order(first: str, second: str) -> int:
    """Return -1 if the titles say that the first is the older version, 1 if the second; else 0.

    However late somebody saved it again: what is superseded, and v2 beside v3, is the older one.
    A draft is not in force either.
    """
    if gone := bool(_NOT_IN_FORCE.search(second)) - bool(_NOT_IN_FORCE.search(first)):
        return gone
    numbers = [_NUMBERED.search(title) for title in (first, second)]
    if not all(numbers):
        return 0
    one, other = ([int(part) for part in found[1].split(".")] for found in numbers if found)
    return (one > other) - (one < other)


def as_of(document: DocumentInfo) -> datetime:
    """Return the time a document speaks of: that in its title, else of its last change."""
    return stated(document.title) or document.updated_at


def stated(title: str) -> datetime | None:
    """Return the year, month or day that a title names, as its beginning; None if it names none."""
    found = _DATE.search(title)
    if found is None:
        return None
    year, month, day = (int(part or 1) for part in found.groups())
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return datetime(year, 1, 1, tzinfo=UTC)


def subject(title: str) -> tuple[str, ...]:
    """Return the words of a title that say what it is about, without dates and versions."""
    plain = _VERSION.sub(" ", _DATE.sub(" ", title)).lower()
    return tuple(word for word in _WORD.findall(plain) if word not in _KIND)


def one_subject(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Tell whether two subjects are the same, or one is the other's acronym."""
    if first == second:
        return bool(first)
    return _stands_for(first, second) or _stands_for(second, first)


def _stands_for(short: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Tell whether "WFH" is for "Work from home"."""
    if len(short) != 1 or len(words) < ACRONYM:
        return False
    return short[0] == "".join(word[0] for word in words)
