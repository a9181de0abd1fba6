"""Questions, the documents behind their answers, and what people thought of them.

Knows no answer's words and no document's: only who asked what, for as long as the settings say.
Receipts and the larger model's decisions are written and forgotten with it.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import sqlalchemy as sa

from index.base import StoreError
from index.live import METADATA, Live
from rag import receipt, spending
from rag.base import Answer, Answerer, Event, Question
from rag.receipt import Receipt
from rag.spending import Decision

log = logging.getLogger(__name__)

Vote = Literal["up", "down"]
Reason = Literal["wrong", "outdated", "wrong source", "incomplete"]
NAMED = "`footnote ask --json` names an answer's id."
REASONS: tuple[Reason, ...] = get_args(Reason)
ROWS_KEPT = timedelta(days=400)  # a year and the month before, for charts to compare
DAY = timedelta(days=1)

QUESTIONS = sa.Table(
    "questions",
    METADATA,
    sa.Column("answer_id", sa.Text, primary_key=True),
    sa.Column("asked_at", sa.Text, nullable=False, index=True),  # ISO 8601, UTC: order is time
    sa.Column("person", sa.Text),  # e-mail address; None: not known, or no longer kept
    sa.Column("text", sa.Text),  # None: no longer kept
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("generation", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
)
EVIDENCE = sa.Table(
    "evidence",
    METADATA,
    sa.Column("answer_id", sa.Text, primary_key=True),
    sa.Column("document_id", sa.Text, primary_key=True),
)
FEEDBACK = sa.Table(
    "feedback",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),  # the last of a person counts
    sa.Column("answer_id", sa.Text, nullable=False, index=True),
    sa.Column("person", sa.Text),
    sa.Column("vote", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("given_at", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)


class JournalError(Exception):
    """What was to be written does not fit what is there; the message is for who asked for it."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is kept of one answer."""

    answer_id: str
    asked_at: datetime
    person: str | None  # e-mail address; None: not known, or no longer kept
    text: str | None  # of the question; None: no longer kept
    status: str
    confidence: float
    generation: str
    seconds: float
    receipt: Receipt | None  # None: no longer kept
    decision: Decision | None  # about the larger model; None where there was none


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody thought of an answer."""

    answer_id: str
    vote: Vote
    reason: Reason | None = None


def feedback_of(answer_id: str, liked: str) -> Feedback:
    """Return what a button means: "up", "down", or down for a reason. Raises JournalError."""
    if liked == "up":
        return Feedback(answer_id, "up")
    for reason in REASONS:
        if liked == reason:
            return Feedback(answer_id, "down", reason)
    if liked == "down":
        return Feedback(answer_id, "down")
    raise JournalError(f"{liked!r} is no vote: up, down, {', '.join(REASONS)}.")


class Journal:
    """The journal of one data directory; threads and processes may share it."""

    def __init__(self, live: Live, *, kept: timedelta) -> None:
        """kept: how long a question's text and who asked it stay; none: they are not written."""
        self._live = live
        self._kept = kept

    def record(self, question: Question, answer: Answer, now: datetime) -> None:
        """Write that a question was answered."""
        named = bool(self._kept)
        row = {
            "answer_id": answer.id,
            "asked_at": now.isoformat(),
            "person": person_of(question.principals) if named else None,
            "text": question.text if named else None,
            "status": answer.status,
            "confidence": answer.confidence,
            "generation": answer.generation,
            "seconds": answer.timings.complete_s,
        }
        cited = {citation.document_id for citation in answer.citations}
        rows = [{"answer_id": answer.id, "document_id": id} for id in sorted(cited)]
        with self._live.writing() as connection:
            connection.execute(sa.insert(QUESTIONS), row)
            if rows:
                connection.execute(sa.insert(EVIDENCE), rows)
            if answer.trace is not None and named:
                receipt.write(connection, answer.id, receipt.of(answer, question, answer.trace))
            spending.decided(connection, answer, now)

    def rate(self, feedback: Feedback, principals: frozenset[str], now: datetime) -> None:
        """Write feedback; it is on the disk when this returns.

        Raises JournalError if there is no such answer, or if somebody else was given it.
        """
        person = person_of(principals)
        with self._live.writing() as connection:
            asked = sa.select(QUESTIONS.c.person).where(QUESTIONS.c.answer_id == feedback.answer_id)
            found = connection.execute(asked).one_or_none()
            if found is None or found.person not in (None, person):
                raise JournalError(f"There is no answer {feedback.answer_id!r} to give feedback on")
            row = {
                "answer_id": feedback.answer_id,
                "person": person if self._kept else None,
                "vote": feedback.vote,
                "reason": feedback.reason,
                "given_at": now.isoformat(),
            }
            connection.execute(sa.insert(FEEDBACK), row)

    def expire(self, now: datetime) -> None:
        """Let the texts and askers go that are older than they may be kept, then whole rows.

        To be called every day. A row's numbers stay for ROWS_KEPT, or as long as its words do.
        """
        with self._live.writing() as connection:
            _unname(connection, now - self._kept)
            _remove(connection, now - max(self._kept, ROWS_KEPT))

    def forget_person(self, email: str) -> int:
        """Remove every row of a person, to the last byte; return how many."""
        person = email.strip().lower()
        with self._live.writing() as connection:
            theirs = sa.select(QUESTIONS.c.answer_id).where(QUESTIONS.c.person == person)
            receipt.drop(connection, connection.execute(theirs).scalars().all())
            spending.forget_answers(connection, theirs)
            about = EVIDENCE.c.answer_id.in_(theirs)
            connection.execute(sa.delete(EVIDENCE).where(about))
            given = (FEEDBACK.c.person == person) | FEEDBACK.c.answer_id.in_(theirs)
            removed = connection.execute(sa.delete(FEEDBACK).where(given)).rowcount
            asked = sa.delete(QUESTIONS).where(QUESTIONS.c.person == person)
            removed += connection.execute(asked).rowcount
        self._live.erase()
        return int(removed)

    def count(self, email: str) -> int:
        """Return how many rows `forget_person` would remove."""
        person = email.strip().lower()
        theirs = sa.select(QUESTIONS.c.answer_id).where(QUESTIONS.c.person == person)
        given = (FEEDBACK.c.person == person) | FEEDBACK.c.answer_id.in_(theirs)
        with self._live.reading() as connection:
            asked = connection.execute(sa.select(sa.func.count()).select_from(theirs.subquery()))
            said = connection.execute(sa.select(sa.func.count()).where(given))
            return int(asked.scalar_one()) + int(said.scalar_one())

    def find(self, answer_id: str | None, eyes: frozenset[str] | None) -> Record:
        """Return what is kept of an answer.

        answer_id: or how it begins; None: the last one. eyes: the principals of who asks for it,
        who must be its asker; None: an admin, who may see every one. Raises JournalError if there
        is none, or it was somebody else's: the two are not told apart.
        """
        wanted = sa.select(QUESTIONS).order_by(QUESTIONS.c.asked_at.desc()).limit(2)
        if answer_id is not None:
            begins = QUESTIONS.c.answer_id.startswith(answer_id, autoescape=True)
            wanted = wanted.where(begins)
        if eyes is not None:  # who asked nameless has no answers of their own
            wanted = wanted.where(QUESTIONS.c.person == (person_of(eyes) or ""))
        with self._live.reading() as connection:
            rows = connection.execute(wanted).mappings().all()
            if not rows:
                name = f" {answer_id!r}" if answer_id else ""
                raise JournalError(f"There is no answer{name}. {NAMED}")
            if answer_id is not None and len(rows) > 1:
                raise JournalError(f"Several answers begin with {answer_id!r}. {NAMED}")
            row = dict(rows[0])
            row["asked_at"] = datetime.fromisoformat(row["asked_at"])
            return Record(
                **row,
                receipt=receipt.read(connection, row["answer_id"]),
                decision=spending.read(connection, row["answer_id"]),
            )

    def feedback(self) -> list[Feedback]:
        """Return all feedback, oldest first."""
        columns = (FEEDBACK.c.answer_id, FEEDBACK.c.vote, FEEDBACK.c.reason)
        with self._live.reading() as connection:
            rows = connection.execute(sa.select(*columns).order_by(FEEDBACK.c.number)).all()
        return [Feedback(*row) for row in rows]


class Journaled:
    """An Answerer whose answers are written down, and once a day forgotten if they are old."""

    def __init__(self, answerer: Answerer, journal: Journal, clock: Callable[[], datetime]) -> None:
        """clock: gives the time, aware, UTC."""
        self._answerer = answerer
        self._journal = journal
        self._clock = clock
        self._expired: datetime | None = None  # where nothing is ingested, nobody else does it

    def stream(self, question: Question) -> Iterator[Event]:
        """Yield what the answerer yields; its Answer once that is written down."""
        try:
            for event in self._answerer.stream(question):
                if isinstance(event, Answer):
                    self._record(question, event)
                yield event
        finally:
            self._expire()

    def ask(self, question: Question) -> Answer:
        """Return the Answer that `stream` ends with."""
        answer = self._answerer.ask(question)
        self._record(question, answer)
        self._expire()
        return answer

    def _record(self, question: Question, answer: Answer) -> None:
        try:
            self._journal.record(question, answer, self._clock())
        except StoreError as error:  # an answer is worth more than its row
            log.warning("not journaled answer=%s error=%s", answer.id, error)

    def _expire(self) -> None:
        now = self._clock()
        if self._expired is not None and now - self._expired < DAY:
            return
        self._expired = now
        try:
            self._journal.expire(now)
        except StoreError as error:
            log.warning("journal not expired error=%s", error)


def person_of(principals: frozenset[str]) -> str | None:
    """Return the e-mail address among principals; None where nobody says who they are."""
    people = sorted(each for each in principals if each.startswith("user:"))
    return people[0].removeprefix("user:") if people else None


def _unname(connection: sa.Connection, before: datetime) -> None:
    """Drop words, receipts and persons from before; what was nameless already is not touched."""
    old = QUESTIONS.c.asked_at < before.isoformat()
    named = QUESTIONS.c.text.is_not(None) | QUESTIONS.c.person.is_not(None)
    nameless = sa.update(QUESTIONS).where(old & named).values(text=None, person=None)
    dropped = connection.execute(nameless.returning(QUESTIONS.c.answer_id)).scalars().all()
    receipt.drop(connection, dropped)
    late = (FEEDBACK.c.given_at < before.isoformat()) & FEEDBACK.c.person.is_not(None)
    connection.execute(sa.update(FEEDBACK).where(late).values(person=None))


def _remove(connection: sa.Connection, before: datetime) -> None:
    """Remove every row that belongs to a question from before."""
    old = QUESTIONS.c.asked_at < before.isoformat()
    theirs = sa.select(QUESTIONS.c.answer_id).where(old)
    for table in (EVIDENCE, FEEDBACK):
        connection.execute(sa.delete(table).where(table.c.answer_id.in_(theirs)))
    spending.remove(connection, before)
    connection.execute(sa.delete(QUESTIONS).where(old))
