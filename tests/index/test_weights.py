"""Tensors mapped from a file are those that the format's own library reads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from index.weights import Mapped

TENSORS: dict[str, NDArray[Any]] = {
    "table": np.arange(12, dtype=np.float32).reshape(3, 4),
    "half": np.array([0.5, -2], np.float16),
    "places": np.array([[7]], np.int64),
    "none": np.zeros((0, 4), np.float32),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_file(TENSORS, tmp_path / "model.safetensors", metadata={"format": "pt"})
    return tmp_path / "model.safetensors"


def test_tensors_are_those_that_were_saved_also_after_their_memory_was_given_back(
    file: Path,
) -> None:
    mapped = Mapped(file)
    mapped.release()
    assert mapped.keys() == TENSORS.keys()
    for name, tensor in load_file(file).items():
        assert mapped[name].dtype == tensor.dtype
        np.testing.assert_array_equal(mapped[name], tensor)


def test_what_is_written_into_a_tensor_does_not_reach_the_file(file: Path) -> None:
    Mapped(file)["table"][0, 0] = 99
    np.testing.assert_array_equal(load_file(file)["table"], TENSORS["table"])


def test_a_type_that_is_not_known_is_named(tmp_path: Path) -> None:
    save_file({"flags": np.array([True])}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="flags is of BOOL"):
        Mapped(tmp_path / "model.safetensors")


@pytest.mark.parametrize("content", [b"x", b"\xff" * 40, b"\x03\0\0\0\0\0\0\0[1]"])
def test_a_file_of_another_kind_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        Mapped(tmp_path / "model.safetensors")
