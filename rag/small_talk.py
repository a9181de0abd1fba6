"""Greetings, thanks and questions about Footnote itself: what to say instead of searching.

Pure. Small talk is told by its words alone: all must be among a kind's few, and some must say
that it is of this kind. One word of a subject makes it a question: "hi, how many days off?".
"""

import re
from dataclasses import dataclass
from typing import Final

MAX_WORDS: Final = 14  # nobody needs more to say hello

HELLO: Final = "Hello! Ask me about your company's documents, and I name the page that says it."
THANKS: Final = "You are welcome; ask on whenever you like."
BYE: Final = "Goodbye! I am here when you have another question."
ABLE: Final = (
    "Ask me anything that your company's documents may say: I quote the page that says it, "
    "and tell you when I find none."
)
WHO: Final = (
    "I am Footnote, a program that answers questions from your company's documents "
    "and names the page behind every sentence."
)
SOURCES: Final = (
    "I search the pages, conversations and files that your administrator connected and that "
    "you may open; every answer names those it rests on."
)
WORDLESS: Final = "I read no word in that. Ask me something that your company's documents may say."


@dataclass(frozen=True, slots=True)
class _Kind:
    """One way to make small talk."""

    reply: str
    needs: tuple[frozenset[str], ...]  # at least one word of each
    allows: frozenset[str]  # all words that may stand in it


_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CONTRACTED = re.compile(r"['’](?:s|re|m|ve|ll|d)$")  # what's, you're, i'm
# "You" of a courtesy is not asked about: "can you tell me who is responsible for this?"
_COURTESY = re.compile(
    r"^\W*(?:(?:hi|hello|hey)\W+)?(?:(?:what )?(?:can|could|would|will) you (?:please )?"
    r"(?:tell|show|give) (?:me|us)|do you know)\b(?: about)?(?=\W*\w)",
    re.I,
)
_ASKS = frozenset(
    "is are was were can could do does did will would should may what which who whom whose how "
    "when where why".split()
)

# Words that say nothing about a subject. Those that point at one, "that" and "it", stand in no
# question about Footnote: "how do you do that?" follows up what was said before.
_ALWAYS = """a an the and or so well oh ok okay please pls hi hello hey footnote bot ai you your i
    me my am is are be to for of with on in all today now again just really exactly us"""
_SAYING = "it this that there was were very too much then everyone everybody team friend mate at"
_ASKING = """what which how do does can could would will did about tell let know want like should
    may kind kinds sort sorts type types thing things stuff some other else any"""


def _said(reply: str, *needs: str, allows: str = "") -> _Kind:
    return _kind(reply, needs, f"{_ALWAYS} {_SAYING} {allows}")


def _asked(reply: str, *needs: str, allows: str = "") -> _Kind:
    return _kind(reply, needs, f"{_ALWAYS} {_ASKING} {allows}")


def _kind(reply: str, needs: tuple[str, ...], allows: str) -> _Kind:
    """needs: words of a set parted by blanks."""
    every = frozenset(" ".join([*needs, allows]).split())
    return _Kind(reply, tuple(frozenset(each.split()) for each in needs), every)


_PRAISED = "nice good great glad lovely pleasure pleased awesome cool sweet"
_PARTING = f"{_PRAISED} see later talk talking chat chatting speaking thanks thank got had must go"
_STATEMENTS = (
    _said(BYE, "bye byebye goodbye cya ciao adios farewell sayonara tata", allows=_PARTING),
    _said(BYE, "see talk catch speak", "you ya", "later soon tomorrow around", allows=_PARTING),
    _said(BYE, "have", "day one night evening weekend", allows=_PARTING),
    _said(BYE, "good take see", "night care ya", allows=_PARTING),
    _said(BYE, _PRAISED, "talking talk chatting chat speaking conversation", allows=_PARTING),
    _said(
        THANKS,
        """thanks thank thx ty cheers gracias merci danke appreciate appreciated grateful thankful
        obliged""",
        allows=f"""{_PRAISED} many lot lots bunch million ton help helped helping helpful answer
        answers answering information info assistance assisting support time effort response kind
        kindly want need would like let say must do have been big such indeed everything job my
        quick explanation why question did""",
    ),
    _said(THANKS, "helpful helps helped useful", allows="have been big most quite pretty such"),
    _said(THANKS, "great perfect awesome excellent brilliant cool nice super understood ok okay"),
    _said(
        HELLO,
        "hi hello hey heya hiya howdy yo greetings hallo hola ahoy sup morning afternoon evening",
        allows=f"{_PRAISED} day meet see hoy anyone why",
    ),
    _said(HELLO, _PRAISED, "meet see day", allows="finally"),
)
_QUESTIONS = (
    _asked(
        HELLO,
        "how",
        "going doing been everything feeling goes life",
        allows="it are have you with day this fine treating",
    ),
    _asked(HELLO, "are is", "you everything", "ok okay well good alright doing feeling fine"),
    _kind(HELLO, ("how", "are", "you things"), "hi hello hey today there bot footnote with"),
    _kind(HELLO, ("what whats", "up new"), "hi hello hey is with you there bot footnote"),
    _asked(
        ABLE,
        "you your",
        """help assist answer able capable capabilities capability abilities features functions
        skills purpose expertise knowledgeable familiar good respond versed topic topics subject
        subjects""",
        allows="""question questions query queries area areas give list with at by ask answering
        doing helping knowledge have i've need cover use programmed there types""",
    ),
    _asked(ABLE, "what how", "you", "do work"),
    _asked(ABLE, "what which anything list", "ask", allows="question questions topics subjects"),
    _kind(ABLE, ("help",), "me please i need hi hello hey"),
    _asked(
        SOURCES,
        "what which list show many",
        "you your",
        """source sources documents docs data wiki wikis pages files channels spaces drives database
        databases knowledge content materials information info""",
        allows="use search read see have access cover index connected get from based answers draw",
    ),
    _asked(
        SOURCES,
        "where",
        "your",
        "answer answers information info data knowledge",
        allows="come get from",
    ),
    _asked(
        WHO,
        "you your yourself",
        """who name called made built created developed programmed designed coded invented trained
        constructed wrote owns manufactured engineered creator maker inventor developer robot human
        person machine computer program real alive old born artificial chatbot yourself refer""",
        allows="""whom call talking speaking company organization code actual live living being
        introduce when were was first full need if whether by go use they people prefer fake
        responsible person there this bot""",
    ),
    _asked(
        WHO,
        "talking speaking chatting",
        "real human person robot machine computer someone",
        allows="live actual this with",
    ),
    _asked(WHO, "what where", "are", "you", allows="from come"),
)


def reply(text: str) -> str | None:
    """Return what to say to small talk; None for everything else, which is a question."""
    if not _WORD.search(text):
        return WORDLESS
    asked = _COURTESY.sub("", text)
    said = [_CONTRACTED.sub("", word) for word in _WORD.findall(asked.lower())]
    if len(said) > MAX_WORDS:
        return None
    asking = asked != text or text.rstrip().endswith("?") or said[0] in _ASKS
    kinds = _QUESTIONS if asking else (*_STATEMENTS, *_QUESTIONS)
    return next((kind.reply for kind in kinds if _fits(kind, frozenset(said))), None)


def _fits(kind: _Kind, said: frozenset[str]) -> bool:
    return said <= kind.allows and all(said & each for each in kind.needs)
