"""Nights with real drives on other machines: S3, WebDAV and SMB."""

import operator
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from connectors.smb import Limits, Share, SmbDrive
from ingest.report import SourceReport
from tests.connectors.test_drives import (
    URL,
    S3Server,
    Server,
    SmbServer,
    WebDavServer,
    connector,
    is_listing,
    served,
)
from tests.ingest.job import HR, Job
from tests.servers import samba
from tests.servers.proxy import FAULTS, SILENCE_S
from tests.servers.relay import relayed

pytestmark = pytest.mark.server

COUNT = 6


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "data").mkdir()
    return Job(tmp_path / "data")


@pytest.fixture(params=["s3", "webdav", "nextcloud", "smb"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with served(request.param, files(COUNT)) as running:
        yield running


def files(count: int) -> dict[str, str]:
    return {f"team-{n % 3}/{n:02d}.txt": f"Page number{n} is about pumps." for n in range(count)}


def ids(job: Job) -> list[str]:
    return sorted(job.known("drive"))


class TestNights:
    def test_a_file_lives_through_nights_as_its_drive_has_it(
        self, server: Server, job: Job
    ) -> None:
        first = job.ingest(connector(server.drive())).sources[0]
        assert (first.added, first.error) == (COUNT, None)
        second = job.ingest(connector(server.drive())).sources[0]
        assert (second.unchanged, second.touched) == (COUNT, False)
        server.remove("team-1/04.txt")
        server.move_in("team-0/old plan.txt", "The plan of number99, of many years ago.")
        server.write("HR/pay.txt", "Pay is number98.")
        server.write("team-2/05.txt", "Page number97 is about valves.")
        server.write("team-2/broken.pdf", b"\0 no PDF")
        third = job.ingest(connector(server.drive())).sources[0]
        assert (third.added, third.changed, third.hidden) == (2, 1, 1)
        assert [failure.document_id for failure in third.failures] == ["drive:team-2/broken.pdf"]
        assert job.found("number99", k=1) == ["drive:team-0/old plan.txt"]
        assert job.found("number97", k=1) == ["drive:team-2/05.txt"]
        assert "drive:team-1/04.txt" not in job.found("number4")
        assert "drive:HR/pay.txt" not in job.found("number98")
        assert "drive:HR/pay.txt" in job.found("number98", HR)
        assert job.ingest(connector(server.drive())).sources[0].deleted == 1

    def test_a_drive_that_shows_nothing_any_more_loses_nothing(
        self, server: Server, job: Job
    ) -> None:
        """Scenario 2: the listing is whole, well-formed, and empty or nearly so."""
        job.ingest(connector(server.drive()))
        before = job.known("drive")
        for path in before:
            server.remove(path.removeprefix("drive:"))
        assert job.ingest(connector(server.drive())).sources[0].error is not None
        server.write("team-0/00.txt", "Page number0 is about pumps.")
        assert job.ingest(connector(server.drive())).sources[0].held is not None
        assert job.known("drive").keys() == before.keys()

    def test_a_file_in_two_folders_takes_one_place(self, server: Server, job: Job) -> None:
        """Scenario 7: each copy has its own address and readers, and the search shows one."""
        server.write("copies/04.txt", "Page number4 is about pumps.")
        job.ingest(connector(server.drive()))
        copies = {"drive:copies/04.txt", "drive:team-1/04.txt"}
        assert len(copies & set(job.found("number4 pumps", k=2))) == 1
        assert copies <= set(job.found("number4 pumps"))

    def test_a_folder_that_becomes_restricted_is_so_after_the_night_text_unchanged(
        self, server: Server, job: Job
    ) -> None:
        job.ingest(connector(server.drive()))
        job.embedder.embedded.clear()
        report = job.ingest(connector(server.drive(), closed="team-1/**")).sources[0]
        assert (report.readers_changed, report.changed) == (2, 0)
        assert job.embedder.embedded == []
        assert "drive:team-1/04.txt" not in job.found("number4")
        assert "drive:team-1/04.txt" in job.found("number4", HR)


class TestMoves:
    """Scenario 8: a file that was renamed or moved is one document, at its new address."""

    @pytest.fixture(params=["s3", "nextcloud", "smb"])
    def server(self, request: pytest.FixtureRequest) -> Iterator[Server]:
        with served(request.param, files(COUNT)) as running:
            yield running

    @pytest.fixture
    def night(self, server: Server, job: Job) -> Callable[[], SourceReport]:
        """Ingest as a new process does."""
        memory = job.data / "drive.json"
        return lambda: job.ingest(connector(server.drive(), memory)).sources[0]

    def test_a_moved_file_is_one_document_at_its_new_address(
        self, server: Server, job: Job, night: Callable[[], SourceReport]
    ) -> None:
        assert night().added == COUNT
        server.move("team-1/04.txt", "archive/pumps of Ghent.txt")
        report = night()
        assert (report.added, report.changed, report.hidden) == (0, 1, 0)
        moved = job.known("drive")["drive:team-1/04.txt"]
        assert (moved.title, moved.url) == (
            "pumps of Ghent",
            f"{URL}/archive/pumps%20of%20Ghent.txt",
        )
        assert job.found("number4", k=1) == ["drive:team-1/04.txt"]
        assert (night().unchanged, len(job.known("drive"))) == (COUNT, COUNT)

    def test_a_folder_moved_among_other_readers_takes_its_documents_along(
        self, server: Server, job: Job, night: Callable[[], SourceReport]
    ) -> None:
        night()
        server.move("team-1", "HR/team-1")
        report = night()
        assert (report.added, report.changed, report.hidden) == (0, 2, 0)
        assert job.known("drive")["drive:team-1/04.txt"].readers == HR
        assert "drive:team-1/04.txt" not in job.found("number4")

    def test_a_file_that_a_program_saves_by_writing_another_is_the_same_document(
        self, server: Server, job: Job, night: Callable[[], SourceReport]
    ) -> None:
        night()
        server.write("team-1/~new", "Page number99 is about pumps.")
        server.move("team-1/~new", "team-1/04.txt")
        report = night()
        assert (report.added, report.changed, report.hidden) == (0, 1, 0)
        assert job.found("number99", k=1) == ["drive:team-1/04.txt"]

    def test_a_new_file_where_one_was_that_moved_is_another_document(
        self, server: Server, job: Job, night: Callable[[], SourceReport]
    ) -> None:
        night()
        server.move("team-1/04.txt", "old.txt")
        night()
        server.write("team-1/04.txt", "Page number99 is about valves.")
        assert night().added == 1
        assert job.found("number99", k=1) == ["drive:team-1/04.txt@2"]
        assert job.found("number4", k=1) == ["drive:team-1/04.txt"]
        assert night().unchanged == COUNT + 1

    def test_a_new_file_with_the_number_of_a_deleted_one_is_another_document(
        self, job: Job
    ) -> None:
        with served("smb", files(COUNT)) as server:
            assert isinstance(server, SmbServer)
            memory = job.data / "drive.json"
            job.ingest(connector(server.drive(), memory))
            old, new = server.root / "team-1/04.txt", server.root / "new.pdf"
            old.rename(new)  # as a disk does that gives a number again
            new.write_bytes(b"\0 no PDF")
            report = job.ingest(connector(server.drive(), memory)).sources[0]
            assert (len(report.failures), report.changed, report.hidden) == (1, 0, 1)
            assert "drive:team-1/04.txt" not in job.found("number4")

    @pytest.mark.parametrize("kept", [None, b"", b"{}", b'{"format": 1, "files": [1]}'])
    def test_a_lost_memory_makes_moved_files_new_and_nothing_worse(
        self, server: Server, job: Job, night: Callable[[], SourceReport], kept: bytes | None
    ) -> None:
        night()
        server.move("team-1/04.txt", "old.txt")
        night()
        memory = job.data / "drive.json"
        memory.unlink() if kept is None else memory.write_bytes(kept)
        report = night()
        assert (report.added, report.hidden, report.unchanged) == (1, 1, COUNT - 1)
        assert job.found("number4", k=1) == ["drive:old.txt"]

    def test_where_a_server_gives_no_id_a_moved_file_is_another_document_and_one(
        self, job: Job
    ) -> None:
        with served("webdav", files(COUNT)) as server:
            memory = job.data / "drive.json"
            job.ingest(connector(server.drive(), memory))
            server.move("team-1/04.txt", "old.txt")
            report = job.ingest(connector(server.drive(), memory)).sources[0]
            assert (report.added, report.hidden) == (1, 1)
            assert job.known("drive")["drive:old.txt"].url == f"{URL}/old.txt"
            assert "drive:old.txt" in job.found("number4")
            assert "drive:team-1/04.txt" not in job.found("number4")
            assert not memory.exists()


class TestManners:
    @pytest.mark.parametrize("kind", ["s3", "webdav", "nextcloud"])
    def test_the_asked_for_wait_is_waited(self, job: Job, kind: str) -> None:
        with served(kind, files(COUNT)) as server:
            assert isinstance(server, S3Server | WebDavServer)
            server.attempts = 3
            server.proxy.counts = is_listing
            server.proxy.fault = FAULTS["429"]
            server.proxy.spoiled = lambda number: number in (1, 2)
            report = job.ingest(connector(server.drive())).sources[0]
            assert server.clock.slept == [120, 120]
            assert (report.added, report.error) == (COUNT, None)


class TestFaults:
    """Promise A9: whatever a drive does while it is listed, nothing is purged."""

    @pytest.mark.parametrize("kind", ["s3", "webdav", "nextcloud"])
    def test_no_answer_to_a_listing_purges_anything(self, job: Job, kind: str) -> None:
        with served(kind, files(COUNT)) as server:
            assert isinstance(server, S3Server | WebDavServer)
            job.ingest(connector(server.drive()))
            before = job.known("drive")
            assert len(before) == COUNT
            server.proxy.counts = is_listing
            for name, fault in FAULTS.items():
                server.read_s = SILENCE_S - 1 if name == "timeout" else 60
                for request in range(3):  # pages of two, or the top and two folders
                    server.proxy.fault, server.proxy.counted = fault, 0
                    server.proxy.spoiled = partial(operator.le, request)
                    report = job.ingest(connector(server.drive())).sources[0]
                    # S3's last answer may be whole before its connection is lost.
                    whole = (kind, name) == ("s3", "connection lost") and report.unchanged == COUNT
                    assert report.error is not None or whole, (name, request)
                    assert (report.hidden, report.deleted) == (0, 0)
                    assert job.known("drive").keys() == before.keys()
            server.proxy.spoiled, server.read_s = lambda number: False, 60
            assert job.ingest(connector(server.drive())).sources[0].error is None
            assert job.known("drive") == before

    # A handle of a connection that is gone cannot be closed any more.
    @pytest.mark.filterwarnings("ignore:unclosed SMB handle:ResourceWarning")
    @pytest.mark.parametrize("fault", ["cut", "silent"])
    def test_no_break_of_an_smb_connection_purges_anything(self, job: Job, fault: str) -> None:
        with served("smb", files(COUNT)) as server, relayed(server_port(server)) as relay:

            def drive() -> SmbDrive:
                share = Share("127.0.0.1", "drive", "docs", samba.LOGIN, "SMB", relay.port)
                return SmbDrive(share, Limits(connect_s=2, answer_s=4))

            job.ingest(connector(drive()))
            before = job.known("drive")
            assert len(before) == COUNT
            relay.begin("none", 0)
            job.ingest(connector(drive()))
            whole = relay.passed  # by a listing alone
            for share in (0, 0.5, 0.7):
                relay.begin(fault, int(whole * share))
                report = job.ingest(connector(drive())).sources[0]
                assert report.error is not None
                assert (report.hidden, report.deleted) == (0, 0)
                assert job.known("drive").keys() == before.keys()
            relay.begin("none", 0)
            assert job.ingest(connector(drive())).sources[0].error is None
        assert job.known("drive") == before

    @pytest.mark.parametrize("loss", ["folder", "rights", "password", "share", "server", "files"])
    def test_no_loss_of_an_smb_share_purges_anything(self, job: Job, loss: str) -> None:
        with served("smb", files(COUNT)) as server:
            assert isinstance(server, SmbServer)
            job.ingest(connector(server.drive()))
            share = server.share
            losses: dict[str, Callable[[], object]] = {
                "folder": lambda: server.root.rename(server.root.with_name("gone")),
                "rights": lambda: (server.root / "team-1").chmod(0),
                "password": lambda: setattr(server, "login", ("nobody", "wrong")),
                "share": lambda: setattr(server, "share", "gone"),
                "server": lambda: setattr(server, "port", 1),
                "files": lambda: list(map(Path.unlink, server.root.rglob("*.txt"))),
            }
            losses[loss]()
            for _ in range(2):
                report = job.ingest(connector(server.drive())).sources[0]
                assert report.error is not None
                assert (report.hidden, report.deleted) == (0, 0)
                assert len(job.known("drive")) == COUNT
            assert share == "drive"


def server_port(server: Server) -> int:
    assert isinstance(server, SmbServer)
    return server.port
