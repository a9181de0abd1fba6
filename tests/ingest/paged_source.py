"""A wiki behind HTTP that lists its documents in pages, and a connector that reads it."""

import json
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from connectors.base import ConnectorError, Document, Entry, Kind
from tests.ingest.job import ALL, NOW

PER_PAGE = 10
TIMEOUT_S = 1.0  # a busy machine answers within it
CUT = ("truncated JSON", "cut off")


class PagedWiki:
    """Serves `texts`; `fault` is what goes wrong and at which page, counted from 0."""

    def __init__(self, texts: Sequence[str], url: str = "") -> None:
        self.texts = list(texts)
        self.url = url
        self.fault: tuple[str, int] | None = None

    def page(self, number: int) -> dict[str, Any]:
        """Return one page of the listing."""
        start = number * PER_PAGE
        keys = [f"{key:03d}" for key in range(len(self.texts))]
        last = start + PER_PAGE >= len(keys)
        page: dict[str, Any] = {
            "total": len(keys),
            "items": keys[start : start + PER_PAGE],
            "next": None if last else number + 1,
        }
        if self.fault == ("short page", number):
            page["items"] = page["items"][:-1]
        if self.fault == ("200-empty", number):  # all of it agrees: only the guard can doubt it
            page = {"total": start, "items": [], "next": None}
        return page

    def fails_at(self, path: str) -> str | None:
        """Return what goes wrong with a request."""
        return self.fault[0] if self.fault and path == f"/pages/{self.fault[1]}" else None


class PagedConnector:
    """Reads the wiki over HTTP; a listing that is not the announced number is an error."""

    kind: Kind = "wiki"

    def __init__(self, url: str, name: str = "wiki") -> None:
        self.name = name
        self._url = url

    def entries(self) -> Iterator[Entry]:
        """Yield every document, page by page."""
        page: dict[str, Any] = {"next": 0}
        listed = 0
        while page["next"] is not None:
            page = self._page(page["next"])
            for key in page["items"]:
                yield Entry(f"{self.name}:{key}", "1", ALL)
            listed += len(page["items"])
        if listed != page["total"]:
            raise ConnectorError(f"{self._url} listed {listed} of {page['total']} documents")

    def fetch(self, entry: Entry) -> Document:
        """Return one document."""
        key = entry.id.removeprefix(f"{self.name}:")
        body = self._read(f"documents/{key}")
        return Document(entry, key, f"{self._url}/documents/{key}", body, "text/plain", NOW)

    def _page(self, number: int) -> dict[str, Any]:
        try:
            page: dict[str, Any] = json.loads(self._read(f"pages/{number}"))
        except ValueError as error:
            raise ConnectorError(f"Page {number} of {self._url} is no JSON: {error}") from error
        return page

    def _read(self, path: str) -> bytes:
        try:
            with urllib.request.urlopen(f"{self._url}/{path}", timeout=TIMEOUT_S) as answer:
                body: bytes = answer.read()
        except (OSError, HTTPException) as error:
            raise ConnectorError(f"{self._url}/{path} cannot be read: {error}") from error
        return body


@contextmanager
def served(texts: Sequence[str]) -> Iterator[PagedWiki]:
    """Serve a wiki on a free port of this machine."""
    wiki = PagedWiki(texts)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fault = wiki.fails_at(self.path)
            if fault is not None and fault.isdigit():
                self.send_error(int(fault))
                return
            if fault == "timeout":
                time.sleep(2 * TIMEOUT_S)
                return
            _, kind, name = self.path.split("/")
            if kind == "pages":
                body = json.dumps(wiki.page(int(name))).encode()
            else:
                body = wiki.texts[int(name)].encode()
            sent = body[: len(body) // 2] if fault in CUT else body
            self.send_response(200)
            self.send_header("Content-Length", str(len(body if fault == "cut off" else sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        wiki.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield wiki
        finally:
            server.shutdown()
            thread.join()
