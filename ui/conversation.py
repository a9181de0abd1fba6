"""Conversations as a browser keeps them: questions, their answers, and what of them may be shown.

What comes back from a browser is a stranger's JSON: it is validated, and read again with the
asker's own eyes before anything of it is shown or handed to a model.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from rag.base import Answer, Quote

MAX_BYTES = 600_000  # of one browser's conversations, as JSON; the oldest ones make room
MAX_TURNS = 30  # of one conversation; a longer one goes on without its first turns
HISTORY = 4  # earlier turns that travel with a question
SNIPPET = 220  # characters kept of a page that was only close
WITHDRAWN = (
    "This answer is no longer shown: it cites a page that is gone, or that you may not open now."
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what came of it: an answer, or the message of a failure."""

    question: str
    answer: Answer | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Questions that follow each other, oldest first."""

    id: str  # "": it has no turn yet, and is not kept
    turns: tuple[Turn, ...] = ()

    @property
    def title(self) -> str:
        """The first question, on one line."""
        words = " ".join(self.turns[0].question.split()) if self.turns else "New conversation"
        return words if len(words) <= 60 else words[:59].rstrip() + "…"

    @property
    def history(self) -> tuple[tuple[str, str], ...]:
        """The last turns that were looked up, as a Question takes them; a refusal says nothing."""
        turns = [
            (turn.question, turn.answer.text if turn.answer.status == "answered" else "")
            for turn in self.turns
            if turn.answer is not None and turn.answer.status != "replied"
        ]
        return tuple(turns[-HISTORY:])


@dataclass(frozen=True, slots=True)
class Shelf:
    """All conversations of one browser, latest first, and which of them is open."""

    conversations: tuple[Conversation, ...] = ()
    open_id: str = ""  # "" or unknown: a new conversation, not kept before its first turn

    @property
    def current(self) -> Conversation:
        """The open conversation, or a new one."""
        found = [each for each in self.conversations if each.id == self.open_id]
        return found[0] if found else Conversation("")

    def opened(self, conversation_id: str) -> "Shelf":
        """Return the shelf with another conversation open; "" for a new one."""
        return replace(self, open_id=conversation_id)

    def with_current(self, conversation: Conversation) -> "Shelf":
        """Return the shelf with a conversation put first and open."""
        kept = replace(conversation, turns=conversation.turns[-MAX_TURNS:])
        others = tuple(each for each in self.conversations if each.id != conversation.id)
        return Shelf((kept, *others), conversation.id)

    def without_current(self) -> "Shelf":
        """Return the shelf without the open conversation, with a new one open."""
        return Shelf(tuple(each for each in self.conversations if each.id != self.open_id))


def kept(answer: Answer) -> Answer:
    """Return an answer without what no reader of it needs: attempts, trace, distant passages."""
    closest = tuple(replace(each, passage=_shortened(each.passage)) for each in answer.closest)
    return replace(answer, attempts=(), closest=closest, trace=None)


def authorised(
    conversation: Conversation, readable: Callable[[frozenset[str]], frozenset[str]]
) -> Conversation:
    """Return the conversation as someone may see it now.

    readable: which of some documents exist and are theirs to read. An answer that cites another
    loses its words and sources; a page that was only close is left out.
    """
    now = readable(frozenset(_documents(conversation)))
    return replace(conversation, turns=tuple(_authorised(turn, now) for turn in conversation.turns))


def dump(shelf: Shelf) -> object:
    """Return a shelf as JSON values of at most MAX_BYTES, the oldest conversations left out."""
    rows: list[object] = []
    room = MAX_BYTES
    for conversation in shelf.conversations:
        row = _CONVERSATION.dump_python(conversation, mode="json")
        room -= len(json.dumps(row))
        if room < 0 and rows:
            break
        rows.append(row)
    return {"conversations": rows, "open_id": shelf.open_id}


def load(value: object) -> Shelf:
    """Return the shelf of some JSON values; an empty one if they are none of ours."""
    try:
        return _SHELF.validate_python(value)
    except ValidationError:
        return Shelf()


def _documents(conversation: Conversation) -> Iterator[str]:
    for turn in conversation.turns:
        if turn.answer is not None:
            yield from (each.document_id for each in turn.answer.citations)
            yield from (each.document_id for each in turn.answer.closest)


def _authorised(turn: Turn, readable: frozenset[str]) -> Turn:
    if turn.answer is None:
        return turn
    if not all(each.document_id in readable for each in turn.answer.citations):
        return Turn(turn.question, failure=WITHDRAWN)
    closest = tuple(each for each in turn.answer.closest if each.document_id in readable)
    return replace(turn, answer=replace(turn.answer, closest=closest))


def _shortened(passage: Quote) -> Quote:
    text = passage.text[:SNIPPET]
    return Quote(text, passage.start, passage.start + len(text))


_CONVERSATION = TypeAdapter(Conversation)
_SHELF = TypeAdapter(Shelf)
