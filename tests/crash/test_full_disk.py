"""A limit on the size of files, met at 50 places: the old index goes on, and the error says why."""

from pathlib import Path

from index import generations
from tests.crash import job
from tests.crash.syscalls import warm

SIZES = 50


def said(data: Path, limit: int) -> str | None:
    """Ingest under a limit; return the error."""
    ours, theirs = warm().Pipe()
    process = warm().Process(target=job.limited, args=(data, job.night(3), limit, theirs))
    process.start()
    theirs.close()
    error: str | None = ours.recv()
    process.join()
    return error


def test_a_full_disk_is_harmless_wherever_it_is_met(data: Path, grown: Path) -> None:
    old = job.content(job.copied(grown, data))
    job.ingest(data, job.night(3))
    manifest = generations.current(data)
    assert manifest is not None
    largest = (generations.folder(data, manifest.name) / "chunks.sqlite").stat().st_size
    room = 2 * max(file.stat().st_size for file in data.rglob("*") if file.is_file())
    for number in range(SIZES):
        job.copied(grown, data)
        error = said(data, largest * number // SIZES)
        assert error
        assert "cannot be written" in error
        assert "footnote ingest" in error
        assert job.content(data) == old
        assert not list((data / "generations").glob(".*"))
    assert said(data, room) is None
