"""The SharePoint connector against a local server that speaks Graph's documented JSON."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Document, Entry
from connectors.client import Limits
from connectors.cloud_feed import DAY_S
from connectors.cloud_memory import Memory
from connectors.sharepoint import Selection, SharePointConnector
from connectors.sharepoint_account import App, polite
from connectors.sharepoint_api import GraphApi
from tests.connectors.google_drive import Fault
from tests.connectors.graph import (
    DRIVE,
    GROUP,
    SECRET,
    SITE,
    Graph,
    cut,
    graph,
    link,
    person,
    refusal,
    site_group,
)
from tests.connectors.test_client import PATIENT, FakeClock
from tests.connectors.web_server import Reply, in_turn, serving
from tests.contracts.connector import ConnectorContract

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC).timestamp()
STAFF = frozenset({"group:staff"})
MEMBERS = f"{GROUP}HR Members"
CLAIM = "c:0o.c|federateddirectoryclaimprovider|"  # and the id of a Microsoft 365 group


@dataclass
class Nights:
    """One tenant, one memory; each connector is a new process'."""

    graph: Graph
    memory: Path | None = None
    chosen: Selection = field(default_factory=lambda: Selection(sites=(SITE,), organisation=STAFF))
    clock: FakeClock = field(default_factory=FakeClock)
    limits: Limits = PATIENT
    now: float = NOW
    password: str = SECRET
    allowed: bool = True  # whether the settings name the server that files are downloaded from

    def connector(self) -> SharePointConnector:
        app = App("acme.example", "app-1", self.password, "the client secret in SP_SECRET")
        assert self.graph.downloads is not None
        client = polite(
            app,
            login=self.graph.url,
            home=self.graph.url,
            also=frozenset({self.graph.downloads.url} if self.allowed else ()),
            limits=self.limits,
            clock=self.clock.clock(),
        )
        api = GraphApi(
            client,
            home=self.graph.url,
            patience_s=self.limits.patience_s,
            clock=self.clock.clock(),
        )
        memory = Memory(self.memory)
        return SharePointConnector("sp", api, self.chosen, memory, now=lambda: self.now)

    def listed(self) -> dict[str, Entry]:
        self.graph.calls.clear()
        return {entry.id: entry for entry in self.connector().entries()}

    def ids(self) -> list[str]:
        return sorted(id.removeprefix(f"sp:{DRIVE}/") for id in self.listed())

    def readers(self, id: str) -> frozenset[str]:
        return self.listed()[f"sp:{DRIVE}/{id}"].readers

    def document(self, id: str) -> Document:
        source = self.connector()
        return source.fetch(Entry(f"sp:{DRIVE}/{id}", "", frozenset()))

    # What the contract wants of a source.

    def change(self) -> str:
        self.graph.put("b", b"Bikes are in shed 4 now.")
        return f"sp:{DRIVE}/b"

    def remove(self) -> str:
        self.graph.delete("c")
        return f"sp:{DRIVE}/c"

    def damage(self) -> None:
        self.graph.faults["delta"] = Fault(cut({}))


@pytest.fixture
def server() -> Iterator[Graph]:
    """A library that the site's members read, with files of several kinds."""
    with graph() as server:
        server.share(f"{DRIVE}-root", site_group("HR Members"))
        server.put("a", b"26 days.", name="Leave policy.md")
        server.put("b", b"Bikes are in shed 3.", name="bikes.txt")
        server.folder("sub")
        server.share("sub", person("Ann@Acme.example"))
        server.put("c", b"On the 25th.", "sub", name="pay.txt")
        server.put("d", b"\x89PNG", "sub", name="logo.png", file={"mimeType": "image/png"})
        server.put("e", b"", "sub", name="Notes", package={"type": "oneNote"}, file=None)
        server.put("f", b"", "sub", name="far.txt", remoteItem={"id": "x"})
        yield server


@pytest.fixture
def nights(server: Graph, tmp_path: Path) -> Nights:
    return Nights(server, tmp_path / "memory.sqlite")


class TestLibrary(ConnectorContract):
    @pytest.fixture
    def source(self, server: Graph) -> Nights:
        server.page_size = 3
        return Nights(server)


class TestLibraryWithAMemory(ConnectorContract):
    @pytest.fixture
    def source(self, nights: Nights) -> Nights:
        nights.graph.page_size = 3
        return nights


class TestContent:
    def test_files_that_may_hold_text_are_documents_and_no_others(self, nights: Nights) -> None:
        assert nights.ids() == ["a", "b", "c"]

    def test_a_onedrive_is_read_beside_the_libraries(self, nights: Nights) -> None:
        nights.graph.drive("b!2", "ann@acme.example")
        nights.graph.put("o", b"x", drive="b!2")
        nights.chosen = Selection(sites=(SITE,), users=("ann@acme.example",))
        assert sorted(nights.listed())[-1] == "sp:b!2/o"

    def test_bytes_come_from_a_server_that_is_allowed_and_is_sent_no_credentials(
        self, nights: Nights
    ) -> None:
        assert nights.document("a").body == b"26 days."
        assert nights.graph.downloads is not None
        [request] = nights.graph.downloads.requests
        assert not {"Authorization", "Cookie"} & set(request.headers)

    def test_bytes_come_from_no_other_server(self, nights: Nights) -> None:
        nights.allowed = False
        with pytest.raises(ConnectorError, match="was not asked") as raised:
            nights.document("a")
        assert "tempauth" not in str(raised.value)
        assert nights.graph.downloads is not None
        assert nights.graph.downloads.requests == []

    def test_the_feed_leads_to_no_other_server(self, nights: Nights) -> None:
        with serving(in_turn(Reply())) as elsewhere:
            more = {"@odata.nextLink": f"{elsewhere.url}/v1.0/drives/{DRIVE}/root/delta"}
            nights.graph.faults["delta"] = Fault(cut(more))
            with pytest.raises(ConnectorError, match="was not asked"):
                nights.listed()
            assert elsewhere.requests == []

    def test_no_name_is_written_into_the_memory(self, nights: Nights) -> None:
        nights.listed()
        assert nights.memory is not None
        assert b"bikes" not in nights.memory.read_bytes()

    def test_a_file_over_the_limit_is_not_downloaded(self, nights: Nights) -> None:
        nights.graph.put("a", size=51 * 2**20)
        with pytest.raises(ConnectorError, match="larger than 50 MiB"):
            nights.document("a")


class TestWhatChanges:
    """Scenarios 1, 6 and 8, with a memory that knows the old state."""

    @pytest.fixture
    def nights(self, nights: Nights) -> Nights:
        nights.listed()
        return nights

    def test_an_unchanged_library_costs_five_requests(self, nights: Nights) -> None:
        nights.listed()
        assert nights.graph.calls == ["token", "site", "drives", "delta", "batch"]

    def test_an_old_file_moved_in_today_is_seen(self, nights: Nights) -> None:
        nights.graph.put("old", b"x", "sub", lastModifiedDateTime="2019-01-01T00:00:00Z")
        assert nights.ids() == ["a", "b", "c", "old"]

    def test_a_renamed_or_moved_file_is_the_same_document_at_its_new_address(
        self, nights: Nights
    ) -> None:
        before = nights.listed()
        nights.graph.put("b", None, "sub", name="velos.txt")
        after = nights.listed()
        assert after.keys() == before.keys()
        document = nights.document("b")
        assert (document.title, document.url.rpartition("Documents/")[2]) == (
            "velos.txt",
            "sub/velos.txt",
        )

    def test_a_folder_in_the_bin_takes_its_files_along_though_the_feed_does_not_say_so(
        self, nights: Nights
    ) -> None:
        nights.graph.delete("sub")
        assert nights.ids() == ["a", "b"]

    def test_a_folder_that_comes_out_of_the_bin_brings_its_files(self, nights: Nights) -> None:
        folder = nights.graph.items[DRIVE]["sub"]
        nights.graph.delete("sub")
        assert nights.ids() == ["a", "b"]
        nights.graph.items[DRIVE]["sub"] = folder
        nights.graph.log[DRIVE].append("sub")
        assert nights.ids() == ["a", "b", "c"]

    def test_a_new_folder_is_no_reason_to_list_all_again(self, nights: Nights) -> None:
        nights.graph.folder("empty")
        nights.graph.folder("filled")
        nights.graph.put("new", b"x", "filled")
        assert nights.ids() == ["a", "b", "c", "new"]
        assert nights.graph.count("delta") == 1

    def test_a_file_that_left_a_folder_before_it_went_stays(self, nights: Nights) -> None:
        nights.graph.put("c", None, f"{DRIVE}-root")
        nights.graph.delete("sub")
        assert nights.ids() == ["a", "b", "c"]

    def test_a_renamed_folder_means_that_all_is_listed_again(self, nights: Nights) -> None:
        before = nights.listed()
        nights.graph.folder("sub", name="Payroll")
        nights.graph.put("c")  # the server's own way to give it a new address
        nights.graph.log[DRIVE].pop()  # of which its feed says nothing
        after = nights.listed()
        assert {id for id in after if after[id].version != before[id].version} == {f"sp:{DRIVE}/c"}
        assert nights.document("c").url.endswith("/Payroll/pay.txt")

    def test_a_feed_that_cannot_go_on_means_that_all_is_listed_again(self, nights: Nights) -> None:
        nights.graph.put("new", b"x", "sub")
        nights.graph.delete("a")
        nights.graph.expired = True
        assert nights.ids() == ["b", "c", "new"]

    def test_all_is_listed_again_after_a_week_whatever_the_feed_says(self, nights: Nights) -> None:
        nights.graph.put("new", b"x", "sub")
        nights.graph.faults["delta"] = Fault(
            lambda reply: Reply(body=reply.body.replace(b'"new"', b'"b"'))
        )
        assert "new" not in nights.ids()
        assert "new" not in nights.ids()
        nights.now += 7 * DAY_S
        assert "new" in nights.ids()

    def test_a_listing_that_left_out_what_is_still_there_is_an_error(self, nights: Nights) -> None:
        nights.graph.expired = True
        link = {"@odata.deltaLink": f"{nights.graph.url}/v1.0/drives/{DRIVE}/root/delta?token=1"}
        nights.graph.faults["delta"] = Fault(cut(link), after=1)
        with pytest.raises(ConnectorError, match="left out .* which is still there"):
            nights.listed()

    @pytest.mark.parametrize("lost", [b"", b"SQLite format 3\0" + b"\7" * 4000])
    def test_a_lost_memory_changes_nothing(self, nights: Nights, lost: bytes) -> None:
        before = nights.listed()
        assert nights.memory is not None
        nights.memory.write_bytes(lost)
        assert nights.listed() == before


class TestReaders:
    """Promises B8 and B9, and scenario 11."""

    @pytest.mark.parametrize(
        ("grant", "readers"),
        [
            (person("Bo@Acme.example"), {"user:bo@acme.example"}),
            (person("bo@acme.example", roles=["sp.limited access"]), set()),
            (person("bo@acme.example", roles=["somethingNew"]), set()),
            (person("bo@acme.example", expirationDateTime="2026-03-02T01:59:00Z"), set()),
            (
                person("bo@acme.example", expirationDateTime="2026-03-02T02:01:00Z"),
                {"user:bo@acme.example"},
            ),
            (
                person("bo@acme.example", expirationDateTime="0001-01-01T00:00:00Z"),
                {"user:bo@acme.example"},
            ),
            ({"grantedToV2": {"user": {"id": "1", "displayName": "Bo"}}}, set()),
            (
                {"grantedToV2": {"siteUser": {"loginName": "i:0#.f|membership|bo@acme.example"}}},
                {"user:bo@acme.example"},
            ),
            ({"grantedToV2": {"application": {"id": "1"}}}, set()),
            (
                {"grantedToV2": {"group": {"id": "g-1", "email": "IT@acme.example"}}},
                {"group:it@acme.example"},
            ),
            ({"grantedToV2": {"group": {"id": "g-1", "displayName": "IT"}}}, {"group:g-1"}),
            (
                {
                    "grantedToV2": {
                        "group": {"id": "g-1", "email": "HR@acme.example"},
                        "siteUser": {"loginName": f"{CLAIM}g-1_o", "email": "HR@acme.example"},
                    }
                },
                {"group:hr@acme.example/owners"},
            ),
            (
                {
                    "grantedToV2": {
                        "group": {"id": "g-1", "email": "HR@acme.example"},
                        "siteUser": {"loginName": f"{CLAIM}g-1", "email": "HR@acme.example"},
                    }
                },
                {"group:hr@acme.example"},
            ),
            (site_group("HR Owners"), {f"{GROUP}HR Owners"}),
            (
                {
                    "grantedToV2": {
                        "siteUser": {"loginName": "c:0-.f|rolemanager|spo-grid-all-users/t-1"}
                    }
                },
                {"group:staff"},
            ),
            (link("anonymous"), set()),
            (link("anonymous", "bo@acme.example"), set()),
            (link("organization"), set()),
            (link("organization", "bo@acme.example"), set()),
            (link("existingAccess"), set()),
            (
                link("users", "bo@acme.example", "cy@acme.example"),
                {
                    "user:bo@acme.example",
                    "user:cy@acme.example",
                },
            ),
            ({"link": {"type": "view"}}, set()),
            ({"invitation": {"email": "bo@acme.example"}}, set()),
        ],
        ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),
    )
    def test_permissions_become_readers_and_a_link_opens_nothing(
        self, nights: Nights, grant: dict[str, object], readers: set[str]
    ) -> None:
        nights.graph.share("b", grant)
        assert nights.readers("b") == {MEMBERS, *readers}

    def test_a_folder_shared_anew_lets_in_though_nothing_else_changed(self, nights: Nights) -> None:
        before = nights.listed()
        assert before[f"sp:{DRIVE}/c"].readers == {MEMBERS, "user:ann@acme.example"}
        nights.graph.share("sub")
        after = nights.listed()
        assert after[f"sp:{DRIVE}/c"].readers == {MEMBERS}
        assert {id: e.version for id, e in after.items()} == {
            id: e.version for id, e in before.items()
        }

    def test_who_cannot_be_looked_up_is_nobody_and_the_others_are_known(
        self, nights: Nights
    ) -> None:
        nights.graph.hidden = frozenset({"b"})
        entries = nights.listed()
        assert [entries[f"sp:{DRIVE}/{id}"].readers for id in "ab"] == [{MEMBERS}, frozenset()]

    def test_permissions_of_several_pages_are_read_to_the_end(self, nights: Nights) -> None:
        nights.graph.share("b", *(person(f"p{number}@acme.example") for number in range(7)))
        nights.graph.page_size = 3
        assert len(nights.readers("b")) == 8

    def test_twenty_files_are_looked_up_by_one_request(self, nights: Nights) -> None:
        for number in range(38):
            nights.graph.put(f"n{number}", b"x")
        assert len(nights.listed()) == 41
        assert nights.graph.count("batch") == 3

    def test_readers_of_the_settings_come_first(self, nights: Nights) -> None:
        nights.chosen = Selection(sites=(SITE,), readers=STAFF)
        assert nights.readers("b") == STAFF
        assert nights.graph.count("batch") == 0


class TestWaiting:
    """Scenario 12."""

    def test_a_rate_limit_with_retry_after_120_is_waited_for(self, nights: Nights) -> None:
        known = nights.listed()
        busy = refusal(429, "activityLimitReached", "Too many requests.", 120)
        nights.graph.faults["delta"] = Fault(lambda _: busy, times=2)
        assert nights.listed() == known
        assert nights.clock.slept == [120, 120]

    def test_parts_of_a_batch_that_are_put_off_are_asked_for_again_alone(
        self, nights: Nights
    ) -> None:
        known = nights.listed()
        nights.graph.put_off = 4  # of three: all of them, and then one
        assert nights.listed() == known
        assert nights.clock.slept == [120, 120]
        assert nights.graph.count("batch") == 3

    def test_patience_with_a_batch_ends(self, nights: Nights) -> None:
        nights.limits = Limits(patience_s=300)
        nights.graph.put_off = 99
        with pytest.raises(ConnectorError, match="puts off 3 requests"):
            nights.listed()
        assert nights.clock.slept == [120, 120]


class TestRefusals:
    """Scenario 2, and what an admin hears."""

    @pytest.mark.parametrize(
        ("kind", "reply", "words"),
        [
            (
                "site",
                refusal(403, "accessDenied", "Access denied"),
                r"application permission Sites.Read.All .*API permissions.*admin consent",
            ),
            ("delta", refusal(403, "accessDenied", "Access denied"), "Sites.Read.All"),
            ("site", refusal(404, "itemNotFound", "Not found"), "Mend the settings"),
            ("drives", Reply(body=b'{"value": []}'), f"shows no library of {SITE}"),
            ("delta", refusal(401, "InvalidAuthenticationToken", "Expired"), "Check the secret"),
        ],
    )
    def test_a_refusal_is_explained_in_an_admins_words(
        self, nights: Nights, kind: str, reply: Reply, words: str
    ) -> None:
        nights.graph.faults[kind] = Fault(lambda _: reply, times=99)
        with pytest.raises(ConnectorError, match=words) as raised:
            nights.listed()
        assert SECRET not in str(raised.value)

    def test_a_wrong_secret_is_said_to_be_wrong(self, nights: Nights) -> None:
        nights.password = "wrong"
        with pytest.raises(ConnectorError, match=r"AADSTS7000215.*wrong or has expired"):
            nights.listed()

    def test_a_permission_taken_away_is_noticed_before_anything_is_listed(
        self, nights: Nights
    ) -> None:
        nights.graph.roles = ("User.Read.All",)
        with pytest.raises(ConnectorError, match=r"it has: User.Read.All.*Sites.Read.All"):
            nights.listed()
        assert nights.graph.calls == ["token"]

    def test_the_secret_is_sent_to_no_server_without_tls(self) -> None:
        with pytest.raises(ConnectorError, match="is not https"):
            polite(App("t", "c", SECRET, "-"), login="http://login.example")
