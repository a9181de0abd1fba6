"""One polite HTTP client for every source on the network: a `requests.Session` with manners.

Knows no source. It reaches the origins it was given and no other, waits when it is told to, and
says what is wrong in the words of the admin who configured the source.
"""

import base64
import json
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential
from urllib3 import Retry
from urllib3.exceptions import InvalidHeader

from connectors.base import ConnectorError
from connectors.origin import POOLS, origin, shown

_BACK_OFF = wait_exponential(multiplier=1, max=30)
_BUSY = frozenset({429, 500, 502, 503, 504})
_SECRET_HEADERS = ("Authorization", "Cookie", "Proxy-Authorization")

Answer = requests.Response

log = logging.getLogger(__name__)


class HttpError(ConnectorError):
    """A server answered, but not with what was asked for."""

    def __init__(self, message: str, status: int | None = None, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.body = body  # in which some servers say why


class _Busy(HttpError):
    """Worth another attempt; `after_s` is what the server asked for, if it did."""

    def __init__(
        self, message: str, status: int | None = None, after_s: float | None = None
    ) -> None:
        super().__init__(message, status)
        self.after_s = after_s


@dataclass(frozen=True, slots=True)
class Account:
    """How a server knows Footnote, and what an admin hears when it does not."""

    headers: Mapping[str, str] = field(default_factory=dict)  # with every request to home, only
    secret: str = "no secret: the source is read anonymously"  # what 401 says to check
    right: str = "the right to read every page"  # what 403 says to grant


def basic(user: str, password: str) -> str:
    """Return the value of the header "Authorization" that signs a user in with a password."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much one request may take."""

    connect_s: float = 10
    read_s: float = 60  # between two pieces of an answer
    attempts: int = 5  # where the server does not say when to come back
    patience_s: float = 900  # one request with all its attempts and waits
    max_bytes: int = 64 * 2**20  # of one answer, unpacked


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, as a test may replace it."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


LIMITS = Limits()
SYSTEM_CLOCK = Clock()


class Client(requests.Session):
    """Sends requests to `home`, and to the origins of `also` without credentials.

    Every answer is whole and was a success: whatever else happens, redirects included, is a
    ConnectorError. Requests may be repeated, so send only what changes nothing. Settings of the
    environment (proxies, .netrc) are not read.
    """

    def __init__(
        self,
        home: str,
        account: Account,
        *,
        also: frozenset[str] = frozenset(),
        limits: Limits = LIMITS,
        clock: Clock = SYSTEM_CLOCK,
        busy: Callable[[Answer], bool] = lambda response: False,
    ) -> None:
        """Take the address of the server; of an address only the origin counts.

        busy: whether an answer of status 200 says "later", as some servers do.
        """
        super().__init__()
        self.trust_env = False
        self.max_redirects = 5
        self.headers["User-Agent"] = "footnote (nightly ingestion)"
        allowed = frozenset(map(origin, (home, *also)))
        adapter = _Adapter(account, origin(home), allowed, limits, clock, busy)
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> Answer:
        """Send one request and follow its redirects. Raises ConnectorError only."""
        address = url.decode() if isinstance(url, bytes) else url
        origin(address)
        try:
            return super().request(method, address, *args, **kwargs)
        except requests.exceptions.RequestException as error:
            raise ConnectorError(f"{shown(address)} cannot be read: {_reason(error)}.") from error

    def json(self, method: str, url: str, **arguments: Any) -> Any:
        """Return the JSON that a request is answered with."""
        response = self.request(method, url, **arguments)
        try:
            return json.loads(response.content)
        except ValueError as error:
            raise HttpError(
                f"{shown(response.url)} did not answer with JSON: {response.text[:80]!r}. Check "
                "the address in the settings; it must be the API, not a login page or a proxy.",
                response.status_code,
            ) from error

    def should_strip_auth(self, old_url: str, new_url: str) -> bool:
        """Never carry credentials from one origin to another, not even to another port."""
        return origin(old_url) != origin(new_url)


class _Adapter(HTTPAdapter):
    """Sends one request, as often as it takes within its budget, and reads the answer whole."""

    def __init__(
        self,
        account: Account,
        home: str,
        allowed: frozenset[str],
        limits: Limits,
        clock: Clock,
        busy: Callable[[Answer], bool],
    ) -> None:
        super().__init__()
        self._account = account
        self._home = home
        self._allowed = allowed
        self._limits = limits
        self._clock = clock
        self._busy = busy
        self.poolmanager.pool_classes_by_scheme = POOLS

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Trust what the machine trusts (a company's own authority), not only a packaged list."""
        super().init_poolmanager(*args, ssl_context=ssl.create_default_context(), **kwargs)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Answer:
        self._check(request.url or "")
        deadline = self._clock.now() + self._limits.patience_s
        retrying = Retrying(
            retry=retry_if_exception_type(_Busy),
            wait=_wait,
            stop=lambda state: self._exhausted(state, deadline),
            sleep=self._clock.sleep,
            before_sleep=_log_wait,
            reraise=True,
        )
        response: Answer = retrying(self._attempt, self._signed(request), deadline)
        _raise_for_status(response, self._account)
        return response

    def _check(self, url: str) -> None:
        if origin(url) not in self._allowed:
            raise ConnectorError(
                f"{shown(url)} was not asked: only {', '.join(sorted(self._allowed))} may be. If "
                "the server has moved or redirects there, put its new address in the settings."
            )

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        signed = request.copy()
        if origin(request.url or "") == self._home:
            signed.headers.update(self._account.headers)
        else:
            for header in _SECRET_HEADERS:
                signed.headers.pop(header, None)
        return signed

    def _attempt(self, request: requests.PreparedRequest, deadline: float) -> Answer:
        url = shown(request.url or "")
        timeout = (self._limits.connect_s, self._limits.read_s)
        try:
            response = super().send(request, stream=True, timeout=timeout)
            with response:
                # As `Response.content` does it, but bounded.
                response._content = self._body(response, deadline)
        except requests.exceptions.SSLError as error:
            raise ConnectorError(
                f"{url} has a certificate that this machine does not trust: {_reason(error)}. "
                "Install its authority's certificate on this machine, or name the file in the "
                "environment variable SSL_CERT_FILE."
            ) from error
        except requests.exceptions.RequestException as error:
            raise _Busy(
                f"{url} cannot be read: {_reason(error)}. Check the address in the settings, and "
                "that this machine reaches the server."
            ) from error
        if response.status_code in _BUSY or self._busy(response):
            raise self._too_busy(response)
        return response

    def _body(self, response: Answer, deadline: float) -> bytes:
        body = bytearray()
        for piece in response.iter_content(2**16):
            body += piece
            if len(body) > self._limits.max_bytes:
                raise ConnectorError(
                    f"{shown(response.url)} answers with more than "
                    f"{self._limits.max_bytes >> 20} MiB. Split that document or leave it out."
                )
            if self._clock.now() > deadline:
                raise ConnectorError(f"{shown(response.url)} answers too slowly to be read.")
        return bytes(body)

    def _too_busy(self, response: Answer) -> _Busy:
        after_s = _retry_after(response)
        asked = "" if after_s is None else f" and asked to wait {after_s:g} s"
        return _Busy(
            f"{shown(response.url)} is busy: it answered {response.status_code}{asked}. Footnote "
            f"was patient for at most {self._limits.patience_s:g} s and comes back with the next "
            "run; if it lasts, look at the server's own log, or ask for a higher limit there.",
            response.status_code,
            after_s,
        )

    def _exhausted(self, state: RetryCallState, deadline: float) -> bool:
        if self._clock.now() + state.upcoming_sleep > deadline:
            return True
        return _asked_for(state) is None and state.attempt_number >= self._limits.attempts


def _raise_for_status(response: Answer, account: Account) -> None:
    status = response.status_code
    if status < 400 or status in _BUSY:
        return
    what = f"{shown(response.url)} answered {status}"
    raise HttpError(
        {
            401: f"{what}: it does not accept the credentials. Check {account.secret}.",
            403: f"{what}: the account may not read this. Give it {account.right}; "
            f"it signs in with {account.secret}.",
            404: f"{what}: there is nothing at this address. If it was not deleted, mend the "
            "address in the settings.",
        }.get(status, f"{what}. Look at the server's own log for the reason."),
        status,
        response.content,
    )


def _wait(state: RetryCallState) -> float:
    asked = _asked_for(state)
    return max(_BACK_OFF(state), asked or 0)


def _asked_for(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.after_s if isinstance(error, _Busy) else None


def _retry_after(response: Answer) -> float | None:
    value = response.headers.get("Retry-After")
    try:
        return None if value is None else Retry().parse_retry_after(value)
    except InvalidHeader:
        return None


def _log_wait(state: RetryCallState) -> None:
    log.warning(
        "waiting seconds=%g reason=%s",
        state.upcoming_sleep,
        state.outcome.exception() if state.outcome else None,
    )


def _reason(error: Exception) -> str:
    """Return what went wrong, without the address and the object that libraries put around it."""
    if isinstance(error, requests.exceptions.Timeout):
        return "it did not answer in time"
    inner = error.args[0] if error.args else error
    return str(getattr(inner, "reason", inner)).rpartition(": ")[2] or type(error).__name__
