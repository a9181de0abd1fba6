"""Files in Notion: those that it keeps are documents, read from its server of files."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Entry
from connectors.notion import NotionConnector
from tests.connectors.notion_server import Notion, block, notion
from tests.connectors.test_notion import connector, document, fill, listed
from tests.connectors.web_server import Reply
from tests.contracts.connector import ConnectorContract
from tests.servers.proxy import proxied

BLOCK = "notion:block/f1"


@pytest.fixture
def server() -> Iterator[Notion]:
    """A page "p2" with a file in a toggle, and a row "r1" with two."""
    with notion() as server:
        fill(server)
        server.blocks["p2"].append(server.nest(block("t1", "toggle", "Files")))
        server.attach("t1", "f1", "rates.txt", b"Rates of hotels.")
        uploads = [server.upload(name, name.encode()) for name in ("a.pdf", "b.pdf")]
        server.pages["r1"]["properties"]["Papers"] = {"type": "files", "files": uploads}
        yield server


def files(server: Notion, memory: Path | None = None) -> dict[str, Entry]:
    entries = connector(server, memory=memory).entries()
    return {entry.id: entry for entry in entries if "/" in entry.id}


@dataclass
class Files:
    """What the contract wants of a source."""

    server: Notion

    def connector(self) -> NotionConnector:
        return connector(self.server)

    def change(self) -> str:
        """Replace a file by another of its name."""
        self.server.blocks["t1"][0]["file"] = self.server.upload("rates.txt", b"New rates.")
        return BLOCK

    def remove(self) -> str:
        self.server.pages["p6"]["in_trash"] = True
        return "notion:p6"

    def damage(self) -> None:
        self.server.refusals["blocks/t1"] = 403


class TestContract(ConnectorContract):
    @pytest.fixture
    def source(self, server: Notion) -> Files:
        return Files(server)


def test_a_file_opens_its_page_at_the_block(server: Notion) -> None:
    found = document(server, BLOCK)
    assert (found.title, found.body, found.media_type) == (
        "rates.txt",
        b"Rates of hotels.",
        "text/plain",
    )
    assert found.url == "https://www.notion.so/p2#f1"
    assert found.entry == files(server)[BLOCK]


def test_files_of_a_property_are_documents_of_their_own(server: Notion) -> None:
    ids = [id for id in files(server) if id.startswith("notion:property/r1/")]
    found = [document(server, id) for id in ids]
    assert {each.body for each in found} == {b"a.pdf", b"b.pdf"}
    assert {each.media_type for each in found} == {"application/pdf"}
    papers = server.pages["r1"]["properties"]["Papers"]["files"]
    papers.insert(0, server.upload("c.pdf", b"c.pdf"))
    assert set(ids) < set(files(server))


@pytest.mark.parametrize(
    "content",
    [
        {"type": "external", "external": {"url": "https://x.example/a.pdf"}, "name": "a.pdf"},
        {"type": "file", "file": {"url": "/space/1/photo.png"}, "name": "photo.png"},
        {"type": "file", "file": {}},
        {},
    ],
)
def test_links_pictures_and_what_has_no_address_are_no_documents(
    server: Notion, content: dict[str, object]
) -> None:
    server.blocks["t1"][0] = {**block("f1", "file"), "file": content}
    assert BLOCK not in files(server)
    with pytest.raises(ConnectorError, match="is gone from Notion"):
        document(server, BLOCK)


def test_a_file_that_is_shown_on_two_pages_is_one_document(server: Notion) -> None:
    rates = server.blocks["t1"][0]
    copy = block("s1", "synced_block", synced_from={"type": "block_id", "block_id": "t1"})
    server.blocks["p4"].append(server.nest(copy, rates))
    assert [id for id in files(server) if "f1" in id] == [BLOCK]
    assert document(server, BLOCK).url == "https://www.notion.so/p2#f1"


def test_a_file_moved_to_another_page_is_the_same_document_at_its_new_place(
    server: Notion, tmp_path: Path
) -> None:
    before = files(server, tmp_path / "memory.json")
    server.blocks["p4"].append(server.blocks["t1"].pop())
    after = files(server, tmp_path / "memory.json")
    assert after.keys() == before.keys()
    assert [id for id in after if after[id] != before[id]] == [BLOCK]
    assert document(server, BLOCK).url == "https://www.notion.so/p4#f1"


@pytest.mark.parametrize("what", ["block", "toggle", "page"])
def test_a_file_in_the_trash_is_gone_with_what_it_lies_in(
    server: Notion, tmp_path: Path, what: str
) -> None:
    files(server, tmp_path / "memory.json")
    trashed = {
        "block": server.blocks["t1"][0],
        "toggle": server.blocks["p2"][-1],
        "page": server.pages["p2"],
    }[what]
    trashed["in_trash"] = True
    assert BLOCK not in files(server, tmp_path / "memory.json")
    with pytest.raises(ConnectorError, match="is gone from Notion"):
        document(server, BLOCK)


@pytest.mark.parametrize("key", ["f1", "Papers"])
def test_a_file_that_is_listed_no_more_and_is_there_is_an_error(
    server: Notion, tmp_path: Path, key: str
) -> None:
    """A list of blocks or properties that came back whole and without them."""

    def without(reply: Reply) -> Reply:
        answer = json.loads(reply.body)
        rows = answer.get("results", ())
        answer["results"] = [row for row in rows if row["id"] != key]
        for row in rows:
            row.get("properties", {}).pop(key, None)
        return replace(reply, body=json.dumps(answer).encode())

    memory = tmp_path / "memory.json"
    before = files(server, memory)
    with proxied(server.url) as proxy:
        proxy.fault, proxy.spoiled = without, lambda number: True
        proxy.counts = lambda request: "/children" in request.path or "/query" in request.path
        source = connector(server, url=proxy.url, memory=memory)
        with pytest.raises(ConnectorError, match="lacks, and is there all the same"):
            list(source.entries())
    assert files(server, memory) == before


def test_files_that_are_not_wanted_are_not_listed(server: Notion, tmp_path: Path) -> None:
    files(server, tmp_path / "memory.json")
    source = connector(server, files=False, memory=tmp_path / "memory.json")
    assert not any("/" in entry.id for entry in source.entries())


def test_the_text_of_a_page_does_not_change_with_the_address_of_its_files(server: Notion) -> None:
    assert listed(server) == listed(server)
    assert server.signed > 2
