"""Parsing in a process of its own: a document that hangs, bursts or crashes it costs only itself.

Knows no format. The process lives for many documents and is replaced when it dies, is killed or
has grown; nothing that comes from it is executed or unpickled, see `ingest.wire`.
"""

import logging
import os
import select
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from connectors.base import Document
from ingest import wire
from ingest.base import Code, Parsed, ParseError, ParserError
from ingest.confine import ALL_LIMITS
from ingest.sandbox_child import READY

MAX_BYTES = 50 * 2**20  # of one document
START_S = 60.0  # importing the parsers takes under a second when the disk is not busy
READ_BYTES = 2**16
CONFINED_ON = "Linux 5.13 or newer on x86-64 or ARM64 has them all; elsewhere trust what is parsed"

# All that the process sees of the environment: no token, no proxy, one thread, no calling home.
_ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may take; memory is bounded in `ingest.confine`."""

    wall_s: float = 55.0
    cpu_s: float = 55.0
    retire_kib: int = 600 * 1024  # a process whose peak was over this is replaced


class _Broken(Exception):
    """The process did not answer as it should."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code: Code = code


class Sandbox:
    """Parses documents one after the other. Not for use by several threads at a time."""

    def __init__(self, target: str = "ingest.parse:parse", limits: Limits | None = None) -> None:
        """Start the process, which gets ready meanwhile. target: "module:function" that parses."""
        self._target = target
        self._limits = limits or Limits()
        self._warned = False
        self._child = _Child(self._target, self._limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process that parses now."""
        return self._child.process.pid

    def parse(self, document: Document) -> Parsed:
        """Return a document's text. Raises ParseError, and nothing else, whatever the bytes do.

        Raises ParserError if the process cannot start: then no document is to blame.
        """
        if len(document.body) > MAX_BYTES:
            raise _error("too-large", document)
        if self._child.process.poll() is not None:
            self._replace("died unasked")
        self._warn_of(self.missing())
        try:
            outcome, peak_kib = self._child.ask(document)
        except _Broken as broken:
            self._replace(broken.code)
            raise _error(broken.code, document) from broken
        if peak_kib > self._limits.retire_kib:
            self._replace("grown")
        if isinstance(outcome, ParseError):
            raise outcome
        return outcome

    def missing(self) -> frozenset[str]:
        """Return which limits this machine cannot lay on the process. Raises ParserError."""
        return ALL_LIMITS - self._child.limits()

    def close(self) -> None:
        """End the process."""
        self._child.kill()

    def _warn_of(self, missing: frozenset[str]) -> None:
        if missing and not self._warned:
            log.warning(
                "parser not confined missing=%s: %s", ",".join(sorted(missing)), CONFINED_ON
            )
            self._warned = True

    def _replace(self, reason: str) -> None:
        log.info("parser replaced pid=%d reason=%s", self.pid, reason)
        self._child.kill()
        self._child = _Child(self._target, self._limits)


class _Child:
    """One process, from its start to its end."""

    def __init__(self, target: str, limits: Limits) -> None:
        self._limits = limits
        self._holds: frozenset[str] | None = None  # not before it is ready
        # No pipe, which a talkative start would fill; `kill` closes it.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        root = Path(__file__).resolve().parents[1]
        command = [sys.executable, "-P", "-m", "ingest.sandbox_child"]  # -P: not from this folder
        try:
            self.process = subprocess.Popen(
                [*command, target, str(limits.wall_s), str(limits.cpu_s)],
                bufsize=0,
                cwd="/",
                env={**_ENVIRONMENT, "PYTHONPATH": str(root)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,
            )
        except OSError as error:
            self._said.close()
            raise ParserError(f"The parser cannot start: {error}.") from error

    def limits(self) -> frozenset[str]:
        """Return which limits hold, once it can parse. Raises ParserError if it never will."""
        if self._holds is None:
            try:
                said = self._exchange(b"", START_S, _is_ready)
            except (EOFError, BrokenPipeError, TimeoutError) as error:
                raise ParserError(f"The parser cannot start: {self._last_words()}") from error
            self._holds = frozenset(said.removeprefix(READY).decode("ascii").split())
        return self._holds

    def ask(self, document: Document) -> tuple[Parsed | ParseError, int]:
        """Return the outcome and the process's peak memory in KiB. Raises _Broken."""
        try:
            request = wire.request(document)
            received = self._exchange(request, self._limits.wall_s, wire.is_whole)
            return wire.read_reply(received, document)
        except wire.WireError as error:
            raise _Broken("crashed") from error
        except (EOFError, BrokenPipeError) as error:
            raise _Broken(self._cause_of_death()) from error
        except TimeoutError as error:
            raise _Broken("timeout") from error

    def kill(self) -> None:
        """End the process and whatever it may have started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (*self._pipes(), self._said):
            pipe.close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self.process.stdin is None or self.process.stdout is None:
            raise AssertionError("a process is started with both pipes")
        return self.process.stdin, self.process.stdout

    def _exchange(
        self, request: bytes, timeout_s: float, is_whole: Callable[[bytearray], bool]
    ) -> bytearray:
        """Write and read at once, so that neither side can block the other for ever."""
        deadline = time.monotonic() + timeout_s
        to, of = self._pipes()
        left, received = memoryview(request), bytearray()
        with selectors.DefaultSelector() as waiting:
            waiting.register(of, selectors.EVENT_READ)
            if left:
                waiting.register(to, selectors.EVENT_WRITE)
            while not is_whole(received):
                events = waiting.select(max(deadline - time.monotonic(), 0.0))
                if not events:
                    raise TimeoutError
                for key, _ in events:
                    if key.fileobj is of:
                        received += _some(of)
                        continue
                    left = left[os.write(to.fileno(), left[: select.PIPE_BUF]) :]
                    if not left:
                        waiting.unregister(to)
        return received

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), None)
        return said or f"it was silent for {START_S:.0f} s, or killed before it said anything."

    def _cause_of_death(self) -> Code:
        try:
            status = self.process.wait(1)
        except subprocess.TimeoutExpired:  # it only closed its pipes
            return "crashed"
        if status in (-signal.SIGXCPU, -signal.SIGALRM):
            return "timeout"
        # Nobody here sent SIGKILL yet: it was the system, short of memory.
        return "memory" if status == -signal.SIGKILL else "crashed"


def _is_ready(received: bytearray) -> bool:
    return received.startswith(READY) and received.endswith(b"\n")


def _some(pipe: IO[bytes]) -> bytes:
    received = os.read(pipe.fileno(), READ_BYTES)
    if not received:
        raise EOFError
    return received


def _error(code: Code, document: Document) -> ParseError:
    return ParseError(code, f"'{document.title}' ({document.entry.id}) {_REASONS[code]}")


_REASONS: dict[Code, str] = {
    "crashed": "made the parser crash. Check where it comes from; open it in the program that made"
    " it and save it again.",
    "memory": "needs more memory than is allowed. Split it, or leave it out.",
    "timeout": "took too long to parse. Split it, or save it again in a simpler form.",
    "too-large": f"is larger than {MAX_BYTES >> 20} MiB. Split it, or leave it out.",
}
