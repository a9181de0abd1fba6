"""The receipt of an answer: what was searched, found, tried and verified, by ids and numbers.

Keeps no document's words: they are read from the index again, by whoever may. Rows that name a
document go when it is erased.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from index.base import Hit
from index.live import METADATA
from rag.base import Answer, Draft, Question, Trace, Verdict
from rag.retrieve import own_words

NAMED = 10  # candidates of a search that are kept, besides those that were used
CHUNK = 12  # letters of a chunk's id that are kept: enough to tell whether its text changed

RECEIPTS = sa.Table(
    "receipts",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("answer_id", sa.Text, nullable=False, unique=True),
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("versions", sa.JSON, nullable=False),  # part -> version
    sa.Column("retrieved_s", sa.Float, nullable=False),
    sa.Column("first_token_s", sa.Float),
)
ATTEMPTS = sa.Table(
    "attempts",
    METADATA,
    sa.Column("receipt", sa.Integer, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("passages", sa.Integer, nullable=False),
    sa.Column("search", sa.Integer, nullable=False),  # attempts that found the same share it
    sa.Column("prompted", sa.JSON, nullable=False),  # ranks, [1] first
    sa.Column("likely", sa.Float, nullable=False),
    sa.Column("confidence", sa.Float, nullable=False),
    sa.Column("weakness", sa.Text, nullable=False),
    sa.Column("answers", sa.Boolean, nullable=False),
    sqlite_with_rowid=False,
)
CANDIDATES = sa.Table(
    "candidates",
    METADATA,
    sa.Column("receipt", sa.Integer, primary_key=True),
    sa.Column("search", sa.Integer, primary_key=True),
    sa.Column("rank", sa.Integer, primary_key=True),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("chunk", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("cosine", sa.Float),
    sa.Column("bm25", sa.Float),
    sqlite_with_rowid=False,
)
VERDICTS = sa.Table(
    "verdicts",
    METADATA,
    sa.Column("receipt", sa.Integer, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("sentence", sa.Integer, primary_key=True),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("words", sa.Integer, nullable=False),
    sa.Column("document_id", sa.Text),
    sa.Column("chunk", sa.Text),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage that a search found."""

    rank: int  # counts from 1
    document_id: str
    chunk: str  # the first letters of its id
    score: float
    cosine: float | None
    bm25: float | None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that was written, and what it rests on."""

    sentence: int  # counts from 1
    outcome: str
    words: int
    document_id: str | None
    chunk: str | None
    start: int  # [start, end) in the document's parsed text
    end: int


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt."""

    model: str
    prompt: str  # version; "" where no model was asked
    passages: int
    prompted: tuple[int, ...]  # ranks of the candidates in the prompt, [1] first
    likely: float
    confidence: float
    weakness: str
    answers: bool  # whether this is what was answered
    candidates: tuple[Candidate, ...]  # best first
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an answer came about."""

    query: str
    versions: dict[str, str]
    retrieved_s: float
    first_token_s: float | None
    attempts: tuple[Tried, ...]


def of(answer: Answer, question: Question, trace: Trace) -> Receipt:
    """Return the receipt of an answer that was just given.

    A query that borrows from earlier answers would keep words of documents: then it is left out.
    """
    drafts = answer.attempts if answer.status == "answered" else ()
    given = next((draft for draft in drafts if _is_of(answer, draft)), None)
    return Receipt(
        own_words(question, trace.query),
        dict(trace.versions),
        answer.timings.retrieved_s,
        answer.timings.first_token_s,
        tuple(_tried(draft, answers=draft is given) for draft in answer.attempts),
    )


def _is_of(answer: Answer, draft: Draft) -> bool:
    """Whether an answer is what a draft says."""
    return (draft.text, draft.citations) == (answer.text, answer.citations)


def write(connection: sa.Connection, answer_id: str, receipt: Receipt) -> None:
    """Write a receipt. Attempts that found the same passages share their rows."""
    own = {"answer_id": answer_id, **_columns(RECEIPTS, receipt)}
    made = sa.insert(RECEIPTS).values(own).returning(RECEIPTS.c.number)
    number = connection.execute(made).scalar_one()
    searches = list(dict.fromkeys(tried.candidates for tried in receipt.attempts))
    for search, candidates in enumerate(searches, start=1):
        at = {"receipt": number, "search": search}
        _insert(connection, CANDIDATES, [at | _columns(CANDIDATES, each) for each in candidates])
    for attempt, tried in enumerate(receipt.attempts, start=1):
        at = {"receipt": number, "attempt": attempt}
        found = {"search": searches.index(tried.candidates) + 1}
        _insert(connection, ATTEMPTS, [at | found | _columns(ATTEMPTS, tried)])
        _insert(connection, VERDICTS, [at | _columns(VERDICTS, each) for each in tried.sentences])


def read(connection: sa.Connection, answer_id: str) -> Receipt | None:
    """Return the receipt of an answer, less what was erased; None if there is none."""
    own = sa.select(RECEIPTS).where(RECEIPTS.c.answer_id == answer_id)
    row = connection.execute(own).mappings().one_or_none()
    if row is None:
        return None

    def rows(table: sa.Table, *order: str) -> Sequence[sa.RowMapping]:
        mine = sa.select(table).where(table.c.receipt == row["number"])
        return (
            connection.execute(mine.order_by(*(table.c[name] for name in order))).mappings().all()
        )

    candidates = rows(CANDIDATES, "search", "rank")
    verdicts = rows(VERDICTS, "attempt", "sentence")
    attempts = [
        Tried(
            **{**_fields(Tried, tried), "prompted": tuple(tried["prompted"])},
            candidates=tuple(
                Candidate(**_fields(Candidate, each))
                for each in candidates
                if each["search"] == tried["search"]
            ),
            sentences=tuple(
                Sentence(**_fields(Sentence, each))
                for each in verdicts
                if each["attempt"] == tried["attempt"]
            ),
        )
        for tried in rows(ATTEMPTS, "attempt")
    ]
    return Receipt(**_fields(Receipt, row), attempts=tuple(attempts))


def drop(connection: sa.Connection, answer_ids: Sequence[str]) -> None:
    """Remove the receipts of some answers."""
    if not answer_ids:
        return
    rows = [{"gone": id} for id in answer_ids]
    mine = RECEIPTS.c.answer_id == sa.bindparam("gone")
    number = sa.select(RECEIPTS.c.number).where(mine).scalar_subquery()
    for table in (ATTEMPTS, CANDIDATES, VERDICTS):
        connection.execute(sa.delete(table).where(table.c.receipt == number), rows)
    connection.execute(sa.delete(RECEIPTS).where(mine), rows)


def _tried(draft: Draft, answers: bool) -> Tried:
    ranks = {hit.chunk.id: rank for rank, hit in enumerate(draft.shown, start=1)}
    used = {*draft.prompted, *(verdict.support for verdict in draft.verdicts)}
    return Tried(
        model=draft.model,
        prompt=draft.prompt,
        passages=draft.passages,
        prompted=tuple(ranks[id] for id in draft.prompted if id in ranks),
        likely=draft.likely,
        confidence=draft.confidence,
        weakness=draft.weakness,
        answers=answers,
        candidates=tuple(
            _candidate(hit, rank)
            for rank, hit in enumerate(draft.shown, start=1)
            if rank <= NAMED or hit.chunk.id in used
        ),
        sentences=tuple(_sentence(each, n) for n, each in enumerate(draft.verdicts, start=1)),
    )


def _candidate(hit: Hit, rank: int) -> Candidate:
    chunk = hit.chunk
    return Candidate(rank, chunk.document.id, chunk.id[:CHUNK], hit.score, hit.cosine, hit.bm25)


def _sentence(verdict: Verdict, number: int) -> Sentence:
    return Sentence(
        number,
        verdict.outcome,
        verdict.words,
        verdict.document_id,
        verdict.support and verdict.support[:CHUNK],
        verdict.start,
        verdict.end,
    )


def _columns(table: sa.Table, value: object) -> dict[str, Any]:
    """Return what a table keeps of a value: its fields of the columns' names."""
    return {c.name: getattr(value, c.name) for c in table.c if hasattr(value, c.name)}


def _fields(kind: type, row: sa.RowMapping) -> dict[str, Any]:
    """Return what a row holds of a dataclass."""
    return {field.name: row[field.name] for field in fields(kind) if field.name in row}


def _insert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)
