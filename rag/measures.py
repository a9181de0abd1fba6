"""The words of numbers, units and dates in English, each with the one name it goes by here."""

import re
from collections.abc import Iterator
from typing import Final

_LONG: Final = (
    "January February March April May June July August September October November December".split()
)
_SHORT: Final = "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec".split()
# "may" and "march" in lower case are verbs as often.
_LOWER: Final = [month.lower() for month in _LONG if month not in ("May", "March")]
MONTHS: Final = (*_LONG, *_SHORT, *map(str.upper, _LONG), *_LOWER)  # spellings in a date
UNMISTAKABLE_MONTHS: Final = [month for month in _LONG if month not in ("May", "March")]

_DAYS: Final = "monday tuesday wednesday thursday friday saturday sunday".split()
WEEKDAYS: Final = frozenset(_DAYS) | {f"{day}s" for day in _DAYS}

_SMALL: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen".split()
)
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORTH: Final = {
    **{word: float(n) for n, word in enumerate(_SMALL)},
    **{word: 20.0 + 10 * n for n, word in enumerate(_TENS)},
    "half": 0.5,
}
NUMERALS: Final = "|".join(sorted(_WORTH, key=len, reverse=True))
SCALES: Final = {
    "hundred": 100, "thousand": 1000, "k": 1000, "million": 10**6, "m": 10**6,
    "billion": 10**9, "bn": 10**9, "dozen": 12,
}  # fmt: skip

_ORDINALS: Final = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split()
)
NTH_WORDS: Final = "|".join(_ORDINALS)
_NTH: Final = re.compile(
    rf"\b(?:(\d+)(?:st|nd|rd|th)|(?:({'|'.join(_TENS)})[- ])?({NTH_WORDS})|(thirtieth))\b",
    re.I,
)

_UNITS: Final = {
    "second": "seconds sec secs", "minute": "minute minutes min mins",
    "hour": "hour hours hr hrs hourly", "day": "day days daily", "week": "week weeks weekly",
    "fortnight": "fortnight fortnights fortnightly", "month": "month months monthly",
    "quarter": "quarter quarters quarterly", "decade": "decade decades",
    "year": "year years yr yrs yearly annual annually", "night": "night nights nightly",
    "time": "times", "%": "% percent pct", "EUR": "€ eur euro euros", "CHF": "chf",
    "USD": "$ usd dollar dollars", "GBP": "£ gbp pound pounds", "JPY": "¥ jpy yen",
    "km": "km kilometre kilometres kilometer kilometers", "mile": "mile miles",
    "m": "metre metres meter meters", "cm": "cm", "mm": "mm", "kg": "kg kilo kilos",
    "KB": "kb", "MB": "mb", "GB": "gb", "TB": "tb", "°C": "°c", "°F": "°f",
    "V": "volt volts", "W": "watt watts", "mbar": "mbar",
}  # fmt: skip
UNIT_OF: Final = {word: unit for unit, words in _UNITS.items() for word in words.split()}
UNIT_WORDS: Final = "|".join(
    [*sorted((re.escape(word) for word in UNIT_OF if word.isalpha()), key=len, reverse=True)]
)
PERIODS: Final = frozenset(
    "second minute hour day week fortnight month quarter year decade night".split()
)
CURRENCIES: Final = frozenset({"EUR", "USD", "GBP", "JPY", "CHF"})
# Before a number, these say what it numbers: "gen 2" is not "2 blades".
LABELS: Final = (
    "gen|generation|level|line|room|floor|version|ext|extension|page|step|phase|band|grade|tier|"
    "section|article|chapter|part|wave|port|priority|severity|sev|week|day|stage|group"
)
# Between a number and a unit these end the search: "5 people a week" are not five weeks.
GLUE: Final = (
    "a|an|the|of|or|and|to|per|each|every|for|in|on|by|from|at|with|if|when|is|are|was|as|than|"
    "but|not|before|after|within|until|may|can|must"
)


def month(word: str) -> int:
    """Return a month's number, counted from 1."""
    return [name[:3].lower() for name in _LONG].index(word[:3].lower()) + 1


def spelled(words: str) -> float:
    """Return what numerals add up to: "twenty-five" is 25."""
    return sum(_WORTH[word] for word in re.split(r"[ -]+(?:and )?", words.lower()))


def ordinals(text: str) -> Iterator[int]:
    """Yield the numbers of "first", "2nd", "twenty-third", … in a text."""
    for digits, tens, word, thirtieth in _NTH.findall(text):
        if word:
            yield int(spelled(tens) if tens else 0) + _ORDINALS.index(word.lower()) + 1
        else:
            yield 30 if thirtieth else int(digits)
