"""What runs remember of sources and documents, in data/live.sqlite. Decides nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from index.live import METADATA, Live
from ingest.base import Failure, LedgerError
from ingest.history import Loss, Past, Trouble


def _table(name: str, *columns: str, key: str) -> sa.Table:
    others = [sa.Column(column, sa.Text) for column in columns]
    return sa.Table(name, METADATA, sa.Column(key, sa.Text, primary_key=True), *others)


SOURCES = _table("sources", "listed_at", "failing_since", key="source")
MISSED = _table("missed", "source", "since", key="document_id")
TROUBLES = _table(
    "troubles",
    *("source", "stage", "code", "message", "version", "parser", "first_seen", "last_seen"),
    key="document_id",
)
TROUBLES.append_column(sa.Column("attempts", sa.Integer))
LOSSES = _table("losses", "held_at", "why", key="source")
LOSSES.append_column(sa.Column("run", sa.Integer))
LOSSES.append_column(sa.Column("approved", sa.Boolean))
LOST = _table("lost", "source", key="document_id")
_ALL = (SOURCES, MISSED, TROUBLES, LOSSES, LOST)
PREPARED = _table("prepared", "past", key="source")
PREPARED.append_column(sa.Column("run", sa.Integer))
_PAST = TypeAdapter(Past)


class Ledger:
    """The memory of one data directory."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def past(self, source: str) -> Past:
        """Return what is remembered of a source; of a new one, nothing."""
        with self._live.reading() as connection:
            return _past(connection, source)

    def sources(self) -> dict[str, Past]:
        """Return source -> what is remembered of it, by name."""
        with self._live.reading() as connection:
            names = connection.execute(sa.select(SOURCES.c.source).order_by(SOURCES.c.source))
            return {name: _past(connection, name) for (name,) in names.all()}

    def prepare(self, run: int, pasts: Mapping[str, Past]) -> None:
        """Keep aside what a run will leave of sources, until it is known to be published."""
        rows = [
            {"source": source, "run": run, "past": _PAST.dump_json(past).decode()}
            for source, past in pasts.items()
        ]
        with self._live.writing() as connection:
            connection.execute(sa.delete(PREPARED))
            if rows:
                connection.execute(sa.insert(PREPARED), rows)

    def settle(self, published: int | None) -> None:
        """Remember what a run prepared that broke off after its index was published.

        Of a run that broke off before, nothing is kept. published: the run whose index answers.
        """
        with self._live.writing() as connection:
            rows = connection.execute(sa.select(PREPARED).where(PREPARED.c.run == published)).all()
            _remember(connection, {row.source: _PAST.validate_json(row.past) for row in rows})

    def remember(self, pasts: Mapping[str, Past]) -> None:
        """Replace what is remembered of sources, all at once; nothing stays prepared.

        A loss that a person approved meanwhile stays approved.
        """
        with self._live.writing() as connection:
            _remember(connection, pasts)

    def held(self, source: str, run: int) -> Loss:
        """Return the loss of a source that is held since a run. Raises LedgerError if none is."""
        with self._live.reading() as connection:
            return _held(connection, source, run)

    def approve(self, source: str, run: int) -> None:
        """Let a held loss through at the next run. Raises LedgerError if it is not held."""
        with self._live.writing() as connection:
            _held(connection, source, run)
            connection.execute(
                sa.update(LOSSES).where(LOSSES.c.source == source).values(approved=True)
            )

    def retry(self, document_id: str) -> Trouble:
        """Forget how often a document failed, so that the next run tries it; return what it was.

        Raises LedgerError if it did not fail.
        """
        with self._live.writing() as connection:
            found = _troubles(connection, TROUBLES.c.document_id == document_id)
            if not found:
                raise LedgerError(
                    f"{document_id!r} is not among the documents that failed; "
                    "`footnote status` lists them."
                )
            connection.execute(sa.delete(TROUBLES).where(TROUBLES.c.document_id == document_id))
        return found[document_id]


def _remember(connection: sa.Connection, pasts: Mapping[str, Past]) -> None:
    connection.execute(sa.delete(PREPARED))
    for source, past in pasts.items():
        before = _past(connection, source).loss
        if before and past.loss and before.run == past.loss.run:
            past = replace(past, loss=replace(past.loss, approved=before.approved))
        for table in _ALL:
            connection.execute(sa.delete(table).where(table.c.source == source))
        for table, rows in _rows(source, past).items():
            if rows and past != Past():  # of a source that is wholly gone, not even its name
                connection.execute(sa.insert(table), rows)


def _past(connection: sa.Connection, source: str) -> Past:
    row = connection.execute(sa.select(SOURCES).where(SOURCES.c.source == source)).one_or_none()
    if row is None:
        return Past()
    missed = connection.execute(sa.select(MISSED).where(MISSED.c.source == source))
    return Past(
        listed_at=_time(row.listed_at),
        failing_since=_time(row.failing_since),
        missed={each.document_id: datetime.fromisoformat(each.since) for each in missed},
        troubles=_troubles(connection, TROUBLES.c.source == source),
        loss=_loss(connection, source),
    )


def _held(connection: sa.Connection, source: str, run: int) -> Loss:
    found = _loss(connection, source)
    if found is None:
        rows = connection.execute(sa.select(LOSSES.c.source, LOSSES.c.run)).all()
        names = ", ".join(f"{name} by run {number}" for name, number in rows)
        raise LedgerError(f"No loss of source {source!r} is held. Held are: {names or 'none'}.")
    if found.run != run:
        raise LedgerError(
            f"What is held of source {source!r} is the loss of run {found.run}: "
            f"{len(found.documents)} documents. Look at it with `footnote ingest --dry-run`, then "
            f"run `footnote approve {source} {found.run}`."
        )
    return found


def _troubles(connection: sa.Connection, where: sa.ColumnElement[bool]) -> dict[str, Trouble]:
    rows = connection.execute(sa.select(TROUBLES).where(where).order_by(TROUBLES.c.document_id))
    return {
        row.document_id: Trouble(
            failure=Failure(row.document_id, row.stage, row.code, row.message),
            version=row.version,
            parser=row.parser,
            attempts=row.attempts,
            first_seen=datetime.fromisoformat(row.first_seen),
            last_seen=datetime.fromisoformat(row.last_seen),
        )
        for row in rows
    }


def _loss(connection: sa.Connection, source: str) -> Loss | None:
    row = connection.execute(sa.select(LOSSES).where(LOSSES.c.source == source)).one_or_none()
    if row is None:
        return None
    lost = connection.execute(sa.select(LOST.c.document_id).where(LOST.c.source == source))
    held_at = datetime.fromisoformat(row.held_at)
    return Loss(row.run, held_at, frozenset(lost.scalars()), row.why, row.approved)


def _rows(source: str, past: Past) -> dict[sa.Table, list[dict[str, Any]]]:
    loss = past.loss
    return {
        SOURCES: [
            {
                "source": source,
                "listed_at": past.listed_at and past.listed_at.isoformat(),
                "failing_since": past.failing_since and past.failing_since.isoformat(),
            }
        ],
        MISSED: [
            {"document_id": id, "source": source, "since": since.isoformat()}
            for id, since in past.missed.items()
        ],
        TROUBLES: [_trouble_row(source, trouble) for trouble in past.troubles.values()],
        LOSSES: []
        if loss is None
        else [
            {
                "source": source,
                "run": loss.run,
                "held_at": loss.held_at.isoformat(),
                "why": loss.why,
                "approved": loss.approved,
            }
        ],
        LOST: [{"document_id": id, "source": source} for id in sorted(loss.documents)]
        if loss
        else [],
    }


def _trouble_row(source: str, trouble: Trouble) -> dict[str, Any]:
    failure = trouble.failure
    return {
        "document_id": failure.document_id,
        "source": source,
        "stage": failure.stage,
        "code": failure.code,
        "message": failure.message,
        "version": trouble.version,
        "parser": trouble.parser,
        "attempts": trouble.attempts,
        "first_seen": trouble.first_seen.isoformat(),
        "last_seen": trouble.last_seen.isoformat(),
    }


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
