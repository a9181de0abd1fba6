"""The Notion connector over HTTP against a server of this machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Document, Entry
from connectors.client import Limits
from connectors.notion import Included, NotionConnector
from connectors.notion_api import NotionApi, polite
from ingest.parse import parse
from tests.connectors.notion_server import TOKEN, Json, Notion, block, notion, rich
from tests.connectors.test_client import PATIENT, FakeClock
from tests.contracts.connector import ConnectorContract

ALL = frozenset({"everyone"})


def connector(
    server: Notion,
    *,
    url: str = "",
    limits: Limits = PATIENT,
    clock: FakeClock | None = None,
    comments: bool = True,
    files: bool = True,
    readers: frozenset[str] = ALL,
    memory: Path | None = None,
) -> NotionConnector:
    """Return a connector; url: of a proxy before the server."""
    home = url or server.url
    time = (clock or FakeClock()).clock()
    places = {"url": home, "files_url": server.media_url}
    client = polite(TOKEN, "NOTION_TOKEN", **places, limits=limits, clock=time)
    included = Included(comments=comments, files=files)
    api = NotionApi(client, home)
    return NotionConnector("notion", api, readers=readers, included=included, memory=memory)


def listed(server: Notion) -> dict[str, Entry]:
    return {entry.id: entry for entry in connector(server).entries()}


def document(server: Notion, id: str) -> Document:
    return connector(server).fetch(Entry(id, "?", frozenset()))


def fill(server: Notion) -> None:
    """Nine pages: three at the top, a tree of three in one, three rows of its database."""
    server.add("p1", "Home", block("b1", "paragraph", "Welcome."))
    server.add("p2", "Hotels", block("b2", "paragraph", "At most 120 euro."), parent="p1")
    server.add("p3", "Cities", block("b3", "paragraph", "Ghent and Leeds."), parent="p2")
    server.blocks["p1"].append(block("d1", "child_database", title="Rates"))
    server.databases["d1"], server.rows["s1"] = ["s1"], ["r1", "r2", "r3"]
    for number in (1, 2, 3):
        euro = {"type": "number", "number": 100 + number}
        server.add(f"r{number}", f"Rate {number}", properties={"Euro": euro})
        server.found.pop()
    for number in (4, 5, 6):
        server.add(f"p{number}", f"Page {number}", block(f"b{number}", "paragraph", f"No {number}"))


@pytest.fixture
def server() -> Iterator[Notion]:
    with notion() as server:
        fill(server)
        yield server


@dataclass
class Workspace:
    """What the contract wants of a source."""

    server: Notion

    def connector(self) -> NotionConnector:
        return connector(self.server)

    def change(self) -> str:
        """Edit within the minute of the last edit."""
        self.server.blocks["p2"][0]["paragraph"]["rich_text"] = rich("At most 130 euro.")
        return "notion:p2"

    def remove(self) -> str:
        self.server.pages["p6"]["in_trash"] = True
        return "notion:p6"

    def damage(self) -> None:
        self.server.refusals["blocks/p3"] = 403


class TestContract(ConnectorContract):
    @pytest.fixture
    def source(self, server: Notion) -> Workspace:
        return Workspace(server)


class TestListing:
    def test_pages_in_pages_and_rows_are_found_though_the_search_does_not_know_them(
        self, server: Notion
    ) -> None:
        keys = {"p1", "p2", "p3", "p4", "p5", "p6", "r1", "r2", "r3"}
        assert set(listed(server)) == {f"notion:{key}" for key in keys}

    def test_a_page_that_is_found_in_two_ways_is_one_document(self, server: Notion) -> None:
        server.found += ["p3", "s1", "r2"]
        before = [entry.id for entry in connector(server).entries()]
        assert len(before) == len(set(before)) == 9

    def test_a_page_within_columns_and_toggles_is_found(self, server: Notion) -> None:
        inner = server.nest(block("t1", "toggle", "More"), block("p9", "child_page", title="Deep"))
        column = server.nest(block("c1", "column"), inner)
        server.blocks["p1"].append(server.nest(block("l1", "column_list"), column))
        server.add("p9", "Deep")
        server.found.remove("p9")
        assert "notion:p9" in listed(server)

    @pytest.mark.parametrize("what", ["in_trash", "archived"])
    def test_the_trash_is_not_listed(self, server: Notion, what: str) -> None:
        server.pages["p4"][what] = True
        server.pages["p3"][what] = True
        assert listed(server).keys().isdisjoint({"notion:p3", "notion:p4"})
        with pytest.raises(ConnectorError, match="is gone from Notion"):
            document(server, "notion:p3")

    def test_what_is_shared_no_more_is_gone_alone(self, server: Notion) -> None:
        before = listed(server)
        server.unshared.add("p3")
        assert before.keys() - listed(server).keys() == {"notion:p3"}

    @pytest.mark.parametrize("part", ["blocks/synced", "comments"])
    def test_a_block_or_comments_that_are_not_shared_take_no_page_away(
        self, server: Notion, part: str
    ) -> None:
        synced = block("synced", "synced_block")
        inner = server.nest(synced, block("b9", "paragraph", "Of another page."))
        server.blocks["p2"].insert(1, inner)
        before = listed(server)
        server.refusals[part] = 404
        assert listed(server).keys() == before.keys()
        assert "At most 120 euro." in parse(document(server, "notion:p2")).text

    def test_a_page_that_is_shared_no_more_once_it_was_found_is_gone_alone(
        self, server: Notion
    ) -> None:
        before = listed(server)
        server.refusals |= {"blocks/p4/": 404, "pages/p4": 404}
        assert before.keys() - listed(server).keys() == {"notion:p4"}

    def test_a_page_that_is_shared_without_its_text_is_an_error(self, server: Notion) -> None:
        server.refusals["blocks/p2/"] = 404
        with pytest.raises(ConnectorError, match="404"):
            listed(server)

    def test_a_workspace_that_shares_nothing_is_an_error(self, server: Notion) -> None:
        server.unshared |= set(server.found)
        with pytest.raises(ConnectorError, match="shares no page with the connection"):
            listed(server)

    @pytest.mark.parametrize(
        ("part", "status", "words"),
        [
            ("search", 401, "does not accept the credentials. Check NOTION_TOKEN"),
            ("blocks", 403, "lacks the capability 'Read content'"),
            ("comments", 403, r"lacks the capability 'Read comments' \(or set comments = false"),
        ],
    )
    def test_a_refusal_is_explained_in_an_admins_words(
        self, server: Notion, part: str, status: int, words: str
    ) -> None:
        server.refusals[part] = status
        with pytest.raises(ConnectorError, match=words) as raised:
            listed(server)
        assert TOKEN not in str(raised.value)

    def test_comments_that_are_not_wanted_are_not_asked_for(self, server: Notion) -> None:
        server.refusals["comments"] = 403
        assert len(list(connector(server, comments=False).entries())) == 9


class TestVersions:
    def test_a_comment_makes_a_new_version_though_the_page_was_not_edited(
        self, server: Notion
    ) -> None:
        before = listed(server)
        server.comment("p2", "Is 125 fine?")
        after = listed(server)
        assert [id for id in after if after[id] != before[id]] == ["notion:p2"]
        assert parse(document(server, "notion:p2")).text.endswith(
            "Comments\n\nAnn Lee, 2026-03-02: Is 125 fine?"
        )

    def test_a_property_of_a_row_makes_a_new_version(self, server: Notion) -> None:
        before = listed(server)
        server.pages["r2"]["properties"]["Euro"]["number"] = 150
        after = listed(server)
        assert [id for id in after if after[id] != before[id]] == ["notion:r2"]

    def test_a_page_that_only_moved_or_was_opened_keeps_its_version(self, server: Notion) -> None:
        before = listed(server)
        server.blocks["p4"].append(server.blocks["p2"].pop())
        server.pages["p3"]["last_edited_time"] = "2026-03-05T10:00:00.000Z"
        assert listed(server) == before

    def test_fetching_what_was_listed_costs_no_call(self, server: Notion) -> None:
        source = connector(server)
        entries = list(source.entries())
        calls = len(server.requests)
        for entry in entries:
            source.fetch(entry)
        assert len(server.requests) == calls


class TestOddPages:
    def test_half_a_character_is_a_question_mark_and_nothing_else_is_lost(
        self, server: Notion
    ) -> None:
        before = listed(server)
        server.blocks["p2"][0]["paragraph"]["rich_text"] = rich("At most \ud83d 130 euro.")
        server.pages["p2"]["properties"]["Name"]["title"] = rich("Hotels \ude00")
        after = listed(server)
        assert [id for id in after if after[id] != before[id]] == ["notion:p2"]
        found = document(server, "notion:p2")
        assert found.title == "Hotels ?"
        assert "At most ? 130 euro." in parse(found).text

    def test_a_page_that_cannot_be_converted_fails_alone_and_when_it_is_fetched(
        self, server: Notion
    ) -> None:
        before = listed(server)
        server.blocks["p2"][0]["paragraph"]["rich_text"] = [{"type": "text"}]
        source = connector(server)
        after = {entry.id: entry for entry in source.entries()}
        assert [id for id in after if after[id] != before[id]] == ["notion:p2"]
        assert after == listed(server)
        assert after.keys() == before.keys()
        with pytest.raises(ConnectorError, match="notion.so/p2 cannot be converted: KeyError"):
            source.fetch(after["notion:p2"])
        assert source.fetch(after["notion:p3"]).title == "Cities"


class TestText:
    def text(self, server: Notion, *blocks: Json) -> str:
        server.add("x1", "Text", *blocks)
        return parse(document(server, "notion:x1")).text

    def test_a_heading_is_a_place_with_notions_own_address(self, server: Notion) -> None:
        id = "c02fc1d3-db8b-45c5-a222-27595b15aea7"
        toggle = server.nest(block(id, "heading_2", "Trains"), block("n", "paragraph", "Second."))
        server.add("x1", "Text", block("h", "heading_1", "Travel"), toggle)
        places = parse(document(server, "notion:x1")).places
        assert [place.url for place in places] == [
            "https://www.notion.so/x1#h",
            "https://www.notion.so/x1#c02fc1d3db8b45c5a22227595b15aea7",
        ]
        assert places[1].heading == ("Travel", "Trains")

    def test_lists_nest_and_tasks_say_whether_they_are_done(self, server: Notion) -> None:
        first = server.nest(
            block("a", "numbered_list_item", "Order"),
            block("b", "bulleted_list_item", "by mail"),
            block("c", "bulleted_list_item", "by phone"),
        )
        text = self.text(
            server,
            first,
            block("d", "numbered_list_item", "Pay"),
            block("e", "to_do", "Done", checked=True),
            block("f", "to_do", "Open", checked=False),
        )
        assert text == ("1. Order\n  - by mail\n  - by phone\n2. Pay\n\n- [x] Done\n- [ ] Open")

    def test_code_and_tables_keep_their_lines(self, server: Notion) -> None:
        rows = [
            block(f"w{n}", "table_row", cells=[rich(cell) for cell in cells])
            for n, cells in enumerate([("City", "Euro"), ("Ghent", "120")])
        ]
        code = block("k", "code", "if a < b:\n    go()", language="python", caption=rich("Go"))
        text = self.text(server, code, server.nest(block("t", "table", table_width=2), *rows))
        assert text == "    if a < b:\n        go()\n\nGo\n\nCity | Euro\nGhent | 120"

    @pytest.mark.parametrize("type", ["paragraph", "quote", "callout", "toggle", "something_new"])
    def test_every_block_shows_its_text_and_all_that_is_in_it(
        self, server: Notion, type: str
    ) -> None:
        outer = server.nest(block("o", type, "Mind\nthis"), block("i", "paragraph", "Deep."))
        assert self.text(server, outer) == "Mind\nthis\n\nDeep."

    def test_files_links_and_formulas_are_named(self, server: Notion) -> None:
        hosted = {"url": "https://s3.example/x?secret"}
        text = self.text(
            server,
            block("f", "file", caption=rich("All rates"), file=hosted, name="rates.pdf"),
            block("u", "bookmark", url="https://x.example/a", caption=[]),
            block("q", "equation", expression="e=mc^2"),
            block("z", "unsupported"),
            block("y", "divider"),
        )
        assert text == "All rates rates.pdf\n\nhttps://x.example/a\n\ne=mc^2"

    def test_the_properties_of_a_row_are_keys_with_values(self, server: Notion) -> None:
        properties: Json = {
            "Status": {"type": "status", "status": {"name": "Open"}},
            "Tags": {"type": "multi_select", "multi_select": [{"name": "a"}, {"name": "b"}]},
            "When": {"type": "date", "date": {"start": "2026-04-01", "end": "2026-04-03"}},
            "Who": {"type": "people", "people": [{"object": "user", "name": "Ann Lee"}]},
            "Paid": {"type": "checkbox", "checkbox": False},
            "Sum": {"type": "formula", "formula": {"type": "number", "number": 7}},
            "All": {
                "type": "rollup",
                "rollup": {"type": "array", "array": [{"type": "number", "number": 1}]},
            },
            "No": {"type": "unique_id", "unique_id": {"prefix": "T", "number": 4}},
            "Note": {"type": "rich_text", "rich_text": rich("By <b> post")},
            "Site": {"type": "url", "url": None},
            "Pages": {"type": "relation", "relation": [{"id": "p1"}]},
        }
        server.add("x2", "Row", properties=properties)
        assert parse(document(server, "notion:x2")).text == (
            "All: 1\nNo: T-4\nNote: By <b> post\nPaid: no\nStatus: Open\nSum: 7\n"
            "Tags: a, b\nWhen: 2026-04-01 – 2026-04-03\nWho: Ann Lee"
        )
