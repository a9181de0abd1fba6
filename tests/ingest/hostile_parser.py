"""A parser that does, in the sandbox's process, what a document's first word says."""

import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from connectors.base import Document
from ingest import wire
from ingest.base import Parsed, ParseError
from ingest.parse import parse as honest


def _exhaust() -> None:
    held = []
    while True:
        held.append(bytearray(2**24))


def _spin() -> None:
    while True:
        pass


def _ignore_signals() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    _spin()


def _say(answer: bytes) -> None:
    """Write to whatever pipe leads to the parent process."""
    for fd in range(3, 20):
        try:
            os.write(fd, answer)
        except OSError:
            continue


def _connect() -> None:
    socket.create_connection(("127.0.0.1", 9), timeout=1).close()


def _lookup() -> None:
    socket.getaddrinfo("example.com", 443)


def _write() -> None:
    Path("/tmp/footnote-sandbox-was-here").write_text("x")


def _run() -> None:
    os.posix_spawn("/bin/true", ["true"], {})


def _open_many() -> None:
    for _ in range(200):
        os.open("/dev/null", os.O_RDONLY)


def _raise(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


KILLS: dict[str, Callable[[], object]] = {  # the process does not survive, or must not
    "abort": os.abort,
    "exit": lambda: os._exit(0),
    "hang": lambda: time.sleep(3600),
    "ignore-signals": _ignore_signals,
    "interrupt": _raise(KeyboardInterrupt()),
    "nonsense": lambda: _say(b"\xff" * 64),
    "nothing": lambda: _say(wire.HEAD.pack(2, 0) + b"{}"),
    "runtime": _raise(RuntimeError("a bug")),
    "segfault": lambda: ctypes.string_at(0),
    "spin": _spin,
    "stop": lambda: signal.raise_signal(signal.SIGSTOP),
    "system-exit": lambda: sys.exit("bye"),
    "two-answers": lambda: _say(wire.refusal(ParseError("empty", "x"), peak_kib=1) * 2),
}
SLOW_KILLS: dict[str, Callable[[], object]] = {"exhaust": _exhaust}
REFUSED: dict[str, Callable[[], object]] = {  # the system says no; the process goes on
    "connect": _connect,
    "fork": os.fork,
    "kill": lambda: os.kill(os.getppid(), signal.SIGTERM),
    "lookup": _lookup,
    "open": _open_many,
    "run": _run,
    "write": _write,
}


def parse(document: Document) -> Parsed:
    """Misbehave as told, or parse."""
    word = document.body.partition(b" ")[0].decode("ascii", "replace")
    act = (KILLS | SLOW_KILLS).get(word)
    if act is not None:
        act()
    if word in REFUSED:
        try:
            REFUSED[word]()
        except OSError as error:
            raise ParseError("unsupported", f"refused: {error}") from error
        raise ParseError("unsupported", "not refused")
    if word == "environment":
        return honest(
            replace(document, body=Path("/proc/self/environ").read_bytes().replace(b"\0", b" "))
        )
    return honest(document)
