"""When a thread is read again, and what becomes of a memory that cannot be used."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connectors.slack_memory import DAY_S, FORMAT, Memory, Thread, fingerprint, is_due
from connectors.slack_workspace import Channel

TS = "1772438400.000100"
OLD = 1_772_438_400.0
GENERAL = Channel("C1", "general", frozenset({"everyone"}))
NOW = OLD + 100 * DAY_S


@pytest.mark.parametrize("days", [1, 7, 30])
def test_every_old_thread_has_one_turn_in_as_many_days(days: int) -> None:
    dice = random.Random(days)
    for _ in range(200):
        ts, read_at = f"{dice.randrange(10**9, 2 * 10**9)}.000100", NOW + dice.random() * 3600
        nights = [NOW + (1 + night) * DAY_S + 7200 for night in range(days)]
        assert sum(_reads(ts, read_at, nights, days)) == 1


def test_a_thread_whose_night_was_missed_is_read_in_the_next() -> None:
    dice = random.Random(0)
    for _ in range(200):
        ts = f"{dice.randrange(10**9, 2 * 10**9)}.000100"
        assert is_due(ts, NOW, OLD, NOW + 7 * DAY_S, 7)
        assert is_due(ts, NOW, OLD, NOW + 30 * DAY_S, 7)


def test_a_thread_with_a_reply_of_these_days_is_always_read() -> None:
    assert is_due(TS, NOW, NOW - 6.9 * DAY_S, NOW, 7)
    assert not is_due(TS, NOW, NOW - 7.1 * DAY_S, NOW, 7)


def test_with_no_days_every_thread_is_always_read() -> None:
    assert is_due(TS, NOW, OLD, NOW, 0)


def _reads(ts: str, read_at: float, nights: list[float], days: int) -> list[bool]:
    reads = []
    for now in nights:
        reads.append(is_due(ts, read_at, OLD, now, days))
        read_at = now if reads[-1] else read_at
    return reads


@pytest.mark.parametrize(
    "changed", [{"reply_count": 3}, {"latest_reply": "1772438500.000100"}, {"reply_count": None}]
)
def test_more_or_other_replies_change_the_fingerprint(changed: dict[str, object]) -> None:
    raw = {"ts": TS, "reply_count": 2, "latest_reply": "1772438460.000100"}
    assert fingerprint(GENERAL, {**raw, **changed}, None) != fingerprint(GENERAL, raw, None)


def test_a_memory_of_another_format_is_begun_anew(tmp_path: Path) -> None:
    raw = {"ts": TS, "reply_count": 2, "latest_reply": TS}
    root = fingerprint(GENERAL, raw, None)
    kept = Thread(root, "1", (), NOW)
    Memory(tmp_path / "m", reread_days=7).keep("C1", TS, kept)
    assert Memory(tmp_path / "m", reread_days=7).thread("C1", raw, root, NOW) == kept
    with closing(sqlite3.connect(tmp_path / "m")) as database:
        database.execute(f"PRAGMA user_version = {FORMAT + 1}")
    assert Memory(tmp_path / "m", reread_days=7).thread("C1", raw, root, NOW) is None
