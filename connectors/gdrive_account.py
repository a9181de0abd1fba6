"""A Google service account: its key, and the tokens that it gets for it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from google.auth import crypt, jwt

from connectors.base import ConnectorError
from connectors.bearer import Bearer, Token, secure, token_of
from connectors.client import LIMITS, SYSTEM_CLOCK, Account, Client, Clock, HttpError, Limits
from connectors.gdrive_errors import SCOPE, is_busy, token_refused

_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """An account that signs in with a key, for itself or for a user of its company."""

    email: str
    signer: crypt.Signer
    token_url: str
    secret: str  # where the key comes from, in words
    subject: str | None = None  # the user it acts for

    @property
    def who(self) -> str:
        """The address that files are shared with."""
        return self.subject or self.email

    def assertion(self, now: float) -> bytes:
        """Return what the account signs to get a token. now: seconds since 1970."""
        claims = {
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_url,
            "iat": int(now),
            "exp": int(now) + 3600,
        }
        if self.subject is not None:
            claims["sub"] = self.subject
        signed: bytes = jwt.encode(self.signer, claims)
        return signed


def service_account(key: str, *, secret: str, subject: str | None) -> ServiceAccount:
    """Return the account of a key in Google's JSON format.

    secret: where the key comes from, in words. Raises ConnectorError for what is no key.
    """
    try:
        facts = json.loads(key)
        signer = crypt.RSASigner.from_service_account_info(facts)
        return ServiceAccount(
            str(facts["client_email"]), signer, secure(facts["token_uri"]), secret, subject
        )
    except (LookupError, TypeError, ValueError) as error:
        raise ConnectorError(
            f"{secret[:1].upper()}{secret[1:]} is no key of a service account. Make one at "
            "console.cloud.google.com, under IAM & Admin › Service accounts › Keys, as JSON."
        ) from error


def polite(
    account: ServiceAccount,
    home: str,
    *,
    limits: Limits = LIMITS,
    clock: Clock = SYSTEM_CLOCK,
    now: Callable[[], float] = time.time,
) -> Client:
    """Return a client that signs in as the account, and waits when Drive says so in its own way."""
    door = Client(account.token_url, Account(secret=account.secret), limits=limits, clock=clock)

    def renew() -> Token:
        form = {"grant_type": _GRANT, "assertion": account.assertion(now())}
        try:
            return token_of(door.json("POST", account.token_url, data=form), account.token_url)
        except HttpError as error:
            raise token_refused(error, account.token_url, account.who) from error

    signed = Account(
        headers=Bearer(renew, clock.now),
        secret=account.secret,
        right=f"a share with {account.who}",
    )
    return Client(secure(home), signed, limits=limits, clock=clock, busy=is_busy)
