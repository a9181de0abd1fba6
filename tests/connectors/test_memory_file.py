"""A memory is begun anew when it is damaged, and only then; a look at it changes nothing."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connectors import memory_file
from connectors.base import ConnectorError

TABLES = "CREATE TABLE IF NOT EXISTS seen (id TEXT);"


def opened(path: Path) -> sqlite3.Connection:
    return memory_file.opened(path, TABLES, version=1)


def ids(database: sqlite3.Connection) -> list[str]:
    return [id for (id,) in database.execute("SELECT id FROM seen")]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A memory that knows one id, in a process that goes on using it."""
    with closing(opened(tmp_path / "talk.threads.sqlite")) as database:
        with database:
            database.execute("INSERT INTO seen VALUES ('a')")
        yield database


@pytest.fixture
def path(tmp_path: Path, kept: sqlite3.Connection) -> Path:
    return tmp_path / "talk.threads.sqlite"


def test_a_memory_that_another_process_writes_is_kept_and_says_to_try_again(
    path: Path, kept: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_file, "PATIENCE_S", 0.1)
    kept.execute("INSERT INTO seen VALUES ('b')")
    with pytest.raises(ConnectorError, match=r"talk\.threads\.sqlite cannot be used: .* locked"):
        opened(path)
    kept.commit()
    with closing(opened(path)) as again:
        assert ids(again) == ["a", "b"]


def test_a_memory_without_a_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "m.sqlite").mkdir()
    with pytest.raises(ConnectorError, match="cannot be used: unable to open"):
        opened(tmp_path / "m.sqlite")


@pytest.mark.parametrize(
    "damage",
    [
        lambda body: b"no database" * 99,
        lambda body: body[:4096] + b"\7" * (len(body) - 4096),
        lambda body: body[: len(body) // 2],
    ],
)
def test_a_damaged_memory_is_begun_anew(
    path: Path, kept: sqlite3.Connection, damage: Callable[[bytes], bytes]
) -> None:
    kept.close()
    path.write_bytes(damage(path.read_bytes()))
    with closing(opened(path)) as again:
        assert ids(again) == []


def test_a_copy_is_made_while_the_memory_is_written_and_is_whole(
    tmp_path: Path, path: Path, kept: sqlite3.Connection
) -> None:
    kept.execute("INSERT INTO seen VALUES ('b')")
    (tmp_path / "copies").mkdir()
    memory_file.copy("talk", tmp_path, tmp_path / "copies")
    with closing(opened(tmp_path / "copies" / path.name)) as copied:
        assert ids(copied) == ["a"]


def test_only_the_memories_of_one_source_are_copied(tmp_path: Path, path: Path) -> None:
    for name in ("talk.sqlite", "talker.threads.sqlite", "wiki.threads.sqlite", "talk.x.new"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "talk.gitwiki.json").write_text("{}")
    (tmp_path / "copies").mkdir()
    memory_file.copy("talk", tmp_path, tmp_path / "copies")
    names = {file.name for file in (tmp_path / "copies").iterdir()}
    assert names == {path.name, "talk.gitwiki.json"}
