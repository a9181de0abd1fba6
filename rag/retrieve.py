"""A follow-up into a question that stands alone: what it borrows from the turns before.

Pure rules over words, no model. Which turns lean on others, and how many words they borrow, was
measured: rag/eval/LOG.md.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from rag import small_talk, words
from rag.base import Question

CARRIED = 6  # words that a follow-up borrows
FADING = 0.5  # what a turn weighs less for every turn since
NAMED = 0.5  # more for a word that is written as a name
SAID = 0.3  # of a word each time an answer says it, at most three times
POINTING = 3  # content words: with more, "it" and "they" point into the question itself
BARE = 1  # content words: with no more, a question leans on what was said in any case

_POINTERS = frozenset(
    "it its this that they them their those these he she his her him there one ones".split()
)
_OPENERS = (
    *("and ", "what about ", "how about ", "also ", "but ", "or ", "then ", "so ", "ok ", "okay "),
    *("the same ", "same for ", "same in ", "same at ", "same with ", "same if ", "no, ", "yes, "),
)
_THERE_IS = re.compile(r"\b(?:is|are|was|were) there\b|\bthere(?:['’]s| is| are| was| were)\b")
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")

# Words of conversations that are never what they are about.
_TALK = frozenset(
    words.stem(word)
    for word in """able above also answer based believe below best better bit change come curious
    describe detail difference different due example explain first generally give given good great
    happen help helpful however idea important include including info information interesting
    interested kind last list little lot may mean meant mention might must name new no number often
    oh one option people please possible previous question really reason right said say second
    several sometimes subject sure take talk talking thank think thinking time topic true two type
    understand use used using usually various way well within without wonder work wow wrong
    yes""".split()
)


def standalone(question: Question) -> str:
    """Return the question with the words of earlier turns that it cannot do without.

    A question that stands by itself is returned as it is: nothing of another subject is in it.
    """
    spoken = [turn for turn in question.history if not small_talk.reply(turn[0])]
    if not spoken or not _leans(question.text):
        return question.text
    own = {stem for _, stem in _content(question.text)}
    borrowed = [word for word, stem in _subject(spoken) if stem not in own]
    return " ".join([question.text, *borrowed[:CARRIED]])


def own_words(question: Question, query: str) -> str:
    """Return the stand-alone query without the words that only earlier answers said.

    For whoever may see the asker's words and not the documents': answers quote these.
    """
    asked = [earlier for earlier, _ in question.history]
    written = {stem for text in asked for stem in words.stems(text)}
    borrowed = query.removeprefix(question.text).split()
    own = [word for word in borrowed if written.issuperset(words.stems(word))]
    return " ".join([question.text, *own])


def _leans(text: str) -> bool:
    lower = text.lower().strip()
    content = len(list(_content(text)))
    return lower.startswith(_OPENERS) or content <= BARE or (points(text) and content <= POINTING)


def points(text: str) -> bool:
    """Whether a turn points at something said: "how long is that one?", not "and in Leeds?"."""
    said = _THERE_IS.sub(" ", text.lower())
    return not _POINTERS.isdisjoint(re.findall("[a-z]+(?:-[a-z]+)*", said))  # "that's" too


def _subject(history: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return (word, stem) of what a conversation is about, weightiest first.

    Questions say it, later turns more than earlier ones; answers repeat it.
    """
    weights: dict[str, float] = {}
    spelled: dict[str, str] = {}
    for age, (asked, said) in enumerate(reversed(history)):
        for word, stem in (*_content(asked), *_content(said)):
            spelled.setdefault(stem, word)
        for stem, weight in (*_asked(asked).items(), *_said(said).items()):
            weights[stem] = weights.get(stem, 0.0) + FADING**age * weight
    best = sorted(weights, key=lambda stem: -weights[stem])
    return [(spelled[stem], stem) for stem in best]


def _asked(question: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for place, (word, stem) in enumerate(_content(question)):
        weights.setdefault(stem, 1 + NAMED * (place > 0 and word[0].isupper()))
    return weights


def _said(answer: str) -> dict[str, float]:
    times = Counter(stem for _, stem in _content(answer))
    return {stem: SAID * min(count, 3) for stem, count in times.items()}


def _content(text: str) -> Iterator[tuple[str, str]]:
    """Yield (word, stem) of the words that may be a subject, in order, with repetitions."""
    for word in _WORD.findall(text):
        stem = words.stem(word)
        if len(word) > 1 and stem not in _TALK and words.content_stems(word):
            yield word, stem
