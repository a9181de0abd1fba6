"""Bombs go off in the sandbox: within its memory, within its time, and without a trace."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ingest import parse
from ingest.base import ParseError
from ingest.sandbox import Limits, Sandbox
from tests.ingest.bombs import BOMBS
from tests.ingest.test_parse import document

WALL_S = 2.0  # instead of 55, so that all of them take a minute; with 55 none was over 56 s
PEAK_KIB = 2**20
GOOD = document("Twelve days a year.")


@contextmanager
def watched(pid: int) -> Iterator[list[int]]:
    """Yield a list that takes the most memory a process had resident, in KiB, while it lives."""
    peaks, done = [0], threading.Event()

    def look() -> None:
        with suppress(OSError):  # it is gone
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            peaks.extend(
                int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")
            )

    def watch() -> None:
        while not done.wait(0.005):
            look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        look()
        done.set()
        thread.join()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=Limits(wall_s=WALL_S, cpu_s=WALL_S)) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_goes_off_within_limits(sandbox: Sandbox, name: str) -> None:
    body_type, body = BOMBS[name]()
    assert sandbox.parse(GOOD) == parse.parse(GOOD)
    start = time.monotonic()
    with watched(sandbox.pid) as peaks, suppress(ParseError):
        sandbox.parse(document(body, body_type))
    assert time.monotonic() - start < WALL_S + 3
    assert 0 < max(peaks) <= PEAK_KIB
    assert sandbox.parse(GOOD) == parse.parse(GOOD)


@pytest.mark.parametrize(
    ("name", "code"),
    {
        "zip: one part of 60 MiB": "too-large",
        "zip: 10,001 parts": "too-large",
        "zip: 5,000 names of one part": "too-large",
        "zip: understated size": "damaged",
        "zip: overstated size": "too-large",
        "xml: laughs in a document": "damaged",
        "xml: laughs in UTF-16": "damaged",
        "xml: 100,000 deep": "damaged",
        "xlsx: a diagonal": "too-large",
        "pdf: 3,001 pages": "too-large",
        "pdf: pages in a circle": "damaged",
    }.items(),
)
def test_a_bomb_is_refused_before_it_goes_off(name: str, code: str) -> None:
    body_type, body = BOMBS[name]()
    start = time.process_time()
    with pytest.raises(ParseError) as caught:
        parse.parse(document(body, body_type))
    assert caught.value.code == code
    assert time.process_time() - start < 3
