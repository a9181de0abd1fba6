"""Ingestion is idempotent: run three times, rebuilt, or killed and run again, it is one index."""

import multiprocessing
import os
import signal
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.files import FilesConnector
from index.base import Vectors
from ingest.documents import BATCH_CHUNKS
from ingest.history import Past
from tests.fake_models import HashEmbedder
from tests.ingest.job import ALL, Job, pages

FILES = 3 * BATCH_CHUNKS + 8
DEADLINE_S = 60


class SlowEmbedder(HashEmbedder):
    """Leaves time to be killed in the middle of a batch."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        time.sleep(0.5)
        return super().embed_passages(texts)


def drive(folder: Path) -> FilesConnector:
    return FilesConnector(
        "drive", folder / "files", kind="drive", readers=ALL, base_url="https://drive.example"
    )


def ingest_slowly(folder: Path) -> None:
    job = Job(folder / "data")
    job.embedder = SlowEmbedder()
    job.ingest(drive(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "files").mkdir()
    for number in range(FILES):
        text = f"# Pump {number}\n\nPump number {number} is checked every {number} days."
        (tmp_path / "files" / f"{number:03d}.md").write_text(text)
    return tmp_path


def embedded(data: Path) -> int:
    """Return how many vectors are safe, as another process sees it."""
    try:
        with sqlite3.connect(f"{(data / 'cache.sqlite').as_uri()}?mode=ro", uri=True) as cache:
            return int(cache.execute("SELECT count(*) FROM vectors").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def kill_after(folder: Path, vectors: int) -> None:
    """Kill an ingestion once that many vectors are safe."""
    process = multiprocessing.get_context("spawn").Process(target=ingest_slowly, args=(folder,))
    process.start()
    assert process.pid is not None
    end = time.monotonic() + DEADLINE_S
    while embedded(folder / "data") < vectors:
        assert process.is_alive()
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_three_runs_are_one_index_and_embed_once(tmp_path: Path) -> None:
    job = Job(tmp_path)
    first = job(*pages(30))
    files = job.files()
    assert first.embedded_windows == 30
    for _ in range(2):
        again = job(*pages(30))
        assert (again.generation, again.embedded_windows) == (None, 0)
        assert again.sources[0].unchanged == 30
        assert job.files() == files


def test_a_rebuild_of_the_same_sources_is_the_same_bytes(folder: Path) -> None:
    job = Job(folder / "data")
    job.ingest(drive(folder))
    files = job.files()
    report = job.ingest(drive(folder), rebuild=True)
    assert (report.generation, report.embedded_windows) == ("000002", 0)
    assert job.files() == files


@pytest.mark.parametrize("batches", [1, 2])
def test_a_run_killed_in_the_middle_resumes_and_ends_as_if_it_had_not_been(
    folder: Path, batches: int
) -> None:
    kill_after(folder, batches * BATCH_CHUNKS)
    job = Job(folder / "data")
    left = job.runs.running()
    assert left is not None
    assert left.source == "drive"
    assert job.past() == Past()

    safe = embedded(folder / "data")
    report = job.ingest(drive(folder))
    assert batches * BATCH_CHUNKS <= safe < FILES
    assert report.embedded_windows == FILES - safe
    assert len(job.embedder.embedded) == FILES - safe
    assert report.generation == "000001"
    assert job.runs.running() is None

    other = Job(folder / "other")
    assert other.ingest(drive(folder)).embedded_windows == FILES
    assert job.files() == other.files()
