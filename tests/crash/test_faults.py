"""Every call of a small ingestion that changes a file × every fault: the old index or the new.

An index must open without a manual step after each, and the next run must mend all.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from index.base import StoreError
from tests.crash import job, syscalls
from tests.crash.syscalls import Call, Ended, Kind

KINDS: tuple[Kind, ...] = ("crash", "EIO", "ENOSPC", "torn")
STARTS = ("first", "later")
REMOVALS = frozenset(("unlink", "unlinkat", "rmdir"))

pytestmark = pytest.mark.skipif(
    not syscalls.available(), reason="needs a Linux kernel on x86-64 that lets seccomp notify"
)


@pytest.fixture(params=STARTS)
def start(request: pytest.FixtureRequest, grown: Path, memory: Path) -> Path:
    """Return the data directory before the run: nothing at all, or three nights."""
    return memory / "nothing" if request.param == "first" else grown


def run(data: Path, at: int = -1, kind: Kind = "crash") -> Ended:
    return syscalls.watched(job.ingest, data, job.night(3), under=data, at=at, kind=kind)


def points(calls: list[Call], kind: Kind, long: bool) -> Iterator[int]:
    """Yield which calls to hit: all, or of a row of equal ones the first and the last."""
    for number, call in enumerate(calls):
        inside = 0 < number < len(calls) - 1 and calls[number - 1] == call == calls[number + 1]
        if (long or not inside) and (call.can_tear or kind != "torn"):
            yield number


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_anywhere_leaves_the_old_index_or_the_new(
    start: Path, data: Path, kind: Kind, long: bool
) -> None:
    old = job.content(start)
    calls = run(job.copied(start, data)).calls
    new = job.content(data)
    job.ingest(data, job.night(3))
    ends = (new, job.content(data))  # a second listing purges what the first one hid
    assert old != new
    assert len(calls) > 50
    wrong = []
    for number in points(calls, kind, long):
        ended = run(job.copied(start, data), number, kind)
        fault = f"{kind} at {number}: {calls[number].name} {calls[number].path}"
        wrong += [f"{fault}: {what}" for what in faulty(ended, calls[number], data, old, ends)]
    assert wrong == []


def faulty(ended: Ended, call: Call, data: Path, old: str, ends: tuple[str, str]) -> Iterator[str]:
    """Yield what is not as it should be after a fault, and after the next run.

    ends: the content after one run without a fault, and after two.
    """
    new = ends[0]
    try:
        # The very first CURRENT comes after its generation; from then on it always names one.
        found = job.content(data, degraded=old == job.NOTHING)
    except StoreError as error:
        found = str(error)
    if found not in (old, new):
        yield f"opens as {found}"
    if not ended.killed and ended.error is None and found != new:
        yield "no error, but the index is old"
    if ended.error is not None and not ended.error.startswith("StoreError: "):
        yield f"an unclear error: {ended.error}"
    staging = data / "generations" / ".building"
    if not ended.killed and staging.exists() and call.name not in REMOVALS:
        yield "staging is left"
    job.ingest(data, job.night(3))
    if job.content(data, degraded=False) not in ends or job.readable(data) != job.listed(3):
        yield "the next run does not mend it"
    if list((data / "generations").glob(".*")):
        yield "the next run leaves something behind"


def test_every_file_is_synced_before_it_gets_its_name(start: Path, data: Path) -> None:
    calls = [(call.name, call.path) for call in run(job.copied(start, data)).calls]
    published = max(
        n
        for n, (name, path) in enumerate(calls)
        if name == "rename" and path.startswith("generations/0")
    )
    for file in (
        "chunks.sqlite",
        "vectors.faiss",
        "owners.npy",
        "manifest.json",
        "manifest.sha256",
    ):
        path = f"generations/.building/{file}"
        touched = [n for n, call in enumerate(calls) if call[1] == path and call[0] != "fsync"]
        assert calls.index(("fsync", path), touched[-1]) < published
    assert calls[published - 1] == ("fsync", "generations/.building")
    assert calls[published + 1 : published + 6] == [
        ("fsync", "generations"),
        ("openat", "CURRENT.new"),
        ("write", "CURRENT.new"),
        ("fsync", "CURRENT.new"),
        ("rename", "CURRENT"),
    ]
    assert calls[published + 6] == ("fsync", ".")
