"""The models in the data directory are what was made, or they are made anew."""

import os
from pathlib import Path

import pytest

from index import disk
from rag.base import ModelError
from rag.models.openvino import OpenVinoModel
from rag.tune import export
from rag.tune.merge import merge
from tests.rag import tiny_gguf
from ui import wiring
from ui.merged import kept, merged, merged_reader


def made(folder: Path) -> Path:
    """Return a small file that `kept` keeps."""
    file = folder / "m-1.gguf"
    base, adapter = tiny_gguf.base(folder), tiny_gguf.adapter(folder / "adapter")
    return kept(file, "m", lambda: merge(base, adapter, file))


def test_it_is_made_once(tmp_path: Path) -> None:
    file = made(tmp_path)
    made_at = file.stat().st_mtime_ns
    assert made(tmp_path) == file
    assert file.stat().st_mtime_ns == made_at


@pytest.mark.parametrize("damage", ["a bit", "the end", "the checksum"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: str) -> None:
    file = made(tmp_path)
    right = file.read_bytes()
    if damage == "a bit":
        middle = len(right) // 2
        file.write_bytes(right[:middle] + bytes([right[middle] ^ 1]) + right[middle + 1 :])
    elif damage == "the end":
        file.write_bytes(right[:-1])
    else:
        file.with_name(f"{file.name}.sha256").unlink()
    assert made(tmp_path).read_bytes() == right


def test_other_versions_go_and_what_is_being_made_stays(tmp_path: Path) -> None:
    for name in ("m-0.gguf", "m-0.gguf.sha256", "m-1.gguf.41", "m-1.gguf.42", "mine-0.gguf"):
        (tmp_path / name).write_text("a model")
    (tmp_path / "m-0").mkdir()
    (tmp_path / "m-0" / "openvino_model.bin").write_text("weights")
    os.utime(tmp_path / "m-1.gguf.41", (0, 0))
    made(tmp_path)
    kept_files = {path.name for path in tmp_path.glob("m*")}
    assert kept_files == {"m-1.gguf", "m-1.gguf.sha256", "m-1.gguf.42", "mine-0.gguf"}


def test_another_adapter_is_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "export", lambda _base, _adapter, folder: folder.mkdir())
    base, adapter = tiny_gguf.base(tmp_path), tiny_gguf.adapter(tmp_path / "adapter")
    other = tiny_gguf.adapter(tmp_path / "other", seed=6)
    assert merged(base, adapter, tmp_path / "m") != merged(base, other, tmp_path / "m")


def test_what_cannot_be_exported_leaves_nothing(tmp_path: Path) -> None:
    base, adapter = tiny_gguf.base(tmp_path), tiny_gguf.adapter(tmp_path / "adapter")
    with pytest.raises(ModelError):  # a model of a few kilobytes has no tokenizer
        merged(base, adapter, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.model
def test_the_language_models_folder_is_made_once_and_anew_where_it_is_damaged(
    tmp_path: Path,
) -> None:
    parts = wiring.packaged_model(), wiring.packaged("rag") / "adapter", tmp_path / "models"
    folder = merged(*parts)
    names = sorted(file.name for file in folder.iterdir())
    made_at = (folder / "openvino_model.bin").stat().st_mtime_ns
    assert merged(*parts) == folder
    assert (folder / "openvino_model.bin").stat().st_mtime_ns == made_at
    with (folder / "openvino_model.bin").open("r+b") as stream:
        stream.truncate(1000)
    (folder / "openvino_tokenizer.xml").unlink()
    assert merged(*parts) == folder
    assert sorted(file.name for file in folder.iterdir()) == names
    reply = OpenVinoModel(folder, name="m").generate("You answer.", "Say hello.", max_tokens=4)
    assert "".join(token.text for token in reply)


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
