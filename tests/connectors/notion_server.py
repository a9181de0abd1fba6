"""A stand-in for Notion on this machine: its REST API of version 2025-09-03.

It pages by cursor, gives times by the minute, finds by search only what is indexed, and answers
404 for what is not shared. Files lie on another server, which takes no credentials but a signature
in the address, another one in each answer.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from connectors.notion_api import VERSION
from tests.connectors.web_server import Reply, Request, serving

TOKEN = "ntn_token"

Json = dict[str, Any]


def rich(text: str) -> list[Json]:
    """Return rich text as Notion gives it, in two pieces."""
    middle = len(text) // 2
    return [
        {"type": "text", "plain_text": part, "annotations": {}, "href": None}
        for part in (text[:middle], text[middle:])
    ]


def block(id: str, type: str, text: str | None = None, **content: Any) -> Json:
    """Return a block; with `text`, one that has rich text."""
    inner = content if text is None else {"rich_text": rich(text), **content}
    return {
        "object": "block",
        "id": id,
        "type": type,
        "has_children": False,
        "in_trash": False,
        type: inner,
    }


@dataclass
class Notion:
    """All state may be changed between requests."""

    url: str = ""
    page_size: int = 2
    pages: dict[str, Json] = field(default_factory=dict)
    blocks: dict[str, list[Json]] = field(default_factory=dict)  # parent -> what lies in it
    rows: dict[str, list[str]] = field(default_factory=dict)  # data source -> pages
    databases: dict[str, list[str]] = field(default_factory=dict)  # -> data sources
    comments: dict[str, list[Json]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)  # what a search knows
    unshared: set[str] = field(default_factory=set)
    refusals: dict[str, int] = field(default_factory=dict)  # part of a path -> status
    requests: list[str] = field(default_factory=list)
    media_url: str = ""
    uploads: dict[str, bytes] = field(default_factory=dict)  # path on the server of files
    signatures: set[str] = field(default_factory=set)  # given out and not used yet
    signed: int = 0

    def add(self, id: str, title: str, *blocks: Json, parent: str = "", **facts: Any) -> None:
        """Put a page there: in another, or at the top, where the search finds it."""
        properties = facts.pop("properties", {})
        self.pages[id] = {
            "object": "page",
            "id": id,
            "in_trash": False,
            "url": f"https://www.notion.so/{id}",
            "last_edited_time": "2026-03-01T10:00:00.000Z",
            "properties": {"Name": {"type": "title", "title": rich(title)}, **properties},
            **facts,
        }
        self.blocks[id] = list(blocks)
        if parent:
            self.blocks[parent].append(block(id, "child_page", title=title))
        else:
            self.found.append(id)

    def nest(self, parent: Json, *blocks: Json) -> Json:
        """Put blocks into a block; return it."""
        parent["has_children"] = True
        self.blocks[parent["id"]] = list(blocks)
        return parent

    def comment(self, page: str, text: str) -> None:
        """Say something at a page, which changes nothing else of it."""
        said = {
            "object": "comment",
            "created_time": "2026-03-02T10:00:00.000Z",
            "display_name": {"type": "user", "resolved_name": "Ann Lee"},
            "rich_text": rich(text),
        }
        self.comments.setdefault(page, []).append(said)

    def upload(self, name: str, body: bytes) -> Json:
        """Return what a block or property says of a file that Notion keeps."""
        path = f"/space/{len(self.uploads):08d}/{name}"
        self.uploads[path] = body
        return {"type": "file", "name": name, "file": {"url": path}}

    def attach(self, parent: str, id: str, name: str, body: bytes) -> None:
        """Put a file block at the end of a page or block."""
        self.blocks[parent].append({**block(id, "file"), "file": self.upload(name, body)})

    def media(self, request: Request) -> Reply:
        """Serve a file once to whoever has its address."""
        if request.headers.get("Authorization"):
            return Reply(400, b"Only one auth mechanism allowed")
        parts = urlsplit(request.path)
        signature = parse_qs(parts.query).get("X-Amz-Signature", [""])[0]
        if signature not in self.signatures:
            return Reply(403, b"Request has expired")
        self.signatures.remove(signature)
        return Reply(body=self.uploads[unquote(parts.path)])

    def answer(self, request: Request) -> Reply:
        parts = urlsplit(request.path)
        self.requests.append(parts.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if request.method == "POST":
            asked = json.loads(request.body)
        status = self._refused(request, parts.path)
        answer = None if status else self._found(parts.path.split("/")[2:], asked)
        if answer is None:
            status = status or 404
            code = {401: "unauthorized", 403: "restricted_resource"}.get(status, "object_not_found")
            body = {"object": "error", "status": status, "code": code, "message": code}
            return Reply(status, json.dumps(body).encode())
        return Reply(body=self._signed(json.dumps(answer)).encode())

    def _signed(self, answer: str) -> str:
        """Give each file in an answer an address that is good once."""

        def address(path: re.Match[str]) -> str:
            self.signed += 1
            self.signatures.add(f"{self.signed}")
            return f'"{self.media_url}{path[1]}?X-Amz-Signature={self.signed}"'

        return re.sub(r'"(/space/[^"]+)"', address, answer)

    def _refused(self, request: Request, path: str) -> int:
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return 401
        if request.headers["Notion-Version"] != VERSION:
            return 400
        return next((status for part, status in self.refusals.items() if part in path), 0)

    def _found(self, path: Sequence[str], asked: Json) -> Json | None:
        match path:
            case ["search"]:
                rows = [self._object(id) for id in self.found if id not in self.unshared]
                descending = asked["sort"]["direction"] == "descending"
                return self._list(rows[::-1] if descending else rows, asked)
            case ["pages", id] if id in self.pages and id not in self.unshared:
                return self.pages[id]
            case ["blocks", id, "children"] if id in self.blocks and id not in self.unshared:
                return self._list(self.blocks[id], asked)
            case ["blocks", id] if id not in self.unshared:
                return self._block(id)
            case ["databases", id] if id in self.databases:
                sources = [{"id": each, "name": "Rows"} for each in self.databases[id]]
                return {"object": "database", "id": id, "data_sources": sources}
            case ["data_sources", id, "query"] if id in self.rows:
                shown = [self.pages[row] for row in self.rows[id]]
                return self._list([row for row in shown if not row["in_trash"]], asked)
            case ["comments"]:
                return self._list(self.comments.get(asked["block_id"], []), asked)
        return None

    def _block(self, id: str) -> Json | None:
        for parent, blocks in self.blocks.items():
            for each in blocks:
                if each["id"] == id:
                    kind = "page_id" if parent in self.pages else "block_id"
                    return {**each, "parent": {"type": kind, kind: parent}}
        return None

    def _object(self, id: str) -> Json:
        return self.pages.get(id) or {"object": "data_source", "id": id, "in_trash": False}

    def _list(self, rows: Sequence[Json], asked: Json) -> Json:
        start = int(asked.get("start_cursor", 0))
        end = start + min(int(asked["page_size"]), self.page_size)
        more = end < len(rows)
        return {
            "object": "list",
            "results": rows[start:end],
            "has_more": more,
            "next_cursor": str(end) if more else None,
        }


@contextmanager
def notion() -> Iterator[Notion]:
    """Start a workspace with nothing in it."""
    server = Notion()
    with serving(server.answer) as running, serving(server.media) as media:
        server.url, server.media_url = running.url, media.url
        yield server
