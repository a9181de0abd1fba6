"""The models in the data directory are what was made, or they are made anew."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

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
    for name in ("m-1.gguf.old.part", "m-1.gguf.new.part", "m-0.old.part"):
        (tmp_path / name).mkdir()
        if "old" in name:
            os.utime(tmp_path / name, (0, 0))
    (tmp_path / "m-0").mkdir()
    (tmp_path / "m-0" / "openvino_model.bin").write_text("weights")
    os.utime(tmp_path / "m-1.gguf.41", (0, 0))
    made(tmp_path)
    kept_files = {path.name for path in tmp_path.glob("m*")}
    young = {"m-1.gguf.42", "m-1.gguf.new.part"}
    assert kept_files == {"m-1.gguf", "m-1.gguf.sha256", "mine-0.gguf"} | young


def test_two_that_start_at_once_make_it_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, makers = tmp_path / "m-1.gguf", []

    def make() -> None:
        makers.append(1)
        time.sleep(0.2)  # the other one finds it missing meanwhile
        file.write_text("a model")

    with caplog.at_level("INFO"), ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: kept(file, "m", make), range(2)))
    assert found == [file, file]
    assert len(makers) == 1
    assert "model is made by another process: waiting" in caplog.text


def test_a_maker_that_failed_lets_the_next_one_make_it(tmp_path: Path) -> None:
    file = tmp_path / "m-1.gguf"

    def fail() -> None:
        raise ModelError("The disk is full.", retryable=False)

    with pytest.raises(ModelError):
        kept(file, "m", fail)
    assert kept(file, "m", lambda: file.touch()).exists()


def test_a_model_that_is_whole_waits_for_nobody(tmp_path: Path) -> None:
    made(tmp_path)
    with FileLock(tmp_path / ".m.lock"):
        assert made(tmp_path).exists()


def test_where_no_lock_can_be_taken_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "models").touch()  # no folder
    with pytest.raises(ModelError, match=r"m-1\.gguf cannot be made: .* Look whether the disk"):
        kept(tmp_path / "models" / "m-1.gguf", "m", lambda: None)


def test_the_work_of_a_process_with_the_same_pid_stays(tmp_path: Path) -> None:
    base, adapter = tiny_gguf.base(tmp_path), tiny_gguf.adapter(tmp_path / "adapter")
    folder, file = tmp_path / "m-1", tmp_path / "m-1.gguf"
    others = [each.with_name(f"{each.name}.{os.getpid()}") for each in (folder, file)]
    others[0].mkdir()
    for work in (others[0] / "openvino_model.bin", others[1]):
        work.write_text("another container's")
    with pytest.raises(ModelError, match="cannot be made") as failed:
        export.export(base, adapter, folder)
    assert "File exists" not in str(failed.value)
    merge(base, adapter, file)
    assert (others[0] / "openvino_model.bin").read_text() == "another container's"
    assert others[1].read_text() == "another container's"


def test_another_adapter_is_another_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "export", lambda _base, _adapter, folder: folder.mkdir())
    base, adapter = tiny_gguf.base(tmp_path), tiny_gguf.adapter(tmp_path / "adapter")
    other = tiny_gguf.adapter(tmp_path / "other", seed=6)
    assert merged(base, adapter, tmp_path / "m") != merged(base, other, tmp_path / "m")


def test_what_cannot_be_exported_leaves_nothing(tmp_path: Path) -> None:
    base, adapter = tiny_gguf.base(tmp_path), tiny_gguf.adapter(tmp_path / "adapter")
    with pytest.raises(ModelError):  # a model of a few kilobytes has no tokenizer
        merged(base, adapter, tmp_path / "models")
    family = base.stem.partition(".")[0]
    assert [file.name for file in (tmp_path / "models").iterdir()] == [f".{family}.lock"]


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
