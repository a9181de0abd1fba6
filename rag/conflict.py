"""Two sources that answer one question differently: found here, and said newest first.

Careful rather than complete: a warning that is wrong teaches people to ignore the right ones, so
two sentences must speak of the same thing, in the same scope, and differ in what was asked for.
They are of two documents, of two versions of one, or of one conversation, where a later message
corrects an earlier one.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from index.base import DocumentInfo, Hit
from index.versions import order
from rag import measures, words
from rag.cite import Claim, verbatim
from rag.evidence import MESSAGE, Sentence
from rag.facts import Date, Facts, facts
from rag.measures import PERIODS
from rag.sentences import sentences
from rag.verify import negated

# The other sentence is at least this share as likely an answer as the first.
LIKELY: Final = {"sources": 0.25, "versions": 0.15, "conversation": 0.1}
SHARED = 0.6  # of the words of the shorter sentence, values aside, the longer one has
SHARED_VERSIONS = 0.4  # … where both are of versions of one page
WORDS = 2  # … and at least so many

_CORRECTS = re.compile(
    r"\b(?:now|instead|no longer|any ?more|any longer|since this|has changed|(?:changed|moved) to"
    r"|correct(?:ion|ed)|actually|(?:is|was|were) wrong|out ?dated|was true|scratch that)\b",
    re.I,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_VERSION = re.compile(
    r"\b(?:v|ver|version|rev|revision|issue|edition)\.? ?\d+(?:\.\d+)*\b|\b(?:19|20)\d\d\b"
    r"|\b(?:old|new|current|previous|superseded|archived?|archives|draft|copy|final|update|updated"
    r"|obsolete|deprecated)\b|[^\w\s+#]|_"
    rf"|\b(?:{'|'.join(measures.MONTHS)})\b",
    re.I,
)
_MEASURES = {words.stem(word) for word in (*measures.UNIT_OF, *measures.MONTHS, *measures.WEEKDAYS)}
_NAME = re.compile(r"(?<=[\w,;:] )[A-Z][\w-]+|\b[A-Z]{2,}\b")


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two sentences that say different things of one."""

    newer: Sentence
    older: Sentence
    of: Literal["sources", "versions", "conversation"]


@dataclass(frozen=True, slots=True)
class _Message:
    """A message of a conversation."""

    start: int  # in the document's parsed text
    on: str  # its day; "" where it begins before the chunk
    text: str  # with author and time, as far as it was looked at


def find(
    told: Sequence[Sentence], ranked: Sequence[Sentence], hits: Sequence[Hit]
) -> Conflict | None:
    """Return a likely sentence that contradicts one that an answer tells, with that, or None."""
    for sentence in told:
        for other in ranked:
            conflict = between(sentence, other, hits)
            if conflict and other.probability >= LIKELY[conflict.of] * sentence.probability:
                return conflict
    return None


def between(one: Sentence, two: Sentence, hits: Sequence[Hit]) -> Conflict | None:
    """Return the conflict of two sentences, the newer document's first; None if there is none."""
    first, second = (hits[sentence.hit].chunk.document for sentence in (one, two))
    if first.id == second.id:
        return _correction(one, two, hits)
    versions = are_versions(first.title, second.title)
    if not versions and _scopes_differ(one, two, first.title, second.title):
        return None
    if not _speak_alike(one, two, versions=versions) or not _differ(one, two):
        return None
    by_title = order(first.title, second.title) if versions else 0
    newer_first = by_title > 0 or (
        by_title == 0 and (dated(first), first.id) >= (dated(second), second.id)
    )
    newer, older = (one, two) if newer_first else (two, one)
    return Conflict(newer, older, "versions" if versions else "sources")


def claims(conflict: Conflict, hits: Sequence[Hit]) -> list[Claim]:
    """Return what to say of it: both sentences with their dates, the newer one first."""
    newer, older = verbatim(conflict.newer), verbatim(conflict.older)
    if conflict.of == "conversation":
        later, earlier = (_message(s, hits) for s in (conflict.newer, conflict.older))
        return [
            replace(newer, text=f"Corrected on {later.on}: {MESSAGE.sub('', newer.text)}"),
            replace(older, text=f"Before, on {earlier.on}: {MESSAGE.sub('', older.text)}"),
        ]
    now, then = (
        f"{hits[sentence.hit].chunk.document.updated_at:%Y-%m-%d}"
        for sentence in (conflict.newer, conflict.older)
    )
    if conflict.of == "versions":
        title = hits[conflict.older.hit].chunk.document.title
        return [newer, replace(older, text=f"An older version, “{title}”, says: {older.text}")]
    return [
        replace(newer, text=f"Two sources disagree. Updated {now}: {newer.text}"),
        replace(older, text=f"Updated {then}: {older.text}"),
    ]


def are_versions(one: str, two: str) -> bool:
    """Whether two titles are one but for a year, a month, a version or "superseded"."""
    first, second = (" ".join(_VERSION.sub(" ", title).lower().split()) for title in (one, two))
    return bool(first) and first == second


def dated(document: DocumentInfo) -> tuple[int, float]:
    """Return a key that orders documents by age: a year in the title tells more than a file's date.

    "Travel (2024)" is of 2024, however late somebody saved it again.
    """
    year = document.updated_at.year
    named = [int(found) for found in _YEAR.findall(document.title) if int(found) < year]
    return (max(named, default=year), document.updated_at.timestamp())


def _correction(one: Sentence, two: Sentence, hits: Sequence[Hit]) -> Conflict | None:
    """Return the conflict of two messages of a conversation, the later one correcting the other."""
    newer, older = (one, two) if one.start > two.start else (two, one)
    later, earlier = _message(newer, hits), _message(older, hits)
    last = list(sentences(later.text, 0, len(later.text)))[-2:]  # it, and the one before it
    if later.start <= earlier.start or not earlier.on:
        return None
    if not any(_CORRECTS.search(later.text[slice(*span)]) for span in last):
        return None
    mine, theirs = _measured(newer), _measured(older)
    if max(len(set(mine.quantities)), len(set(theirs.quantities))) > 1:
        return None  # "14 months at 5 minutes" is true beside "2.6 years at 15"
    if not (_values_differ(mine, theirs) or _periods_differ(mine, theirs)):
        return None
    return Conflict(newer, older, "conversation")


def _message(sentence: Sentence, hits: Sequence[Hit]) -> _Message:
    """Return the message that a sentence stands in, as far as its end."""
    chunk = hits[sentence.hit].chunk
    before = chunk.text[: sentence.end - chunk.start]
    begun = list(MESSAGE.finditer(before))
    if not begun:
        return _Message(chunk.start, "", "")
    return _Message(chunk.start + begun[-1].start(), begun[-1]["on"], before[begun[-1].start() :])


def _measured(sentence: Sentence) -> Facts:
    """Return what a sentence states, without numbers of nobody knows what."""
    stated = facts(_said(sentence))
    return replace(stated, quantities=tuple(each for each in stated.quantities if each[1]))


def _periods_differ(mine: Facts, theirs: Facts) -> bool:
    """Whether both give lengths of time, and none in common: "seven days", "72 hours"."""
    one, other = (
        {each for each in said.quantities if each[1] in PERIODS} for said in (mine, theirs)
    )
    return bool(one and other) and not one & other


def _scopes_differ(one: Sentence, two: Sentence, first: str, second: str) -> bool:
    """Whether each speaks of something that the other does not: Leeds and Ghent, gen 2 and 3."""
    about, others = (_scope(sentence, title) for sentence, title in ((one, first), (two, second)))
    if _names(one) - others and _names(two) - about:
        return True
    titles = [set(words.stems(_VERSION.sub(" ", title))) for title in (first, second)]
    parallel = len(titles[0] & titles[1]) * 2 >= min(map(len, titles)) > 0
    return parallel and bool(titles[0] - titles[1]) and bool(titles[1] - titles[0])


def _scope(sentence: Sentence, title: str) -> set[str]:
    return set(words.stems(f"{title} {sentence.heading} {sentence.lead} {sentence.text}"))


def _names(sentence: Sentence) -> set[str]:
    return {words.stem(name) for name in _NAME.findall(_said(sentence))} - _MEASURES


def _said(sentence: Sentence) -> str:
    return f"{sentence.lead} {MESSAGE.sub('', sentence.text)}".strip()


def _topic(sentence: Sentence) -> set[str]:
    """Return the content words that are no values."""
    stems = set(words.content_stems(_said(sentence))) - _MEASURES
    return {stem for stem in stems if not any(map(str.isdigit, stem))}


def _speak_alike(one: Sentence, two: Sentence, *, versions: bool) -> bool:
    first, second = _topic(one), _topic(two)
    shared = len(first & second)
    share = SHARED_VERSIONS if versions else SHARED
    in_one_section = versions and _section(one) == _section(two)
    return shared >= (1 if in_one_section else WORDS) and shared >= share * min(
        len(first), len(second)
    )


def _section(sentence: Sentence) -> str:
    return sentence.heading.rpartition(" › ")[2]


def _differ(one: Sentence, two: Sentence) -> bool:
    mine, theirs = facts(_said(one)), facts(_said(two))
    if _values_differ(mine, theirs):
        return True
    first, second = _topic(one), _topic(two)
    same_words = len(first & second) >= 0.75 * max(len(first), len(second))
    shared = set(words.stems(one.text)) & set(words.stems(two.text))
    return same_words and (negated(one.text) & shared) != (negated(two.text) & shared)


def _values_differ(mine: Facts, theirs: Facts) -> bool:
    """Whether both give values of one kind, and none in common."""
    kinds: list[tuple[set[object], set[object]]] = [
        ({_on_the_dial(time) for time in mine.times}, {_on_the_dial(t) for t in theirs.times}),
        (set(mine.weekdays), set(theirs.weekdays)),
        (set(mine.ordinals), set(theirs.ordinals)),
        (
            {_as_said(date, theirs.dates) for date in mine.dates},
            {_as_said(date, mine.dates) for date in theirs.dates},
        ),
    ]
    units = {unit for _, unit in mine.quantities} & {unit for _, unit in theirs.quantities}
    for unit in units:
        kinds.append(
            (
                {number for number, of in mine.quantities if of == unit},
                {number for number, of in theirs.quantities if of == unit},
            )
        )
    return any(a and b and not a & b for a, b in kinds) and not any(a & b for a, b in kinds)


def _on_the_dial(minutes: int) -> int:
    """Return a time as a clock of twelve hours shows it: who writes 6:00 may mean 6 pm."""
    return minutes % 720


def _as_said(date: Date, others: Iterable[Date]) -> tuple[int, int | None]:
    """Return month and day; the month alone where one of the others says no more of it."""
    _, month, day = date
    return month, None if (month, None) in {other[1:] for other in others} else day
