import logging
import os
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import pytest

from connectors.base import ConnectorError, Entry
from connectors.files import MAX_BYTES, FilesConnector
from tests.contracts.connector import ConnectorContract

ALL = frozenset({"everyone"})
HR = frozenset({"group:hr"})
BOARD = frozenset({"group:board"})

Rules = Sequence[tuple[str, frozenset[str]]]


def connector(
    root: Path, rules: Rules = (), base_url: str | None = "https://drive.example/d"
) -> FilesConnector:
    return FilesConnector("drive", root, kind="drive", readers=ALL, rules=rules, base_url=base_url)


def write(root: Path, *paths: str) -> Path:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"This is {path}.", encoding="utf-8")
    return root


def listed(source: FilesConnector) -> list[str]:
    return [entry.id.removeprefix("drive:") for entry in source.entries()]


def readers(root: Path, rules: Rules) -> dict[str, frozenset[str]]:
    entries = connector(root, rules).entries()
    return {entry.id.removeprefix("drive:"): entry.readers for entry in entries}


def entry(path: str) -> Entry:
    return Entry(f"drive:{path}", "1", ALL)


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder for a test that must be refused something, even where tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        nobody = 65534
        as_root = os.geteuid() == 0
        if as_root:
            os.chown(name, nobody, nobody)
            os.seteuid(nobody)
        try:
            yield Path(name)
        finally:
            if as_root:
                os.seteuid(0)


class FilesSource:
    def __init__(self, root: Path) -> None:
        self.root = write(root, "handbook.md", "IT/vpn.md", "IT/deep/er/printer.docx", "HR/pay.txt")

    def connector(self) -> FilesConnector:
        return connector(self.root, [("HR/**", HR)])

    def change(self) -> str:
        (self.root / "IT/vpn.md").write_text("Use TCP 443.", encoding="utf-8")
        return "drive:IT/vpn.md"

    def remove(self) -> str:
        (self.root / "HR/pay.txt").unlink()
        return "drive:HR/pay.txt"

    def damage(self) -> None:
        (self.root / "IT/deep").chmod(0)


class TestFilesConnector(ConnectorContract):
    @pytest.fixture
    def source(self, unprivileged: Path) -> Iterator[FilesSource]:
        yield FilesSource(unprivileged)
        for folder in unprivileged.rglob("deep"):
            folder.chmod(0o700)


class TestListing:
    def test_paths_come_sorted_whatever_the_folder_they_are_in(self, tmp_path: Path) -> None:
        write(tmp_path, "b.md", "a/z.md", "a-b/c.md", "a.md", "B.md")
        assert listed(connector(tmp_path)) == ["B.md", "a-b/c.md", "a.md", "a/z.md", "b.md"]

    def test_hidden_files_lock_files_and_what_is_no_document_are_left_out(
        self, tmp_path: Path
    ) -> None:
        write(tmp_path, "a.md", ".env", ".git/config.md", "~$plan.docx", ".DS_Store", "Thumbs.db")
        write(tmp_path, "logo.PNG", "talk.mp4", "song.mp3", "code.tar.gz", "setup.exe", "x/.keep")
        assert listed(connector(tmp_path)) == ["a.md"]

    def test_a_file_of_an_unknown_kind_is_listed_for_ingestion_to_report(
        self, tmp_path: Path
    ) -> None:
        write(tmp_path, "drawing.dwg", "README")
        source = connector(tmp_path)
        kinds = [source.fetch(entry).media_type for entry in source.entries()]
        assert kinds == ["application/octet-stream", "application/octet-stream"]

    def test_links_fifos_and_sockets_are_left_out(self, tmp_path: Path) -> None:
        secret = write(tmp_path / "elsewhere", "secret.md") / "secret.md"
        root = write(tmp_path / "root", "a.md")
        (root / "file.md").symlink_to(secret)
        (root / "folder").symlink_to(secret.parent)
        (root / "inside.md").symlink_to(root / "a.md")
        (root / "loop").symlink_to(root)
        os.mkfifo(root / "pipe.md")
        assert listed(connector(root)) == ["a.md"]

    def test_the_root_itself_may_be_a_link(self, tmp_path: Path) -> None:
        write(tmp_path / "release-7", "a.md")
        (tmp_path / "current").symlink_to("release-7")
        source = connector(tmp_path / "current", base_url=None)
        assert listed(source) == ["a.md"]
        assert source.fetch(entry("a.md")).url == f"{tmp_path.as_uri()}/current/a.md"

    def test_a_missing_root_is_an_error_that_names_it(self, tmp_path: Path) -> None:
        with pytest.raises(ConnectorError, match=r"no-such-folder.*No such file.*Mount it"):
            list(connector(tmp_path / "no-such-folder").entries())

    def test_a_file_as_root_is_an_error(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md")
        with pytest.raises(ConnectorError, match="Not a directory"):
            list(connector(tmp_path / "a.md").entries())

    def test_an_empty_root_is_an_error_because_an_unmounted_share_looks_so(
        self, tmp_path: Path
    ) -> None:
        with pytest.raises(ConnectorError, match="is empty"):
            list(connector(tmp_path).entries())

    def test_an_empty_folder_beneath_the_root_is_none(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md")
        (tmp_path / "new").mkdir()
        assert listed(connector(tmp_path)) == ["a.md"]

    def test_a_folder_that_cannot_be_read_is_an_error_that_names_it(
        self, unprivileged: Path
    ) -> None:
        write(unprivileged, "a.md", "locked/b.md")
        (unprivileged / "locked").chmod(0)
        with pytest.raises(ConnectorError, match=r"/locked .*Permission denied.*account"):
            list(connector(unprivileged).entries())

    def test_a_file_that_cannot_be_read_is_listed_and_its_fetch_says_why(
        self, unprivileged: Path
    ) -> None:
        write(unprivileged, "a.md", "b.md")
        (unprivileged / "b.md").chmod(0)
        source = connector(unprivileged)
        a, b = source.entries()
        assert source.fetch(a).entry == a
        with pytest.raises(ConnectorError, match=r"/b\.md cannot be read: Permission denied"):
            source.fetch(b)

    def test_a_name_that_is_not_utf8_is_listed_and_its_fetch_says_to_rename_it(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("Closed on Monday.", encoding="utf-8")
        source = connector(tmp_path)
        (only,) = source.entries()
        assert only.id == r"drive:caf\xe9.md"
        with pytest.raises(ConnectorError, match="renamed to UTF-8"):
            source.fetch(only)

    def test_a_thousand_files_are_listed_in_well_under_a_second(self, tmp_path: Path) -> None:
        write(tmp_path, *(f"team-{number % 20}/page-{number}.md" for number in range(1000)))
        started = perf_counter()
        assert len(listed(connector(tmp_path, [("team-3/**", HR)]))) == 1000
        assert perf_counter() - started < 1  # 0.03 s on two cores

    def test_folders_deeper_than_a_path_may_be_long_are_listed(self, tmp_path: Path) -> None:
        folder = os.open(tmp_path, os.O_RDONLY)
        for _ in range(30):
            os.mkdir("d" * 200, dir_fd=folder)
            deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=folder)
            os.close(folder)
            folder = deeper
        os.close(os.open("deep.md", os.O_WRONLY | os.O_CREAT, dir_fd=folder))
        os.close(folder)
        (path,) = listed(connector(tmp_path))
        assert path == "/".join(["d" * 200] * 30 + ["deep.md"])


class TestVersions:
    def test_a_restored_file_of_the_same_size_and_time_has_another_version(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "a.md"
        file.write_text("Room 3", encoding="utf-8")
        os.utime(file, ns=(1, 1))
        (before,) = connector(tmp_path).entries()
        file.write_text("Room 4", encoding="utf-8")
        os.utime(file, ns=(1, 1))
        (after,) = connector(tmp_path).entries()
        assert after.version != before.version

    def test_a_new_time_alone_is_no_new_version(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md")
        before = list(connector(tmp_path).entries())
        os.utime(tmp_path / "a.md", ns=(1, 1))
        assert list(connector(tmp_path).entries()) == before

    def test_a_new_address_is_a_new_version(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md")
        (here,) = connector(tmp_path, base_url="https://one.example").entries()
        (there,) = connector(tmp_path, base_url="https://two.example").entries()
        assert here.version != there.version


class TestReaders:
    PATHS = ("HR/pay.md", "HR/open/leave.md", "IT/vpn.md", "top.md")

    def test_without_a_rule_the_readers_are_the_sources(self, tmp_path: Path) -> None:
        assert set(readers(write(tmp_path, *self.PATHS), []).values()) == {ALL}

    def test_the_last_matching_rule_counts(self, tmp_path: Path) -> None:
        rules = [("HR/**", HR), ("**/*.md", BOARD), ("HR/open/**", ALL)]
        assert readers(write(tmp_path, *self.PATHS), rules) == {
            "HR/pay.md": BOARD,
            "HR/open/leave.md": ALL,
            "IT/vpn.md": BOARD,
            "top.md": BOARD,
        }

    @pytest.mark.parametrize(
        ("glob", "matched"),
        [
            ("HR/**", {"HR/pay.md", "HR/open/leave.md"}),
            ("HR/", {"HR/pay.md", "HR/open/leave.md"}),
            ("HR/*", {"HR/pay.md"}),
            ("*", {"top.md"}),
            ("*.md", {"top.md"}),
            ("**", {"HR/pay.md", "HR/open/leave.md", "IT/vpn.md", "top.md"}),
            ("**/leave.md", {"HR/open/leave.md"}),
            ("HR/**/leave.md", {"HR/open/leave.md"}),
            ("**/open/**", {"HR/open/leave.md"}),
            ("[HI]?/*.md", {"HR/pay.md", "IT/vpn.md"}),
            ("hr/**", set()),
            ("HR", set()),
            ("R/**", set()),
        ],
    )
    def test_a_glob_is_relative_and_case_sensitive_and_a_star_stays_in_one_name(
        self, tmp_path: Path, glob: str, matched: set[str]
    ) -> None:
        by_path = readers(write(tmp_path, *self.PATHS), [(glob, HR)])
        assert {path for path, granted in by_path.items() if granted == HR} == matched

    def test_an_accent_matches_however_it_is_composed(self, tmp_path: Path) -> None:
        path = unicodedata.normalize("NFD", "Direção/acta.md")
        rule = unicodedata.normalize("NFC", "Direção/**")
        assert readers(write(tmp_path, path), [(rule, BOARD)]) == {path: BOARD}

    @pytest.mark.parametrize("glob", ["/HR/**", "HR\\**", "../HR/**", "./HR/**", "HR//a.md", ""])
    def test_a_rule_that_can_never_match_is_refused(self, tmp_path: Path, glob: str) -> None:
        with pytest.raises(ConnectorError, match="can match no file"):
            connector(tmp_path, [(glob, HR)])

    def test_a_rule_that_matches_no_file_is_logged(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        write(tmp_path, *self.PATHS)
        with caplog.at_level(logging.WARNING):
            readers(tmp_path, [("Hr/**", HR), ("IT/**", HR)])
        assert [record.getMessage() for record in caplog.records] == [
            "rule matches no file source=drive path='Hr/**'"
        ]

    def test_a_rule_changes_the_readers_and_not_the_version(self, tmp_path: Path) -> None:
        write(tmp_path, "HR/pay.md")
        (open_,) = connector(tmp_path).entries()
        (closed,) = connector(tmp_path, [("HR/**", HR)]).entries()
        assert (open_.readers, closed.readers) == (ALL, HR)
        assert open_.version == closed.version


class TestFetching:
    @pytest.mark.parametrize(
        ("name", "media_type"),
        [
            ("a.md", "text/markdown"),
            ("a.HTML", "text/html"),
            ("a.pdf", "application/pdf"),
            ("a.csv", "text/csv"),
            ("a.eml", "message/rfc822"),
            ("a.rst", "text/plain"),
            ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ],
    )
    def test_the_media_type_follows_the_suffix(
        self, tmp_path: Path, name: str, media_type: str
    ) -> None:
        source = connector(write(tmp_path, name))
        assert source.fetch(entry(name)).media_type == media_type

    @pytest.mark.parametrize(
        ("path", "title"),
        [
            ("IT/vpn-setup_guide.v2.md", "vpn setup guide.v2"),
            ("Expense -- policy.docx", "Expense policy"),
            ("_.md", "_.md"),
        ],
    )
    def test_the_title_is_the_file_name_in_words(
        self, tmp_path: Path, path: str, title: str
    ) -> None:
        assert connector(write(tmp_path, path)).fetch(entry(path)).title == title

    def test_the_address_is_quoted(self, tmp_path: Path) -> None:
        write(tmp_path, "IT/50% off? #1.md")
        url = (
            connector(tmp_path, base_url="https://d.example/x/")
            .fetch(entry("IT/50% off? #1.md"))
            .url
        )
        assert url == "https://d.example/x/IT/50%25%20off%3F%20%231.md"

    def test_the_time_is_that_of_the_last_change_in_utc(self, tmp_path: Path) -> None:
        write(tmp_path, "a.md")
        os.utime(tmp_path / "a.md", (0, 1_772_323_200))
        document = connector(tmp_path).fetch(entry("a.md"))
        assert document.updated_at == datetime(2026, 3, 1, tzinfo=UTC)

    def test_a_time_no_calendar_has_is_moved_to_the_nearest_that_one_has(
        self, tmp_path: Path
    ) -> None:
        write(tmp_path, "a.md")
        os.utime(tmp_path / "a.md", (0, -86_400))
        document = connector(tmp_path).fetch(entry("a.md"))
        assert document.updated_at == datetime(1970, 1, 1, tzinfo=UTC)

    @pytest.mark.parametrize(
        "path", ["../secret.md", "x/../../secret.md", "/etc/passwd", "", "a\0b"]
    )
    def test_no_path_leads_out_of_the_root(self, tmp_path: Path, path: str) -> None:
        write(tmp_path, "secret.md", "root/x/a.md")
        with pytest.raises(ConnectorError):
            connector(tmp_path / "root").fetch(entry(path))

    def test_a_file_exchanged_for_a_link_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path, "secret.md", "root/a.md")
        (listed_entry,) = connector(tmp_path / "root").entries()
        (tmp_path / "root/a.md").unlink()
        (tmp_path / "root/a.md").symlink_to(tmp_path / "secret.md")
        with pytest.raises(ConnectorError, match=r"a\.md cannot be read"):
            connector(tmp_path / "root").fetch(listed_entry)

    def test_a_folder_exchanged_for_a_link_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path, "elsewhere/a.md", "root/sub/a.md")
        (listed_entry,) = connector(tmp_path / "root").entries()
        (tmp_path / "root/sub").rename(tmp_path / "moved")
        (tmp_path / "root/sub").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(ConnectorError, match=r"sub/a\.md cannot be read"):
            connector(tmp_path / "root").fetch(listed_entry)

    def test_a_file_exchanged_for_a_fifo_is_refused_without_waiting(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "a.md")
        with pytest.raises(ConnectorError, match="Not a regular file"):
            connector(tmp_path).fetch(entry("a.md"))

    def test_a_file_over_the_limit_is_listed_and_its_fetch_says_so(self, tmp_path: Path) -> None:
        write(tmp_path, "film.pdf")
        os.truncate(tmp_path / "film.pdf", MAX_BYTES + 1)
        source = connector(tmp_path)
        (film,) = source.entries()
        with pytest.raises(ConnectorError, match=r"film\.pdf is larger than 50 MiB"):
            source.fetch(film)
