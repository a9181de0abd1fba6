"""What the web page shows after each thing a person does; knows nothing of Gradio."""

import logging
import secrets
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from index.base import Hit, Store, StoreError
from rag.base import Answer, Answerer, Found, Partial, Question
from rag.journal import JournalError, feedback_of
from ui import conversation, page
from ui.conversation import Conversation, Shelf, Turn
from ui.ratings import NOT_RATED, NOT_WRITTEN, RATED, Rate

log = logging.getLogger(__name__)

MAX_QUESTION = 2000  # characters
NO_INDEX = (
    "The index cannot be read at the moment, so there is nothing to answer from. "
    "Please try again in a few minutes; if it stays like this, tell your administrator."
)
BROKEN = (
    "Something went wrong while answering, and it was not your question. "
    "Please ask again; if it happens once more, tell your administrator."
)
EMPTY = Conversation("")


@dataclass(frozen=True, slots=True)
class Screen:
    """Changes to the page; None leaves a part as it is."""

    box: str | None = None  # the question being written
    pending: str | None = None  # the question being answered; "" when none is
    turns: str | None = None  # HTML
    live: str | None = None
    evidence: str | None = None
    live_evidence: str | None = None
    shelf: Shelf | None = None
    welcome: bool | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """The conversation page of everyone; holds no one's state."""

    answerer: Answerer
    store: Store
    now: Callable[[], datetime]
    rate: Rate
    # of a conversation; drawn by lot, since two tabs of a browser do not know of each other
    new_id: Callable[[], str] = partial(secrets.token_hex, 8)

    def vote(self, answer_id: str, liked: str, principals: frozenset[str]) -> str:
        """Write down what somebody thinks of an answer; return what to tell them."""
        try:
            self.rate(feedback_of(answer_id, liked), principals, self.now())
        except JournalError:
            return NOT_RATED
        except StoreError:
            log.exception("feedback lost")
            return NOT_WRITTEN
        return RATED

    def load(self, shelf: Shelf, principals: frozenset[str]) -> Screen:
        """Show the open conversation, less what may not be read any more."""
        try:
            current = self._authorised(shelf.current, principals)
        except StoreError:
            log.exception("index unusable")
            turns = page.turns([Turn(shelf.current.title, failure=NO_INDEX)], self.now())
            return replace(self._shown(EMPTY), turns=turns, welcome=False, shelf=shelf)
        if not current.turns:
            return replace(self._shown(current), shelf=shelf)
        kept = shelf.with_current(current) if current != shelf.current else shelf
        return replace(self._shown(current), shelf=kept)

    def open(self, shelf: Shelf, conversation_id: str, principals: frozenset[str]) -> Screen:
        """Show another conversation, "" for a new one; a question in progress is forgotten."""
        return self.load(shelf.opened(conversation_id), principals)

    def delete(self, shelf: Shelf) -> Screen:
        """Forget the open conversation and start a new one."""
        return replace(self._shown(EMPTY), shelf=shelf.without_current())

    def stopped(self, pending: str) -> Screen:
        """Take the question in progress back into the box."""
        return Screen(box=pending or None, pending="", live="", live_evidence="")

    def ask(self, text: str, shelf: Shelf, principals: frozenset[str]) -> Iterator[Screen]:
        """Answer a question: first the sources, then words, then the answer."""
        question = text.strip()[:MAX_QUESTION]
        if not question:
            yield Screen()
            return
        yield Screen(
            box="",
            pending=question,
            live=page.working(question, None, ""),
            welcome=False,
        )
        before = EMPTY  # what is shown; nothing until it is known what may be read
        try:
            before = self._authorised(shelf.current, principals)
            answer = yield from self._stream(Question(question, principals, before.history), before)
            turn = Turn(question, conversation.kept(answer))
        except Exception as error:  # the last place that can tell the person who waits
            log.exception("question failed")
            turn = Turn(question, failure=NO_INDEX if isinstance(error, StoreError) else BROKEN)
        after = before if before is not EMPTY else shelf.current
        shown = self._shown(replace(before, turns=(*before.turns, turn)))
        longer = replace(after, id=after.id or self.new_id(), turns=(*after.turns, turn))
        yield replace(shown, shelf=shelf.with_current(longer))

    def _stream(self, question: Question, before: Conversation) -> Generator[Screen, None, Answer]:
        """Show every event as it comes; closing this closes the answerer's stream."""
        events = self.answerer.stream(question)
        hits: tuple[Hit, ...] = ()
        try:
            for event in events:
                match event:
                    case Found(hits):
                        now = self.now()
                        yield Screen(
                            live=page.working(question.text, hits, ""),
                            evidence=page.evidence(before.turns, now, active=False),
                            live_evidence=page.found(hits, now),
                        )
                    case Partial(text):
                        yield Screen(live=page.working(question.text, hits, text))
                    case Answer():
                        return event
        finally:
            if isinstance(events, Generator):
                events.close()
        raise RuntimeError("the stream ended without an answer")

    def _authorised(self, kept: Conversation, principals: frozenset[str]) -> Conversation:
        return conversation.authorised(
            kept, lambda document_ids: self.store.readable(document_ids, principals)
        )

    def _shown(self, current: Conversation) -> Screen:
        now = self.now()
        return Screen(
            pending="",
            turns=page.turns(current.turns, now),
            live="",
            evidence=page.evidence(current.turns, now, active=True),
            live_evidence="",
            welcome=not current.turns,
        )
