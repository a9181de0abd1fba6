"""Forgotten documents: not listed, and erased from everything an ingestion leaves on the disk."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from connectors.base import Connector, Document, Entry, Kind
from index import disk, erasure
from index.overlay import Overlay
from ingest.cache import VectorCache
from ingest.chunk import windows_of

log = logging.getLogger(__name__)


class WithoutForgotten:
    """A source as it is listed when some of its documents are forgotten."""

    def __init__(self, connector: Connector, forgotten: Callable[[str], bool]) -> None:
        self.name = connector.name
        self.kind: Kind = connector.kind
        self._connector = connector
        self._forgotten = forgotten

    def entries(self) -> Iterator[Entry]:
        """Yield every document that is not forgotten."""
        return (each for each in self._connector.entries() if not self._forgotten(each.id))

    def fetch(self, entry: Entry) -> Document:
        """Return one document's content."""
        return self._connector.fetch(entry)


def erase(data: Path, overlay: Overlay, cache: VectorCache) -> int:
    """Remove every trace of forgotten documents that the published generation holds no more.

    That is: older generations with them, vectors that belong to no published text, and rows
    of the live database. Returns how many documents; what fails is tried again by the
    next run. Raises StoreError if the disk is full or fails.
    """
    with disk.writing(data):
        pending = overlay.unerased()
        gone = pending - erasure.drop_generations(data, pending)
        if not gone:
            return 0
        cache.keep_only(window for chunk in erasure.chunks(data) for window in windows_of(chunk))
        overlay.erased(gone)
    log.info("erased documents=%d", len(gone))
    return len(gone)
