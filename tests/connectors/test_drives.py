"""Drives on other machines, each read from a real server: S3, WebDAV, SMB."""

import gzip
import operator
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from connectors import s3 as s3_drive
from connectors.drive import Drive, DriveConnector, FolderGoneError, Item, walked
from connectors.path_rules import PathRules
from connectors.s3 import Bucket, S3Drive
from connectors.smb import Share, SmbDrive
from connectors.webdav import WebDavDrive, polite
from tests.connectors.test_client import PATIENT, FakeClock
from tests.connectors.web_server import Request
from tests.contracts.connector import ConnectorContract
from tests.servers import s3, samba, webdav
from tests.servers.proxy import FAULTS, Proxy, proxied
from tests.servers.s3 import Store, s3_store

pytestmark = pytest.mark.server

ALL = frozenset({"everyone"})
HR = frozenset({"group:hr"})
URL = "https://drive.example/d"
LONG_AGO = datetime(2011, 5, 1, tzinfo=UTC).timestamp()
FILES = ("handbook.md", "IT/vpn.md", "IT/deep/er/printer guide.txt", "HR/pay.txt")


def connector(drive: Drive, memory: Path | None = None, *, closed: str = "HR/**") -> DriveConnector:
    """Return a connector; closed: which paths are for HR alone."""
    rules = PathRules(ALL, [(closed, HR)])
    return DriveConnector("drive", drive, rules, base_url=URL, memory=memory)


class Server(Protocol):
    """A drive's server, and what can happen to its files."""

    def drive(self) -> Drive: ...
    def write(self, path: str, text: str | bytes) -> None: ...
    def remove(self, path: str) -> None: ...
    def move(self, path: str, to: str) -> None: ...
    def move_in(self, path: str, text: str) -> None:
        """Put in a file that was written elsewhere, years ago."""

    def clear(self) -> None:
        """Remove every file, and what damaged it."""

    def damage(self) -> None:
        """Refuse to list a part."""


@dataclass
class Folder:
    """Files of this machine that a server hands out."""

    root: Path

    def write(self, path: str, text: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def remove(self, path: str) -> None:
        (self.root / path).unlink()

    def move(self, path: str, to: str) -> None:
        (self.root / to).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).rename(self.root / to)

    def move_in(self, path: str, text: str) -> None:
        file = self.root.parent / "elsewhere.txt"
        file.write_text(text)
        os.utime(file, (LONG_AGO, LONG_AGO))
        file.rename(self.root / path)

    def clear(self) -> None:
        for child in self.root.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()


@dataclass
class S3Server:
    store: Store
    proxy: Proxy
    clock: FakeClock = field(default_factory=FakeClock)
    read_s: float = 60
    attempts: int = 1
    page: int = 2

    def drive(self) -> Drive:
        place = (s3.BUCKET, "docs/", self.proxy.url, s3.REGION)
        bucket = Bucket(*place, s3.LOGIN, "the secret in S3_SECRET", page=self.page)
        limits = replace(PATIENT, read_s=self.read_s, attempts=self.attempts)
        client = s3_drive.polite(bucket, limits=limits, clock=self.clock.clock())
        return S3Drive(bucket, client)

    def write(self, path: str, text: str | bytes) -> None:
        self.store.write(f"docs/{path}", text if isinstance(text, bytes) else text.encode())

    def remove(self, path: str) -> None:
        self.store.remove(f"docs/{path}")

    def move(self, path: str, to: str) -> None:
        for key in self.store.keys(f"docs/{path}"):
            self.store.copy(key, f"docs/{to}{key.removeprefix(f'docs/{path}')}")
            self.store.remove(key)

    def move_in(self, path: str, text: str) -> None:
        self.store.write("elsewhere", text.encode())
        self.store.copy("elsewhere", f"docs/{path}")

    def clear(self) -> None:
        self.store.clear()
        self.proxy.spoiled = lambda number: False

    def damage(self) -> None:
        refuse(self.proxy, 1)


@dataclass
class WebDavServer(Folder):
    proxy: Proxy
    clock: FakeClock = field(default_factory=FakeClock)
    read_s: float = 60
    attempts: int = 1

    def drive(self) -> Drive:
        url = f"{self.proxy.url}/dav/docs/"
        limits = replace(PATIENT, read_s=self.read_s, attempts=self.attempts)
        secret = "the password in DAV_PASSWORD"
        client = polite(url, webdav.LOGIN, secret, limits=limits, clock=self.clock.clock())
        return WebDavDrive(url, client)

    def clear(self) -> None:
        super().clear()
        self.proxy.spoiled = lambda number: False

    def damage(self) -> None:
        refuse(self.proxy, 2)


@dataclass
class SmbServer(Folder):
    port: int
    share: str = "drive"
    login: tuple[str, str] = samba.LOGIN

    def drive(self) -> Drive:
        secret = "the password in SMB_PASSWORD"
        share = Share("127.0.0.1", self.share, "docs", self.login, secret, self.port)
        return SmbDrive(share)

    def damage(self) -> None:
        (self.root / "IT/deep").chmod(0)


def refuse(proxy: Proxy, first: int) -> None:
    """Answer 403 from the first-th request for a listing on, counted from 0."""
    proxy.counts, proxy.counted = is_listing, 0
    proxy.fault, proxy.spoiled = FAULTS["403"], partial(operator.le, first)


def is_listing(request: Request) -> bool:
    return request.method == "PROPFIND" or "list-type=2" in request.path


@contextmanager
def served(kind: str, files: Mapping[str, str]) -> Iterator[Server]:
    """Serve files on a drive of a kind."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        folder.chmod(0o755)  # Samba reads as another account
        (folder / "docs").mkdir()
        made: Server
        if kind == "s3":
            store = running.enter_context(s3_store())
            made = S3Server(store, running.enter_context(proxied(store.url)))
        elif kind in ("webdav", "nextcloud"):
            url = running.enter_context(webdav.webdav(folder, with_ids=kind == "nextcloud"))
            made = WebDavServer(folder / "docs", running.enter_context(proxied(url)))
        else:
            (folder / "samba").mkdir()
            port = running.enter_context(samba.samba(folder / "samba", folder))
            made = SmbServer(folder / "docs", port)
        for path, text in files.items():
            made.write(path, text)
        yield made


@pytest.fixture(scope="module", params=["s3", "webdav", "smb"])
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    with served(request.param, {}) as made:
        yield made


@pytest.fixture
def server(running: Server) -> Server:
    running.clear()
    for path in FILES:
        running.write(path, f"This is {path}.")
    return running


class DriveSource:
    def __init__(self, server: Server) -> None:
        self.server = server

    def connector(self) -> DriveConnector:
        return connector(self.server.drive())

    def change(self) -> str:
        self.server.write("IT/vpn.md", "Use TCP 443.")
        return "drive:IT/vpn.md"

    def remove(self) -> str:
        self.server.remove("HR/pay.txt")
        return "drive:HR/pay.txt"

    def damage(self) -> None:
        self.server.damage()


class TestDriveConnector(ConnectorContract):
    @pytest.fixture
    def source(self, server: Server) -> DriveSource:
        return DriveSource(server)


@pytest.mark.parametrize("kind", ["webdav", "smb"])
def test_a_folder_that_moves_or_goes_while_it_is_listed_is_looked_for_again(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {path: f"This is {path}." for path in (*FILES, "old/gone.txt")}
    with served(kind, files) as server:
        assert isinstance(server, Folder)
        drive = server.drive()
        listed = drive._folder  # type: ignore[attr-defined]

        def folder(path: str) -> Sequence[Item]:
            found = listed(path)
            if not path and (server.root / "IT").exists():
                server.move("IT", "HR/IT")
                shutil.rmtree(server.root / "old")
            return found  # type: ignore[no-any-return]

        monkeypatch.setattr(drive, "_folder", folder)
        found = {entry.id for entry in connector(drive).entries()}
        assert found == {
            "drive:handbook.md",
            "drive:HR/pay.txt",
            "drive:HR/IT/vpn.md",
            "drive:HR/IT/deep/er/printer guide.txt",
        }


def test_a_folder_that_is_listed_but_never_there_is_an_error() -> None:
    def folder(path: str) -> Sequence[Item]:
        if path:
            raise FolderGoneError("ghost is gone")
        return [Item("ghost", None), Item("a.txt", "1")]

    with pytest.raises(FolderGoneError):
        list(walked(folder, "smb://drive"))


def test_keys_that_are_no_paths_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with served("s3", {"a.txt": "Pumps."}) as server:
        assert isinstance(server, S3Server)
        server.store.write("docs/IT//vpn.txt", b"Use TCP 443.")
        assert [entry.id for entry in connector(server.drive()).entries()] == ["drive:a.txt"]
    assert "1 files are left out, such as 'IT//vpn.txt'" in caplog.text


def test_an_object_that_is_kept_packed_is_read_as_a_browser_would() -> None:
    with served("s3", {}) as server:
        assert isinstance(server, S3Server)
        server.store.write("docs/a.txt", gzip.compress(b"Pumps."), encoding="gzip")
        source = connector(server.drive())
        [entry] = source.entries()
        found = source.fetch(entry)
        assert (found.body, found.entry) == (b"Pumps.", entry)
