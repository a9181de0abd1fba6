"""From what people shared with a Notion connection to every page that lies below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.base import ConnectorError
from connectors.client import HttpError
from connectors.notion_api import NotionApi, Raw
from connectors.notion_blocks import Block

_NESTED = 50  # blocks in blocks; more than people make


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

    known: the page's object, if a list had it.
    """
    try:
        raw = known or api.get(f"v1/pages/{id}")
        if _in_trash(raw):
            return None
        said = tuple(api.comments(id)) if comments else ()
        return Page(raw, _blocks(api, id), said)
    except HttpError as error:
        if error.status != 404:
            raise
        return None


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
            elif not _in_trash(found):
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
        try:
            found = self._api.get(f"v1/databases/{id}")
        except HttpError as error:
            if error.status != 404:
                raise
            return []
        return [] if _in_trash(found) else [source["id"] for source in found["data_sources"]]


def _blocks(api: NotionApi, id: str, depth: int = 0) -> tuple[Block, ...]:
    if depth > _NESTED:
        raise ConnectorError(f"Notion nests blocks without an end under {id}.")
    blocks = []
    for raw in api.children(id):
        if _in_trash(raw):
            continue
        nested = raw["has_children"] and raw["type"] not in ("child_page", "child_database")
        blocks.append(Block(raw, _blocks(api, raw["id"], depth + 1) if nested else ()))
    return tuple(blocks)


def _in_trash(raw: Raw) -> bool:
    return raw.get("in_trash") is True or raw.get("archived") is True
