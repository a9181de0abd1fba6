"""What all generations on the disk hold together: each chunk once, however many share it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from index import generations, records
from index.base import Chunk
from index.contents import CHUNKS, OWNERS


def windows(data: Path) -> int:
    """Return how many vectors these chunks have."""
    counts: dict[tuple[str, str], int] = {}
    for name in generations.names(data):
        folder = generations.folder(data, name)
        of_row = np.bincount(np.load(folder / OWNERS, allow_pickle=False))
        with closing(records.open_read_only(folder / CHUNKS)) as database:
            for row, id, context in database.execute("SELECT row, id, context FROM chunks"):
                counts[id, context] = int(of_row[row])
    return sum(counts.values())


def chunks(data: Path) -> Iterator[Chunk]:
    """Yield every chunk, document by document; one whose context changed is another."""
    seen: set[tuple[str, str]] = set()
    for name in generations.names(data):
        for chunk in chunks_of(data, name):
            if (chunk.id, chunk.context) not in seen:
                seen.add((chunk.id, chunk.context))
                yield chunk


def chunks_of(data: Path, name: str) -> Iterator[Chunk]:
    """Yield every chunk of one generation, document by document."""
    file = generations.folder(data, name) / CHUNKS
    with closing(records.open_read_only(file)) as database:
        ids = [id for (id,) in database.execute("SELECT id FROM documents ORDER BY id")]
        for id in ids:
            yield from records.chunks_of_document(database, id)
