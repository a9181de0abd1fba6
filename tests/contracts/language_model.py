"""What answering relies on in every LanguageModel.

Subclass LanguageModelContract as Test… and give it a fixture `case`.
"""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Protocol

import pytest

from rag.base import LanguageModel, ModelError, Token

SYSTEM = "You count."
LONG = "Count from one to a thousand in words."  # the reply has some hundred tokens at least
TEXTS = ("leave", "Sick leave needs a note.", "See https://w.example/a/b?c=d#e", "日本", "🙂", "!")


class Case(Protocol):
    """A model, and how its work and its failure are seen from outside."""

    model: LanguageModel

    def working(self) -> bool:
        """Say whether something still generates."""
        ...

    def fail(self) -> object:
        """Do what makes the model raise ModelError."""
        ...


def said(model: LanguageModel, max_tokens: int, user: str = LONG) -> list[Token]:
    return list(model.generate(SYSTEM, user, max_tokens=max_tokens))


class LanguageModelContract:
    failure_is_retryable: bool  # of `case.fail`

    def test_a_reply_comes_in_pieces_with_log_probabilities_or_none(self, case: Case) -> None:
        tokens = said(case.model, 12)
        assert len(tokens) > 1
        assert "".join(token.text for token in tokens)
        assert all(token.logprob is None or token.logprob <= 0 for token in tokens)

    def test_the_same_prompt_gets_the_same_reply(self, case: Case) -> None:
        assert said(case.model, 12) == said(case.model, 12)

    @pytest.mark.parametrize("limit", [1, 7])
    def test_a_reply_that_was_cut_is_told_by_its_number_of_tokens(
        self, case: Case, limit: int
    ) -> None:
        assert len(said(case.model, limit)) == limit

    def test_leaving_stops_the_work(self, case: Case) -> None:
        tokens = case.model.generate(SYSTEM, LONG, max_tokens=400)
        assert isinstance(tokens, Generator)
        next(tokens)
        assert case.working()
        tokens.close()
        assert not case.working()
        assert len(said(case.model, 3)) == 3

    def test_what_was_never_read_holds_nobody_up(self, case: Case) -> None:
        case.model.generate(SYSTEM, LONG, max_tokens=400)
        assert not case.working()
        assert said(case.model, 2)

    def test_replies_asked_for_at_once_do_not_mix(self, case: Case) -> None:
        prompts = [LONG, "Say hello.", LONG]
        alone = [said(case.model, 9, prompt) for prompt in prompts]
        with ThreadPoolExecutor(3) as threads:
            together = list(threads.map(lambda prompt: said(case.model, 9, prompt), prompts))
        assert together == alone

    @pytest.mark.parametrize("text", TEXTS)
    def test_every_text_counts_and_more_text_counts_more(self, case: Case, text: str) -> None:
        count = case.model.count_tokens
        assert count("") == 0
        assert count(text) > 0
        assert count(f"{text} and {text}") > count(text)

    def test_a_prompt_fits_where_there_is_room(self, case: Case) -> None:
        assert case.model.name
        assert case.model.context_tokens > case.model.count_tokens(SYSTEM + LONG)

    def test_half_a_character_fails_in_words_and_the_next_question_is_answered(
        self, case: Case
    ) -> None:
        with suppress(ModelError):
            said(case.model, 2, "Is \ud83d a face?")
        assert not case.working()
        assert said(case.model, 2)

    def test_a_failure_says_whether_to_try_again(self, case: Case) -> None:
        with pytest.raises(ModelError) as caught:
            case.fail()
        assert caught.value.retryable is self.failure_is_retryable
        assert str(caught.value)
