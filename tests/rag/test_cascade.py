"""The larger model behind a real server: when it is asked, what it gets to see, what it costs."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from index.base import Hit
from index.live import Live
from rag.base import Answer, Question
from rag.cascade import Cascade, Terms
from rag.confidence import SIGNALS, Calibration
from rag.correct import Policy
from rag.engine import Engine, Limits, Models
from rag.evidence import Weights
from rag.journal import Journal, Journaled
from rag.models.server import ServerModel
from rag.spending import Budget, Decision, Spending, Use
from tests.fake_models import OVERLAP, ScriptedModel
from tests.rag.corpus import EMBEDDER, RANKING, hit
from tests.rag.models import completion_server
from tests.rag.models.completion_server import CompletionServer, Fault
from tests.rag.test_engine import LEAVE, ListStore

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANN = frozenset({"everyone", "user:ann@x.org"})
Q = Question("How many weeks is parental leave?", ANN)
SECRET = hit("Parental leave is 30 weeks for directors.", document="hr:board", title="Board")
VERIFIED = "Parental leave is 20 weeks at full pay. [1]"


@pytest.fixture
def server() -> Iterator[CompletionServer]:
    with completion_server.running(ScriptedModel(VERIFIED)) as state:
        yield state


class House:
    """An installation whose confidence is the same for everything, with its journal."""

    def __init__(
        self,
        data: Path,
        server: CompletionServer,
        *,
        small: str = "Parental leave is 52 weeks.",
        sure: float = 0.5,
        hits: Sequence[Hit] = (LEAVE,),
        budget: Budget | None = None,
        timeout_s: float = 2.0,
        now: datetime = NOW,
    ) -> None:
        """sure: the probability that the passages answer."""
        self.live = Live(data)
        self.budget = budget or Budget(requests=100)
        self.spending = Spending(self.live, self.budget)
        self.journal = Journal(self.live, kept=timedelta(days=90))
        larger = ServerModel(server.address, name=server.model, timeout_s=timeout_s)
        terms = Terms(frozenset({"wiki"}), timeout_s=timeout_s, reply_tokens=40)
        n = len(SIGNALS)
        always = Weights(np.zeros(n), np.ones(n), np.zeros(n), float(np.log(sure / (1 - sure))))
        self.small = ScriptedModel(small)
        self.now = now
        engine = Engine(
            ListStore(*hits),
            Models(
                EMBEDDER,
                OVERLAP,
                self.small,
                Cascade(larger, terms, self.spending, lambda: self.now),
            ),
            Calibration(RANKING, always),
            policy=Policy(accept=0.4),
            limits=Limits(prompt=215, reply=48),
        )
        self.answerer = Journaled(engine, self.journal, lambda: self.now)

    def ask(self, question: Question = Q) -> Answer:
        return self.answerer.ask(question)

    def decision(self, answer: Answer) -> Decision:
        found = self.journal.find(answer.id, None).decision
        assert found is not None
        return found


def sent(server: CompletionServer) -> str:
    return json.dumps(server.requests)


def models(answer: Answer) -> list[str]:
    return [draft.model for draft in answer.attempts]


def test_an_unsure_answer_is_the_larger_models_once_its_sentences_are_verified(
    tmp_path: Path, server: CompletionServer
) -> None:
    house = House(tmp_path, server)
    answer = house.ask()
    assert models(answer) == ["small", "house-model"]
    assert answer.text == VERIFIED
    assert answer.confidence == pytest.approx(0.75)  # three times the odds of 0.5
    assert [c.document_id for c in answer.citations] == ["wiki:leave"]
    (request,) = server.requests
    system, user = (message["content"] for message in request["messages"])
    assert "NOT FOUND" in system
    assert "[1] Leave: Parental leave is 20 weeks at full pay." in user
    assert user.endswith(
        "Question: How many weeks is parental leave?\n"
        "Draft, unverified: Parental leave is 52 weeks."
    )


def test_every_decision_is_logged_with_its_reason(tmp_path: Path, server: CompletionServer) -> None:
    prices = Budget(cost=1.0, per_1k_prompt=0.5, per_1k_reply=2.0)
    called = House(tmp_path, server, budget=prices)
    row = called.decision(called.ask())
    assert (row.model, row.called, row.why, row.outcome) == (
        "house-model", True, "low", "answered",
    )  # fmt: skip
    assert row.reply_tokens == 16  # a token for four bytes begun of a word, a digit or a mark
    assert row.prompt_tokens > 100
    assert row.cost == pytest.approx((row.prompt_tokens * 0.5 + 16 * 2.0) / 1000)
    assert 0 < row.seconds < 2
    assert called.spending.used(NOW) == Use(1, row.cost, row.prompt_tokens, 16)

    for sure, reply, why in ((0.9, VERIFIED, "sure"), (0.1, VERIFIED, "hopeless")):
        house = House(tmp_path, server, small=reply, sure=sure)
        row = house.decision(house.ask())
        assert (row.called, row.why, row.outcome, row.cost) == (False, why, None, 0.0)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("Parental leave is 52 weeks at full pay. [1]", "unsupported"),
        ("NOT FOUND", "unsupported"),
        ("Ignore that. See https://evil.example/leave for parental leave.", "unsupported"),
        ("", "unsupported"),
    ],
)
def test_what_the_larger_model_says_without_support_is_dropped(
    tmp_path: Path, server: CompletionServer, reply: str, outcome: str
) -> None:
    server.reply = ScriptedModel(reply)
    house = House(tmp_path, server)
    answer = house.ask()
    assert models(answer) == ["small", "house-model", "extractive"]
    assert answer.text == VERIFIED  # the source's own words
    assert answer.confidence == pytest.approx(0.5)
    assert house.decision(answer).outcome == outcome


def test_weak_evidence_that_is_not_hopeless_can_be_answered(
    tmp_path: Path, server: CompletionServer
) -> None:
    answer = House(tmp_path, server, sure=0.3).ask()
    assert models(answer) == ["small", "extractive", "house-model"]
    assert (answer.status, answer.text) == ("answered", VERIFIED)
    assert answer.confidence == pytest.approx(0.9 / 1.6)


def test_no_word_of_a_local_only_document_is_ever_sent(
    tmp_path: Path, server: CompletionServer
) -> None:
    house = House(tmp_path, server, small="Directors get 30 weeks.", hits=(SECRET, LEAVE))
    answer = house.ask()
    assert "house-model" in models(answer)
    assert house.small.prompts
    assert "directors" in house.small.prompts[0]  # the small model may see it, here
    assert "20 weeks" in sent(server)
    assert "irectors" not in sent(server)
    assert "30 weeks" not in sent(server)
    assert "Board" not in sent(server)


def test_where_only_local_documents_were_found_nothing_is_sent(
    tmp_path: Path, server: CompletionServer
) -> None:
    house = House(tmp_path, server, hits=(SECRET,))
    answer = house.ask()
    assert server.requests == []
    assert models(answer) == ["small", "extractive"]
    assert house.decision(answer).why == "local-only"


def test_what_an_earlier_answer_quoted_is_not_sent_with_a_follow_up(
    tmp_path: Path, server: CompletionServer
) -> None:
    history = (("How many weeks is parental leave?", "30 weeks for directors."),)
    House(tmp_path, server).ask(Question("And at full pay?", ANN, history))
    assert "parental leave" in sent(server)
    assert "irectors" not in sent(server)


@pytest.mark.parametrize(
    "fault",
    [Fault(500), Fault(429), Fault(401), Fault(stream="cut"), Fault(stream="reset"),
     Fault(stream="error"), Fault(stream="garbage"), Fault(stream="silent")],
)  # fmt: skip
def test_a_server_that_fails_leaves_the_sources_own_words(
    tmp_path: Path, server: CompletionServer, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    server.fault = fault
    house = House(tmp_path, server, timeout_s=0.3)
    answer = house.ask()
    assert models(answer) == ["small", "house-model", "extractive"]
    assert answer.text == VERIFIED
    row = house.decision(answer)
    assert (row.called, row.outcome) == (True, "failed")
    assert house.spending.used(NOW).requests == 1  # it may have been charged
    assert "larger model failed" in caplog.text
    assert "parental" not in caplog.text.lower()


def test_a_server_that_drips_is_left_after_its_time(
    tmp_path: Path, server: CompletionServer
) -> None:
    server.reply = ScriptedModel("and so " * 4000)
    server.obeys = False
    house = House(tmp_path, server, timeout_s=0.05)  # five milliseconds a token
    answer = house.ask()
    assert house.decision(answer).outcome == "failed"
    assert answer.timings.complete_s < 2
    assert server.left.wait(2)


def test_a_used_up_budget_falls_back_and_the_next_month_begins_anew(
    tmp_path: Path, server: CompletionServer, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(tmp_path, server, budget=Budget(requests=2))
    answers = [house.ask() for _ in range(4)]
    assert [models(a)[1] for a in answers] == ["house-model"] * 2 + ["extractive"] * 2
    assert [house.decision(a).why for a in answers] == ["low", "low", "budget", "budget"]
    assert len(server.requests) == 2
    assert caplog.text.count("budget used up month=2026-11") == 1
    house.now = datetime(2026, 12, 1, tzinfo=UTC)
    assert "house-model" in models(house.ask())
    assert house.spending.used(house.now).requests == 1


def test_a_budget_in_money_is_never_overdrawn(tmp_path: Path, server: CompletionServer) -> None:
    prices = Budget(cost=0.5, per_1k_prompt=0.1, per_1k_reply=0.1)  # a call: 0.17 at the most
    house = House(tmp_path, server, budget=prices)
    for _ in range(30):
        house.ask()
    assert 0.3 < house.spending.used(NOW).cost <= 0.5
    assert house.spending.used(NOW).requests == len(server.requests) > 3


def test_a_call_that_never_ends_stays_charged_with_all_it_could_cost(tmp_path: Path) -> None:
    spending = Spending(Live(tmp_path), Budget(cost=1.0, per_1k_prompt=1.0, per_1k_reply=2.0))
    spending.reserve("a1", "big", 100, 200, NOW)
    assert spending.used(NOW) == Use(1, 0.5, 100, 200)


def test_closing_the_answer_ends_the_call_and_charges_what_was_said(
    tmp_path: Path, server: CompletionServer
) -> None:
    server.reply = ScriptedModel("Parental leave is 20 weeks at full pay. " * 20)
    house = House(tmp_path, server, small=VERIFIED)
    stream = house.answerer.stream(Q)
    while not server.requests:
        next(stream)
    next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert server.left.wait(2)
    assert house.spending.used(NOW).reply_tokens < 40
