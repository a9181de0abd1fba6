"""Which generations still hold documents that are to be nowhere, and their removal."""

import json
import sqlite3
from collections.abc import Iterator, Set
from contextlib import closing
from pathlib import Path

from index import disk, generations, kept, records
from index.base import Chunk, StoreError
from index.contents import CHUNKS


def drop_generations(data: Path, document_ids: Set[str]) -> frozenset[str]:
    """Remove every generation but the current that holds one of the documents, or may hold one.

    Returns those that the current one holds: they are to be erased once another is published.
    Raises StoreError if the current one cannot be read.
    """
    if not document_ids:
        return frozenset()
    manifest = generations.current(data)
    current = manifest.name if manifest else None
    for name in generations.names(data):
        if name != current and _held(generations.folder(data, name), document_ids) != frozenset():
            disk.discard(generations.folder(data, name))
    if current is None:
        return frozenset()
    held = _held(generations.folder(data, current), document_ids)
    if held is None:
        raise StoreError(f"generation {current} in {data} cannot be read. Run `footnote ingest`.")
    return held


def chunks(data: Path) -> Iterator[Chunk]:
    """Yield every chunk of the current generation, document by document."""
    manifest = generations.current(data)
    if manifest is not None:
        yield from kept.chunks_of(data, manifest.name)


def _held(folder: Path, document_ids: Set[str]) -> frozenset[str] | None:
    """Return which of the documents a generation holds or names; None if it cannot be read."""
    try:
        manifest = (folder / generations.MANIFEST).read_text("utf-8")
        with closing(records.open_read_only(folder / CHUNKS)) as database:
            inside = records.named(database, document_ids)
    except (OSError, ValueError, sqlite3.Error):
        return None
    named = {id for id in document_ids if json.dumps(id) in manifest}
    return frozenset(inside) | named
