"""What is published, document by document, for those who compare and count but do not search."""

import sqlite3
from contextlib import closing
from pathlib import Path

from index import generations, records
from index.base import DocumentInfo
from index.contents import CHUNKS
from index.generations import Manifest


def documents(data: Path, source: str) -> dict[str, DocumentInfo]:
    """Return document id -> what is known of it, for one source; before the first index, nothing.

    Raises StoreError if no generation is whole.
    """
    selected = generations.select(data)
    if selected is None:
        return {}
    with closing(_opened(data, selected.manifest)) as database:
        return records.documents(database, source)


def sources(data: Path) -> frozenset[str]:
    """Return the sources that have documents in the published index; before the first, none.

    Raises StoreError if no generation is whole.
    """
    selected = generations.select(data)
    if selected is None:
        return frozenset()
    with closing(_opened(data, selected.manifest)) as database:
        return frozenset(
            name for (name,) in database.execute("SELECT DISTINCT source FROM documents")
        )


def run(data: Path) -> int | None:
    """Return the number of the ingestion whose index answers; None if there is none.

    Raises StoreError if no generation is whole.
    """
    selected = generations.select(data)
    number = selected.manifest.report.get("run") if selected else None
    return number if isinstance(number, int) else None


def stale(data: Path, manifest: Manifest) -> frozenset[str]:
    """Return the documents of a generation of which a newer version could not be read."""
    with closing(_opened(data, manifest)) as database:
        return frozenset(id for (id,) in database.execute("SELECT id FROM documents WHERE stale"))


def _opened(data: Path, manifest: Manifest) -> sqlite3.Connection:
    return records.open_read_only(generations.folder(data, manifest.name) / CHUNKS)
