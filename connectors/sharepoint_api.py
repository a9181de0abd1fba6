"""Microsoft Graph: whole answers, page by page or by the batch, or a ConnectorError."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.base import ConnectorError
from connectors.client import LIMITS, SYSTEM_CLOCK, Client, Clock, HttpError
from connectors.cloud_memory import Raw
from connectors.origin import shown
from connectors.sharepoint_account import GRAPH
from connectors.sharepoint_errors import explained, reason_of, refused

BATCH: Final = 20  # requests in one, as many as Graph takes

_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_BACK_OFF_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """One answer of a batch."""

    status: int
    body: Mapping[str, Any]  # as Graph sent it: no object, where something stood before it
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def retry_after_s(self) -> float:
        """How long to wait before asking again."""
        asked = {name.lower(): value for name, value in self.headers.items()}.get("retry-after", "")
        return float(asked) if str(asked).isdecimal() else _BACK_OFF_S


class GraphApi:
    """Reads as one app."""

    def __init__(
        self,
        client: Client,
        *,
        home: str = GRAPH,
        patience_s: float = LIMITS.patience_s,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Take a client of that home.

        patience_s: how long one batch may wait in all, for those parts that Graph puts off.
        """
        self._client = client
        self._base = f"{home.rstrip('/')}/v1.0"
        self._patience_s = patience_s
        self._clock = clock

    def get(self, path: str) -> Raw:
        """Return one object, whatever it is.

        path: what follows the version, "/drives/b!1"; or an address that Graph gave.
        """
        url = path if path.startswith("http") else f"{self._base}{path}"
        return self._object("GET", url)

    def one(self, path: str) -> Raw:
        """Return one thing that has an id."""
        found = self.get(path)
        if not isinstance(found.get("id"), str):
            raise broken_off(path)
        return found

    def pages(self, path: str) -> Iterator[Raw]:
        """Yield the pages of a list; each has its "value"."""
        url, seen = path, set[str]()
        while url:
            page = self.get(url)
            if not _is_list(page.get("value")):
                raise broken_off(url)
            yield page
            url = page.get("@odata.nextLink", "")
            if not isinstance(url, str) or url in seen:
                raise broken_off(path)
            seen.add(url)

    def rows(self, path: str) -> list[Raw]:
        """Return the objects of all pages of a list."""
        return [row for page in self.pages(path) for row in page["value"]]

    def batch(self, paths: Sequence[str]) -> list[Part]:
        """Return the answers to at most BATCH requests, in their order; none of them is "later"."""
        done: dict[str, Part] = {}
        left = {str(number): path for number, path in enumerate(paths)}
        waited_s = 0.0
        while left:
            parts = self._batch(left)
            put_off = {id: part for id, part in parts.items() if part.status in _BUSY}
            done |= {id: part for id, part in parts.items() if id not in put_off}
            left = {id: left[id] for id in put_off}
            if not left:
                break
            wait_s = max(part.retry_after_s for part in put_off.values())
            waited_s += wait_s
            if waited_s > self._patience_s:
                raise ConnectorError(
                    f"Microsoft Graph is busy: it puts off {len(left)} requests, and Footnote was "
                    f"patient for {self._patience_s:g} s. The next run asks again."
                )
            self._clock.sleep(wait_s)
        return [done[str(number)] for number in range(len(paths))]

    def download(self, url: str) -> bytes:
        """Return the bytes behind an address that needs no credentials, and gets none."""
        return self._client.request("GET", url).content

    def _batch(self, paths: Mapping[str, str]) -> dict[str, Part]:
        requests = [{"id": id, "method": "GET", "url": path} for id, path in paths.items()]
        answer = self._object("POST", f"{self._base}/$batch", json={"requests": requests})
        try:
            parts = {
                str(part["id"]): Part(
                    int(part["status"]), part.get("body", {}), part.get("headers", {})
                )
                for part in answer["responses"]
            }
        except (LookupError, TypeError, ValueError) as error:
            raise broken_off("$batch") from error
        if parts.keys() != paths.keys():
            raise broken_off("$batch")
        return parts

    def _object(self, method: str, url: str, **arguments: Any) -> Raw:
        try:
            content = self._client.request(method, url, **arguments).content
        except HttpError as error:
            raise explained(error, shown(url)) from error
        try:
            found = json.loads(content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise broken_off(url)
        return found


def values(part: Part, path: str) -> list[Raw]:
    """Return the objects of the first page in a part of a batch. Raises ConnectorError."""
    found: Any = part.body.get("value") if isinstance(part.body, dict) else None
    if part.status != 200:
        raise ConnectorError(refused(path, part.status, *reason_of(part.body)))
    if not _is_list(found):
        raise broken_off(path)
    return list(found)


def _is_list(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(row, dict) and "id" in row for row in found)


def broken_off(url: str) -> ConnectorError:
    """Return what is raised for an answer that is not whole, or none of Graph's."""
    return ConnectorError(
        f"Microsoft Graph's answer about {shown(url)} broke off, or is none of Graph's. Nothing of "
        "this source is changed; the next run asks again. If it lasts, look for a proxy in between."
    )
