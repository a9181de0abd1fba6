"""Notion's REST API: whole answers and whole lists, or a ConnectorError an admin can use.

notion-client does not carry its weight here: it sends through httpx, past the polite client's
bounds, and its lists end where an answer names no next one, without a word.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from connectors.base import ConnectorError
from connectors.client import LIMITS, SYSTEM_CLOCK, Account, Client, Clock, HttpError, Limits

URL = "https://api.notion.com"
FILES_URL = "https://prod-files-secure.s3.us-west-2.amazonaws.com"
VERSION = "2025-09-03"  # of the API: the first that has data sources

Raw = Mapping[str, Any]

# What an answer of odd form raises where it is taken apart.
BROKEN = (LookupError, TypeError, AttributeError, ValueError)

_CAPABILITIES = {"v1/comments": "'Read comments' (or set comments = false for this source)"}


class NotionApi:
    """Reads one workspace."""

    def __init__(self, client: Client, url: str = URL) -> None:
        """Take a client as `polite` makes it."""
        self._client = client
        self._url = url.rstrip("/")

    def get(self, path: str, **parameters: Any) -> Raw:
        """Return the object at a path."""
        return self._asked("GET", path, params=parameters)

    def found(self) -> Iterator[Raw]:
        """Yield pages and data sources that the connection may read, some of them twice.

        Notion promises only those that people shared with it directly. They are asked for from
        both ends, so that a list which breaks off in silence lacks none.
        """
        for direction in ("ascending", "descending"):
            sort = {"timestamp": "last_edited_time", "direction": direction}
            yield from self._all("POST", "v1/search", sort=sort)

    def rows(self, data_source: str) -> Iterator[Raw]:
        """Yield the pages of a data source."""
        return self._all("POST", f"v1/data_sources/{data_source}/query")

    def children(self, block: str) -> Iterator[Raw]:
        """Yield the blocks that lie directly in a page or block."""
        return self._all("GET", f"v1/blocks/{block}/children")

    def comments(self, page: str) -> Iterator[Raw]:
        """Yield the open comments at a page, oldest first."""
        return self._all("GET", "v1/comments", block_id=page)

    def download(self, address: str) -> bytes:
        """Return a file from where Notion keeps it; it takes no credentials there."""
        return self._client.get(address).content

    def incomplete(self, what: str) -> ConnectorError:
        """Return the error of a listing that is not known to be whole."""
        return ConnectorError(
            f"Notion gave an incomplete listing: {what}. Nothing of this source is changed; the "
            "next run reads it again."
        )

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Turn an answer that Notion would not give into a ConnectorError."""
        try:
            yield
        except BROKEN as error:
            raise ConnectorError(
                f"{self._url} did not answer as Notion does: {type(error).__name__} {error}. "
                "Nothing of this source is changed; https://status.notion.so tells whether Notion "
                "itself is troubled."
            ) from error

    def _all(self, method: str, path: str, **asked: Any) -> Iterator[Raw]:
        place = "json" if method == "POST" else "params"
        cursor: dict[str, str] = {}
        while True:
            answer = self._asked(method, path, **{place: {"page_size": 100, **asked, **cursor}})
            following = answer["next_cursor"]
            if not isinstance(answer["results"], list) or answer["has_more"] != bool(following):
                raise self.incomplete(f"{path} broke off")
            yield from answer["results"]
            if not following:
                return
            if cursor.get("start_cursor") == following:
                raise self.incomplete(f"{path} broke off")
            cursor = {"start_cursor": following}

    def _asked(self, method: str, path: str, **arguments: Any) -> Raw:
        try:
            answer: Raw = self._client.json(method, f"{self._url}/{path}", **arguments)
        except HttpError as error:
            if error.status != 403:
                raise
            capability = _CAPABILITIES.get(path, "'Read content'")
            raise HttpError(
                f"Notion forbids {path}: the connection lacks the capability {capability}. Tick it "
                "at notion.so/profile/integrations.",
                403,
            ) from error
        return answer


def polite(
    token: str,
    secret: str,
    *,
    url: str = URL,
    files_url: str | None = FILES_URL,
    limits: Limits = LIMITS,
    clock: Clock = SYSTEM_CLOCK,
) -> Client:
    """Return a client that signs in as a connection.

    secret: where the token comes from, in words.
    files_url: the other server, which keeps files; it is not signed in to.
    """
    headers = {"Authorization": f"Bearer {token}", "Notion-Version": VERSION}
    also = frozenset() if files_url is None else frozenset({files_url})
    return Client(url, Account(headers, secret), also=also, limits=limits, clock=clock)
