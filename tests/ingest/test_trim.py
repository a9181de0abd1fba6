"""The vector cache does not grow for ever, and keeps what an index on the disk may need."""

import logging
from contextlib import closing
from pathlib import Path

import pytest

from connectors.base import Document
from index import generations
from ingest.cache import VectorCache
from ingest.trim import trim
from tests.ingest.job import Job, page, pages

WIKI = pages(20)


def night(number: int) -> list[Document]:
    """Return a wiki that is another one, but for one page, every night."""
    edited = [
        page(f"{n:03d}", f"Page {n} of night {number}.", version=f"{number}") for n in range(19)
    ]
    return [*edited, WIKI[19]]


def trimmed(job: Job) -> tuple[int, int]:
    """Trim; return how many vectors went and how many are left."""
    with closing(VectorCache(job.data / "cache.sqlite", job.embedder)) as cache:
        return trim(job.data, cache), cache.count()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    for number in range(7):
        made(*night(number))
    made.embedder.embedded.clear()
    return made


def test_a_cache_more_than_twice_as_large_as_needed_is_cut_to_the_kept_indexes(job: Job) -> None:
    size = (job.data / "cache.sqlite").stat().st_size
    assert trimmed(job) == (7 * 19 + 1 - 58, 58)  # 19 pages in each of three, one in all
    assert (job.data / "cache.sqlite").stat().st_size < size * 0.7
    assert trimmed(job) == (0, 58)


def test_nothing_is_embedded_again_after_it_not_even_after_a_rollback(job: Job) -> None:
    trimmed(job)
    for number in (4, 5, 6):
        job(*night(number))
    generations.point(job.data, generations.load(job.data, generations.names(job.data)[0]))
    for number in (6, 5, 4):
        job(*night(number))
    assert job.embedder.embedded == []


def test_a_cache_of_what_is_needed_is_left_alone(tmp_path: Path) -> None:
    job = Job(tmp_path)
    for number in range(5):
        job(*night(number))
    assert trimmed(job) == (0, 5 * 19 + 1)


def test_vectors_of_an_embedder_that_was_left_go_too(tmp_path: Path) -> None:
    job = Job(tmp_path)
    for name in ("one@1", "two@1", "hash@1"):
        job.embedder.name = name
        with closing(VectorCache(job.data / "cache.sqlite", job.embedder)) as cache:
            cache.vectors([f"text {n}" for n in range(9)])
    job(*WIKI)
    assert trimmed(job) == (27, 20)


def test_what_cannot_be_trimmed_is_only_said(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    for folder in (job.data / "generations").iterdir():
        (folder / "owners.npy").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        assert trimmed(job) == (0, 7 * 19 + 1)
    assert "cache not trimmed" in caplog.text
