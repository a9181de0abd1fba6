"""A language model behind an OpenAI-compatible server: vLLM, Ollama, llama.cpp.

Speaks POST {address}/chat/completions, streamed. Takes nothing from the environment.
"""

import json
import math
import re
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import httpx_sse
from httpx_sse import ServerSentEvent

from rag.base import ModelError, Token
from rag.models import refusals

CONNECT_S = 5.0
BYTES_PER_TOKEN = 4  # of a word
_WORD_OR_MARK = re.compile(r"[^\W\d_]+|\S")


class ServerModel:
    """One model of one server. Threads may share it; the server decides how many it serves."""

    def __init__(
        self,
        address: str,
        *,
        name: str,
        context_tokens: int = 2048,
        api_key: str | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        """Connect to nothing yet: a server that is down must not keep Footnote from starting.

        address: up to and with the version, "http://127.0.0.1:8000/v1". timeout_s: the longest
        silence, before the first token and between two.
        """
        self.name = name
        self.context_tokens = context_tokens
        self._address = address.rstrip("/")
        self._timeout_s = timeout_s
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_S),
            # A kept connection that the server has dropped meanwhile would fail a question.
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,  # no proxy, no .netrc
            verify=ssl.create_default_context(),  # the system's authorities: the company's own too
        )

    def count_tokens(self, text: str) -> int:
        """Estimate: a digit or mark is a token, a word one for every four bytes begun.

        The protocol has no call that counts. On the demo wiki, in stretches of 800 characters,
        it gives 1.03 to 1.34 times SmolLM2's count, 1.15 in the mean (over 100 stretches).
        """
        words = _WORD_OR_MARK.findall(text)
        return sum(math.ceil(len(word.encode()) / BYTES_PER_TOKEN) for word in words)

    def generate(self, system: str, user: str, *, max_tokens: int) -> Iterator[Token]:
        """Stream the reply, greedily. Closing the iterator closes the connection."""
        request = {
            "model": self.name,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": user},
            ],
            "max_tokens": max_tokens,
            "temperature": 0,
            "seed": 0,
            "stream": True,
            "logprobs": True,
        }
        try:
            with httpx_sse.connect_sse(
                self._client, "POST", f"{self._address}/chat/completions", json=request
            ) as source:
                if source.response.status_code != httpx.codes.OK:
                    raise self._refusal(source.response)
                yield from self._tokens(source.iter_sse(), max_tokens)
        except UnicodeEncodeError as error:  # half a surrogate pair
            raise ModelError(
                f"{self.name} cannot be sent the prompt: {error}", retryable=False
            ) from error
        except (httpx_sse.SSEError, httpx.DecodingError, httpx.InvalidURL) as error:
            raise refusals.foreign(self._address, str(error)) from error
        except httpx.TimeoutException as error:
            raise refusals.silent(self._address, error, CONNECT_S, self._timeout_s) from error
        except httpx.TransportError as error:
            raise refusals.unreachable(self._address, error) from error

    def _tokens(self, events: Iterator[ServerSentEvent], max_tokens: int) -> Iterator[Token]:
        """Yield one token an event, so that a reply that was cut has max_tokens of them."""
        told, ended = 0, ""
        for event in events:
            if event.data == "[DONE]":
                ended = ended or "stop"
                break
            text, logprob, reason = self._read(event.data)
            if text:
                told += 1
                yield Token(text, logprob)
            ended = reason or ended
            if told == max_tokens:  # a server need not obey
                return
        if not ended:
            raise refusals.cut(self._address, told)
        if ended == "length":  # several tokens came in one event
            yield from [Token("", None)] * (max_tokens - told)

    def _read(self, data: str) -> tuple[str, float | None, str]:
        """Return an event's text, its log-probability, and why the reply ends, "" if it goes on."""
        try:
            event = json.loads(data)
            if "error" in event:
                raise refusals.failed(self._address, event["error"])
            choice: dict[str, Any] = event["choices"][0] if event["choices"] else {}
            text = (choice.get("delta") or {}).get("content") or ""
            if not isinstance(text, str):
                raise TypeError(f"content {text!r}")
            return text, _logprob(choice), choice.get("finish_reason") or ""
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise refusals.foreign(self._address, f"event {data[:80]!r}") from error

    def _refusal(self, response: httpx.Response) -> ModelError:
        response.read()
        listed = self._listed() if response.status_code == httpx.codes.NOT_FOUND else None
        return refusals.refused(self._address, self.name, response, listed)

    def _listed(self) -> list[str] | None:
        """Return the models that the server says it has; None if it does not say."""
        try:
            response = self._client.get(f"{self._address}/models").raise_for_status()
            return [str(model["id"]) for model in response.json()["data"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None


def _logprob(choice: dict[str, Any]) -> float | None:
    """Return the log-probability of an event's text: the sum of its tokens'."""
    listed = (choice.get("logprobs") or {}).get("content") or []
    values = [token["logprob"] for token in listed]
    return math.fsum(values) if values and None not in values else None
