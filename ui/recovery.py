"""Recovery for people: going back to an earlier index, backing up, restoring."""

from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from index import backup, generations, rollback
from index.backup import About
from index.generations import Manifest
from ui.settings import Settings, SettingsError


def go_back(settings: Settings, to: str | None, *, really: bool) -> str:
    """Return what going back would do, or do it and say so. Raises StoreError, SettingsError.

    to: the generation to go to; None: the one that the current was made from.
    """
    data = settings.data_dir
    target = rollback.target(data, to)
    plan = f"{_now(data)}\nAfterwards: {_line(target)}."
    if not really:
        return f"{plan}\nNothing is done yet: run it again with --yes."
    try:
        with FileLock(data / "LOCK", timeout=0):
            generations.point(data, target)
    except Timeout:
        raise SettingsError(
            f"An ingestion is running in {data} and would publish over it: wait for its end, "
            "see `footnote status`."
        ) from None
    return f"{plan}\nDone. The next `footnote ingest` goes on from generation {target.name}."


def back_up(settings: Settings, file: Path, now: datetime) -> str:
    """Write a backup and say what is in it. Raises StoreError."""
    about = backup.save(settings.data_dir, file, now=now)
    megabytes = file.stat().st_size / 2**20
    return f"Wrote {file}, {megabytes:.1f} MiB: {_held(about)}. The vector cache is not in it."


def restore(settings: Settings, file: Path) -> str:
    """Fill the empty data directory from a backup and say what it holds. Raises StoreError."""
    about = backup.restore(file, settings.data_dir)
    return (
        f"Restored into {settings.data_dir}: {_held(about)}, backed up {about.created_at[:16]} UTC."
        "\nWhat was forgotten or revoked after that is back: forget and revoke it again, "
        "before anyone asks."
    )


def _now(data: Path) -> str:
    selected = generations.select(data)
    return "Now: no index." if selected is None else f"Now: {_line(selected.manifest)}."


def _line(manifest: Manifest) -> str:
    return (
        f"generation {manifest.name}, made {manifest.created_at[:16]} UTC, "
        f"{manifest.documents} documents in {manifest.chunks} chunks, recipe '{manifest.recipe}'"
    )


def _held(about: About) -> str:
    return (
        f"generation {about.generation}, {about.documents} documents in {about.chunks} chunks, "
        f"content {about.content[:12]}"
    )
