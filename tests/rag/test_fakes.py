"""The scripted model keeps the contract that the real engines keep."""

import pytest

from tests.contracts.language_model import LanguageModelContract, said
from tests.fake_models import ScriptedModel

WORDS = " ".join(f"number-{n}" for n in range(400))


class ScriptedCase:
    """A model that says the same to everyone."""

    def __init__(self) -> None:
        self.model = ScriptedModel(WORDS)

    def working(self) -> bool:
        return self.model.said > 0 and not self.model.closed

    def fail(self) -> object:
        return said(ScriptedModel(WORDS, fail_after=2), 5)


class TestScriptedModel(LanguageModelContract):
    failure_is_retryable = True

    @pytest.fixture
    def case(self) -> ScriptedCase:
        return ScriptedCase()
