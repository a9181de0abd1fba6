"""Flipped bits and cut files: detected at open, never served, never an empty index."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from index import generations
from index.base import StoreError
from index.local import PublishedStore
from tests.crash import job
from tests.fake_models import HashEmbedder

FLIPS, CUTS = 500, 100


@pytest.fixture
def data(grown: Path, memory: Path) -> Path:
    return job.copied(grown, memory / "data")


def opened(data: Path) -> PublishedStore:
    """Open the index and ask it something."""
    store = PublishedStore(data, recipe=job.RECIPE)
    assert store.search("canteen", HashEmbedder().embed_query("canteen"), 3, job.ALL)
    return store


def offsets(files: list[Path], count: int, dice: random.Random) -> Iterator[tuple[Path, int]]:
    """Yield places in files: every file in turn, so that small ones are not left out."""
    for number in range(count):
        file = files[number % len(files)]
        yield file, dice.randrange(file.stat().st_size)


def current_files(data: Path) -> list[Path]:
    manifest = generations.current(data)
    assert manifest is not None
    return sorted(generations.folder(data, manifest.name).iterdir())


def test_every_flipped_bit_is_detected_and_the_generation_before_answers(data: Path) -> None:
    dice = random.Random(11)
    for file, offset in offsets(current_files(data), FLIPS, dice):
        body = file.read_bytes()
        flipped = bytearray(body)
        flipped[offset] ^= 1 << dice.randrange(8)
        file.write_bytes(flipped)
        store = opened(data)
        assert store.generation == "000002"
        assert store.degraded
        assert file.name in store.degraded
        file.write_bytes(body)
    assert opened(data).degraded is None


def test_every_truncation_is_detected_and_the_generation_before_answers(data: Path) -> None:
    for file, length in offsets(current_files(data), CUTS, random.Random(13)):
        body = file.read_bytes()
        file.write_bytes(body[:length])
        store = opened(data)
        assert (store.generation, bool(store.degraded)) == ("000002", True)
        file.write_bytes(body)
    assert opened(data).degraded is None


def test_every_flipped_bit_of_the_pointer_is_detected(data: Path) -> None:
    body = (data / "CURRENT").read_bytes()
    for bit in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        (data / "CURRENT").write_bytes(flipped)
        store = opened(data)
        assert (store.generation, bool(store.degraded)) == ("000003", True)


@pytest.mark.parametrize("name", ["chunks.sqlite", "manifest.json", "CURRENT"])
def test_what_is_missing_is_as_what_is_damaged(data: Path, name: str) -> None:
    file = data / name if name == "CURRENT" else generations.folder(data, "000003") / name
    file.unlink()
    assert opened(data).degraded


def test_the_next_run_goes_on_from_the_generation_that_answered(data: Path) -> None:
    shutil.rmtree(generations.folder(data, "000003"))
    opened(data)
    assert job.readable(data) == job.listed(1)
    job.ingest(data, job.night(2))
    assert job.readable(data) == job.listed(2)
    assert opened(data).degraded is None


def test_a_run_that_finds_nothing_new_still_ends_the_degradation(data: Path) -> None:
    more = [*job.night(2), job.page("more", "The canteen opens at one.")]
    for documents in (job.night(2), more):  # the first purges what is hidden
        job.ingest(data, documents)
    shutil.rmtree(generations.folder(data, "000005"))
    assert opened(data).degraded
    job.ingest(data, job.night(2))
    store = opened(data)
    assert (store.generation, store.degraded) == ("000004", None)


def test_degradation_is_said_once(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    (data / "CURRENT").write_text("nonsense")
    store = opened(data)
    for _ in range(5):
        store.read("wiki:kept", job.ALL)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "generation=000003" in record.getMessage()


def test_where_no_generation_is_whole_the_error_says_so_and_what_to_run(data: Path) -> None:
    for file in (data / "generations").glob("*/vectors.faiss"):
        file.write_bytes(b"")
    with pytest.raises(StoreError, match=r"No other generation .* ingest --rebuild.*restore"):
        opened(data)
    with pytest.raises(StoreError, match=r"ingest --rebuild"):
        job.ingest(data, job.night(3))
