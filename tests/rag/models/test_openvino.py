"""The packaged language model: the contract, and that it speaks."""

from pathlib import Path

import pytest

from rag.base import LanguageModel, ModelError
from rag.models.openvino import OpenVinoModel
from tests.contracts.language_model import LanguageModelContract
from tests.rag.models.in_process import InProcess
from ui import wiring

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return OpenVinoModel(wiring.packaged_model(), name="base")


class TestOpenVinoModel(LanguageModelContract):
    failure_is_retryable = False

    @pytest.fixture
    def case(self, model: LanguageModel, tmp_path: Path) -> InProcess:
        return InProcess(model, lambda: OpenVinoModel(tmp_path / "none.gguf", name="none"))


def test_it_knows_the_capital_of_france(model: LanguageModel) -> None:
    tokens = model.generate("Be brief.", "Name the capital of France.", max_tokens=12)
    assert "Paris" in "".join(token.text for token in tokens)


def test_it_counts_its_own_tokens(model: LanguageModel) -> None:
    assert model.count_tokens("holiday") < model.count_tokens("https://w.example/a/b?c=d#e")


def test_a_file_that_is_no_model_is_an_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("models") / "broken.gguf"
    file.write_bytes(b"GGUF and nothing more")
    with pytest.raises(ModelError, match=r"broken\.gguf cannot be loaded"):
        OpenVinoModel(file, name="broken")
