"""A model behind a server: the contract, and every way in which a server does not answer."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from transformers import AutoTokenizer

from rag.base import LanguageModel, ModelError, Token
from rag.models.server import ServerModel
from tests.contracts.language_model import LONG, LanguageModelContract, said
from tests.fake_models import ScriptedModel
from tests.rag.models import completion_server
from tests.rag.models.completion_server import KEY, CompletionServer, Fault
from ui.wiring import packaged_model

WORDS = " ".join(f"number-{n}" for n in range(400))


class ServerCase:
    """The engine, and the server it talks to."""

    def __init__(self, server: CompletionServer) -> None:
        self.server = server
        self.model: LanguageModel = model(server)

    def working(self) -> bool:
        """Wait until the server stands still; say whether it has more to tell than it told."""
        if not self.server.reply.prompts:
            return False
        return not _within(0.5, lambda: self.server.reply.closed == len(self.server.reply.prompts))

    def fail(self) -> object:
        self.server.fault = Fault(status=503, body='{"error": "Loading model"}')
        return said(self.model, 3)


def model(server: CompletionServer, timeout_s: float = 5.0, key: str | None = None) -> ServerModel:
    return ServerModel(server.address, name=server.model, timeout_s=timeout_s, api_key=key)


def failure(model: ServerModel) -> ModelError:
    with pytest.raises(ModelError) as caught:
        said(model, 20)
    return caught.value


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def server() -> Iterator[CompletionServer]:
    with completion_server.running(ScriptedModel(WORDS)) as state:
        yield state


class TestServerModel(LanguageModelContract):
    failure_is_retryable = True

    @pytest.fixture
    def case(self, server: CompletionServer) -> ServerCase:
        return ServerCase(server)


def test_a_client_that_left_closes_the_connection_and_the_server_stops(
    server: CompletionServer,
) -> None:
    tokens = model(server).generate("", LONG, max_tokens=400)
    next(tokens)
    tokens.close()  # type: ignore[attr-defined]  # a generator
    assert server.left.wait(2)
    assert server.reply.closed == 1
    assert server.reply.said < 20  # of 400


def test_the_request_is_greedy_and_carries_the_key_and_nothing_of_the_environment(
    server: CompletionServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody")
    server.key = KEY
    list(model(server, key=KEY).generate("Be brief.", "When?", max_tokens=3))
    (request,), (headers,) = server.requests, server.headers
    assert request["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "When?"},
    ]
    assert (request["temperature"], request["max_tokens"], request["stream"]) == (0, 3, True)
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert "sk-of-somebody" not in str(headers)


def test_log_probabilities_are_passed_on_when_the_server_gives_them(
    server: CompletionServer,
) -> None:
    assert said(model(server), 1) == [Token("number-0", completion_server.LOGPROB)]
    server.logprobs = False
    assert said(model(server), 1) == [Token("number-0", None)]


def test_a_server_that_does_not_keep_to_the_limit_is_left(server: CompletionServer) -> None:
    server.obeys = False
    assert len(said(model(server), 5)) == 5
    assert server.left.wait(2)
    assert server.reply.said < 30


def test_a_cut_reply_is_told_by_its_tokens_even_if_they_come_three_at_a_time(
    server: CompletionServer,
) -> None:
    server.batch = 3
    tokens = said(model(server), 10)
    assert len(tokens) == 10
    assert "".join(token.text for token in tokens) == " ".join(WORDS.split()[:10])
    assert tokens[0].logprob == 3 * completion_server.LOGPROB


@pytest.mark.parametrize(
    ("status", "retryable", "message"),
    [
        (400, False, "answers 400: too long"),
        (401, False, "api_key_env"),
        (403, False, "api_key_env"),
        (404, False, r"no model 'house-model'; it has: house-model. Set \[model\] name"),
        (429, True, "wait 7 s"),
        (500, True, "See the server's log"),
        (503, True, "answers 503: too long"),
    ],
)
def test_a_refusal_names_the_server_and_the_way_out(
    server: CompletionServer, status: int, retryable: bool, message: str
) -> None:
    body = '{"error": {"message": "too long", "type": "x"}}'
    server.fault = Fault(status, body, (("Retry-After", "7"),))
    error = failure(model(server))
    assert error.retryable is retryable
    assert re.search(message, str(error))
    assert server.address in str(error)


@pytest.mark.parametrize(
    ("how", "retryable", "message"),
    [
        ("cut", True, "ended the reply after 1 tokens"),
        ("reset", True, "broke off"),
        ("silent", True, r"said nothing for 0\.3 s while it answered"),
        ("error", True, "failed while it answered: CUDA out of memory"),
        ("garbage", False, "not answer as an OpenAI-compatible server"),
    ],
)
def test_a_reply_that_breaks_off_is_an_error_after_what_was_said(
    server: CompletionServer,
    how: Literal["cut", "reset", "silent", "error", "garbage"],
    retryable: bool,
    message: str,
) -> None:
    server.fault = Fault(stream=how)
    tokens = model(server, timeout_s=0.3).generate("", LONG, max_tokens=20)
    assert next(tokens).text == "number-0"
    with pytest.raises(ModelError, match=message) as caught:
        list(tokens)
    assert caught.value.retryable is retryable
    assert server.address in str(caught.value)


def test_a_wrong_key_is_refused_and_never_repeated_in_the_message(
    server: CompletionServer,
) -> None:
    server.key = KEY
    error = failure(model(server, key="sk-wrong"))
    assert not error.retryable
    assert "401: Incorrect API key provided" in str(error)
    assert "sk-wrong" not in str(error)


def test_an_unknown_model_is_an_error_that_lists_the_known(server: CompletionServer) -> None:
    asked = ServerModel(server.address, name="gpt-99")
    assert "has no model 'gpt-99'; it has: house-model" in str(failure(asked))


def test_an_address_without_the_version_is_named(server: CompletionServer) -> None:
    error = failure(ServerModel(server.address.removesuffix("/v1"), name="house-model"))
    assert not error.retryable
    assert "mostly with /v1" in str(error)


def test_a_page_instead_of_a_stream_is_not_a_model(server: CompletionServer) -> None:
    server.page = True
    error = failure(model(server))
    assert not error.retryable
    assert "text/event-stream" in str(error)


def test_a_redirect_is_not_followed(server: CompletionServer) -> None:
    server.fault = Fault(302, headers=(("Location", "https://elsewhere.example/v1"),))
    error = failure(model(server))
    assert not error.retryable
    assert "https://elsewhere.example/v1, which is not followed" in str(error)


def test_nobody_at_the_address_is_an_error_that_may_pass() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        error = failure(ServerModel(address, name="any"))
    assert error.retryable
    assert f"{address} cannot be reached" in str(error)


def test_the_same_server_answers_again_after_every_fault(server: CompletionServer) -> None:
    asked = model(server, timeout_s=0.3)
    for fault in (Fault(500), Fault(stream="cut"), Fault(stream="reset"), Fault(stream="silent")):
        server.fault = fault
        assert failure(asked).retryable
        server.fault = Fault()
        assert len(said(asked, 3)) == 3


def test_tokens_are_estimated_by_digits_marks_and_stretches_of_words() -> None:
    count = ServerModel("http://127.0.0.1:9/v1", name="any").count_tokens
    assert count("Sick leave needs a note.") == 1 + 2 + 2 + 1 + 1 + 1
    assert count("94,000") == 6
    assert count("Gruß") == 2  # five bytes


@pytest.mark.model
@pytest.mark.filterwarnings("ignore")
def test_the_estimate_lies_on_the_safe_side_of_a_real_tokenizer() -> None:
    file = packaged_model()
    tokenizer = AutoTokenizer.from_pretrained(
        file.parent, gguf_file=file.name, local_files_only=True
    )
    count = ServerModel("http://127.0.0.1:9/v1", name="any").count_tokens
    pages = sorted((Path(__file__).parents[3] / "demo" / "wiki").rglob("*.md"))
    text = "\n".join(page.read_text() for page in pages)
    parts = [text[start : start + 800] for start in range(0, len(text), 800)]
    ratios = [count(part) / len(tokenizer.encode(part)) for part in parts]
    assert len(ratios) > 100
    assert min(ratios) > 0.95
    assert 1.1 < sum(ratios) / len(ratios) < 1.3
