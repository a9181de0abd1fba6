"""Words of questions and sentences: content stems, numbers, and what kind of answer is wanted."""

import re
from enum import StrEnum

from index.lexical import STOP_WORDS

_WORD = re.compile(r"[^\W_]+(?:[.'’][^\W_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_CODE = re.compile(r"[\w.,:/-]*\d[\w.,:/-]*")
_AMOUNT = re.compile(r"[\d.,:/-]+(?:st|nd|rd|th|am|pm|k|m|bn|h|s|x)?|\d+-[a-z]+", re.I)
_CAPITAL = re.compile(r"(?<=[a-z,;:] )[A-Z][\w-]+")
_SUFFIXES = ("ations", "ation", "ings", "ing", "ies", "edly", "ed", "es", "ly", "s", "e", "y")
_KEPT = 3  # letters that must remain of a word when its suffix is cut

# Said about the asker or the asking, not about the subject.
_CHATTER = frozenset(
    """please pls hi hello hey thanks know tell want need like someone anyone anybody something
    anything thing things still also ok okay there's what's who's it's i'm i've i'd we're we've
    get gets getting got go going make many much long often exactly currently actually""".split()
)


class Wanted(StrEnum):
    """The kind of thing that would answer a question."""

    NUMBER = "number"
    TIME = "time"
    PERSON = "person"
    PLACE = "place"
    REASON = "reason"
    MANNER = "manner"
    ANY = "any"


_WANTED = (
    (Wanted.NUMBER, r"\bhow (?:many|much|long|often|old|far|big|late|early|high|fast|large)\b"),
    (Wanted.TIME, r"\b(?:when|what time|what day|what date|which day|deadline|date|until when)\b"),
    (Wanted.PERSON, r"\b(?:who|whom|whose|who's|which team|which person|what team)\b"),
    (Wanted.PLACE, r"\b(?:where|which channel|what channel|link|url|which room|which tool)\b"),
    (Wanted.REASON, r"\b(?:why|how come|reason)\b"),
    (Wanted.MANNER, r"\b(?:how (?:do|can|should|to|does|would)|steps|process)\b"),
    (
        Wanted.NUMBER,
        r"\b(?:number|amount|cost|price|rate|percent|percentage|limit|budget|maximum|max|minimum|"
        r"allowance|phone|extension|version|size|salary|fee|age)\b",
    ),
)
_ASKS_HOW = re.compile(
    r"\bhow (?:do|can|should|would|could|must|to|am|are)\b|\bsteps?\b|\bwalk me through\b"
    r"|\b(?:process|procedure|way|instructions?) (?:for|of|to)\b"
    r"|\bwhat (?:do|should|must|can) (?:i|we|you) (?:have to |need to )?do\b",
    re.IGNORECASE,
)
_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _WANTED)
_SHOWS = {
    Wanted.NUMBER: re.compile(
        r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|half|"
        r"once|twice|daily|weekly|monthly|quarterly|yearly|annually|unlimited|no limit)\b",
        re.IGNORECASE,
    ),
    Wanted.TIME: re.compile(
        r"\d|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:january|february|march|april|"
        r"may|june|july|august|september|october|november|december|before|after|by|within|until|"
        r"daily|weekly|monthly|quarterly|annually|noon|midnight|immediately|end of|start of)\b",
        re.IGNORECASE,
    ),
    Wanted.PERSON: re.compile(
        r"@|\b(?:manager|lead|head|team|director|officer|owner|supervisor|department|engineer|"
        r"people|staff|group|committee|board|desk|everyone|anyone|employees?|teammates?)\b|"
        r"(?<=[a-z,:|] )[A-Z][a-z]+ [A-Z][a-z]+"
    ),
    Wanted.PLACE: re.compile(
        r"#\w|@|https?:|/|\b(?:in|at|on|under|to|via|room|floor|office|channel|folder|page|drive|"
        r"portal|form|dashboard|repo|repository|menu|tab)\b",
        re.IGNORECASE,
    ),
    Wanted.REASON: re.compile(
        r"\b(?:because|since|so that|in order|due to|therefore|reason|means|avoid|ensure|as)\b",
        re.IGNORECASE,
    ),
    Wanted.MANNER: re.compile(
        r"\b(?:use|run|click|go to|open|ask|send|submit|create|add|contact|fill|follow|by|post|"
        r"request|select|enter|email|install|set|make|should|must)\b",
        re.IGNORECASE,
    ),
}


def stem(word: str) -> str:
    """Cut an English suffix, so that "approves" meets "approval"'s neighbours: crude and cheap."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _KEPT:
            return word[: -len(suffix)]
    return word


def stems(text: str) -> list[str]:
    """Return the stems of all words, in order, with repetitions and stop words."""
    return [stem(word) for word in _WORD.findall(text)]


def content_stems(text: str) -> list[str]:
    """Return the stems that say what a question is about, each once, in order."""
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    kept = [stem(word) for word in words if word not in STOP_WORDS and word not in _CHATTER]
    return list(dict.fromkeys(kept))


def numbers(text: str) -> list[str]:
    """Return the numbers of a text as they are written: "25", "3.5", "09:00", "2026/01"."""
    return _NUMBER.findall(text)


def codes(text: str) -> set[str]:
    """Return the words with a digit, lower case: "h-38", "200,000", "gen3"."""
    return {word.strip(".,:-/").lower() for word in _CODE.findall(text)}


def is_amount(code: str) -> bool:
    """Whether what `codes` found is a number, an ordinal or a time: "30-day", "24th", "5pm"."""
    return _AMOUNT.fullmatch(code) is not None


def names(text: str) -> set[str]:
    """Return the capitalised words that do not begin the text, lower case."""
    return {word.lower() for word in _CAPITAL.findall(text)}


def asks_how(question: str) -> bool:
    """Whether a question asks for a way of doing something, step by step if need be."""
    return _ASKS_HOW.search(question) is not None


def wanted(question: str) -> Wanted:
    """Guess the kind of thing that would answer a question; ANY when it does not say."""
    lower = question.lower()
    for kind, pattern in _PATTERNS:
        if pattern.search(lower):
            return kind
    return Wanted.ANY


def shows(kind: Wanted, sentence: str) -> bool:
    """Whether a sentence holds something of the kind; any sentence does for ANY."""
    return kind is Wanted.ANY or _SHOWS[kind].search(sentence) is not None
