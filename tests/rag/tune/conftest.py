"""What holds for tests of tuning: transformers, too, reads GGUF files the faster way."""

from collections.abc import Iterator
from functools import cache

import gguf
import pytest

from rag.models.gguf_file import GGUFFile


@pytest.fixture(autouse=True, scope="session")
def gguf_files_are_read_fast() -> Iterator[None]:
    """Spare every test that loads the language model into torch some fifteen seconds.

    Transformers asks for the names of a model's tensors, always the same, once a module.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf, "GGUFReader", GGUFFile)
        patch.setattr(gguf, "get_tensor_name_map", cache(gguf.get_tensor_name_map))
        yield
