"""Faults at the system call: the kernel asks us before a child changes a file under a folder.

A seccomp filter in the child hands every such call to this process, which lets it through, fails
it, does half of it, or kills the child. So the calls inside SQLite's and FAISS's C code are met
too, and nothing in the code under test is patched. Linux on x86-64.
"""

import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import struct
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context, reduction
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Literal

Kind = Literal["crash", "EIO", "ENOSPC", "torn"]

# name -> number, and which argument holds the folder's descriptor (None: none) and the path
_PATHS = {
    "open": (2, None, 0),
    "openat": (257, 0, 1),
    "rename": (82, None, 1),
    "renameat": (264, 2, 3),
    "renameat2": (316, 2, 3),
    "mkdir": (83, None, 0),
    "mkdirat": (258, 0, 1),
    "rmdir": (84, None, 0),
    "unlink": (87, None, 0),
    "unlinkat": (263, 0, 1),
}
# name -> number, and which argument is the descriptor of the file that changes
_FILES = {
    "write": (1, 0),
    "pwrite64": (18, 0),
    "writev": (20, 0),
    "sendfile": (40, 0),
    "copy_file_range": (326, 2),
    "ftruncate": (77, 0),
    "fallocate": (285, 0),
    "fsync": (74, 0),
    "fdatasync": (75, 0),
}
_NAMES = {entry[0]: name for table in (_PATHS, _FILES) for name, entry in table.items()}
_TORN = frozenset(("write", "pwrite64", "sendfile"))
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_AUDIT_ARCH_X86_64 = 0xC000003E
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_RECV = 3 << 30 | 80 << 16 | ord("!") << 8
_SEND = 3 << 30 | 24 << 16 | ord("!") << 8 | 1
_CONTINUE = 1
_SECCOMP, _PIDFD_GETFD, _NO_NEW_PRIVS = 317, 438, 38

libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Call:
    """One call that changes a file."""

    name: str
    path: str  # relative to the watched folder

    @property
    def can_tear(self) -> bool:
        """Whether half of it can be done."""
        return self.name in _TORN


@dataclass(frozen=True, slots=True)
class Ended:
    """How a watched process ended."""

    calls: list[Call]
    error: str | None  # "<class>: <message>"; None: it did not raise, or was killed
    killed: bool


def watched(
    work: Callable[..., None], *args: object, under: Path, at: int = -1, kind: Kind = "crash"
) -> Ended:
    """Run work(*args) in a process of its own, with one fault at its `at`-th call under a folder.

    at: counts from 0; -1: no fault.
    """
    context = warm()
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs, work, args))
    process.start()
    theirs.close()
    listener = reduction.recv_handle(ours)
    try:
        calls = _Supervisor(listener, under, at, kind).run()
    finally:
        os.close(listener)
    process.join()
    killed = process.exitcode == -signal.SIGKILL
    error = None if killed else ours.recv()
    ours.close()
    return Ended(calls, error, killed)


def warm() -> ForkServerContext:
    """Return how to start processes that have imported what they need before they begin."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.job", "tests.crash.syscalls"])
    return context


def available() -> bool:
    """Return whether this kernel lets us watch a process."""
    try:
        return platform.machine() == "x86_64" and not watched(_probe, under=Path("/none")).killed
    except (OSError, EOFError, RuntimeError):
        return False


def _probe() -> None:
    pass


def _child(connection: Connection, work: Callable[..., None], args: tuple[object, ...]) -> None:
    listener = _install()
    reduction.send_handle(connection, listener, 0)
    os.close(listener)
    try:
        work(*args)
    except Exception as error:  # noqa: BLE001  # whatever it is, the test looks at it
        connection.send(f"{type(error).__name__}: {error}")
    else:
        connection.send(None)


def _install() -> int:
    """Filter this process; return the descriptor that its calls arrive at."""
    program = [_jump(0x20, 4), _jump(0x15, _AUDIT_ARCH_X86_64, 1, 0), _jump(0x06, _ALLOW)]
    program.append(_jump(0x20, 0))
    flags_at = {"open": 24, "openat": 32}
    for name, number in ((name, number) for number, name in _NAMES.items()):
        if name in flags_at:
            program += [
                _jump(0x15, number, 0, 4),
                _jump(0x20, flags_at[name]),
                _jump(0x45, _WRITES, 0, 1),
                _jump(0x06, _NOTIFY),
                _jump(0x06, _ALLOW),
            ]
        else:
            program += [_jump(0x15, number, 0, 1), _jump(0x06, _NOTIFY)]
    program.append(_jump(0x06, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(program))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(code))
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    listener: int = libc.syscall(_SECCOMP, 1, 8, ctypes.create_string_buffer(header))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return listener


def _jump(code: int, k: int, true: int = 0, false: int = 0) -> bytes:
    """Return one instruction of the kernel's packet filter."""
    return struct.pack("HBBI", code, true, false, k)


class _Supervisor:
    """Answers one child's calls."""

    def __init__(self, listener: int, root: Path, at: int, kind: Kind) -> None:
        self._listener, self._root, self._at, self._kind = listener, root, at, kind
        self._calls: list[Call] = []

    def run(self) -> list[Call]:
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while True:
            ((_, event),) = poll.poll()
            if not event & select.POLLIN:
                return self._calls
            message = bytearray(80)
            try:
                fcntl.ioctl(self._listener, _RECV, message)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR):
                    continue
                raise
            self._answer(message)

    def _answer(self, message: bytearray) -> None:
        id, pid, _, number, _, _, *args = struct.unpack("QIIiIQ6Q", message)
        name = _NAMES[number]
        path = Path(_path(pid, name, args))
        if path.is_relative_to(self._root):
            self._calls.append(Call(name, str(path.relative_to(self._root))))
            if len(self._calls) - 1 == self._at:
                if self._kind == "torn":
                    _half(pid, name, args)
                if self._kind in ("torn", "crash"):
                    os.kill(pid, signal.SIGKILL)
                else:
                    self._send(id, -getattr(errno, self._kind), 0)
                return
        self._send(id, 0, _CONTINUE)

    def _send(self, id: int, error: int, flags: int) -> None:
        try:
            fcntl.ioctl(self._listener, _SEND, struct.pack("QqiI", id, 0, error, flags))
        except OSError as failure:
            if failure.errno != errno.ENOENT:  # the child is gone
                raise


def _path(pid: int, name: str, args: list[int]) -> str:
    """Return the absolute path of the file that a call changes."""
    if name in _FILES:
        return _link(pid, args[_FILES[name][1]])
    _, folder, argument = _PATHS[name]
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
        path = os.fsdecode(os.pread(memory.fileno(), 4096, args[argument]).partition(b"\0")[0])
    if path.startswith("/"):
        return path
    number = -1 if folder is None else ctypes.c_int(args[folder]).value
    base = _link(pid, number) if number >= 0 else os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115
    return f"{base}/{path}"


def _link(pid: int, descriptor: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/fd/{ctypes.c_int(descriptor).value}")  # noqa: PTH115
    except OSError:
        return ""


def _half(pid: int, name: str, args: list[int]) -> None:
    """Do the first half of a write in the child's stead."""
    pidfd = os.pidfd_open(pid)
    out = libc.syscall(_PIDFD_GETFD, pidfd, ctypes.c_int(args[0]), 0)
    try:
        if name == "sendfile":
            source = libc.syscall(_PIDFD_GETFD, pidfd, ctypes.c_int(args[1]), 0)
            os.sendfile(out, source, 0, args[3] // 2 or 1)
            os.close(source)
            return
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123
            body = os.pread(memory.fileno(), args[2] // 2, args[1])
        if name == "write":
            os.write(out, body)
        else:
            os.pwrite(out, body, args[3])
    finally:
        os.close(out)
        os.close(pidfd)
