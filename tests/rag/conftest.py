"""What holds for tests of answers: transformers, too, reads GGUF files the faster way."""

from collections.abc import Iterator

import gguf
import pytest

from rag.models.gguf_file import GGUFFile


@pytest.fixture(autouse=True, scope="session")
def gguf_files_are_read_fast() -> Iterator[None]:
    """Spare every test that loads the language model into torch some ten seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf, "GGUFReader", GGUFFile)
        yield
