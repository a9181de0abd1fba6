"""A folder of an SMB share, of a Windows server or a Samba."""

import ntpath
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from errno import ENOENT
from threading import Timer
from time import monotonic
from typing import Any

import smbclient
from smbprotocol.exceptions import SMBException
from smbprotocol.file_info import FileAttributes
from spnego.exceptions import SpnegoError

from connectors.base import ConnectorError
from connectors.drive import Content, FolderGoneError, Item, settled, time_of, walked

_NUMBERLESS = frozenset({0, 2**64 - 1})  # by MS-FSCC 2.1.9: not supported, not unique
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FOLDER = FileAttributes.FILE_ATTRIBUTE_DIRECTORY
_HIDDEN = FileAttributes.FILE_ATTRIBUTE_HIDDEN | FileAttributes.FILE_ATTRIBUTE_SYSTEM
_LINK = FileAttributes.FILE_ATTRIBUTE_REPARSE_POINT


@dataclass(frozen=True, slots=True)
class Share:
    """What to read of which server."""

    server: str
    share: str
    folder: str  # beneath the share, with "/" between names; "" is all of it
    login: tuple[str, str]  # "ann", "ACME\\ann" or "ann@acme.example", and the password
    secret: str  # where the password comes from, in words
    port: int = 445


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the server may take."""

    connect_s: float = 10
    answer_s: float = 120  # to list one folder, or to read one file


LIMITS = Limits()


class SmbDrive:
    """The files beneath a folder, one request a folder; hidden ones and links of Windows are none.

    A version is size, time of writing and time of any change; a key is the file's number with
    size and time of writing, because a number is given again once its file is deleted, and what was
    deleted must not live on as what was made since. Messages are signed, and the account is used
    for the named server alone: a share that refers to another one is an error.
    """

    def __init__(self, share: Share, limits: Limits = LIMITS) -> None:
        """Take what to read; nothing is asked yet."""
        folder = "/".join(name for name in share.folder.split("/") if name)
        self.address = f"smb://{share.server}/{share.share}/{folder}".rstrip("/")
        self._share = share
        self._limits = limits
        self._top = ntpath.join(rf"\\{share.server}\{share.share}", folder.replace("/", "\\"))
        self._connections = _OneServer(share)

    def files(self) -> Iterator[Item]:
        """Yield every file."""
        return walked(self._folder, self.address)

    def read(self, path: str, max_bytes: int) -> Content:
        """Return a file; others may go on using it meanwhile."""
        changed: list[float] = []

        def look() -> Item:
            status = smbclient.stat(self._unc(path), follow_symlinks=False, **self._session())
            if status.st_file_attributes & (_FOLDER | _HIDDEN | _LINK):
                raise ConnectorError(f"{self.address}/{path} is no plain file any more.")
            changed[:] = [status.st_mtime]
            times_us = (status.st_mtime_ns // 1000, status.st_chgtime_ns // 1000)
            return Item(path, _version(status.st_size, *times_us))

        def body() -> bytes:
            unc = self._unc(path)
            with smbclient.open_file(unc, "rb", share_access="rwd", **self._session()) as file:
                read: bytes = file.read(max_bytes + 1)
            return read

        with self._understood(path):
            content, item = settled(look, body, self.address)
        return Content(content, item.version or "", time_of(changed[0]))

    def _folder(self, folder: str) -> Sequence[Item]:
        with (
            self._understood(folder),
            smbclient.scandir(self._unc(folder), **self._session()) as found,
        ):
            return [_item(folder, entry) for entry in found if _is_plain(entry)]

    def _unc(self, path: str) -> str:
        return ntpath.join(self._top, path.replace("/", "\\")) if path else self._top

    def _session(self) -> dict[str, Any]:
        user, password = self._share.login
        return {
            "username": user,
            "password": password,
            "port": self._share.port,
            "connection_timeout": self._limits.connect_s,
            "connection_cache": self._connections,
        }

    @contextmanager
    def _understood(self, path: str) -> Iterator[None]:
        """Hang up on a server that is silent; turn every failure into a ConnectorError."""
        watch = Timer(self._limits.answer_s, self._connections.hang_up)
        watch.daemon = True
        watch.start()
        started = monotonic()
        try:
            yield
        except (OSError, SMBException, SpnegoError, ValueError) as error:
            self._connections.hang_up()
            late = monotonic() - started >= self._limits.answer_s
            why = "it did not answer in time" if late else _reason(error)
            gone = path and getattr(error, "errno", None) == ENOENT
            raise (FolderGoneError if gone else ConnectorError)(
                f"{self.address}/{path}".rstrip("/") + f" cannot be read: {why}. Check the address "
                f"and {self._share.secret}, and let the account {self._share.login[0]!r} read it; "
                "until then nothing of this source is changed."
            ) from error
        finally:
            watch.cancel()


class _OneServer(dict[str, Any]):
    """smbclient's connections by "server:port", none to another server than the named one.

    A share may refer to another server (DFS), and the library would sign in there as well.
    """

    def __init__(self, share: Share) -> None:
        super().__init__()
        self._only = f"{share.server.lower()}:{share.port}"

    def get(self, key: str, default: Any = None) -> Any:
        if key != self._only:
            raise ConnectorError(
                f"The share leads from {self._only} to {key}, which the settings do not name. Name "
                "that server and its share there."
            )
        return super().get(key, default)

    def hang_up(self) -> None:
        """End the connection; the next request makes a new one."""
        for key in list(self):
            self.pop(key).transport.close()


def _item(folder: str, entry: smbclient.SMBDirEntry) -> Item:
    path = f"{folder}/{entry.name}" if folder else entry.name
    info = entry.smb_info
    if info.file_attributes & _FOLDER:
        return Item(path, None)
    size, written_us = info.end_of_file, _us(info.last_write_time)
    key = None if info.file_id in _NUMBERLESS else f"{info.file_id} {size} {written_us}"
    return Item(path, _version(size, written_us, _us(info.change_time)), key)


def _is_plain(entry: smbclient.SMBDirEntry) -> bool:
    return not entry.smb_info.file_attributes & (_HIDDEN | _LINK)


def _version(size: int, written_us: int, changed_us: int) -> str:
    return f"{size} {written_us} {changed_us}"


def _us(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(microseconds=1)


def _reason(error: Exception) -> str:
    return " ".join(
        (getattr(error, "strerror", None) or str(error) or type(error).__name__).split()
    )
