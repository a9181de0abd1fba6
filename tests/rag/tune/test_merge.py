"""A merged file is whole and on the disk, or it is not there; whatever fails leaves nothing."""

from pathlib import Path

import gguf
import numpy as np
import pytest

from rag.base import ModelError
from rag.models.gguf_file import GGUFFile
from rag.tune.merge import merge
from tests.crash import syscalls
from tests.crash.syscalls import Kind
from tests.rag import tiny_gguf

watching = pytest.mark.skipif(
    not syscalls.available(), reason="needs a Linux kernel on x86-64 that lets seccomp notify"
)


def weights(file: Path) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    return {tensor.name: np.array(tensor.data) for tensor in GGUFFile(file).tensors}


def test_the_weights_are_the_bases_and_what_the_adapter_adds(tmp_path: Path) -> None:
    base, adapter = tiny_gguf.base(tmp_path), tiny_gguf.adapter(tmp_path / "adapter")
    merge(base, adapter, tmp_path / "out.gguf")
    before, after = weights(base), weights(tmp_path / "out.gguf")
    assert set(after) == set(before)
    assert np.array_equal(after["output_norm.weight"], before["output_norm.weight"])
    kind = gguf.GGMLQuantizationType.Q8_0
    changed = gguf.quants.dequantize(after["blk.0.attn_q.weight"], kind)
    added = changed - before["blk.0.attn_q.weight"]
    assert np.linalg.matrix_rank(added, tol=2) == 2  # of the adapter; the rest is rounding


def test_an_adapter_of_nothing_leaves_every_weight_within_a_step_of_eight_bits(
    tmp_path: Path,
) -> None:
    base, adapter = tiny_gguf.base(tmp_path), tiny_gguf.adapter(tmp_path / "adapter", scale=0)
    merge(base, adapter, tmp_path / "out.gguf")
    before, after = (GGUFFile(file).tensors for file in (base, tmp_path / "out.gguf"))
    assert [tensor.name for tensor in after] == [tensor.name for tensor in before]
    for one, other in zip(before, after, strict=True):
        step = np.abs(one.data).max() / 127
        written = gguf.quants.dequantize(other.data, other.tensor_type)
        assert np.abs(written - one.data).max() <= step


@watching
def test_the_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path) -> None:
    base, adapter = tiny_gguf.base(tmp_path), tiny_gguf.adapter(tmp_path / "adapter")
    out = tmp_path / "out"
    out.mkdir()
    done = syscalls.watched(merge, base, adapter, out / "m.gguf", under=out)
    assert done.error is None
    names = [call.name for call in done.calls]
    renamed = next(at for at, name in enumerate(names) if name.startswith("rename"))
    assert names[renamed - 1] == "fsync"
    assert done.calls[renamed - 1].path.startswith("m.gguf.")
    assert names[renamed + 1] == "fsync"  # of the folder


@watching
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["crash", "ENOSPC", "torn"])
def test_wherever_writing_fails_the_file_is_whole_or_absent(tmp_path: Path, kind: Kind) -> None:
    base, adapter = tiny_gguf.base(tmp_path), tiny_gguf.adapter(tmp_path / "adapter")
    merge(base, adapter, tmp_path / "right.gguf")
    right = (tmp_path / "right.gguf").read_bytes()
    out = tmp_path / "out"
    out.mkdir()
    calls = syscalls.watched(merge, base, adapter, out / "m.gguf", under=out).calls
    assert len(calls) > 5
    (out / "m.gguf").unlink()
    failed = 0
    for at, call in enumerate(calls):
        if kind == "torn" and not call.can_tear:
            continue
        ended = syscalls.watched(merge, base, adapter, out / "m.gguf", under=out, at=at, kind=kind)
        left = {file.name: file.read_bytes() for file in out.iterdir()}
        failed += ended.error is not None or ended.killed
        assert left.pop("m.gguf", right) == right
        assert ended.killed or not left
        for file in out.iterdir():
            file.unlink()
    assert failed


def test_what_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    base, adapter = tiny_gguf.base(tmp_path), tiny_gguf.adapter(tmp_path / "adapter")
    with pytest.raises(ModelError, match=r"none/out\.gguf cannot be written: .*No such file"):
        merge(base, adapter, tmp_path / "none" / "out.gguf")
