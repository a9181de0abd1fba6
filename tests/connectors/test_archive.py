import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.archive import MAX_FILE_BYTES, opened
from connectors.base import ConnectorError


@pytest.fixture(params=["folder", "zip"])
def export(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The same small export in both forms."""
    files = {"channels.json": "[1]", "général/b.json": "[2]", "général/a.json": "[3]"}
    if request.param == "zip":
        with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
            archive.mkdir("général")
            for path, text in files.items():
                archive.writestr(path, text)
        yield tmp_path / "export.zip"
    else:
        (tmp_path / "export" / "général").mkdir(parents=True)
        for path, text in files.items():
            (tmp_path / "export" / path).write_text(text, encoding="utf-8")
        yield tmp_path / "export"


def zipped(path: Path, *infos: zipfile.ZipInfo, content: bytes = b"[]") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info in infos:
            archive.writestr(info, content)
    return path


def test_files_are_named_by_folder_and_sorted(export: Path) -> None:
    with opened(export) as archive:
        assert archive.names("") == ["channels.json"]
        assert archive.names("général") == ["a.json", "b.json"]
        assert archive.names("absent") == []


def test_a_file_is_read_in_place(export: Path) -> None:
    with opened(export) as archive:
        assert archive.read("général/a.json") == b"[3]"


def test_names_without_the_mark_of_utf8_are_read_as_utf8_all_the_same(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", zipfile.ZipInfo("général/a.json"))
    packed = bytearray(path.read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(header) + flags + 1] &= ~0x08
    path.write_bytes(packed)
    with opened(path) as archive:
        assert archive.names("général") == ["a.json"]
        assert archive.read("général/a.json") == b"[]"


@pytest.mark.parametrize("path", ["absent.json", "général/absent.json", "général", "../x", ""])
def test_what_is_no_file_of_the_export_is_an_error(export: Path, path: str) -> None:
    with opened(export) as archive, pytest.raises(ConnectorError):
        archive.read(path)


@pytest.mark.parametrize(
    "name",
    ["../evil.json", "a/../../evil.json", "/etc/evil.json", "a//b.json", "a\\..\\b.json", "."],
)
def test_a_zip_with_a_path_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    path = zipped(tmp_path / "a.zip", zipfile.ZipInfo("channels.json"), info)
    with pytest.raises(ConnectorError, match="not a path within"), opened(path):
        pass


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("channels.json")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = zipped(tmp_path / "a.zip", info, content=b"/etc/passwd")
    with pytest.raises(ConnectorError, match="is a link"), opened(path):
        pass


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_a_zip_with_a_special_file_is_refused(tmp_path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("channels.json")
    info.external_attr = (kind | 0o600) << 16
    path = zipped(tmp_path / "a.zip", info)
    with pytest.raises(ConnectorError, match="special file"), opened(path):
        pass


def test_a_zip_whose_files_share_bytes_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", zipfile.ZipInfo("users.json"), zipfile.ZipInfo("other.json"))
    packed = bytearray(path.read_bytes())
    second = packed.rindex(b"PK\x01\x02")
    packed[second + 42 : second + 46] = bytes(4)  # where its content begins: at the first file's
    path.write_bytes(packed)
    with pytest.raises(ConnectorError, match="shares bytes"), opened(path):
        pass


def test_a_fifo_in_a_folder_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "users.json")
    with opened(tmp_path) as archive:
        with pytest.raises(ConnectorError, match="special file"):
            archive.names("")
        with pytest.raises(ConnectorError, match="Not a regular file"):
            archive.read("users.json")


def test_a_zip_with_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    first, second = zipfile.ZipInfo("users.json"), zipfile.ZipInfo("users.jsoN")
    path = zipped(tmp_path / "a.zip", first, second)
    path.write_bytes(path.read_bytes().replace(b"users.jsoN", b"users.json"))
    with pytest.raises(ConnectorError, match="twice"), opened(path):
        pass


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", zipfile.ZipInfo("users.json"))
    packed = bytearray(path.read_bytes())
    packed[packed.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    path.write_bytes(packed)
    with pytest.raises(ConnectorError, match="encrypted"), opened(path):
        pass


def test_a_zip_bomb_is_refused_unread(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("general/2026-01-01.json")
    info.compress_type = zipfile.ZIP_DEFLATED
    path = zipped(tmp_path / "a.zip", info, content=b" " * 2_000_000)
    with pytest.raises(ConnectorError, match="100 times"), opened(path):
        pass


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_cut_zip_is_an_error(tmp_path: Path, keep: float) -> None:
    path = zipped(tmp_path / "a.zip", zipfile.ZipInfo("channels.json"))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(ConnectorError, match=r"a\.zip cannot be opened"), opened(path):
        pass


def test_a_flipped_bit_in_a_zip_is_an_error(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", zipfile.ZipInfo("channels.json"), content=b'[{"id": "C1"}]')
    packed = path.read_bytes()
    path.write_bytes(packed.replace(b'"C1"', b'"C9"'))
    with opened(path) as archive, pytest.raises(ConnectorError, match="CRC"):
        archive.read("channels.json")


def test_a_missing_export_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match=r"nowhere\.zip"), opened(tmp_path / "nowhere.zip"):
        pass


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "general").mkdir()
    (tmp_path / "general" / "2026-01-01.json").symlink_to("/etc/passwd")
    with opened(tmp_path) as archive:
        with pytest.raises(ConnectorError, match="is a link"):
            archive.names("general")
        with pytest.raises(ConnectorError):
            archive.read("general/2026-01-01.json")


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "general").symlink_to(tmp_path / "elsewhere")
    with opened(tmp_path / "export") as archive, pytest.raises(ConnectorError):
        archive.names("general")


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "users.json").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with opened(tmp_path) as archive, pytest.raises(ConnectorError, match="larger than 64 MiB"):
        archive.read("users.json")
