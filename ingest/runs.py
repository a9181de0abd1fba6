"""Runs of the ingestion in data/live.sqlite: which one goes on, how far it is, how others ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from index.live import METADATA, Live

KEPT = 400  # a year of nights
BEAT = timedelta(seconds=2)  # between two signs of life: each is a write that waits for the disk
SILENT = timedelta(minutes=10)  # without one, a run is taken for dead: a document takes a minute

State = Literal["running", "done", "failed"]

RUNS = sa.Table(
    "runs",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text),
    sa.Column("process", sa.Integer),
    sa.Column("started_at", sa.Text),
    sa.Column("heartbeat_at", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("done", sa.Integer),
    sa.Column("total", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("report", sa.JSON),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as any process sees it."""

    number: int
    state: State
    process: int  # id of the process it ran in
    started_at: datetime  # aware, UTC
    heartbeat_at: datetime  # the last sign of life; of a run that ended, its end
    source: str | None  # that it was at
    done: int  # documents of that source
    total: int  # 0: still being listed
    error: str | None
    report: Mapping[str, Any] | None  # JSON

    def silent(self, now: datetime) -> bool:
        """Return whether it has given no sign of life for too long."""
        return self.state == "running" and now - self.heartbeat_at > SILENT


class Runs:
    """The runs of one data directory. Only the holder of its LOCK begins, beats and ends."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._beaten_at: datetime | None = None

    def begin(self, now: datetime, *, process: int) -> int:
        """Return the number of a new run; one that ended without a word has failed."""
        with self._live.writing() as connection:
            connection.execute(
                sa.update(RUNS)
                .where(RUNS.c.state == "running")
                .values(
                    state="failed", error="the process ended in the middle; the next run resumes"
                )
            )
            number = connection.execute(
                sa.insert(RUNS).values(
                    state="running",
                    process=process,
                    started_at=now.isoformat(),
                    heartbeat_at=now.isoformat(),
                    done=0,
                    total=0,
                )
            ).inserted_primary_key
            assert number is not None
            connection.execute(sa.delete(RUNS).where(RUNS.c.number <= number[0] - KEPT))
        return int(number[0])

    def beat(self, number: int, source: str, done: int, total: int, *, now: datetime) -> None:
        """Say that a run lives and how far it is; at most once in BEAT."""
        if self._beaten_at is not None and now - self._beaten_at < BEAT:
            return
        self._beaten_at = now
        self._set(number, source=source, done=done, total=total, heartbeat_at=now.isoformat())

    def finish(self, number: int, report: Mapping[str, Any], *, now: datetime) -> None:
        """Say that a run came to its end. report: JSON, without names of documents."""
        self._set(number, state="done", report=dict(report), heartbeat_at=now.isoformat())

    def fail(self, number: int, error: str, *, now: datetime) -> None:
        """Say that a run broke off, and why."""
        self._set(number, state="failed", error=error, heartbeat_at=now.isoformat())

    def running(self) -> Run | None:
        """Return the run that goes on, or that ended without a word."""
        return self._newest(RUNS.c.state == "running")

    def ended(self) -> Run | None:
        """Return the newest run that came to its end or broke off."""
        return self._newest(RUNS.c.state != "running")

    def _newest(self, where: sa.ColumnElement[bool]) -> Run | None:
        query = sa.select(RUNS).where(where).order_by(RUNS.c.number.desc()).limit(1)
        with self._live.reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _run(dict(row))

    def _set(self, number: int, **values: Any) -> None:
        with self._live.writing() as connection:
            connection.execute(sa.update(RUNS).where(RUNS.c.number == number).values(**values))


def _run(row: Mapping[str, Any]) -> Run:
    times = {key: datetime.fromisoformat(row[key]) for key in ("started_at", "heartbeat_at")}
    return Run(**{**row, **times})
