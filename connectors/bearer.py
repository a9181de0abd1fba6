"""Access tokens that end: the header that signs a request, renewed in time.

Knows no server: how a token is got is what it is given.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.base import ConnectorError

MARGIN_S: Final = 1200  # a request may wait 900 s before it is sent again, with the same token

_HEADER: Final = "Authorization"


@dataclass(frozen=True, slots=True)
class Token:
    """What signs requests for a while."""

    text: str
    lifetime_s: float


class Bearer(Mapping[str, str]):
    """The one header of an `Account`; looking at it renews a token that would end too soon."""

    def __init__(
        self, renew: Callable[[], Token], now: Callable[[], float] = time.monotonic
    ) -> None:
        """Take what gets a new token. Raises nothing before a request is sent."""
        self._renew = renew
        self._now = now
        self._text = ""
        self._good_until = float("-inf")

    def __getitem__(self, name: str) -> str:
        if name != _HEADER:
            raise KeyError(name)
        return f"Bearer {self._valid()}"

    def __iter__(self) -> Iterator[str]:
        return iter((_HEADER,))

    def __len__(self) -> int:
        return 1

    def _valid(self) -> str:
        if self._now() >= self._good_until:
            asked_at = self._now()
            token = self._renew()
            self._text = token.text
            self._good_until = asked_at + max(token.lifetime_s - MARGIN_S, token.lifetime_s / 2)
        return self._text


def token_of(answer: Any, server: str) -> Token:
    """Return the token in what an OAuth token endpoint answered. Raises ConnectorError."""
    try:
        return Token(str(answer["access_token"]), float(answer.get("expires_in", 3600)))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConnectorError(
            f"{server} answered without an access token. Check that the address in the settings is "
            "that of the sign-in server, and that no proxy is before it."
        ) from error


def secure(url: str) -> str:
    """Return an address that secrets may be sent to. Raises ConnectorError for any other."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise ConnectorError(f"{url} is not https, so no secret was sent there. Mend the address.")
    return url
