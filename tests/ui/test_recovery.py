"""Rollback, backup and restore as a person types them."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from index import generations
from index.base import StoreError
from index.local import PublishedStore
from tests.crash import job
from ui import doctor, settings
from ui.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with settings and an index of three generations."""
    (tmp_path / "settings.toml").write_text('data_dir = "data"\n')
    job.grown(tmp_path / "data", 3)
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--settings", str(folder / "settings.toml"), *arguments])


def current(folder: Path) -> str:
    manifest = generations.current(folder / "data")
    assert manifest is not None
    return manifest.name


def test_a_rollback_shows_what_it_would_do_and_does_it_when_told(folder: Path) -> None:
    shown = run(folder, "rollback")
    assert "Now: generation 000003" in shown.output
    assert "Afterwards: generation 000002" in shown.output
    assert "--yes" in shown.output
    assert current(folder) == "000003"
    assert "Done" in run(folder, "rollback", "--yes").output
    assert current(folder) == "000002"
    assert run(folder, "rollback", "--to", "3", "--yes").exit_code == 0
    assert current(folder) == "000003"


def test_a_rollback_during_an_ingestion_is_refused(folder: Path) -> None:
    with FileLock(folder / "data" / "LOCK"):
        result = run(folder, "rollback", "--yes")
    assert result.exit_code == 1
    assert "ingestion is running" in result.output
    assert current(folder) == "000003"


def test_a_backup_comes_back_on_an_empty_machine(folder: Path, tmp_path: Path) -> None:
    before = job.content(folder / "data")
    made = run(folder, "backup", str(tmp_path / "b.tar"))
    assert "generation 000003, 5 documents in 5 chunks" in made.output
    refused = run(folder, "restore", str(tmp_path / "b.tar"))
    assert refused.exit_code == 1
    assert "not empty" in refused.output
    shutil.rmtree(folder / "data")
    assert run(folder, "restore", str(tmp_path / "b.tar")).exit_code == 0
    assert job.content(folder / "data") == before


def test_what_was_forgotten_before_a_backup_stays_so_and_of_later_the_restore_warns(
    folder: Path, tmp_path: Path
) -> None:
    run(folder, "forget", "wiki:kept", "--yes")
    run(folder, "backup", str(tmp_path / "b.tar"))
    run(folder, "forget", "wiki:changed", "--yes")
    shutil.rmtree(folder / "data")
    said = run(folder, "restore", str(tmp_path / "b.tar")).output
    assert "forgotten or revoked after that is back" in said
    store = PublishedStore(folder / "data", recipe=job.RECIPE)
    assert store.readable({"wiki:kept", "wiki:changed"}, job.ALL) == {"wiki:changed"}


def test_status_and_doctor_say_that_an_older_generation_answers_and_why(folder: Path) -> None:
    assert "DEGRADED" not in run(folder, "status").output
    (generations.folder(folder / "data", "000003") / "vectors.faiss").write_bytes(b"")
    status = run(folder, "status")
    assert "generation 000002" in status.output
    assert "DEGRADED" in status.output
    assert "000003/vectors.faiss is damaged or missing" in status.output
    with pytest.raises(StoreError, match=r"^degraded: .*vectors\.faiss.*footnote ingest"):
        doctor._index(settings.load(folder / "settings.toml"))  # the others need models
