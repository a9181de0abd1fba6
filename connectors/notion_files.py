"""Files that Notion keeps for blocks and properties: which of them may hold text.

A file that only links elsewhere is none of Notion's: its address is never asked.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from connectors.base import ConnectorError
from connectors.files import SKIPPED_SUFFIXES
from connectors.notion_api import NotionApi, Raw
from connectors.notion_blocks import Block, anchor
from connectors.notion_walk import NESTED, Page, in_trash, shared

BLOCK: Final = "block/"
PROPERTY: Final = "property/"

_TYPES: Final = frozenset({"file", "pdf"})  # of blocks; pictures, sound and film hold no text


@dataclass(frozen=True, slots=True)
class File:
    """A file at a page."""

    key: str  # "block/<block>", or "property/<page>/<hash of where Notion keeps it>"
    name: str
    address: str  # signed, good for an hour
    url: str  # opens the page, at the block
    changed_at: str

    @property
    def version(self) -> str:
        """What differs whenever bytes, name or place do: each upload has a path of its own."""
        return _digest([self.name, urlsplit(self.address).path, self.url])


def files_of(page: Page) -> Iterator[File]:
    """Yield the files of a page as its listing shows them, each once."""
    yield from _of_properties(page.raw)
    for block in _blocks(page.blocks):
        file = _of_block(block.raw, page.raw)
        if file is not None:
            yield file


def read(api: NotionApi, key: str) -> File | None:
    """Return a file as Notion has it now; None if it is gone, in the trash or not shared.

    Calls: two, for a block one more for each block above it.
    """
    if key.startswith(BLOCK):
        raw = shared(lambda: api.get(f"v1/blocks/{key.removeprefix(BLOCK)}"))
        page = None if raw is None or in_trash(raw) else _page_above(api, raw)
        return None if raw is None or page is None else _of_block(raw, page)
    page = _page(api, key.removeprefix(PROPERTY).partition("/")[0])
    files = () if page is None else _of_properties(page)
    return next((file for file in files if file.key == key), None)


def _blocks(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield blocks and all that lie in them, but not the copies of those of another page."""
    for block in blocks:
        yield block
        if not (block.type == "synced_block" and block.content.get("synced_from")):
            yield from _blocks(block.inside)


def _of_block(raw: Raw, page: Raw) -> File | None:
    if raw["type"] not in _TYPES:
        return None
    content = raw.get(raw["type"]) or {}
    changed_at = raw.get("last_edited_time") or page["last_edited_time"]
    file = _kept(content, f"{page['url']}#{anchor(raw['id'])}", changed_at)
    return file and replace(file, key=BLOCK + raw["id"])


def _of_properties(page: Raw) -> Iterator[File]:
    properties = (raw for raw in page["properties"].values() if raw["type"] == "files")
    for content in (each for raw in properties for each in raw["files"]):
        file = _kept(content, page["url"], page["last_edited_time"])
        if file is not None:
            place = _digest([urlsplit(file.address).path])
            yield replace(file, key=f"{PROPERTY}{page['id']}/{place}")


def _kept(content: Raw, url: str, changed_at: str) -> File | None:
    """Return a file without its key; None if Notion does not keep it, or it holds no text."""
    address = content["file"].get("url") if content.get("type") == "file" else None
    if not address:
        return None
    name = content.get("name") or unquote(PurePosixPath(urlsplit(address).path).name)
    if PurePosixPath(name).suffix.lower() in SKIPPED_SUFFIXES:
        return None
    return File("", name, address, url, changed_at)


def _page_above(api: NotionApi, raw: Raw) -> Raw | None:
    """Return the page that a block lies in; None if it, or a block between, is not to be read."""
    for _ in range(NESTED):
        parent = raw["parent"]
        if parent["type"] == "page_id":
            return _page(api, parent["page_id"])
        above = shared(partial(api.get, f"v1/blocks/{parent['block_id']}"))
        if above is None or in_trash(above):
            return None
        raw = above
    raise ConnectorError(f"Notion nests blocks without an end above {raw['id']}.")


def _page(api: NotionApi, id: str) -> Raw | None:
    page = shared(lambda: api.get(f"v1/pages/{id}"))
    return None if page is None or in_trash(page) else page


def _digest(facts: Sequence[object]) -> str:
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=12).hexdigest()
