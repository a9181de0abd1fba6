"""The Google Drive connector against a local server that speaks Drive's documented JSON."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import ConnectorError, Document, Entry
from connectors.client import Limits
from connectors.cloud_feed import DAY_S
from connectors.cloud_memory import Memory
from connectors.gdrive import GoogleDriveConnector, Selection
from connectors.gdrive_account import polite, service_account
from connectors.gdrive_api import DriveApi
from connectors.gdrive_file import Sharing
from ingest import parse
from tests.connectors.google_drive import (
    DOC,
    EMAIL,
    GOOGLE,
    Fault,
    GoogleDrive,
    cut,
    google_drive,
    group,
    person,
    refusal,
)
from tests.connectors.test_client import PATIENT, FakeClock
from tests.connectors.web_server import Reply
from tests.contracts.connector import ConnectorContract

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC).timestamp()
ACME = Sharing(frozenset({"acme.example"}), frozenset({"group:staff"}))
ANN, HR = "user:ann@acme.example", "group:hr@acme.example"


@dataclass
class Nights:
    """One Drive, one memory; each connector is a new process'."""

    drive: GoogleDrive
    memory: Path | None = None
    chosen: Selection = field(default_factory=lambda: Selection(folders=("top",), sharing=ACME))
    clock: FakeClock = field(default_factory=FakeClock)
    limits: Limits = PATIENT
    now: float = NOW
    subject: str | None = None

    def connector(self) -> GoogleDriveConnector:
        account = service_account(
            self.drive.key, secret="the key in GOOGLE_KEY", subject=self.subject
        )
        client = polite(account, self.drive.url, limits=self.limits, clock=self.clock.clock())
        api = DriveApi(client, account.who, home=self.drive.url)
        memory = Memory(self.memory)
        return GoogleDriveConnector("gd", api, self.chosen, memory, now=lambda: self.now)

    def listed(self) -> dict[str, Entry]:
        self.drive.calls.clear()
        return {entry.id: entry for entry in self.connector().entries()}

    def readers(self, id: str) -> frozenset[str]:
        return self.listed()[f"gd:{id}"].readers

    def document(self, id: str) -> Document:
        source = self.connector()
        return source.fetch(Entry(f"gd:{id}", "", frozenset()))

    # What the contract wants of a source.

    def change(self) -> str:
        self.drive.put("b", b"Bikes are in shed 4 now.")
        return "gd:b"

    def remove(self) -> str:
        self.drive.delete("c")
        return "gd:c"

    def damage(self) -> None:
        self.drive.files["top"]["trashed"] = True


@pytest.fixture
def drive() -> Iterator[GoogleDrive]:
    """A folder "top" that Ann reads, with files of several kinds; its sub-folder is for HR too."""
    with google_drive() as drive:
        drive.folder("top")
        drive.share("top", person("ann@acme.example"))
        drive.document("a", "<h1 id='h.1'>Leave</h1><p>26 days.</p>", "top", name="Leave policy")
        drive.put("b", b"Bikes are in shed 3.", "top", name="bikes.txt")
        drive.folder("sub", "top")
        drive.share("sub", group("HR@acme.example"))
        drive.put("c", b"# Pay\nOn the 25th.", "sub", name="pay.md", mimeType="text/x-markdown")
        drive.put("d", b"\x89PNG", "sub", name="logo.png", mimeType="image/png")
        drive.put("e", None, "sub", name="Poll", mimeType=f"{GOOGLE}form")
        yield drive


@pytest.fixture
def nights(drive: GoogleDrive, tmp_path: Path) -> Nights:
    return Nights(drive, tmp_path / "memory.sqlite")


class TestFolder(ConnectorContract):
    @pytest.fixture
    def source(self, drive: GoogleDrive) -> Nights:
        return Nights(drive)


class TestFolderWithAMemory(ConnectorContract):
    @pytest.fixture
    def source(self, nights: Nights) -> Nights:
        return nights


class TestSharedDrive(ConnectorContract):
    @pytest.fixture
    def source(self, nights: Nights) -> Nights:
        nights.drive.drives.append("0A")
        nights.drive.logs["0A"] = []
        nights.drive.share("0A", group("hr@acme.example"))
        for raw in nights.drive.files.values():
            raw["driveId"] = "0A"
        nights.drive.files["top"]["parents"] = ["0A"]
        nights.drive.page_size = 2
        nights.chosen = Selection(drives=("0A",))
        return nights


class TestContent:
    def test_files_that_may_hold_text_are_documents_and_no_others(self, nights: Nights) -> None:
        assert sorted(nights.listed()) == ["gd:a", "gd:b", "gd:c"]

    def test_a_citation_of_a_document_opens_at_its_heading(self, nights: Nights) -> None:
        html = (
            "<html><head><style>.c1{}</style></head><body><h1 id='h.1a'>Leave</h1><p>26 days.</p>"
            "<h2 id='h.2b'>Carry over</h2><p>Ten days<sup><a id='cmnt_ref1'>[a]</a></sup>.</p>"
            "<div><p><a id='cmnt1'>[a]</a>Is that so?</p></div></body></html>"
        )
        nights.drive.document("a", html, name="The handbook")
        document = nights.document("a")
        parsed = parse.parse(document)
        base = "https://drive.google.com/file/d/a/view?usp=drivesdk"
        assert [place.url for place in parsed.places] == [
            f"{base}#heading=h.1a",
            f"{base}#heading=h.2b",
        ]
        assert parsed.text == "Leave\n\n26 days.\n\nCarry over\n\nTen days."
        assert parsed.title == document.title == "The handbook"

    def test_a_document_over_googles_export_limit_comes_as_plain_text(self, nights: Nights) -> None:
        nights.drive.put("big", None, "top", mimeType=DOC)
        nights.drive.exports["big", "text/plain"] = b"Without its pictures."
        document = nights.document("big")
        assert (document.body, document.media_type) == (b"Without its pictures.", "text/plain")

    def test_a_sheet_over_googles_export_limit_is_an_error_that_says_so(
        self, nights: Nights
    ) -> None:
        nights.drive.put("big", None, "top", mimeType=f"{GOOGLE}spreadsheet")
        with pytest.raises(ConnectorError, match=r"too large.*at most 10 MB.*Split it"):
            nights.document("big")

    @pytest.mark.parametrize(
        ("kind", "exported"),
        [("spreadsheet", "spreadsheetml.sheet"), ("presentation", "presentationml.presentation")],
    )
    def test_sheets_and_slides_come_as_office_files(
        self, nights: Nights, kind: str, exported: str
    ) -> None:
        media_type = f"application/vnd.openxmlformats-officedocument.{exported}"
        nights.drive.put("x", None, "top", mimeType=f"{GOOGLE}{kind}")
        nights.drive.exports["x", media_type] = b"PK"
        assert nights.document("x").media_type == media_type

    def test_no_name_is_written_into_the_memory(self, nights: Nights) -> None:
        nights.listed()
        assert nights.memory is not None
        assert b"bikes" not in nights.memory.read_bytes()

    def test_a_file_over_the_limit_is_not_downloaded(self, nights: Nights) -> None:
        nights.drive.put("b", b"x")
        nights.drive.files["b"]["size"] = str(51 * 2**20)
        with pytest.raises(ConnectorError, match="larger than 50 MiB"):
            nights.document("b")
        assert nights.drive.count("content") == 0

    def test_a_shortcut_is_the_file_it_leads_to(self, nights: Nights) -> None:
        nights.drive.folder("else")
        nights.drive.put("far", b"Elsewhere.", "else")
        facts = {"mimeType": f"{GOOGLE}shortcut", "shortcutDetails": {"targetId": "far"}}
        nights.drive.put("s", None, "top", **facts)
        nights.drive.put("s2", None, "sub", **facts)
        nights.drive.put("s3", None, "sub", **{**facts, "shortcutDetails": {"targetId": "gone"}})
        assert sorted(nights.listed()) == ["gd:a", "gd:b", "gd:c", "gd:far"]


class TestWhatChanges:
    """Scenarios 1, 6, 7 and 8, with a memory that knows the old state."""

    @pytest.fixture
    def nights(self, nights: Nights) -> Nights:
        nights.listed()
        return nights

    def test_an_unchanged_folder_costs_three_requests(self, nights: Nights) -> None:
        nights.listed()
        assert nights.drive.calls == ["token", "file", "changes"]

    def test_an_old_file_moved_in_today_is_seen(self, nights: Nights) -> None:
        nights.drive.folder("else")
        nights.drive.put("old", b"x", "else", modifiedTime="2019-01-01T00:00:00Z")
        assert "gd:old" not in nights.listed()
        nights.drive.put("old", None, "sub", modifiedTime="2019-01-01T00:00:00Z")
        assert "gd:old" in nights.listed()

    def test_a_folder_moved_in_brings_what_lies_in_it(self, nights: Nights) -> None:
        nights.drive.folder("else")
        nights.drive.folder("inner", "else")
        nights.drive.put("old", b"x", "inner")
        nights.listed()
        nights.drive.folder("else", "sub")
        assert "gd:old" in nights.listed()

    def test_a_file_replaced_by_an_older_one_has_a_new_version(self, nights: Nights) -> None:
        before = nights.listed()["gd:b"].version
        nights.drive.put("b", b"Older words.", modifiedTime="2019-01-01T00:00:00Z")
        assert nights.listed()["gd:b"].version != before

    def test_a_renamed_file_is_the_same_document(self, nights: Nights) -> None:
        before = nights.listed()
        nights.drive.put("b", None, name="velos.txt")
        after = nights.listed()
        assert after.keys() == before.keys()
        assert after["gd:b"].version != before["gd:b"].version
        assert nights.document("b").title == "velos.txt"

    def test_a_file_in_two_folders_is_one_document_until_it_has_left_both(
        self, nights: Nights
    ) -> None:
        nights.drive.put("b", None, "top", "sub")
        assert sorted(nights.listed()) == ["gd:a", "gd:b", "gd:c"]
        nights.drive.put("b", None, "sub")
        assert "gd:b" in nights.listed()
        nights.drive.put("b", None, "elsewhere")
        assert "gd:b" not in nights.listed()

    def test_a_file_in_the_bin_is_gone(self, nights: Nights) -> None:
        nights.drive.put("b", None, trashed=True)
        assert sorted(nights.listed()) == ["gd:a", "gd:c"]
        with pytest.raises(ConnectorError, match="in the bin"):
            nights.document("b")

    def test_a_folder_in_the_bin_takes_its_files_along_though_the_feed_does_not_say_so(
        self, nights: Nights
    ) -> None:
        nights.drive.folder("sub", trashed=True)
        assert sorted(nights.listed()) == ["gd:a", "gd:b"]
        nights.drive.folder("sub", trashed=False)
        assert sorted(nights.listed()) == ["gd:a", "gd:b", "gd:c"]

    def test_a_cursor_that_became_invalid_means_a_full_listing(self, nights: Nights) -> None:
        nights.drive.put("new", b"x", "sub")
        nights.drive.expired = True
        assert sorted(nights.listed()) == ["gd:a", "gd:b", "gd:c", "gd:new"]
        assert nights.drive.count("files") == 2

    def test_all_is_listed_again_after_a_week_whatever_the_feed_says(self, nights: Nights) -> None:
        nights.drive.put("new", b"x", "sub")
        nights.drive.logs[""].clear()
        nights.drive.logs[""] += [{"changeType": "drive"}] * 20
        nights.now += 7 * DAY_S
        assert "gd:new" in nights.listed()

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
            (person("bo@acme.example", deleted=True), set()),
            (person("bo@acme.example", expirationTime="2026-03-02T01:59:00Z"), set()),
            (
                person("bo@acme.example", expirationTime="2026-03-02T02:01:00Z"),
                {"user:bo@acme.example"},
            ),
            (person("bo@acme.example", view="metadata"), set()),
            (person("bo@acme.example", role="somethingNew"), set()),
            (group("it@acme.example"), {"group:it@acme.example"}),
            ({"type": "anyone"}, set()),
            ({"type": "anyone", "allowFileDiscovery": False}, set()),
            ({"type": "anyone", "allowFileDiscovery": True}, {"everyone"}),
            ({"type": "domain", "domain": "acme.example"}, set()),
            (
                {"type": "domain", "domain": "acme.example", "allowFileDiscovery": False},
                set(),
            ),
            (
                {"type": "domain", "domain": "Acme.example", "allowFileDiscovery": True},
                {"group:staff"},
            ),
            ({"type": "domain", "domain": "other.example", "allowFileDiscovery": True}, set()),
            ({"type": "unheardOf", "emailAddress": "bo@acme.example"}, set()),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("shared_drive", [False, True])
    def test_permissions_become_readers_and_a_link_opens_nothing(
        self, nights: Nights, grant: dict[str, object], readers: set[str], shared_drive: bool
    ) -> None:
        nights.drive.share("b", grant)
        if shared_drive:
            nights.drive.logs["0A"] = []
            nights.drive.drives.append("0A")
            for raw in nights.drive.files.values():
                raw["driveId"] = "0A"
        assert nights.readers("b") == {ANN, *readers}

    def test_a_folder_shared_anew_lets_in_though_no_file_changed(self, nights: Nights) -> None:
        before = nights.listed()
        assert before["gd:c"].readers == {ANN, HR}
        nights.drive.share("top", person("bo@acme.example"))
        after = nights.listed()
        assert after["gd:c"].readers == {"user:bo@acme.example", HR}
        assert {id: e.version for id, e in after.items()} == {
            id: e.version for id, e in before.items()
        }

    def test_who_is_let_go_above_the_chosen_folder_reads_no_more(self, nights: Nights) -> None:
        nights.drive.folder("above")
        nights.drive.share("above", person("bo@acme.example"))
        nights.drive.folder("top", "above")
        assert nights.readers("b") == {ANN, "user:bo@acme.example"}
        nights.drive.share("above")
        assert nights.readers("b") == {ANN}

    def test_whom_a_shared_drive_lets_go_reads_no_more(self, nights: Nights) -> None:
        nights.drive.drives.append("0A")
        nights.drive.logs["0A"] = []
        nights.drive.share("0A", group("hr@acme.example"), person("bo@acme.example"))
        for raw in nights.drive.files.values():
            raw["driveId"] = "0A"
        nights.chosen = Selection(drives=("0A",))
        assert nights.readers("b") == {ANN, HR, "user:bo@acme.example"}
        nights.drive.share("0A", group("hr@acme.example"))
        assert nights.readers("b") == {ANN, HR}

    def test_in_a_shared_drive_people_are_looked_up_once(self, nights: Nights) -> None:
        nights.drive.drives.append("0A")
        nights.drive.logs["0A"] = []
        nights.drive.share("0A", group("hr@acme.example"))
        for number in range(30):
            nights.drive.put(f"n{number}", b"x", "top")
        for raw in nights.drive.files.values():
            raw["driveId"] = "0A"
        nights.chosen = Selection(drives=("0A",))
        assert len(nights.listed()) == 33
        assert nights.drive.count("permissions") == 3  # of the drive, a file in "top", one in "sub"

    def test_who_cannot_be_looked_up_is_nobody(self, nights: Nights) -> None:
        nights.drive.can_share = False
        assert {entry.readers for entry in nights.listed().values()} == {frozenset()}

    def test_readers_of_the_settings_come_first(self, nights: Nights) -> None:
        nights.drive.can_share = False
        nights.chosen = Selection(folders=("top",), readers=frozenset({"group:staff"}))
        assert nights.readers("b") == {"group:staff"}


class TestEverything:
    @pytest.fixture
    def nights(self, nights: Nights) -> Nights:
        nights.chosen = Selection(sharing=ACME)
        for drive in ("0A", "0B"):
            nights.drive.drives.append(drive)
            nights.drive.logs[drive] = []
            nights.drive.put(f"in-{drive}", b"x", drive, driveId=drive)
        return nights

    def test_all_that_the_account_sees_is_read(self, nights: Nights) -> None:
        ids = ["gd:a", "gd:b", "gd:c", "gd:in-0A", "gd:in-0B"]
        assert sorted(nights.listed()) == ids
        assert sorted(nights.listed()) == ids
        assert nights.drive.count("files") == 0

    def test_a_folder_in_the_bin_takes_its_files_along_though_the_feed_does_not_say_so(
        self, nights: Nights
    ) -> None:
        nights.listed()
        nights.drive.folder("sub", trashed=True)
        assert "gd:c" not in nights.listed()

    def test_a_file_that_moves_into_a_shared_drive_stays(self, nights: Nights) -> None:
        before = nights.listed()
        gone = {"changeType": "file", "fileId": "b", "removed": True}
        nights.drive.put("b", None, "0A", driveId="0A")
        nights.drive.logs[""].append(gone)
        assert nights.listed().keys() == before.keys()

    def test_a_shared_drive_that_was_left_out_is_noticed(self, nights: Nights) -> None:
        nights.listed()
        nights.drive.put("in-0B", b"x")
        nights.drive.drives.remove("0B")
        nights.drive.put("0B", None, mimeType=f"{GOOGLE}folder")
        with pytest.raises(ConnectorError, match="left out '0B', which is still there"):
            nights.listed()

    def test_a_shared_drive_that_the_account_has_left_is_gone_and_no_other(
        self, nights: Nights
    ) -> None:
        known = nights.listed()
        nights.drive.drives.remove("0B")
        nights.drive.files.pop("in-0B")
        assert known.keys() - nights.listed().keys() == {"gd:in-0B"}


class TestWaiting:
    """Scenario 12."""

    @pytest.mark.parametrize(
        "busy",
        [
            refusal(429, "rateLimitExceeded", "Too many requests", 120),
            refusal(403, "userRateLimitExceeded", "User Rate Limit Exceeded", 120),
        ],
        ids=["429", "403"],
    )
    def test_a_rate_limit_with_retry_after_120_is_waited_for(
        self, nights: Nights, busy: Reply
    ) -> None:
        known = nights.listed()
        nights.drive.faults["changes"] = Fault(lambda _: busy, times=3)
        assert nights.listed() == known
        assert nights.clock.slept == [120, 120, 120]

    def test_patience_ends(self, nights: Nights) -> None:
        nights.limits = Limits(patience_s=300)
        busy = refusal(403, "rateLimitExceeded", "Rate Limit Exceeded", 120)
        nights.drive.faults["files"] = Fault(lambda _: busy, times=99)
        with pytest.raises(ConnectorError, match="is busy: it answered 403 and asked to wait 120"):
            nights.listed()
        assert nights.clock.slept == [120, 120]

    def test_a_token_is_renewed_before_it_ends(self, nights: Nights) -> None:
        source = nights.connector()
        for _ in range(3):
            list(source.entries())
            nights.clock.time += 1300
        assert nights.drive.count("token") == 2


class TestRefusals:
    """Scenario 2, and what an admin hears."""

    @pytest.mark.parametrize(
        ("kind", "reply", "words"),
        [
            (
                "file",
                refusal(403, "insufficientPermissions", "Insufficient Permission"),
                r"lacks the scope https://\S+/drive.readonly. .*Domain-wide delegation",
            ),
            (
                "files",
                refusal(403, "accessNotConfigured", "Google Drive API has not been used"),
                "API is switched off in the service account's project",
            ),
            ("file", refusal(404, "notFound", "File not found"), f"not shared with {EMAIL}"),
            ("files", refusal(401, "authError", "Invalid"), "Check the key in GOOGLE_KEY"),
            ("files", refusal(403, "domainPolicy", "Disabled"), "policy keeps apps out of Drive"),
        ],
    )
    def test_a_refusal_is_explained_in_an_admins_words(
        self, nights: Nights, kind: str, reply: Reply, words: str
    ) -> None:
        nights.drive.faults[kind] = Fault(lambda _: reply, times=99)
        with pytest.raises(ConnectorError, match=words) as raised:
            nights.listed()
        assert "ya29" not in str(raised.value)

    def test_a_user_whom_the_account_may_not_act_for_is_explained(self, nights: Nights) -> None:
        nights.subject = "ceo@acme.example"
        with pytest.raises(ConnectorError, match=r"gives ceo@.* Add its client id with the scope"):
            nights.listed()
        nights.subject = "admin@acme.example"
        assert nights.listed()

    def test_what_is_no_key_is_refused_before_anything_is_sent(self, nights: Nights) -> None:
        with pytest.raises(ConnectorError, match="The key in X is no key of a service account"):
            service_account('{"type": "authorized_user"}', secret="the key in X", subject=None)

    def test_the_key_signs_nothing_for_a_server_without_tls(self, drive: GoogleDrive) -> None:
        key = drive.key.replace("127.0.0.1", "tokens.example")
        with pytest.raises(ConnectorError, match="is not https"):
            service_account(key, secret="the key in X", subject=None)

    def test_an_empty_listing_is_an_error(self, nights: Nights) -> None:
        nights.chosen = Selection()
        nights.drive.sees = False
        with pytest.raises(ConnectorError, match="shows no document to source 'gd'"):
            nights.listed()

    def test_a_listing_that_left_out_what_is_still_there_is_an_error(self, nights: Nights) -> None:
        nights.listed()
        nights.drive.expired = True
        nights.drive.faults["files"] = Fault(cut("files"))
        with pytest.raises(ConnectorError, match="left out .* which is still there"):
            nights.listed()
