"""Backup and restore: all or nothing, from one moment, and nothing lands where it should not."""

import io
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from index import backup, generations
from index.base import StoreError
from index.live import Live
from ingest.ledger import Ledger
from ingest.runs import Runs
from tests.crash import job
from tests.crash.syscalls import warm

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data directory with two generations and votes."""
    data = job.grown(tmp_path / "data", 2)
    with closing(sqlite3.connect(data / "live.sqlite")) as live:
        live.execute("CREATE TABLE votes (vote TEXT)")
        live.execute("INSERT INTO votes VALUES ('up')")
        live.commit()
    return data


@pytest.fixture
def file(data: Path, tmp_path: Path) -> Path:
    """Return a backup of it."""
    backup.save(data, tmp_path / "backup.tar", now=NOW)
    return tmp_path / "backup.tar"


def rewritten(file: Path, change: Callable[[str, bytes], tuple[str, bytes]]) -> Path:
    """Return a copy of a backup with its members changed."""
    copy = file.with_name("changed.tar")
    with tarfile.open(file) as source, tarfile.open(copy, "w") as target:
        for member in source:
            body = source.extractfile(member)
            assert body is not None
            name, content = change(member.name, body.read())
            info = tarfile.TarInfo(name)
            info.size = len(content)
            target.addfile(info, io.BytesIO(content))
    return copy


def test_a_restored_index_is_the_one_that_was_backed_up(
    data: Path, file: Path, tmp_path: Path
) -> None:
    about = backup.restore(file, tmp_path / "elsewhere" / "data")
    restored = tmp_path / "elsewhere" / "data"
    assert about == backup.About(1, NOW.isoformat(), "000002", 5, 5, job.content(data))
    assert job.content(restored) == job.content(data)
    assert Ledger(Live(restored)).sources() == Ledger(Live(data)).sources()
    assert Runs(Live(restored)).ended() == Runs(Live(data)).ended()
    with closing(sqlite3.connect(restored / "live.sqlite")) as live:
        assert live.execute("SELECT vote FROM votes").fetchall() == [("up",)]
    assert sorted(part.name for part in restored.iterdir()) == [
        "CURRENT",
        "generations",
        "live.sqlite",
    ]
    job.ingest(restored, job.night(2))
    job.ingest(data, job.night(2))
    assert job.content(restored) == job.content(data)


def test_a_backup_while_ingesting_is_one_generation(data: Path, tmp_path: Path) -> None:
    undisturbed = job.copied(data, tmp_path / "undisturbed")
    contents: dict[str, int] = {}
    count = 0
    nights = warm().Process(target=job.nights, args=(data, range(2, 12), 0))
    nights.start()
    while nights.is_alive():
        count += 1
        file = tmp_path / f"{count}.tar"
        about = backup.save(data, file, now=NOW)
        restored = tmp_path / f"restored-{count}"
        backup.restore(file, restored)
        contents[job.content(restored)] = int(about.generation) - 1
    nights.join()
    assert len(contents) > 1
    contents.pop(job.content(undisturbed), None)  # before the first of these nights
    for night in range(2, 12):
        job.ingest(undisturbed, job.night(night))
        assert contents.pop(job.content(undisturbed), night) == night
    assert not contents


def test_what_is_being_written_to_the_live_database_does_not_tear_the_copy(
    data: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(data / "live.sqlite")) as live:
        live.execute("INSERT INTO votes VALUES ('not committed')")
        backup.save(data, tmp_path / "meanwhile.tar", now=NOW)
    backup.restore(tmp_path / "meanwhile.tar", tmp_path / "restored")
    with closing(sqlite3.connect(tmp_path / "restored" / "live.sqlite")) as live:
        assert live.execute("SELECT vote FROM votes").fetchall() == [("up",)]


def test_a_backup_never_overwrites_and_leaves_no_half(data: Path, tmp_path: Path) -> None:
    (tmp_path / "there.tar").write_text("mine")
    with pytest.raises(StoreError, match="exists already"):
        backup.save(data, tmp_path / "there.tar", now=NOW)
    assert (tmp_path / "there.tar").read_text() == "mine"
    with pytest.raises(StoreError, match="no index in .* yet"):
        backup.save(tmp_path / "nothing", tmp_path / "new.tar", now=NOW)
    with pytest.raises(StoreError, match="cannot be written"):
        backup.save(data, tmp_path / "no" / "such" / "folder.tar", now=NOW)
    assert sorted(part.name for part in tmp_path.iterdir()) == ["data", "there.tar"]


def test_a_damaged_current_generation_is_not_backed_up_but_the_one_before(
    data: Path, tmp_path: Path
) -> None:
    (generations.folder(data, "000002") / "vectors.faiss").unlink()
    assert backup.save(data, tmp_path / "b.tar", now=NOW).generation == "000001"


def test_restoring_over_anything_is_refused(data: Path, file: Path) -> None:
    before = job.content(data)
    with pytest.raises(StoreError, match="not empty"):
        backup.restore(file, data)
    assert job.content(data) == before


@pytest.mark.parametrize("part", ["chunks.sqlite", "live.sqlite", "backup.json", "SHA256SUMS"])
def test_one_flipped_bit_is_refused_and_nothing_is_left(
    file: Path, tmp_path: Path, part: str
) -> None:
    def flipped(name: str, body: bytes) -> tuple[str, bytes]:
        middle = len(body) // 2
        changed = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]
        return name, changed if name.endswith(part) else body

    with pytest.raises(StoreError, match="damaged"):
        backup.restore(rewritten(file, flipped), tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_a_cut_backup_is_refused(file: Path, tmp_path: Path, share: float) -> None:
    with tarfile.open(file) as tar:
        end = tar.getmember("SHA256SUMS").offset_data  # what follows the sums is padding
    file.write_bytes(file.read_bytes()[: int(end * share)])
    with pytest.raises(StoreError, match=r"cannot be restored|damaged"):
        backup.restore(file, tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "generations/../../evil", "generations/000002/x/../y.z", "CURRENT"],
)
def test_a_member_that_would_land_elsewhere_is_refused(
    file: Path, tmp_path: Path, name: str
) -> None:
    changed = rewritten(file, lambda n, body: (name if n == "live.sqlite" else n, body))
    with pytest.raises(StoreError, match="no backup of Footnote does"):
        backup.restore(changed, tmp_path / "new")
    assert not (tmp_path / "evil").exists()


def test_a_link_in_a_backup_is_refused(file: Path, tmp_path: Path) -> None:
    with tarfile.open(file, "a") as tar:
        link = tarfile.TarInfo("live.sqlite")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(StoreError, match="no backup of Footnote does"):
        backup.restore(file, tmp_path / "new")


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    with pytest.raises(StoreError, match="cannot be restored"):
        backup.restore(tmp_path / "x", tmp_path / "new")


def test_a_backup_of_another_format_is_refused_by_name(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(backup, "FORMAT", 9)
        backup.save(data, tmp_path / "b.tar", now=NOW)
    with pytest.raises(StoreError, match="format 9, this version reads 1"):
        backup.restore(tmp_path / "b.tar", tmp_path / "new")
