"""What a model server does instead of answering, put into words: who, what, and the way out.

Decides too whether the same call may work in a moment. Sends nothing.
"""

import json
from collections.abc import Sequence
from typing import Any

import httpx

from rag.base import ModelError

LISTED = 10  # models that a message names


def unreachable(address: str, error: httpx.TransportError) -> ModelError:
    """The connection was not made, or broke."""
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return ModelError(
            f"the model server at {address} broke off: {error}. See the server's log.",
            retryable=True,
        )
    return ModelError(
        f"the model server at {address} cannot be reached: {error}. "
        "Start it, or set [model] address to where it listens.",
        retryable=True,
    )


def silent(
    address: str, error: httpx.TimeoutException, connect_s: float, read_s: float
) -> ModelError:
    """Nothing came in time."""
    connecting = isinstance(error, httpx.ConnectTimeout)
    return ModelError(
        f"the model server at {address} said nothing for {connect_s if connecting else read_s:g} s "
        f"{'when it was called' if connecting else 'while it answered'}. "
        "It is overloaded or still loading the model; see its log.",
        retryable=True,
    )


def cut(address: str, told: int) -> ModelError:
    """The stream ended and the reply had not."""
    return ModelError(
        f"the model server at {address} ended the reply after {told} tokens without saying why. "
        "See the server's log.",
        retryable=True,
    )


def failed(address: str, error: Any) -> ModelError:
    """The stream carried an error in the place of a token."""
    return ModelError(
        f"the model server at {address} failed while it answered: {_message(error)}.",
        retryable=True,
    )


def foreign(address: str, seen: str) -> ModelError:
    """What came is not the protocol."""
    return ModelError(
        f"{address} does not answer as an OpenAI-compatible server does: {seen}. "
        "[model] address must end before /chat/completions, mostly with /v1.",
        retryable=False,
    )


def refused(
    address: str, model: str, response: httpx.Response, listed: Sequence[str] | None
) -> ModelError:
    """The server answered with a status other than 200.

    listed: the models it says it has; None if it does not say.
    """
    status = response.status_code
    said = f"the model server at {address} answers {status}: {_said(response)}."
    match status:
        case 401 | 403:
            return ModelError(
                f"{said} Put its key into an environment variable and name that in "
                "[model] api_key_env.",
                retryable=False,
            )
        case 404 if listed is not None:
            names = ", ".join(listed[:LISTED]) or "none"
            return ModelError(
                f"the model server at {address} has no model {model!r}; it has: {names}. "
                "Set [model] name.",
                retryable=False,
            )
        case 404:
            return foreign(address, f"404 for {response.request.url}, and it lists no models")
        case 408 | 429:
            after = response.headers.get("retry-after")
            when = f" It asks to wait {after} s." if after else ""
            return ModelError(f"{said}{when} It is overloaded.", retryable=True)
        case _ if status >= 500:
            return ModelError(f"{said} See the server's log.", retryable=True)
        case _ if response.has_redirect_location:
            return ModelError(
                f"{address} redirects to {response.headers['location']}, which is not followed. "
                "Set [model] address to it.",
                retryable=False,
            )
        case _:
            return ModelError(said, retryable=False)


def _said(response: httpx.Response) -> str:
    """Return the message of an error's body, on one line."""
    try:
        return _message(json.loads(response.text))
    except ValueError:
        return _short(response.text) or response.reason_phrase


def _message(error: Any) -> str:
    """Return the message of {"error": {"message"}}, {"error"} or {"message"}."""
    while isinstance(error, dict):
        error = error.get("error") or error.get("message") or error.get("detail") or str(error)
    return _short(str(error))


def _short(text: str) -> str:
    return " ".join(text.split())[:200].rstrip(".")
