"""Questions and feedback: what is kept, for how long, and through which crashes."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa

from index.live import FILE, METADATA, Live
from index.overlay import Overlay
from rag.base import Answer, Event, Question, Route, Trace
from rag.journal import QUESTIONS, Feedback, Journal, Journaled, JournalError
from tests.ui.fake_answers import ScriptedAnswerer, answered, chunks, citation, document, replied

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANN = frozenset({"everyone", "user:ann@x.org"})
BOB = frozenset({"everyone", "user:bob@x.org"})
LEAVE = chunks(document("wiki:leave", "Leave"), [("", "Everyone has 25 days.")])

WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from index.live import Live
from rag.journal import QUESTIONS, Feedback, Journal
journal = Journal(Live(Path(sys.argv[1])), kept=timedelta(days=90))
for number in range(int(sys.argv[2]), 1000):
    journal.rate(
        Feedback("asked", "down", f"reason {number}"),
        frozenset({"user:ann@x.org"}), datetime.now(UTC),
    )
    print(number, flush=True)
"""


def answer(id: str) -> Answer:
    return replace(answered("25 days. [1]", [citation(LEAVE[0], "25 days")]), id=id)


def decided(id: str) -> Answer:
    """Return an answer that the larger model was not asked for."""
    route = Route("house-70b", False, "sure", (0.9,))
    return replace(answer(id), trace=Trace("how many", (), route))


def counted(data: Path) -> dict[str, int]:
    tables = ("questions", "evidence", "feedback", "decisions")
    with Live(data).reading() as connection:
        count = sa.func.count()
        found = {t: connection.execute(sa.select(count).select_from(sa.table(t))) for t in tables}
        return {table: rows.scalar_one() for table, rows in found.items()}


def made(data: Path, *, days: int = 90) -> Journal:
    return Journal(Live(data), kept=timedelta(days=days))


def body(data: Path) -> bytes:
    return (data / FILE).read_bytes()


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in memory where there is one: a kill needs no disk, and 1,000 writes do."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if shared.is_dir() else tmp_path) as folder:
        yield Path(folder)


def test_a_thousand_acknowledged_votes_are_there_after_kills(memory: Path) -> None:
    journal = made(memory)
    journal.record(Question("How many?", ANN), answer("asked"), NOW)
    dice = random.Random(11)
    acknowledged = kills = 0
    while acknowledged < 1000:
        command = [sys.executable, "-c", WRITER, str(memory), str(acknowledged)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            until = acknowledged + dice.randint(60, 140)
            for line in writer.stdout:
                acknowledged = int(line) + 1
                if acknowledged == until:
                    time.sleep(dice.random() * 0.01)
                    writer.send_signal(signal.SIGKILL)
                    kills += 1
        if acknowledged < until:
            assert writer.returncode == 0
    assert kills >= 7
    reasons = [each.reason for each in journal.feedback()]
    assert set(reasons) >= {f"reason {number}" for number in range(1000)}


def test_only_who_was_given_an_answer_may_rate_it(tmp_path: Path) -> None:
    journal = made(tmp_path)
    journal.record(Question("How many?", ANN), answer("a1"), NOW)
    journal.rate(Feedback("a1", "up"), ANN, NOW)
    for feedback, principals in ((Feedback("a1", "up"), BOB), (Feedback("never", "up"), ANN)):
        with pytest.raises(JournalError):
            journal.rate(feedback, principals, NOW)
    assert journal.feedback() == [Feedback("a1", "up")]


def test_whoever_saw_an_answer_in_a_channel_may_rate_it(tmp_path: Path) -> None:
    journal = made(tmp_path)
    journal.record(Question("How many?", frozenset({"everyone"})), answer("a1"), NOW)
    journal.rate(Feedback("a1", "down", "outdated"), BOB, NOW)
    assert journal.feedback() == [Feedback("a1", "down", "outdated")]


def test_the_words_of_a_question_and_its_asker_stay_as_long_as_they_may(tmp_path: Path) -> None:
    journal = made(tmp_path, days=30)
    journal.record(Question("Is the zebra ill?", ANN), answer("a1"), NOW)
    journal.rate(Feedback("a1", "up"), ANN, NOW)
    journal.expire(NOW + timedelta(days=29))
    assert b"zebra" in body(tmp_path)
    journal.expire(NOW + timedelta(days=31))
    assert b"zebra" not in body(tmp_path)
    assert b"ann@x.org" not in body(tmp_path)
    assert journal.feedback() == [Feedback("a1", "up")]


def test_a_process_that_answers_for_months_forgets_every_day(tmp_path: Path) -> None:
    journal, days = made(tmp_path), iter((0, 1, 89, 91))
    now = NOW

    def ask(id: str, text: str) -> None:
        nonlocal now
        now = NOW + timedelta(days=next(days))
        script["*"] = [answer(id)]
        list(answerer.stream(Question(text, ANN)))

    script: dict[str, Sequence[Event | Exception]] = {}
    answerer = Journaled(ScriptedAnswerer(script), journal, lambda: now)
    ask("a1", "Is the zebra ill?")
    ask("a2", "Is the okapi ill?")
    ask("a3", "How many?")
    assert b"zebra" in body(tmp_path)
    ask("a4", "How many?")
    assert b"zebra" not in body(tmp_path)
    assert b"okapi" in body(tmp_path)  # it is 90 days old, and no older


def test_an_answer_waits_for_no_old_question(memory: Path) -> None:
    live = Live(memory)
    journal = Journal(live, kept=timedelta(days=90))
    old = {"status": "answered", "confidence": 0.5, "generation": "000001", "seconds": 0.4}
    asked = (NOW - timedelta(days=100, seconds=number) for number in range(50_000))
    rows = [
        {**old, "answer_id": f"old {n}", "asked_at": at.isoformat()} for n, at in enumerate(asked)
    ]
    with live.writing() as connection:
        connection.execute(sa.insert(QUESTIONS), rows)

    def record(number: int) -> float:
        started = time.perf_counter()
        journal.record(Question("How many?", ANN), answer(f"new {number}"), NOW)
        return time.perf_counter() - started

    assert min(record(number) for number in range(5)) < 0.05  # it was 0.3 s


def test_a_year_of_numbers_is_kept_and_no_more(tmp_path: Path) -> None:
    journal = made(tmp_path)
    for id, at in (("a1", NOW), ("a2", NOW + timedelta(days=2))):
        journal.record(Question("How many?", ANN), decided(id), at)
        journal.rate(Feedback(id, "up"), ANN, at)
    journal.expire(NOW + timedelta(days=399))
    assert counted(tmp_path) == {"questions": 2, "evidence": 2, "feedback": 2, "decisions": 2}
    journal.expire(NOW + timedelta(days=401))
    assert counted(tmp_path) == {"questions": 1, "evidence": 1, "feedback": 1, "decisions": 1}
    assert journal.find(None, None).answer_id == "a2"
    made(tmp_path, days=500).expire(NOW + timedelta(days=499))
    assert counted(tmp_path)["questions"] == 1


def test_where_nothing_may_be_kept_nothing_is_written(tmp_path: Path) -> None:
    journal = made(tmp_path, days=0)
    journal.record(Question("Is the zebra ill?", ANN), answer("a1"), NOW)
    journal.rate(Feedback("a1", "up"), ANN, NOW)
    assert b"zebra" not in body(tmp_path)
    assert b"ann@x.org" not in body(tmp_path)


def test_a_forgotten_person_leaves_no_byte(tmp_path: Path) -> None:
    journal = made(tmp_path)
    journal.record(Question("Is the zebra ill?", ANN), answer("a1"), NOW)
    journal.rate(Feedback("a1", "up"), ANN, NOW)
    journal.record(Question("How many?", BOB), answer("a2"), NOW)
    journal.rate(Feedback("a2", "down", "wrong"), BOB, NOW)
    assert journal.count("Ann@X.org") == 2
    assert journal.forget_person("Ann@X.org") == 2
    assert b"zebra" not in body(tmp_path)
    assert b"ann@x.org" not in body(tmp_path)
    assert journal.feedback() == [Feedback("a2", "down", "wrong")]


def test_an_answer_forgets_an_erased_document(tmp_path: Path) -> None:
    made(tmp_path).record(Question("How many?", ANN), answer("a1"), NOW)
    assert b"wiki:leave" in body(tmp_path)
    Overlay(Live(tmp_path)).erased(["wiki:leave"])
    assert b"wiki:leave" not in body(tmp_path)


def test_an_answer_is_given_although_it_cannot_be_written_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = Live(tmp_path)
    answerer = Journaled(
        ScriptedAnswerer({"*": [answer("a1")]}), Journal(live, kept=timedelta(1)), lambda: NOW
    )
    with live.writing() as connection:
        connection.exec_driver_sql("DROP TABLE questions")
    assert answerer.ask(Question("How many?", ANN)).id == "a1"
    assert list(answerer.stream(Question("How many?", ANN))) == [answer("a1")]
    assert caplog.text.count("not journaled answer=a1") == 2


def test_the_steps_of_the_schema_make_the_tables_that_the_code_reads(tmp_path: Path) -> None:
    with Live(tmp_path).reading() as connection:
        for table in METADATA.tables.values():
            rows = connection.exec_driver_sql(f"PRAGMA table_info({table.name})").all()
            real = {(name, bool(key)) for _, name, _, _, _, key in rows}
            assert real == {(column.name, column.primary_key) for column in table.columns}


def test_small_talk_is_written_as_what_it_is(tmp_path: Path) -> None:
    journal = made(tmp_path)
    thanked = Journaled(ScriptedAnswerer({"*": [replied()]}), journal, lambda: NOW)
    thanked.ask(Question("thanks", ANN))
    with Live(tmp_path).reading() as connection:
        row = connection.execute(sa.select(QUESTIONS.c.status, QUESTIONS.c.generation)).one()
    assert tuple(row) == ("replied", "")
