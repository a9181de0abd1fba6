"""From what people shared with a Notion connection to every page that lies below."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from connectors.base import ConnectorError
from connectors.client import HttpError
from connectors.notion_api import NotionApi, Raw
from connectors.notion_blocks import Block

Found = TypeVar("Found")

NESTED = 50  # blocks in blocks; more than people make


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it is now, with its text."""

    raw: Raw
    blocks: tuple[Block, ...]
    comments: tuple[Raw, ...]


def pages(api: NotionApi, *, comments: bool) -> Iterator[Page]:
    """Yield every page that the connection may read, once.

    The search that it begins with need not know every page, but it knows all that were shared
    directly, and the others lie in those.
    """
    return _Walk(api, comments=comments).pages()


def page(api: NotionApi, id: str, known: Raw | None = None, *, comments: bool) -> Page | None:
    """Return a page, None if it is in the trash or not shared.

    Only Notion's word on the page itself takes it away. What lies in a block that is not shared,
    such as one that is synced with a page elsewhere, is left out.

    known: the page's object, if a list had it.
    """
    raw = known or shared(lambda: api.get(f"v1/pages/{id}"))
    if raw is None or in_trash(raw):
        return None
    try:
        blocks = _blocks(api, id)
    except HttpError as error:
        now = shared(lambda: api.get(f"v1/pages/{id}")) if error.status == 404 else raw
        if now is not None and not in_trash(now):
            raise
        return None
    said = (shared(lambda: tuple(api.comments(id))) if comments else None) or ()
    return Page(raw, blocks, said)


class _Walk:
    def __init__(self, api: NotionApi, *, comments: bool) -> None:
        self._api = api
        self._comments = comments
        self._waiting: dict[str, Raw | None] = {}
        self._data_sources: list[str] = []
        self._seen: set[str] = set()

    def pages(self) -> Iterator[Page]:
        for found in self._api.found():
            if found["object"] == "page":
                self._meet(found["id"], found)
            elif not in_trash(found):
                self._data_sources.append(found["id"])
        while self._waiting or self._data_sources:
            while self._data_sources:
                self._open(self._data_sources.pop())
            if self._waiting:
                id, known = self._waiting.popitem()
                self._seen.add(id)
                found_page = page(self._api, id, known, comments=self._comments)
                if found_page is not None:
                    self._follow(found_page.blocks)
                    yield found_page

    def _meet(self, id: str, known: Raw | None) -> None:
        if id not in self._seen and id not in self._waiting:
            self._waiting[id] = known

    def _open(self, data_source: str) -> None:
        if data_source in self._seen:
            return
        self._seen.add(data_source)
        try:
            for row in self._api.rows(data_source):
                self._meet(row["id"], row)
        except HttpError as error:
            if error.status != 404:  # else it was deleted, or is shared no more
                raise

    def _follow(self, blocks: Sequence[Block]) -> None:
        for block in blocks:
            if block.type == "child_page":
                self._meet(block.raw["id"], None)
            elif block.type == "child_database" and block.raw["id"] not in self._seen:
                self._seen.add(block.raw["id"])
                self._data_sources += self._of_database(block.raw["id"])
            self._follow(block.inside)

    def _of_database(self, id: str) -> list[str]:
        """Return the data sources of a database; none if it only shows another's."""
        found = shared(lambda: self._api.get(f"v1/databases/{id}"))
        if found is None or in_trash(found):
            return []
        return [source["id"] for source in found["data_sources"]]


def shared(read: Callable[[], Found]) -> Found | None:
    """Return what is read; None for what is gone, or not shared with the connection."""
    try:
        return read()
    except HttpError as error:
        if error.status != 404:
            raise
        return None


def _blocks(api: NotionApi, id: str, depth: int = 0) -> tuple[Block, ...]:
    if depth > NESTED:
        raise ConnectorError(f"Notion nests blocks without an end under {id}.")
    return tuple(
        Block(raw, _inside(api, raw, depth + 1)) for raw in api.children(id) if not in_trash(raw)
    )


def _inside(api: NotionApi, raw: Raw, depth: int) -> tuple[Block, ...]:
    if not raw["has_children"] or raw["type"] in ("child_page", "child_database"):
        return ()
    return shared(lambda: _blocks(api, raw["id"], depth)) or ()


def in_trash(raw: Raw) -> bool:
    return raw.get("in_trash") is True or raw.get("archived") is True
