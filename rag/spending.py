"""What the larger model was asked and what it cost: a row a decision, and the month's budget.

Knows no question's words and no document: numbers, a reason, and the answer they belong to.
"""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from index.live import METADATA, Live
from rag.base import Answer, ModelError

DECISIONS = sa.Table(
    "decisions",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("answer_id", sa.Text, index=True),  # None: who asked it is forgotten
    sa.Column("decided_at", sa.Text, nullable=False, index=True),  # ISO 8601, UTC: order is time
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("called", sa.Boolean, nullable=False),
    sa.Column("why", sa.Text),  # None while it is being made
    sa.Column("features", sa.JSON),  # rag.router.FEATURES
    sa.Column("outcome", sa.Text),  # see `outcome_of`, or "failed"; None: not called
    sa.Column("prompt_tokens", sa.Integer, nullable=False),
    sa.Column("reply_tokens", sa.Integer, nullable=False),
    sa.Column("cost", sa.Float, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sqlite_autoincrement=True,
)


class BudgetExhausted(ModelError):
    """The month's budget has no room for another call."""

    def __init__(self) -> None:
        super().__init__("the month's budget of the larger model is used up", retryable=False)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a calendar month (UTC) may hold, and what a call is charged with."""

    requests: int | None = None  # None: no limit
    cost: float | None = None  # in the currency of the prices; None: no limit
    per_1k_prompt: float = 0.0
    per_1k_reply: float = 0.0

    def price(self, prompt_tokens: int, reply_tokens: int) -> float:
        """Return what one call costs."""
        return (prompt_tokens * self.per_1k_prompt + reply_tokens * self.per_1k_reply) / 1000

    def has_room(self, used: "Use", price: float) -> bool:
        """Return whether one more call of this price fits."""
        if self.requests is not None and used.requests >= self.requests:
            return False
        return self.cost is None or used.cost + price <= self.cost + 1e-9


@dataclass(frozen=True, slots=True)
class Use:
    """What a month has held so far."""

    requests: int = 0
    cost: float = 0.0
    prompt_tokens: int = 0
    reply_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """What one call came to."""

    prompt_tokens: int
    reply_tokens: int
    seconds: float
    failed: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one question, and what came of it."""

    model: str
    called: bool
    why: str | None  # rag.base.Why; None: the question never got an answer
    features: tuple[float, ...]  # rag.router.FEATURES
    outcome: str | None
    prompt_tokens: int
    reply_tokens: int
    cost: float
    seconds: float


class Spending:
    """The decisions of one data directory; threads and processes may share it."""

    def __init__(self, live: Live, budget: Budget) -> None:
        self._live = live
        self.budget = budget

    def used(self, now: datetime) -> Use:
        """Return what this month has held so far."""
        with self._live.reading() as connection:
            return _used(connection, now)

    def is_open(self, price: float, now: datetime) -> bool:
        """Return whether a call of this price may still be made."""
        return self.budget.has_room(self.used(now), price)

    def reserve(
        self, answer_id: str, model: str, prompt_tokens: int, max_tokens: int, now: datetime
    ) -> int:
        """Charge a call with the most it can cost before anything is sent; return its number.

        A call that never ends, because the process did, stays charged so. Raises BudgetExhausted.
        """
        price = self.budget.price(prompt_tokens, max_tokens)
        row = {
            "answer_id": answer_id,
            "decided_at": now.astimezone(UTC).isoformat(),
            "model": model,
            "called": True,
            "prompt_tokens": prompt_tokens,
            "reply_tokens": max_tokens,
            "cost": price,
            "seconds": 0.0,
        }
        with self._live.writing() as connection:
            if not self.budget.has_room(_used(connection, now), price):
                raise BudgetExhausted
            made = sa.insert(DECISIONS).values(row).returning(DECISIONS.c.number)
            return int(connection.execute(made).scalar_one())

    def decisions(self) -> list[tuple[str | None, Decision]]:
        """Return (answer id, decision) of every answered question, oldest first."""
        made = sa.select(DECISIONS).where(DECISIONS.c.why.is_not(None)).order_by(DECISIONS.c.number)
        with self._live.reading() as connection:
            rows = connection.execute(made).mappings().all()
        return [(row["answer_id"], _decision(row)) for row in rows]

    def settle(self, number: int, call: Call) -> None:
        """Replace what a call could have cost by what it did."""
        row = {
            "prompt_tokens": call.prompt_tokens,
            "reply_tokens": call.reply_tokens,
            "cost": self.budget.price(call.prompt_tokens, call.reply_tokens),
            "seconds": call.seconds,
            "outcome": "failed" if call.failed else None,
        }
        with self._live.writing() as connection:
            settled = sa.update(DECISIONS).where(DECISIONS.c.number == number).values(row)
            connection.execute(settled)


def decided(connection: sa.Connection, answer: Answer, now: datetime) -> None:
    """Write the decision behind an answer, or complete the row that its call has already."""
    route = answer.trace.route if answer.trace else None
    if route is None:
        return
    facts = {"why": route.why, "features": list(route.features)}
    if route.call:
        mine = DECISIONS.c.answer_id == answer.id
        completed = sa.update(DECISIONS).where(mine).values(facts)
        known = connection.execute(completed).rowcount
        ended = sa.update(DECISIONS).where(mine & DECISIONS.c.outcome.is_(None))
        connection.execute(ended.values(outcome=outcome_of(answer)))
        if known:
            return
        facts["why"] = "budget"  # another process used up what was left
    row = {
        "answer_id": answer.id,
        "decided_at": now.astimezone(UTC).isoformat(),
        "model": route.model,
        "called": False,
        "prompt_tokens": 0,
        "reply_tokens": 0,
        "cost": 0.0,
        "seconds": 0.0,
    }
    connection.execute(sa.insert(DECISIONS), {**row, **facts})


def read(connection: sa.Connection, answer_id: str) -> Decision | None:
    """Return the decision behind an answer; None where there was none to make."""
    mine = sa.select(DECISIONS).where(DECISIONS.c.answer_id == answer_id)
    row = connection.execute(mine).mappings().one_or_none()
    return _decision(row) if row is not None else None


def outcome_of(answer: Answer) -> str:
    """Return what a call came to: "answered", "not chosen" or "unsupported"."""
    route = answer.trace.route if answer.trace else None
    drafts = [d for d in answer.attempts if route and d.model == route.model and d.text]
    if not drafts:
        return "unsupported"
    return "answered" if drafts[-1].text in answer.text else "not chosen"


def forget_answers(connection: sa.Connection, answer_ids: sa.Select[tuple[str]]) -> None:
    """Cut decisions from the answers they belong to; what they cost stays counted."""
    mine = DECISIONS.c.answer_id.in_(answer_ids)
    connection.execute(sa.update(DECISIONS).where(mine).values(answer_id=None))


def remove(connection: sa.Connection, before: datetime) -> None:
    """Remove the decisions from before; no budget counts them any more."""
    old = DECISIONS.c.decided_at < before.astimezone(UTC).isoformat()
    connection.execute(sa.delete(DECISIONS).where(old))


def _decision(row: sa.RowMapping) -> Decision:
    facts = {each.name: row[each.name] for each in fields(Decision)}
    return Decision(**{**facts, "features": tuple(row["features"] or ())})


def _used(connection: sa.Connection, now: datetime) -> Use:
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = (first.replace(day=28) + timedelta(days=5)).replace(day=1)
    when = DECISIONS.c.decided_at
    month = (when >= first.isoformat()) & (when < after.isoformat())
    total = sa.select(
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(DECISIONS.c.cost), 0.0),
        sa.func.coalesce(sa.func.sum(DECISIONS.c.prompt_tokens), 0),
        sa.func.coalesce(sa.func.sum(DECISIONS.c.reply_tokens), 0),
    ).where(month & DECISIONS.c.called)
    return Use(*connection.execute(total).one())
