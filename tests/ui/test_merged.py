"""The model file in the data directory is what was made, or it is made anew."""

from pathlib import Path

import pytest

from index import disk
from tests.rag import tiny_gguf
from ui import wiring
from ui.merged import merged, merged_reader


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, Path, Path]:
    return tiny_gguf.base(tmp_path), tiny_gguf.adapter(tmp_path / "adapter"), tmp_path / "models"


def test_it_is_made_once(parts: tuple[Path, Path, Path]) -> None:
    file = merged(*parts)
    made_at = file.stat().st_mtime_ns
    assert merged(*parts) == file
    assert file.stat().st_mtime_ns == made_at


@pytest.mark.parametrize("damage", ["a bit", "the end", "the checksum"])
def test_a_damaged_file_is_made_anew(parts: tuple[Path, Path, Path], damage: str) -> None:
    file = merged(*parts)
    right = file.read_bytes()
    if damage == "a bit":
        middle = len(right) // 2
        file.write_bytes(right[:middle] + bytes([right[middle] ^ 1]) + right[middle + 1 :])
    elif damage == "the end":
        file.write_bytes(right[:-1])
    else:
        file.with_name(f"{file.name}.sha256").unlink()
    assert merged(*parts).read_bytes() == right


def test_another_adapter_is_another_file(parts: tuple[Path, Path, Path], tmp_path: Path) -> None:
    base, adapter, folder = parts
    other = tiny_gguf.adapter(tmp_path / "other", seed=6)
    assert merged(base, adapter, folder) != merged(base, other, folder)


@pytest.mark.model
def test_the_readers_file_too_is_made_once_and_anew_where_it_is_damaged(tmp_path: Path) -> None:
    parts = wiring.packaged_model(), wiring.packaged("rag") / "list_reader", tmp_path / "models"
    file = merged_reader(*parts)
    made_at, right = file.stat().st_mtime_ns, disk.sha256(file)
    assert merged_reader(*parts) == file
    assert file.stat().st_mtime_ns == made_at
    with file.open("r+b") as stream:
        stream.seek(file.stat().st_size // 2)
        stream.write(b"\xff\x00")
    assert merged_reader(*parts) == file
    assert disk.sha256(file) == right
    file.unlink()  # it is large
