"""The Confluence connector, Cloud and Data Center, over HTTP against a server of this machine."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Document, Entry
from connectors.client import Limits
from connectors.confluence import ConfluenceConnector
from connectors.confluence_api import polite
from connectors.confluence_cloud import CloudSite
from connectors.confluence_server import ServerSite
from ingest.parse import parse
from tests.connectors.confluence_server import TOKEN, USER, Confluence, confluence
from tests.connectors.test_client import PATIENT, FakeClock
from tests.contracts.connector import ConnectorContract

COUNT = 8  # documents of `fill`
STAFF = frozenset({"group:staff"})


def connector(
    server: Confluence,
    *spaces: str,
    url: str = "",
    limits: Limits = PATIENT,
    admitted: frozenset[str] | None = None,
    clock: FakeClock | None = None,
    memory: Path | None = None,
) -> ConfluenceConnector:
    """Return a connector; url: of a proxy before the server."""
    login = (USER if server.cloud else None, TOKEN)
    home = url + server.url[server.url.index("/", 8) :] if url else server.url
    media = server.media_url if server.cloud else None
    time = (clock or FakeClock()).clock()
    client = polite(home, login, "WIKI_TOKEN", media_url=media, limits=limits, clock=time)
    site = (
        CloudSite(home, client, home=server.url)
        if server.cloud
        else ServerSite(home, client, home=server.url, user_domain="x.example")
    )
    return ConfluenceConnector("conf", site, spaces=spaces, admitted=admitted, memory=memory)


def listed(server: Confluence) -> dict[str, Entry]:
    return {entry.id: entry for entry in connector(server).entries()}


def document(server: Confluence, id: str) -> Document:
    return connector(server).fetch(Entry(id, "?", frozenset()))


def fill(server: Confluence) -> None:
    """Seven pages in three levels, two attachments and a comment."""
    server.page_size = 3
    server.add("1", "Home", "<p>Welcome.</p>")
    server.add("2", "Travel", "<h2>Trains and buses</h2><p>Second class.</p>", parent="1")
    server.add("3", "Hotels", "<p>At most 120 euro.</p>", parent="2")
    for number in range(4, 8):
        server.add(str(number), f"Page {number}", f"<p>Number {number}.</p>", parent="1")
    server.add("20", "rates.txt", "Rates of hotels", type="attachment", parent="3")
    server.add("21", "photo.png", "PNG", type="attachment", parent="3")
    server.add("30", "", "<p>Is 125 fine?</p>", type="comment", parent="3")


@pytest.fixture(params=[True, False], ids=["cloud", "data center"])
def server(request: pytest.FixtureRequest) -> Iterator[Confluence]:
    with confluence(cloud=request.param) as server:
        fill(server)
        yield server


@dataclass
class Wiki:
    """What the contract wants of a source."""

    server: Confluence

    def connector(self) -> ConfluenceConnector:
        return connector(self.server)

    def change(self) -> str:
        self.server.edit("3", "<p>At most 130 euro.</p>")
        return "conf:3"

    def remove(self) -> str:
        self.server.contents["7"].status = "trashed"
        return "conf:7"

    def damage(self) -> None:
        self.server.refusals["search"] = 401


class TestContract(ConnectorContract):
    @pytest.fixture
    def source(self, server: Confluence) -> Wiki:
        return Wiki(server)


class TestContent:
    def test_a_page_has_its_comments_and_labels_and_links_to_its_sections(
        self, server: Confluence
    ) -> None:
        server.contents["2"].labels = ["travel", "finance"]
        server.add("31", "", "<p>Yes, <b>first</b> class too.</p>", type="comment", parent="2")
        found = parse(document(server, "conf:2"))
        assert found.title == "Travel"
        assert "Labels: finance, travel" in found.text
        assert found.text.endswith("Comments\n\nAnn Lee, 2026-03-01\n\nYes, first class too.")
        anchor = "Trains-and-buses" if server.cloud else "Travel-Trainsandbuses"
        assert found.places[0].url.endswith(f"#{anchor}")
        assert found.places[-1].url.endswith("#comment-31")

    def test_an_attachment_is_a_document_of_its_own_and_an_image_is_none(
        self, server: Confluence
    ) -> None:
        assert [id for id in listed(server) if "attachment" in id] == ["conf:attachment/20"]
        found = document(server, "conf:attachment/20")
        assert (found.title, found.body) == ("rates.txt", b"Rates of hotels")
        assert found.url == f"{server.url}/download/attachments/3/rates.txt"

    def test_a_user_who_is_mentioned_has_a_name_and_a_deleted_one_is_someone(
        self, server: Confluence
    ) -> None:
        kind = "account-id" if server.cloud else "userkey"
        for user, shown in (("bo", "@Bo Ek"), ("gone", "@someone")):
            mention = f'<ac:link><ri:user ri:{kind}="{user}"/></ac:link>'
            server.add("8", "Ask", f"<p>Ask {mention}.</p>")
            assert parse(document(server, "conf:8")).text == f"Ask {shown}."

    def test_a_page_that_is_no_storage_format_is_named(self, server: Confluence) -> None:
        server.edit("2", "<p>open")
        with pytest.raises(ConnectorError, match=r"'Travel' \(http.*\) cannot be read\. It is not"):
            document(server, "conf:2")

    def test_drafts_the_archive_and_the_trash_are_not_listed(self, server: Confluence) -> None:
        for id, status in (("5", "archived"), ("6", "draft"), ("7", "trashed"), ("20", "trashed")):
            server.contents[id].status = status
        assert set(listed(server)) == {f"conf:{number}" for number in (1, 2, 3, 4)}
        with pytest.raises(ConnectorError, match="is gone"):
            document(server, "conf:5")

    def test_personal_spaces_are_read_only_if_they_are_named(self, server: Confluence) -> None:
        server.spaces["~ann"] = [("user", "ann")]
        server.add("55", "Mine", space="~ann")
        assert "conf:55" not in listed(server)
        assert "conf:55" in {entry.id for entry in connector(server, "~ann").entries()}

    def test_a_space_that_the_account_does_not_see_is_named(self, server: Confluence) -> None:
        with pytest.raises(ConnectorError, match="does not see the space OPS of"):
            list(connector(server, "ENG", "OPS").entries())

    def test_only_the_spaces_that_are_named_are_read(self, server: Confluence) -> None:
        server.spaces["OPS"] = [("group", "hr")]
        server.add("50", "Payroll", space="OPS")
        server.add("51", "pay.txt", "Pay", type="attachment", parent="50", space="OPS")
        assert {"conf:50", "conf:attachment/51"} <= listed(server).keys()
        assert {entry.id for entry in connector(server, "OPS").entries()} == {
            "conf:50",
            "conf:attachment/51",
        }
        with pytest.raises(ConnectorError, match="is gone"):
            connector(server, "OPS").fetch(Entry("conf:2", "1", STAFF))


class TestVersions:
    @pytest.mark.parametrize("what", ["comment", "edited comment", "label", "address"])
    def test_what_confluence_does_not_count_makes_a_new_version(
        self, server: Confluence, what: str
    ) -> None:
        before = listed(server)
        if what == "comment":
            server.add("39", "", "<p>Me too.</p>", type="comment", parent="3")
        elif what == "edited comment":
            server.edit("30", "<p>Is 126 fine?</p>")
        elif what == "label":
            server.contents["3"].labels.append("hotels")
        elif server.cloud:  # as after a move to another space; Data Center's address stays
            server.spaces["NEW"] = [("group", "staff")]
            for id in ("3", "20", "21", "30"):
                server.contents[id].space = "NEW"
        else:
            server.contents["3"].title = "Inns"
        after = listed(server)
        assert after.keys() == before.keys()
        assert [id for id in after if after[id].version != before[id].version] == ["conf:3"]
        assert document(server, "conf:3").entry == after["conf:3"]

    def test_a_new_upload_is_a_new_version_and_a_new_attachment_is_listed(
        self, server: Confluence
    ) -> None:
        before = listed(server)
        server.edit("20", "New rates")
        server.add("22", "map.txt", "Map", type="attachment", parent="3")
        after = listed(server)
        assert after.keys() - before.keys() == {"conf:attachment/22"}
        changed = {id for id in before if after[id].version != before[id].version}
        assert changed == {"conf:attachment/20"}

    def test_a_page_with_many_attachments_lists_them_all(self, server: Confluence) -> None:
        for number in range(40, 49):
            server.add(str(number), f"{number}.txt", "x", type="attachment", parent="4")
        assert sum("attachment/4" in id for id in listed(server)) == 9


def test_a_listing_costs_some_requests_for_each_hundred_pages(server: Confluence) -> None:
    server.page_size = 100
    for number in range(100, 500):
        server.add(str(number), f"Page {number}", parent="1")
    assert len(listed(server)) == COUNT + 400
    assert len(server.requests) < 30


class TestReaders:
    def test_a_restriction_holds_for_all_that_lies_below_and_is_attached(
        self, server: Confluence
    ) -> None:
        server.contents["2"].restricted = [("group", "staff"), ("user", "ann")]
        server.contents["3"].restricted = [("group", "hr"), ("user", "ann")]
        found = listed(server)
        assert found["conf:1"].readers == STAFF
        assert found["conf:2"].readers == STAFF  # ann is in it: the space keeps no more out
        both = frozenset({"user:ann@x.example", "user:bo@x.example"})
        assert found["conf:3"].readers == found["conf:attachment/20"].readers == both
        for id in ("conf:3", "conf:attachment/20"):
            assert document(server, id).entry == found[id]

    def test_who_may_not_see_the_space_reads_no_page_that_names_them(
        self, server: Confluence
    ) -> None:
        server.groups["staff"].remove("cy")
        server.contents["3"].restricted = [("user", "cy"), ("user", "bo")]
        assert listed(server)["conf:3"].readers == {"user:bo@x.example"}

    def test_a_restriction_to_a_user_who_is_not_known_here_admits_nobody(
        self, server: Confluence
    ) -> None:
        server.users["ghost"] = ("Ghost", "")
        server.contents["3"].restricted = [("user", "ghost")]
        readers = listed(server)["conf:3"].readers
        assert readers == frozenset()

    def test_a_long_restriction_is_read_to_its_end(self, server: Confluence) -> None:
        for number in range(9):
            server.users[f"u{number}"] = (f"U {number}", f"u{number}@x.example")
            server.groups["staff"].append(f"u{number}")
            server.contents["3"].restricted.append(("user", f"u{number}"))
        readers = listed(server)["conf:3"].readers
        assert readers == {f"user:u{number}@x.example" for number in range(9)}

    def test_readers_of_the_settings_replace_those_of_the_space_only(
        self, server: Confluence
    ) -> None:
        server.contents["3"].restricted = [("group", "hr")]
        everyone = frozenset({"everyone"})
        found = {e.id: e for e in connector(server, admitted=everyone).entries()}
        assert found["conf:1"].readers == everyone
        assert found["conf:3"].readers == {"group:hr"}

    def test_a_group_of_the_settings_that_confluence_lacks_closes_what_is_restricted_and_no_more(
        self, server: Confluence
    ) -> None:
        server.contents["3"].restricted = [("user", "ann")]
        ours = frozenset({"group:all-of-us"})
        found = {e.id: e for e in connector(server, admitted=ours).entries()}
        assert found["conf:1"].readers == ours
        assert found["conf:3"].readers == frozenset()

    def test_a_groups_people_are_asked_for_once_a_night(self, server: Confluence) -> None:
        for id in ("2", "3"):
            server.contents[id].restricted = [("user", "ann")]
        source = connector(server)
        asked = []
        for _ in range(2):
            server.requests.clear()
            assert {e.id: e for e in source.entries()}["conf:3"].readers == {"user:ann@x.example"}
            asked.append(sum("/group/" in path and "member" in path for path in server.requests))
        assert asked[0] == asked[1] <= 3  # a list of three is read to its end

    def test_an_address_in_capitals_is_the_same_person(self, server: Confluence) -> None:
        server.users["ann"] = ("Ann", "Ann@X.example")
        server.contents["3"].restricted = [("user", "ann")]
        people = frozenset({"user:ann@x.example"})
        found = {e.id: e for e in connector(server, admitted=people).entries()}
        assert found["conf:3"].readers == people

    def test_restrictions_that_cannot_be_read_are_an_error(self, server: Confluence) -> None:
        server.contents["3"].restricted = [("group", "hr")] * 4  # more than a listing shows
        server.refusals["restriction/"] = 403
        with pytest.raises(ConnectorError, match="may not read this"):
            listed(server)

    def test_a_space_that_admits_nobody_who_is_known_is_an_error(self, server: Confluence) -> None:
        server.spaces["ENG"] = [("role", "viewers")]
        with pytest.raises(ConnectorError, match="does not say who may view space ENG"):
            listed(server)


class TestCloud:
    @pytest.fixture
    def cloud(self) -> Iterator[Confluence]:
        with confluence(cloud=True) as server:
            fill(server)
            yield server

    def test_a_folders_restriction_holds_for_the_pages_in_it(self, cloud: Confluence) -> None:
        cloud.add("60", "Secret", type="folder", parent="1", restricted=[("group", "hr")])
        cloud.add("61", "In the folder", parent="60")
        cloud.add("62", "Below", parent="61")
        found = listed(cloud)
        assert "conf:60" not in found
        assert found["conf:61"].readers == found["conf:62"].readers == {"user:bo@x.example"}
        assert document(cloud, "conf:62").entry == found["conf:62"]

    def test_a_folder_that_is_gone_admits_nobody(self, cloud: Confluence) -> None:
        cloud.add("60", "Gone", type="folder", parent="1", status="trashed")
        cloud.add("61", "In the folder", parent="60")
        assert listed(cloud)["conf:61"].readers == frozenset()

    def test_a_page_that_the_search_does_not_know_yet_is_listed_with_its_restriction(
        self, cloud: Confluence
    ) -> None:
        new = cloud.add("63", "New", indexed=False, labels=["new"], restricted=[("user", "ann")])
        before = listed(cloud)
        new.indexed = True
        assert listed(cloud) == before
        assert before["conf:63"].readers == {"user:ann@x.example"}

    def test_the_token_does_not_travel_to_the_server_of_media(self, cloud: Confluence) -> None:
        assert (
            document(cloud, "conf:attachment/20").body == b"Rates of hotels"
        )  # else it answers 400

    @pytest.mark.parametrize(
        ("part", "scope"),
        [
            ("v2/spaces", "read:space:confluence"),
            ("/pages", "read:page:confluence"),
            ("/permissions", "read:space.permission:confluence"),
            ("v2/attachments", "read:attachment:confluence"),
            ("/search", "search:confluence"),
            ("api/group", "read:group:confluence"),
        ],
    )
    def test_a_missing_scope_is_named(self, cloud: Confluence, part: str, scope: str) -> None:
        cloud.refusals[part] = 401
        with pytest.raises(ConnectorError, match=rf"Check WIKI_TOKEN.*{scope}") as raised:
            listed(cloud)
        assert TOKEN not in str(raised.value)


class TestDataCenter:
    @pytest.fixture
    def center(self) -> Iterator[Confluence]:
        with confluence(cloud=False) as server:
            fill(server)
            yield server

    def test_a_page_that_is_deleted_while_the_list_is_read_hides_no_other(
        self, center: Confluence
    ) -> None:
        def delete(path: str) -> None:
            if "content?" in path and "start=2" in path:
                center.contents["1"].status = "trashed"

        center.before = delete
        with pytest.raises(ConnectorError, match="it changed, or broke off, while it was read"):
            listed(center)
        assert {"conf:2", "conf:4", "conf:7"} <= listed(center).keys()

    @pytest.mark.parametrize("status", [403, 404])
    def test_before_9_1_the_readers_must_be_set(self, center: Confluence, status: int) -> None:
        center.refusals["/permissions"] = status
        with pytest.raises(ConnectorError, match=r"Confluence 9\.1 or later; or say readers ="):
            listed(center)
