"""The vector cache, kept about as large as what it is for."""

import logging
import sqlite3
from pathlib import Path

from index import kept
from index.base import StoreError
from ingest.cache import VectorCache
from ingest.chunk import windows_of

ROOM = 2  # times what is needed: until then a file is left alone, for all chunks are cut again

log = logging.getLogger(__name__)


def trim(data: Path, cache: VectorCache) -> int:
    """Drop the vectors that no generation on the disk needs, if they are most; return how many.

    What a rollback goes on from is kept, as it is one of them. It only saves room: what fails is
    logged, and tried again after the next publish.
    """
    try:
        before = cache.count()
        if before <= ROOM * kept.windows(data):
            return 0
        cache.keep_only(window for chunk in kept.chunks(data) for window in windows_of(chunk))
    except (OSError, EOFError, ValueError, LookupError, sqlite3.Error, StoreError) as error:
        log.warning("cache not trimmed error=%s", error)
        return 0
    log.info("cache trimmed vectors=%d of=%d", before - cache.count(), before)
    return before - cache.count()
