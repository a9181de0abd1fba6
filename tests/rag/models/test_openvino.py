"""The packaged language model: streams, stops, counts."""

from collections.abc import Generator

import pytest

from rag.base import LanguageModel, ModelError, Token
from rag.models.openvino import OpenVinoModel
from ui import wiring

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return OpenVinoModel(wiring.packaged_model(), name="base")


def test_it_streams_and_is_greedy(model: LanguageModel) -> None:
    first = list(model.generate("Be brief.", "Name the capital of France.", max_tokens=12))
    again = list(model.generate("Be brief.", "Name the capital of France.", max_tokens=12))
    assert first == again
    assert 1 < len(first) <= 13
    assert "Paris" in "".join(token.text for token in first)


def test_leaving_stops_the_generation(model: LanguageModel) -> None:
    tokens = model.generate("", "Count from one to a thousand in words.", max_tokens=2000)
    assert isinstance(tokens, Generator)
    assert isinstance(next(tokens), Token)
    tokens.close()
    assert list(model.generate("", "Say hello.", max_tokens=3))


def test_it_counts_its_own_tokens(model: LanguageModel) -> None:
    assert model.count_tokens("") == 0
    assert model.count_tokens("holiday") < model.count_tokens("https://w.example/a/b?c=d#e")


def test_a_file_that_is_no_model_is_an_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("models") / "broken.gguf"
    file.write_bytes(b"GGUF and nothing more")
    with pytest.raises(ModelError, match=r"broken\.gguf cannot be loaded"):
        OpenVinoModel(file, name="broken")
