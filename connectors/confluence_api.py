"""Confluence's REST API: whole answers and whole lists, or a ConnectorError an admin can use.

atlassian-python-api does not carry its weight here: it sends through its own session and retries
by itself, so the polite client's bounds would hold for none of its requests; its lists end at the
first answer that names no next one, whatever is missing; and for Cloud most of its methods call
version 1 of the API, which answers 410 since April 2026.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.base import ConnectorError
from connectors.client import (
    LIMITS,
    SYSTEM_CLOCK,
    Account,
    Answer,
    Client,
    Clock,
    HttpError,
    Limits,
    basic,
)

BATCH = 100  # rows asked for at a time; a server may give fewer

Raw = Mapping[str, Any]

# What an answer of odd form raises where it is taken apart.
BROKEN = (LookupError, TypeError, AttributeError, ValueError)


class Api:
    """Reads one Confluence over the polite client."""

    def __init__(self, url: str, client: Client, *, rights: Mapping[str, str]) -> None:
        """Take the address that "/rest/api" follows, and a client as `polite` makes it.

        rights: part of an address -> what the account needs to read it, the first that fits.
        """
        self.url = url.rstrip("/")
        self._client = client
        self._rights = rights

    def get(self, path: str, **parameters: Any) -> Any:
        """Return the JSON at a path."""
        with self._explained(path):
            return self._client.json("GET", f"{self.url}/{path}", params=parameters)

    def download(self, path: str) -> Answer:
        """Return a file; where it is redirected to, the client decides."""
        with self._explained(path):
            return self._client.get(f"{self.url}/{path}")

    def linked(self, path: str, **parameters: Any) -> Iterator[Raw]:
        """Yield the rows of a list whose every batch links to the next."""
        more: dict[str, Any] = {}
        while True:
            answer = self.get(path, limit=BATCH, **{**parameters, **more})
            yield from self._rows(path, answer)
            asked, more = more, _next(answer)
            if not more:
                return
            if more == asked:
                raise self.incomplete(path, "it begins the same batch again")

    def ended(self, path: str, *, newest_first: str, **parameters: Any) -> Iterator[Raw]:
        """Yield the rows of such a list, known to reach its end.

        newest_first: the order that begins with the rows that are created last. A batch that is
        cut off, its link with it, looks like the last one; so the rows at the end are asked for
        apart, and all of them must come.
        """
        answer = self.get(path, limit=BATCH, sort=newest_first, **parameters)
        last = {row["id"] for row in self._rows(path, answer)}
        for row in self.linked(path, **parameters):
            last.discard(row["id"])
            yield row
        if last:
            raise self.incomplete(path, f"{len(last)} of its last rows lack")

    def counted(self, path: str, key: Callable[[Raw], str], **parameters: Any) -> Iterator[Raw]:
        """Yield the rows of a list that is read by offset.

        Every batch begins with the last row of the one before, and the end is where nothing
        follows that row, asked for once with it and once without: so neither a row that is
        deleted meanwhile, which shifts the others, nor a batch that is cut off can lose any.
        """
        start, last = 0, None
        while True:
            answer = self.get(path, start=start, limit=BATCH, **parameters)
            rows = self._rows(path, answer)
            if last is not None:
                if not rows or key(rows[0]) != last:
                    raise self.incomplete(path, "it changed, or broke off, while it was read")
                rows = rows[1:]
            if not rows:
                beyond = {**parameters, "start": start + 1, "limit": BATCH}
                if last is not None and self._rows(path, self.get(path, **beyond)):
                    raise self.incomplete(path, "a batch broke off")
                return
            yield from rows
            start += len(rows) - (last is None)
            last = key(rows[-1])

    def found(self, cql: str, expand: str) -> Iterator[Raw]:
        """Yield what a search finds. Its index lags by minutes: it proves nothing to be gone."""
        return self.linked("rest/api/content/search", cql=cql, expand=expand)

    def incomplete(self, path: str, what: str) -> ConnectorError:
        """Return the error of a list that is not known to be whole."""
        return ConnectorError(
            f"{self.url}/{path} gave an incomplete listing: {what}. Nothing of this source is "
            "changed; run the ingestion again, and look at Confluence's own log if it lasts."
        )

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Turn an answer that Confluence would not give into a ConnectorError."""
        try:
            yield
        except BROKEN as error:
            raise ConnectorError(
                f"{self.url} did not answer as a Confluence does: {type(error).__name__} {error}. "
                "Check the address and the edition in the settings; a Cloud site's address ends "
                "in /wiki."
            ) from error

    def _rows(self, path: str, answer: Any) -> list[Raw]:
        rows = answer.get("results") if isinstance(answer, dict) else None
        size = answer.get("size") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or (isinstance(size, int) and size != len(rows)):
            raise self.incomplete(path, "an answer is cut short")
        return rows

    @contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        """Say with a refusal which right it is about."""
        try:
            yield
        except HttpError as error:
            if error.status == 410:
                raise HttpError(
                    f"{error} Confluence Cloud has taken this part of its API away: set "
                    'edition = "cloud" for it in the settings.',
                    410,
                ) from error
            needed = next((right for part, right in self._rights.items() if part in path), "")
            if error.status not in (401, 403) or not needed:
                raise
            raise HttpError(f"{error} This needs {needed}.", error.status) from error


def polite(
    url: str,
    login: tuple[str | None, str],
    secret: str,
    *,
    media_url: str | None = None,
    limits: Limits = LIMITS,
    clock: Clock = SYSTEM_CLOCK,
) -> Client:
    """Return a client that signs in with a user and an API token, or with a token alone.

    secret: where the token comes from, in words.
    media_url: the other server that serves attachments; it is not signed in to.
    """
    user, token = login
    authorization = f"Bearer {token}" if user is None else basic(user, token)
    account = Account(
        {"Authorization": authorization},
        secret,
        "the right to view what it is to read, and to see its restrictions",
    )
    also = frozenset() if media_url is None else frozenset({media_url})
    return Client(url, account, also=also, limits=limits, clock=clock)


def _next(answer: Raw) -> dict[str, Any]:
    """Return the parameters by which an answer's link goes on; the address itself is not used."""
    link = answer.get("_links", {}).get("next")
    if not link:
        return {}
    query = parse_qs(urlsplit(link).query)
    more = {name: query[name][0] for name in ("cursor", "start") if name in query}
    if not more:
        raise ValueError("a link to the next batch without a cursor")
    return more
