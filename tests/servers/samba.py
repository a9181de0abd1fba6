"""A real SMB server of a test: Debian's Samba with a configuration of its own, on a high port."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.php import TIMEOUT_S, free_port

LOGIN = ("nobody", "smb-secret-9")  # an account of every machine, with a password here alone
_CONFIGURATION = """
[global]
smb ports = {port}
interfaces = 127.0.0.1
bind interfaces only = yes
disable netbios = yes
server role = standalone server
server min protocol = SMB2_10
load printers = no
printcap name = /dev/null
log file = {folder}/smbd.log
passdb backend = tdbsam:{folder}/passdb.tdb
private dir = {folder}
lock directory = {folder}
state directory = {folder}
cache directory = {folder}
pid directory = {folder}
ncalrpc dir = {folder}/rpc
[drive]
path = {root}
read only = yes
{more}
"""


def require_samba() -> None:
    """Skip the test where Samba is not installed, or may not take another account's place."""
    if shutil.which("smbd", path="/usr/sbin:/usr/bin") is None:
        pytest.skip("Samba is not installed: run `make test-servers` (Debian, as root).")
    if os.geteuid() != 0:
        pytest.skip("Samba has to be started as root.")


@contextmanager
def samba(folder: Path, root: Path, more: str = "") -> Iterator[int]:
    """Serve a folder as the share "drive"; yield the port on 127.0.0.1.

    more: further lines of the share's configuration.
    """
    require_samba()
    port = free_port()
    configuration = folder / "smb.conf"
    configuration.write_text(_CONFIGURATION.format(port=port, folder=folder, root=root, more=more))
    user, password = LOGIN
    subprocess.run(
        ["smbpasswd", "-c", str(configuration), "-s", "-a", user],
        input=f"{password}\n{password}\n",
        text=True,
        capture_output=True,
        check=True,
    )
    command = ["/usr/sbin/smbd", "--foreground", "--no-process-group", "-s", str(configuration)]
    with (folder / "output").open("wb") as output:
        # Told to end, it ends everything in its process group.
        server = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        try:
            _wait_for(port, server, folder / "output")
            yield port
        finally:
            server.terminate()
            server.wait(TIMEOUT_S)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"Samba did not start:\n{log.read_text()}")
