"""A question into passages: follow-ups made stand-alone, then one hybrid search."""

from rag import words
from rag.base import Question

CARRIED = 6  # words of the earlier question that a follow-up may borrow
SHORT = 4  # content words: a follow-up with fewer borrows even without a pronoun

_POINTERS = frozenset("it its that this they them their those these he she his her there".split())
_OPENERS = ("and ", "what about", "how about", "also ", "but ", "or ", "same ", "then ")


def standalone(question: Question) -> str:
    """Return the question with what it borrows from the turn before.

    A question that points back ("and for contractors?") gets the earlier question's content
    words that it lacks; one that stands by itself is returned as it is.
    """
    if not question.history or not _points_back(question.text):
        return question.text
    earlier, _ = question.history[-1]
    own = set(words.content_stems(question.text))
    borrowed = [
        word.strip(".,;:!?()\"'")
        for word in earlier.split()
        if any(s not in own for s in words.content_stems(word))
    ]
    return f"{question.text} {' '.join(borrowed[:CARRIED])}".strip()


def own_words(question: Question, query: str) -> str:
    """Return the stand-alone query if it is made of what its asker wrote, else only the question.

    For whoever may see the asker's words and not the documents': earlier answers quote these.
    """
    asked = [question.text, *(earlier for earlier, _ in question.history)]
    written = {stem for text in asked for stem in words.stems(text)}
    return query if written.issuperset(words.stems(query)) else question.text


def _points_back(text: str) -> bool:
    lower = text.lower().strip()
    if lower.startswith(_OPENERS):
        return True
    if _POINTERS & set(lower.replace("?", " ").split()):
        return True
    return len(words.content_stems(text)) < SHORT
