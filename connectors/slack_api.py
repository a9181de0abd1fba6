"""Slack's Web API, patiently: whole answers, page by page, or a ConnectorError an admin can use."""

import logging
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry import HttpRequest, HttpResponse, RetryState
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from connectors.base import ConnectorError
from connectors.slack_text import Raw, row, words

PAGE = 900  # Slack gives at most 999
TIMEOUT_S = 60  # of one call
PATIENCE_S = 4 * 3600  # waited in all, before a run gives up: 50 calls a minute are allowed
MAX_BYTES = 64 * 2**20  # of one answer
RETRIES = 3  # of a call that failed without a word on when to come back

_TRANSIENT = frozenset({500, 502, 503, 504})
_DEAD_TOKENS = frozenset(
    "account_inactive invalid_auth not_authed token_expired token_revoked".split()
)
_OUTSIDE = frozenset("channel_not_found not_in_channel".split())

log = logging.getLogger(__name__)


class SlackRefusal(ConnectorError):
    """Slack answered with an error of its own, such as "thread_not_found"."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SlackApi:
    """Reads with one bot's token. Counts its calls."""

    def __init__(
        self,
        token: str,
        *,
        url: str = WebClient.BASE_URL,
        patience_s: float = PATIENCE_S,
        timeout_s: float = TIMEOUT_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take a bot's token, xoxb-….

        patience_s: how long all calls together may wait for Slack's rate limits.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
            raise ConnectorError(f"{url} is not https, so Slack's token was not sent there.")
        self.url = url.rstrip("/") + "/"
        self.calls = 0
        self._client = _Web(token=token, base_url=self.url)
        self._client.timeout = timeout_s  # type: ignore[assignment]  # urllib takes fractions
        self._client.retry_handlers = [_Patience(patience_s, sleep)]

    def call(self, method: str, **arguments: str | int | bool) -> Raw:
        """Return what one method answers. Raises ConnectorError, SlackRefusal if Slack says why."""
        self.calls += 1
        try:
            data = self._client.api_call(method, params=arguments).data
        except SlackApiError as error:
            raise self._refusal(method, error, arguments) from error
        except (SlackClientError, OSError, HTTPException, ValueError) as error:
            raise ConnectorError(
                f"Slack did not answer {method} in full: {error}. Check that this machine reaches "
                f"{self.url}; until then nothing of this source is changed."
            ) from error
        if not isinstance(data, dict):
            raise ConnectorError(f"Slack answered {method} with something other than JSON.")
        return data

    def objects(self, method: str, key: str, **arguments: str | int | bool) -> Iterator[Raw]:
        """Yield the objects under `key`, of all pages."""
        for item in self.items(method, key, **arguments):
            if not isinstance(item, dict):
                raise _broken_off(method, key)
            yield item

    def items(self, method: str, key: str, **arguments: str | int | bool) -> Iterator[object]:
        """Yield what is in the lists under `key`, of all pages.

        Raises ConnectorError if Slack says that there is more, but does not give it, or gives what
        it gave before.
        """
        cursor, seen = "", {""}
        while True:
            page = {"cursor": cursor} if cursor else {}
            answer = self.call(method, limit=PAGE, **arguments, **page)
            items = answer.get(key)
            following = words(row(answer, "response_metadata"), "next_cursor")
            more = answer.get("has_more") is True or following != ""
            if not isinstance(items, list) or (more and following in seen):
                raise _broken_off(method, key)
            yield from items
            if not more:
                return
            seen.add(following)
            cursor = following

    def _refusal(self, method: str, error: SlackApiError, arguments: Raw) -> ConnectorError:
        data = error.response.data
        answer: Raw = data if isinstance(data, dict) else {}
        return SlackRefusal(
            words(answer, "error"),
            _explained(method, answer, error.response.status_code, arguments),
        )


class _Web(WebClient):
    """Slack's client, but for how it sends: it would take the token along wherever it is led.

    Neither redirects nor proxies of the environment are followed, and an answer is bounded.
    """

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=self.ssl), _Staying)
        with opener.open(req, timeout=self.timeout) as answer:
            body = answer.read(MAX_BYTES + 1)
            if len(body) > MAX_BYTES:
                raise ConnectorError(f"Slack answers {url} with more than {MAX_BYTES >> 20} MiB.")
            charset = answer.headers.get_content_charset() or "utf-8"
            return {
                "status": answer.status,
                "headers": answer.headers,
                "body": body.decode(charset),
            }


class _Staying(HTTPRedirectHandler):
    """Takes a redirect for the answer."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _Patience(RateLimitErrorRetryHandler):
    """Waits as long as Slack asks for, and a little after failures, within one budget."""

    def __init__(self, budget_s: float, sleep: Callable[[float], None]) -> None:
        super().__init__(max_retry_count=99)
        self._left_s = budget_s
        self._sleep = sleep

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        limited = super()._can_retry(state=state, request=request, response=response, error=error)
        failed = response.status_code in _TRANSIENT if response else error is not None
        return limited or (failed and state.current_attempt < RETRIES)

    def prepare_for_next_attempt(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        asked_s = _retry_after(response)
        wait_s = 2.0**state.current_attempt if asked_s is None else asked_s
        if wait_s > self._left_s:
            raise ConnectorError(
                f"Slack asks to wait {wait_s:.0f} s more, and a run waits no longer than its "
                "patience. The next run goes on; set a larger patience_h for this source if it "
                "lasts."
            )
        log.warning("waiting source=slack seconds=%.0f", wait_s)
        self._left_s -= wait_s
        self._sleep(wait_s)
        state.next_attempt_requested = True
        state.increment_current_attempt()


def _broken_off(method: str, key: str) -> ConnectorError:
    return ConnectorError(
        f"Slack's list of {key} ({method}) broke off. Nothing of this source is changed; the next "
        "run lists it again."
    )


def _retry_after(response: HttpResponse | None) -> float | None:
    """Return the seconds that an answer asks to wait, None if it does not."""
    for name, values in (response.headers if response else {}).items():
        value = values[0] if isinstance(values, list) else values
        if name.lower() == "retry-after" and value.isdecimal():
            return float(value)
    return None


def _explained(method: str, answer: Raw, status: int, arguments: Raw) -> str:
    """Return why Slack refused a call, and what an admin can do."""
    code = words(answer, "error")
    if 300 <= status < 400:
        return (
            f"Slack's answer to {method} leads to another server (status {status}), where the "
            "token was not sent. Look for a proxy in between, or mend api_url in the settings."
        )
    if code == "missing_scope":
        return (
            f"Slack refused {method}: the app lacks the scope {words(answer, 'needed')}. Add it "
            "under OAuth & Permissions of the app (ui/slack_manifest.json has all it needs), and "
            "install the app to the workspace again."
        )
    if code in _DEAD_TOKENS or status == 401:
        return (
            f"Slack does not accept the token ({code or status}). Copy the bot token (xoxb-…) "
            "from OAuth & Permissions of the app into the environment again."
        )
    if code in _OUTSIDE:
        return (
            f"The app is not in the channel {arguments.get('channel')} any more ({code}). Invite "
            "it there again (/invite), or list the channel under exclude."
        )
    if code in ("not_allowed_token_type", "access_denied", "no_permission") or status == 403:
        return (
            f"Slack forbids {method} ({code or status}). Use the app's bot token, and ask the "
            "workspace's owner whether apps are restricted."
        )
    return (
        f"Slack refused {method}: {code or f'status {status}'}. Nothing of this source is changed; "
        "https://status.slack.com tells whether Slack itself is troubled."
    )
