"""Searching while publishing: every answer from one generation, and never an error."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from index import generations
from index.local import PublishedStore
from tests.crash import job
from tests.crash.syscalls import warm
from tests.fake_models import HashEmbedder

THREADS = 16
SWITCHES = 20
QUERY = "gateway firmware minutes meeting number"


def ask(store: PublishedStore, until: float, running: "list[bool]") -> list[str]:
    """Ask until told to stop; return the generation of every answer."""
    vector = HashEmbedder().embed_query(QUERY)
    seen = []
    while time.monotonic() < until and running:
        pinned = store.pinned()
        night = str(int(pinned.generation) - 1)
        for _ in range(2):
            hits = pinned.search(QUERY, vector, 8, job.HR | job.ALL)
            assert len(hits) == 4
            numbers = {n for hit in hits for n in re.findall(r"\d+", hit.chunk.text)}
            assert numbers == {night}
        (chunk,) = pinned.read("wiki:changed", job.ALL)
        assert chunk.text == f"The gateway runs firmware {night}."
        once = store.search(QUERY, vector, 8, job.HR | job.ALL)
        assert len({n for hit in once for n in re.findall(r"\d+", hit.chunk.text)}) == 1
        seen.append(pinned.generation)
    return seen


def test_every_answer_while_publishing_is_of_one_generation(data: Path, long: bool) -> None:
    job.nights(data, [0], 0)
    pause_s, nights = (2.5, 24) if long else (0.05, SWITCHES)
    publisher = warm().Process(target=job.nights, args=(data, range(1, nights + 1), pause_s))
    store = PublishedStore(data, recipe=job.RECIPE)
    running = [True]
    until = time.monotonic() + 300
    with ThreadPoolExecutor(THREADS) as pool:
        answers = [pool.submit(ask, store, until, running) for _ in range(THREADS)]
        publisher.start()
        publisher.join()
        running.clear()
        seen = [each.result() for each in answers]
    assert publisher.exitcode == 0
    assert store.generation == f"{nights + 1:06d}"
    assert generations.names(data) == [f"{nights + n:06d}" for n in (-1, 0, 1)]
    assert all(answered == sorted(answered) for answered in seen)
    assert len({name for answered in seen for name in answered}) > SWITCHES // 2
