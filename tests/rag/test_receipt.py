"""Receipts: what is kept of how an answer came about, who may see it, and when it goes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from index.live import FILE, METADATA, Live
from index.overlay import Overlay
from rag.base import Answer, Question
from rag.journal import Journal, JournalError
from rag.receipt import ATTEMPTS, CANDIDATES, RECEIPTS, VERDICTS, Candidate, Sentence
from tests.rag.corpus import hit
from tests.rag.test_engine import LEAVE, TRAVEL, ListStore, engine

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANN = frozenset({"everyone", "user:ann@x.org"})
BOB = frozenset({"everyone", "user:bob@x.org"})
NOBODY = frozenset({"everyone"})
Q = Question("How many weeks is parental leave?", ANN)
TABLES = (RECEIPTS, ATTEMPTS, CANDIDATES, VERDICTS)


def journal(data: Path, days: int = 90) -> Journal:
    return Journal(Live(data), kept=timedelta(days=days))


def rows(data: Path) -> list[int]:
    with Live(data).reading() as connection:
        counts = [sa.select(sa.func.count()).select_from(table) for table in TABLES]
        return [connection.execute(count).scalar_one() for count in counts]


def asked(journal: Journal, reply: str, question: Question = Q, now: datetime = NOW) -> Answer:
    answer = engine(reply, store=ListStore(LEAVE, TRAVEL)).ask(question)
    journal.record(question, answer, now)
    return answer


def test_a_receipt_shows_what_was_searched_found_tried_and_verified(tmp_path: Path) -> None:
    made = journal(tmp_path)
    history = (("How many weeks is parental leave?", "20 weeks"),)
    question = Question("And at full pay?", ANN, history)
    reply = "Parental leave is 20 weeks. Pigs fly at noon. "
    answer = asked(made, reply, question)
    record = made.find(answer.id, ANN)
    assert (record.text, record.person) == ("And at full pay?", "ann@x.org")
    assert (record.asked_at, record.generation) == (NOW, "000007")
    receipt = record.receipt
    assert receipt is not None
    assert receipt.query == "And at full pay? weeks parental leave"
    assert receipt.versions["language"] == "scripted"
    assert receipt.versions["reader"] == "overlap"
    assert receipt.versions["embedder"] == "hash@1"
    (small,) = receipt.attempts
    assert (small.model, small.prompt, small.prompted) == ("small", "answer-3", (1, 2))
    assert (small.weakness, small.answers) == ("none", True)
    assert small.candidates[0] == Candidate(1, "wiki:leave", "wiki:leave@0", 0.03, 0.5, 2.0)
    end = len("Parental leave is 20 weeks at full pay.")
    assert small.sentences == (
        Sentence(1, "supported", 5, "wiki:leave", "wiki:leave@0", 0, end),
        Sentence(2, "dropped", 4, None, None, 0, 0),
    )


def test_two_attempts_at_one_search_show_the_same_candidates(tmp_path: Path) -> None:
    made = journal(tmp_path)
    receipt = made.find(asked(made, "Pigs fly at noon. ").id, ANN).receipt
    assert receipt is not None
    small, extractive = receipt.attempts
    assert (small.weakness, small.answers) == ("grounding", False)
    assert (extractive.model, extractive.prompt, extractive.answers) == ("extractive", "", True)
    assert small.candidates == extractive.candidates


def test_a_yes_that_nothing_supports_is_shown_as_repaired(tmp_path: Path) -> None:
    made = journal(tmp_path)
    answer = asked(made, "No, parental leave is 20 weeks. ")
    receipt = made.find(answer.id, None).receipt
    assert receipt is not None
    assert [each.outcome for each in receipt.attempts[0].sentences] == ["repaired"]
    assert receipt.attempts[0].answers


def test_a_receipt_holds_no_word_of_a_document_or_an_answer(tmp_path: Path) -> None:
    made = journal(tmp_path)
    asked(made, "Trains are booked by zebras. Sick leave needs a note.", replace(Q, text="Why?"))
    body = (tmp_path / FILE).read_bytes()
    for word in (b"zebras", b"Sick", b"note", b"Trains", b"20 weeks"):
        assert word not in body
    assert b"wiki:travel" in body


def test_only_the_asker_and_an_admin_see_a_receipt(tmp_path: Path) -> None:
    made = journal(tmp_path)
    anns = asked(made, "").id
    nameless = asked(made, "", replace(Q, principals=NOBODY)).id
    assert made.find(anns, ANN).answer_id == anns
    assert made.find(anns, None).answer_id == anns
    for answer_id, eyes in ((anns, BOB), (anns, NOBODY), (nameless, NOBODY), (nameless, ANN)):
        with pytest.raises(JournalError, match="There is no answer"):
            made.find(answer_id, eyes)


def test_the_last_answer_and_the_beginning_of_an_id_are_enough(tmp_path: Path) -> None:
    made = journal(tmp_path)
    with pytest.raises(JournalError, match="There is no answer"):
        made.find(None, None)
    first = asked(made, "")
    last = asked(made, "", now=NOW + timedelta(seconds=1))
    assert made.find(None, None).answer_id == last.id
    assert made.find(first.id[:12], None).answer_id == first.id
    with pytest.raises(JournalError, match="Several answers"):
        made.find("", None)
    with pytest.raises(JournalError, match="no answer '%'"):
        made.find("%", None)


def test_an_erased_document_is_in_no_receipt(tmp_path: Path) -> None:
    made = journal(tmp_path)
    answer = asked(made, "Parental leave is 20 weeks.")
    assert b"wiki:leave" in (tmp_path / FILE).read_bytes()
    Overlay(Live(tmp_path)).erased(["wiki:leave"])
    assert b"wiki:leave" not in (tmp_path / FILE).read_bytes()
    receipt = made.find(answer.id, None).receipt
    assert receipt is not None
    (attempt,) = receipt.attempts
    assert [each.document_id for each in attempt.candidates] == ["wiki:travel"]
    assert attempt.sentences == ()


def test_a_forgotten_persons_receipts_go(tmp_path: Path) -> None:
    made = journal(tmp_path)
    asked(made, "Parental leave is 20 weeks.")
    kept = asked(made, "", replace(Q, principals=BOB))
    before = rows(tmp_path)
    made.forget_person("ann@x.org")
    assert all(0 < left < held for left, held in zip(rows(tmp_path), before, strict=True))
    assert made.find(None, None).answer_id == kept.id
    made.forget_person("bob@x.org")
    assert rows(tmp_path) == [0, 0, 0, 0]


def test_a_receipt_goes_with_the_words_of_its_question(tmp_path: Path) -> None:
    made = journal(tmp_path, days=30)
    answer = asked(made, "")
    made.expire(NOW + timedelta(days=29))
    assert made.find(answer.id, None).receipt is not None
    made.expire(NOW + timedelta(days=31))
    assert made.find(answer.id, None).receipt is None
    assert rows(tmp_path) == [0, 0, 0, 0]


def test_where_nothing_may_be_kept_there_is_no_receipt(tmp_path: Path) -> None:
    asked(journal(tmp_path, days=0), "Parental leave is 20 weeks.")
    assert rows(tmp_path) == [0, 0, 0, 0]


def test_a_question_and_its_receipt_take_two_and_a_half_kilobytes_at_most(tmp_path: Path) -> None:
    found = [
        hit(f"Parental leave is {n} weeks.", document=f"wiki:people/leave/parental-{n}.md")
        for n in range(20)
    ]
    store = ListStore(*found)
    answer = engine("Pigs fly.", store=store, sure=-5.0).ask(Q)
    assert [len(draft.shown) for draft in answer.attempts] == [10, 20]
    made = journal(tmp_path)
    made.record(Q, answer, NOW)
    before = (tmp_path / FILE).stat().st_size
    for number in range(60):
        made.record(Q, replace(answer, id=f"{number:032d}"), NOW)
    assert ((tmp_path / FILE).stat().st_size - before) / 60 < 2560


def test_a_database_of_the_version_before_is_brought_up_to_date(tmp_path: Path) -> None:
    made = journal(tmp_path)
    asked(made, "")
    new = ("decisions", "prepared", *(table.name for table in TABLES))
    with Live(tmp_path).writing() as connection:
        for name in new:
            connection.exec_driver_sql(f"DROP TABLE {name}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
    reopened = journal(tmp_path)
    assert reopened.find(None, None).receipt is None  # asked before receipts were kept
    answer = asked(reopened, "")
    assert reopened.find(answer.id, None).receipt is not None
    with Live(tmp_path).reading() as connection:
        assert set(METADATA.tables) <= set(sa.inspect(connection).get_table_names())
