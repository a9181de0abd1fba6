"""kill -9 at random moments, one run after the other on the same index, nothing mended between."""

import random
import signal
import time
from pathlib import Path

from tests.crash import job
from tests.crash.syscalls import warm


def killed(data: Path, number: int, after_s: float) -> bool:
    """Ingest a night and kill it; return whether it was still running."""
    process = warm().Process(target=job.ingest, args=(data, job.night(number)))
    process.start()
    process.join(after_s)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def took_s(data: Path) -> float:
    """Return how long a night takes, from its start to its end."""
    job.nights(data, [0], 0)  # what is slow the first time is not what is measured
    started = time.monotonic()
    assert not killed(data, 1, 60)
    return time.monotonic() - started


def undisturbed(data: Path, number: int, folder: Path) -> str:
    """Return the content of a night, ingested into a copy without a disturbance."""
    copy = job.copied(data, folder / "undisturbed")
    job.ingest(copy, job.night(number))
    assert job.readable(copy) == job.listed(number)
    return job.content(copy)


def test_no_random_kill_loses_doubles_or_mixes_anything(
    data: Path, memory: Path, long: bool
) -> None:
    dice = random.Random(7)
    whole_s = took_s(memory / "measured")
    kills, number, before = 0, 0, job.NOTHING
    while kills < (1000 if long else 50):
        after = undisturbed(data, number, memory)
        kills += killed(data, number, dice.uniform(0, 1.2 * whole_s))
        found = job.content(data, degraded=before == job.NOTHING)
        assert found in (before, after)
        before = found
        number += 1
    after = undisturbed(data, number, memory)
    job.ingest(data, job.night(number))
    assert job.content(data) == after
