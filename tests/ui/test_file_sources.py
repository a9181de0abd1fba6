"""`footnote sources check` for S3, WebDAV and SMB, each with a real server of its kind."""

from pathlib import Path

import pytest

from tests.connectors.test_drives import S3Server, SmbServer, WebDavServer, served
from tests.servers import s3, samba, webdav
from tests.ui.test_sources import check

pytestmark = pytest.mark.server

KINDS = ("s3", "webdav", "smb")
FILES = {"handbook.md": "# Handbook\nPumps.", "HR/pay.md": "On the 25th."}
SECRETS = {
    "S3_SECRET_KEY": s3.LOGIN[1],
    "WEBDAV_PASSWORD": webdav.LOGIN[1],
    "SMB_PASSWORD": samba.LOGIN[1],
}
REMEDIES = {
    "webdav": "does not accept the credentials. Check the password in WEBDAV_PASSWORD",
    "smb": "Check the address and the password in SMB_PASSWORD",
}


def table(server: object) -> str:
    """Return the lines of a source of this server."""
    match server:
        case S3Server():
            place = f'bucket = "{s3.BUCKET}"\nregion = "{s3.REGION}"\nprefix = "docs"'
            endpoint = f'endpoint = "{server.proxy.url}"\naccess_key = "{s3.LOGIN[0]}"'
            return f'type = "s3"\n{place}\n{endpoint}'
        case WebDavServer():
            url = f"{server.proxy.url}/dav/docs"
            return f'type = "webdav"\nurl = "{url}"\nuser = "{webdav.LOGIN[0]}"'
        case SmbServer():
            place = f'server = "127.0.0.1"\nport = {server.port}\nshare = "drive"\nfolder = "docs"'
            return f'type = "smb"\n{place}\nuser = "{samba.LOGIN[0]}"'
        case _:
            raise AssertionError(server)


def checked(folder: Path, kind: str, secrets: dict[str, str]) -> tuple[int, str]:
    with served(kind, FILES) as server:
        settings = f"""
[[sources]]
name = "drive"
{table(server)}
readers = ["everyone"]
base_url = "https://drive.example/d"
rules = [{{ path = "HR/**", readers = ["group:hr"] }}]
"""
        return check(folder, settings, env=secrets)


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_listed_with_their_readers_and_the_first_is_opened(
    tmp_path: Path, kind: str
) -> None:
    code, output = checked(tmp_path, kind, SECRETS)
    assert code == 0, output
    rows = [line.split() for line in output.splitlines()]
    assert ["drive:HR/pay.md", "group:hr"] in rows
    assert ["drive:handbook.md", "everyone"] in rows
    assert "opened: pay (https://drive.example/d/HR/pay.md)" in output


@pytest.mark.parametrize("kind", REMEDIES)  # moto takes every key
def test_a_wrong_password_is_explained(tmp_path: Path, kind: str) -> None:
    code, output = checked(tmp_path, kind, dict.fromkeys(SECRETS, "wrong"))
    assert code == 1
    assert REMEDIES[kind] in output
