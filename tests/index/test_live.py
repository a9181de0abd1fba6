import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from index.base import StoreError
from index.live import FILE, Live

ADD = sa.text("UPDATE epoch SET value = value + 1")
VALUE = sa.text("SELECT value FROM epoch")


def value(live: Live) -> int:
    with live.reading() as connection:
        return int(connection.execute(VALUE).scalar_one())


def add_many(data: Path, times: int) -> None:
    live = Live(data)
    for _ in range(times):
        with live.writing() as connection:
            connection.execute(ADD)


def add_and_die(data: Path) -> None:
    with Live(data).writing() as connection:
        connection.execute(ADD)
        os.kill(os.getpid(), signal.SIGKILL)


def test_processes_that_open_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=add_many, args=(tmp_path, 50)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert value(Live(tmp_path)) == 150


def test_what_a_killed_writer_did_not_commit_is_taken_back(tmp_path: Path) -> None:
    writer = multiprocessing.get_context("spawn").Process(target=add_and_die, args=(tmp_path,))
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    assert value(Live(tmp_path)) == 0


def test_an_exception_takes_everything_back(tmp_path: Path) -> None:
    live = Live(tmp_path)

    def fail() -> None:
        with live.writing() as connection:
            connection.execute(ADD)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert value(live) == 0


def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    Live(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(
        StoreError, match=r"has schema 9999, this version of Footnote knows 0\d\d\d"
    ):
        Live(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match=r"live\.sqlite cannot be used: file is not a database"):
        Live(tmp_path)


def test_no_byte_of_an_erased_row_stays_in_the_file(tmp_path: Path) -> None:
    live = Live(tmp_path)
    denial = sa.text("INSERT INTO denials VALUES ('wiki:zanzibar', 'user:ann@x.org', '')")
    with live.writing() as connection:
        connection.execute(denial)
    with live.writing() as connection:
        connection.execute(sa.text("DELETE FROM denials"))
    live.erase()
    live.close()
    left = [f for f in tmp_path.iterdir() if b"zanzibar" in f.read_bytes()]
    assert left == []
