"""What a sentence states that can be wrong: numbers with what they count, dates, times of day.

Two spellings of one fact are equal here: "two weeks" and "2 weeks", "5 pm" and "17:00", "1 March"
and "March 1st". What cannot be read with certainty stays as it is written: "03/04/2026".
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from rag import measures
from rag.measures import PERIODS

Date = tuple[int | None, int, int | None]  # year, month, day, as far as they are said
Quantity = tuple[str, str]  # number, and its unit or label; "" where there is none
ONE = "one"  # in letters, and counting nothing: a pronoun as often as a number

_MONTH = "|".join(measures.MONTHS)
_DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})\b"),
    re.compile(r"\b(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})\b"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month>{_MONTH})\b\.?"
        r"(?:,? (?P<y>\d{4})\b)?"
    ),
    re.compile(
        rf"\b(?P<month>{_MONTH})\.? (?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?![:%])"
        r"(?:,? (?P<y>\d{4})\b)?"
    ),
    re.compile(rf"\b(?P<month>{_MONTH})\.?,? (?:of )?(?P<y>\d{{4}})\b"),
    re.compile(rf"\b(?P<month>{'|'.join(measures.UNMISTAKABLE_MONTHS)})\b"),
    re.compile(
        r"\b(?:in|by|until|till|since|from|to|of|before|after|and|through|early|late|mid)[ -]"
        r"(?P<month>May|March)\b"
    ),
)
_SLASHED = re.compile(r"\b\d{1,2}/\d{1,2}/(?:\d{4}|\d{2})\b")
_TIME = re.compile(
    r"(?<![\d:])(?P<h>[01]?\d|2[0-4]):(?P<m>[0-5]\d)(?::[0-5]\d)?(?![:\d])"
    r"(?:\s?(?P<half>[ap])\.?m\b\.?)?"
    r"|\b(?P<h12>1[0-2]|0?\d)(?:\.(?P<m12>[0-5]\d))?\s?(?P<half12>[ap])\.?m\b\.?"
    r"|\b(?P<word>noon|midnight)\b",
    re.I,
)
_A_HUNDRED = re.compile(r"\ban?(?= (?:hundred|thousand|million|billion|dozen)\b)", re.I)
_NUMERALS = rf"(?:{measures.NUMERALS})(?:(?:[ -]|[ -]and )(?:{measures.NUMERALS}))*"
# "1 000 €" is one number, "room 12 300 m away" is two.
_SPACED = r"\d{1,3}(?: \d{3})+(?=\s?(?:[€$£¥]|(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?)\b))"
_NUMBER = re.compile(
    rf"(?P<label>\b(?:{measures.LABELS})\.?[ -])?(?P<sign>(?<![\w.)])[-−](?=\d))?"
    r"(?P<before>[€$£¥])?\s?"
    rf"(?:(?P<digits>{_SPACED}|\d+(?:[.,]\d+)*)(?!st\b|nd\b|rd\b|th\b|\d)"
    rf"(?:(?P<scale>k|bn|(?(before)m|(?!)))\b)?"
    rf"|\b(?P<words>{_NUMERALS})\b(?![ -](?:{measures.NTH_WORDS})\b))"
    r"(?P<half>[ -]and[ -]a[ -]half\b)?"
    r"(?P<times>(?:[ -](?:hundred|thousand|million|billion|dozen)\b)*)"
    rf"(?:(?<=hundred|housand)(?:[ -]and)?[ -](?P<rest>{_NUMERALS})\b"
    r"(?![ -](?:hundred|thousand)))?",
    re.I,
)
_MARK = re.compile(r"\s?(?P<unit>%|€|\$|£|¥|°[CF])")
_NOUN = re.compile(
    rf"(?:[ -](?!(?:{measures.GLUE})\b)[A-Za-z]+){{0,2}}?[ -]?\b(?P<unit>{measures.UNIT_WORDS})\b",
    re.I,
)
_JOINED = re.compile(r"\s?(?:[-–—/]|to|or|and)\s?", re.I)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_WORD = re.compile(r"[^\W\d_]+|[€$£¥%]")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text states, each fact in one spelling."""

    quantities: tuple[Quantity, ...]
    dates: frozenset[Date]
    unclear_dates: frozenset[str]  # as written: day and month may be swapped
    times: tuple[int, ...]  # minutes since midnight
    weekdays: frozenset[str]
    ordinals: frozenset[int]
    units: frozenset[str]  # every unit that is named
    loose_units: frozenset[str]  # those that are named without a number, as in a table's header

    @property
    def numbers(self) -> frozenset[str]:
        """The numbers without what they count, years of dates among them."""
        years = {str(date[0]) for date in self.dates if date[0]}
        return frozenset(number for number, _ in self.quantities) | years


@lru_cache(maxsize=4096)  # a sentence is held against every claim
def facts(text: str) -> Facts:
    """Return what a text states."""
    rest = text
    dates: set[Date] = set()
    for pattern in _DATES:
        dates |= {_date(match) for match in pattern.finditer(rest)}
        rest = pattern.sub(_blank, rest)
    unclear = frozenset(_SLASHED.findall(rest))
    rest = _SLASHED.sub(_blank, rest)
    times = tuple(_minutes(match) for match in _TIME.finditer(rest))
    rest = _TIME.sub(_blank, rest)
    quantities = tuple(_quantities(_A_HUNDRED.sub("one", rest)))
    words = [word.lower() for word in _WORD.findall(text)]
    named = Counter(measures.UNIT_OF[word] for word in words if word in measures.UNIT_OF)
    counted = Counter(unit for _, unit in quantities if unit)
    return Facts(
        quantities,
        frozenset(dates),
        unclear,
        times,
        frozenset(word.removesuffix("s") for word in words if word in measures.WEEKDAYS),
        frozenset(measures.ordinals(text)),
        frozenset(named | counted),
        frozenset(named - counted),
    )


def holds(source: Facts, claim: Facts) -> bool:
    """Whether the source states every fact of the claim, and as often.

    A number must count the same thing; where the source has no unit beside it, as in a table, the
    unit must at least be named there. A date may leave out its year or its day, not add one.
    """
    return (
        all(_held(number, unit, source) for number, unit in claim.quantities)
        and all(_no_oftener(each, claim.quantities, source.quantities) for each in claim.quantities)
        and all(any(_within(date, held) for held in source.dates) for date in claim.dates)
        and claim.unclear_dates <= source.unclear_dates
        and all(claim.times.count(each) <= source.times.count(each) for each in claim.times)
        and claim.weekdays <= source.weekdays
        and claim.ordinals <= source.ordinals
        and claim.units & PERIODS <= source.units
    )


def _held(number: str, unit: str, source: Facts) -> bool:
    if (number, unit) in source.quantities:
        return True
    if not unit:
        return number in source.numbers | {ONE}
    return unit in source.loose_units and (number, "") in source.quantities


def _no_oftener(quantity: Quantity, claim: Sequence[Quantity], source: Sequence[Quantity]) -> bool:
    """Whether a number that the source has is said no more often: "€5 to €5" is not "€5 to €9"."""
    return claim.count(quantity) <= max(1, source.count(quantity))


def _within(date: Date, held: Date) -> bool:
    return all(mine in (None, theirs) for mine, theirs in zip(date, held, strict=True))


def _blank(match: re.Match[str]) -> str:
    return " | "  # nothing reads across it


def _date(match: re.Match[str]) -> Date:
    said = match.groupdict()
    month = measures.month(said["month"]) if said.get("month") else int(said["m"])
    year, day = said.get("y"), said.get("d")
    return (int(year) if year else None, month, int(day) if day else None)


def _minutes(match: re.Match[str]) -> int:
    if word := match["word"]:
        return 720 if word.lower() == "noon" else 0
    hour, minute = int(match["h"] or match["h12"]), int(match["m"] or match["m12"] or 0)
    if half := (match["half"] or match["half12"] or "").lower():
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour % 24 * 60 + minute


def _quantities(text: str) -> Iterator[Quantity]:
    found = list(_NUMBER.finditer(text))
    units = [_unit(text, match) for match in found]
    between = [
        _JOINED.fullmatch(text, one.end(), two.start())
        for one, two in zip(found, found[1:], strict=False)
    ]
    for i in reversed(range(len(between))):  # "2 to 3 weeks"
        units[i] = units[i] or (units[i + 1] if between[i] else "")
    for i, joined in enumerate(between):  # "€5–10"
        if joined and not units[i + 1] and units[i] in measures.CURRENCIES:
            units[i + 1] = units[i]
    for match, unit in zip(found, units, strict=True):
        number = _number(match)
        yield (ONE if (number, unit) == ("1", "") and match["words"] else number), unit


def _unit(text: str, match: re.Match[str]) -> str:
    if match["before"]:
        return measures.UNIT_OF[match["before"]]
    after = _MARK.match(text, match.end()) or _NOUN.match(text, match.end())
    if after:
        return measures.UNIT_OF[after["unit"].lower()]
    return re.sub(r"[^a-z]", "", match["label"].lower()) if match["label"] else ""


def _number(match: re.Match[str]) -> str:
    """Return a number in one spelling; one that may be read two ways as it is written."""
    if match["words"]:
        value = Decimal(str(measures.spelled(match["words"])))
    elif _GROUPED.fullmatch(digits := match["digits"].replace(" ", "")):
        value = Decimal(digits.replace(",", ""))
    elif "," in digits or digits.count(".") > 1 or re.fullmatch(r"\d{1,3}\.\d{3}", digits):
        return digits
    else:
        value = Decimal(digits)
    value += Decimal("0.5") if match["half"] else 0
    factors = [(match["scale"] or ""), *re.split(r"[ -]", match["times"])]
    for factor in factors:
        value *= measures.SCALES.get(factor.lower(), 1)
    value += Decimal(str(measures.spelled(match["rest"]))) if match["rest"] else 0
    return f"{'-' if match['sign'] else ''}{value.normalize():f}"
