"""The larger model: what is sent to it, within which budget and time, and that it is charged.

Whether it is asked is decided in `rag.correct`. Its words are verified like any draft's.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from index.base import Hit, StoreError
from rag import prompt
from rag.base import LanguageModel, ModelError, Question, Token
from rag.correct import Attempt, Policy, may_leave
from rag.evidence import Sentence
from rag.prompt import Prompt
from rag.retrieve import own_words
from rag.router import Router
from rag.spending import Call, Spending

PROMPT = "larger-1"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """When the larger model is asked, and what one call may take."""

    may_leave: frozenset[str]  # names of the sources whose text it may see
    below: float = 0.6  # confidence under which it is asked
    router: Router | None = None
    prompt_tokens: int = 1500  # in its own count
    reply_tokens: int = 200
    timeout_s: float = 20.0  # of a whole reply, looked at between two tokens


class Cascade:
    """A larger model under its terms. Threads may share it."""

    def __init__(
        self,
        model: LanguageModel,
        terms: Terms,
        spending: Spending,
        clock: Callable[[], datetime],
    ) -> None:
        """clock: gives the time, aware, UTC."""
        self.model = model
        self.terms = terms
        self._spending = spending
        self._clock = clock
        self._told = ""  # the month of which the log says that its budget is used up

    def policy(self, policy: Policy) -> Policy:
        """Return a policy as it is now: with this model, unless the budget is used up."""
        return replace(
            policy,
            large=self.model.name,
            below=self.terms.below,
            router=self.terms.router,
            may_leave=self.terms.may_leave,
            closed=not self._is_open(),
        )

    def pack(
        self, question: Question, attempt: Attempt, hits: Sequence[Hit], ranked: Sequence[Sentence]
    ) -> Prompt:
        """Fill the prompt with what may leave: the asker's words and sources that are not local."""
        sources = self.terms.may_leave
        open_ = [s for s in ranked if may_leave(hits[s.hit].chunk.document.id, sources)]
        return prompt.pack(
            own_words(question, attempt.query),
            hits,
            open_,
            self.model,
            self.terms.prompt_tokens,
            version=PROMPT,
            draft=attempt.draft,
        )

    def generate(self, packed: Prompt, answer_id: str) -> Iterator[Token]:
        """Stream the reply and charge it. Raises ModelError, also where the budget has no room."""
        asked = self.model.count_tokens(packed.system) + self.model.count_tokens(packed.user)
        number = self._reserve(answer_id, asked)
        started, told, text, failed = time.monotonic(), 0, "", False
        limit = self.terms.reply_tokens
        try:
            for token in self.model.generate(packed.system, packed.user, max_tokens=limit):
                told, text = told + 1, text + token.text
                yield token
                if time.monotonic() - started > self.terms.timeout_s:
                    raise ModelError(
                        f"{self.model.name} was still answering after {self.terms.timeout_s:g} s, "
                        "see [model.large] timeout_s.",
                        retryable=True,
                    )
        except ModelError:  # its message may repeat what was sent: `footnote doctor` asks for it
            failed = True
            log.warning("larger model failed model=%s; run `footnote doctor`", self.model.name)
            raise
        finally:
            said = max(told, self.model.count_tokens(text))
            self._settle(number, Call(asked, said, time.monotonic() - started, failed))

    def _reserve(self, answer_id: str, asked: int) -> int:
        name, limit = self.model.name, self.terms.reply_tokens
        try:
            return self._spending.reserve(answer_id, name, asked, limit, self._clock())
        except StoreError as error:  # what cannot be counted is not spent
            raise ModelError(str(error), retryable=True) from error

    def _settle(self, number: int, call: Call) -> None:
        try:
            self._spending.settle(number, call)
        except StoreError as error:  # it stays charged with the most it could cost
            log.warning("not settled call=%d error=%s", number, error)

    def _dearest(self) -> float:
        """Return what one call costs at most."""
        terms = self.terms
        return self._spending.budget.price(terms.prompt_tokens, terms.reply_tokens)

    def _is_open(self) -> bool:
        now = self._clock()
        try:
            used_up = not self._spending.is_open(self._dearest(), now)
        except StoreError as error:
            log.warning("larger model not asked: what it cost cannot be read error=%s", error)
            return False
        month = f"{now:%Y-%m}"
        if used_up and self._told != month:
            self._told = month
            log.warning("larger model not asked: budget used up month=%s", month)
        return not used_up
