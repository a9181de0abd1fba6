"""Google Drive and SharePoint by the settings file, and what `footnote sources check` says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.google_drive import (
    EMAIL,
    Fault,
    GoogleDrive,
    google_drive,
    group,
    person,
    refusal,
)
from tests.connectors.graph import DRIVE, SECRET, SITE, Graph, graph, link, site_group
from tests.ui.test_sources import check


@pytest.fixture
def drive() -> Iterator[GoogleDrive]:
    with google_drive() as drive:
        drive.folder("1aB-c_D")
        drive.put("f1", b"Bikes are in shed 3.", "1aB-c_D", name="bikes.txt")
        drive.share("f1", person("Ann@acme.example"), group("hr@acme.example"), {"type": "anyone"})
        drive.put("f2", b"x", "1aB-c_D", name="all.txt")
        drive.share("f2", {"type": "domain", "domain": "acme.example", "allowFileDiscovery": True})
        yield drive


@pytest.fixture
def server() -> Iterator[Graph]:
    with graph() as server:
        server.put("a", b"26 days.", name="Leave.md")
        server.share("a", site_group("HR Members"), link("organization"))
        yield server


class TestGoogleDrive:
    SETTINGS = """
[groups]
staff = ["ann@acme.example"]
"hr@acme.example" = ["ann@acme.example"]

[[sources]]
type = "gdrive"
name = "gd"
folders = ["1aB-c_D"]
domains = ["ACME.example"]
organisation = ["group:staff"]
api_url = "{url}"
"""

    def check(self, folder: Path, drive: GoogleDrive, more: str = "") -> tuple[int, str]:
        settings = self.SETTINGS.format(url=drive.url) + more
        return check(folder, settings, env={"GOOGLE_SERVICE_ACCOUNT_KEY": drive.key})

    def test_documents_are_shown_with_who_may_read_them(
        self, tmp_path: Path, drive: GoogleDrive
    ) -> None:
        code, output = self.check(tmp_path, drive)
        assert code == 0
        lines = output.splitlines()
        assert lines[1].split(maxsplit=1) == [
            "gd:f1",
            "group:hr@acme.example, user:ann@acme.example",
        ]
        assert lines[2].split() == ["gd:f2", "group:staff"]
        assert "opened: bikes.txt (https://drive.google.com/file/d/f1/view" in lines[3]

    def test_a_folder_that_is_not_shared_is_explained(
        self, tmp_path: Path, drive: GoogleDrive
    ) -> None:
        drive.sees = False
        code, output = self.check(tmp_path, drive)
        assert code == 1
        assert f"not shared with {EMAIL}. Share it with this address again." in output

    def test_a_missing_scope_is_said_in_an_admins_words(
        self, tmp_path: Path, drive: GoogleDrive
    ) -> None:
        code, output = self.check(tmp_path, drive, 'subject = "ceo@acme.example"')
        assert code == 1
        assert "Add its client id with the scope" in output
        assert "auth/drive.readonly at admin.google.com" in output
        off = refusal(403, "accessNotConfigured", "Drive API has not been used in project 1")
        drive.faults["file"] = Fault(lambda _: off)
        _, output = self.check(tmp_path, drive)
        assert "API is switched off in the service account's project" in output

    def test_a_key_in_a_file_beside_the_settings_is_read(
        self, tmp_path: Path, drive: GoogleDrive
    ) -> None:
        (tmp_path / "key.json").write_text(drive.key)
        settings = self.SETTINGS.format(url=drive.url) + 'key_file = "key.json"'
        assert check(tmp_path, settings)[0] == 0
        (tmp_path / "key.json").unlink()
        code, output = check(tmp_path, settings)
        assert code == 1
        assert "key.json cannot be read" in output

    def test_a_key_that_is_not_set_is_named(self, tmp_path: Path, drive: GoogleDrive) -> None:
        code, output = check(tmp_path, self.SETTINGS.format(url=drive.url))
        assert code == 1
        assert "The environment variable GOOGLE_SERVICE_ACCOUNT_KEY" in output

    def test_what_would_break_out_of_a_query_is_no_id(
        self, tmp_path: Path, drive: GoogleDrive
    ) -> None:
        code, output = self.check(tmp_path, drive, "drives = [\"x' or '1' in parents\"]")
        assert code == 1
        assert "sources.0.gdrive.drives.0" in output


class TestSharePoint:
    SETTINGS = """
[groups]
"sites/hr/HR Members" = ["ann@acme.example"]

[[sources]]
type = "sharepoint"
name = "sp"
tenant = "acme.example"
client_id = "app-1"
secret_env = "SP"
login_url = "{url}"
api_url = "{url}"
download_urls = ["{downloads}"]
"""

    def check(
        self, folder: Path, server: Graph, more: str = f'sites = ["{SITE}"]'
    ) -> tuple[int, str]:
        assert server.downloads is not None
        urls = {"url": server.url, "downloads": server.downloads.url}
        return check(folder, self.SETTINGS.format(**urls) + more, env={"SP": SECRET})

    def test_documents_are_shown_with_who_may_read_them(
        self, tmp_path: Path, server: Graph
    ) -> None:
        code, output = self.check(tmp_path, server)
        assert code == 0
        lines = output.splitlines()
        assert lines[1].split(maxsplit=1) == [f"sp:{DRIVE}/a", "group:sites/hr/HR Members"]
        assert f"opened: Leave.md ({SITE}/Shared%20Documents/Leave.md)" in lines[2]
        assert len(lines) == 3

    def test_a_missing_permission_is_said_in_an_admins_words(
        self, tmp_path: Path, server: Graph
    ) -> None:
        server.roles = ()
        code, output = self.check(tmp_path, server)
        assert code == 1
        assert "it has: none" in output
        assert "Add the application permission Sites.Read.All at entra.microsoft.com" in output

    def test_a_source_that_names_nothing_to_read_is_refused(
        self, tmp_path: Path, server: Graph
    ) -> None:
        code, output = self.check(tmp_path, server, "")
        assert code == 1
        assert "names neither sites nor users" in output
