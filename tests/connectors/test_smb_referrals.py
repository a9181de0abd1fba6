"""Promise D4 for Windows shares: a share may say that a folder of it is on another server (DFS)."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from connectors.base import ConnectorError
from connectors.smb import Share, SmbDrive
from tests.servers.samba import LOGIN, samba

pytestmark = pytest.mark.server

OTHER = "127.0.0.2"  # the same machine, under another address


@dataclass
class Servers:
    """A Samba, and the port of the other address that its folder "far" is said to be at."""

    port: int
    visits: list[str] = field(default_factory=list)  # to the other

    def drive(self, folder: str) -> SmbDrive:
        return SmbDrive(Share("127.0.0.1", "drive", folder, LOGIN, "SMB_PASSWORD", self.port))


@pytest.fixture
def servers() -> Iterator[Servers]:
    with TemporaryDirectory() as name:
        root = Path(name) / "root"
        (root / "docs").mkdir(parents=True)
        (root / "docs/a.txt").write_text("One.")
        (root / "docs/far").symlink_to(f"msdfs:{OTHER}\\drive")
        own = Path(name) / "samba"
        own.mkdir()
        for folder in (root.parent, root):
            folder.chmod(0o755)  # Samba reads as another account
        with (
            samba(own, root, "msdfs root = yes") as port,
            socket.create_server((OTHER, port)) as listening,
        ):
            servers = Servers(port)

            def accept() -> None:
                with suppress(OSError):
                    while True:
                        visitor, (address, _) = listening.accept()
                        servers.visits.append(address)
                        visitor.close()

            thread = threading.Thread(target=accept)
            thread.start()
            yield servers
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_share_leads_to_no_server_that_the_settings_do_not_name(servers: Servers) -> None:
    assert [item.path for item in servers.drive("docs").files()] == ["a.txt"]
    with pytest.raises(ConnectorError, match=r"leads from 127.0.0.1:.* to 127.0.0.2:"):
        servers.drive("docs").read("far/b.txt", 99)
    with pytest.raises(ConnectorError, match=r"127.0.0.2"):
        list(servers.drive("docs/far").files())
    assert servers.visits == []
