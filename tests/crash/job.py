"""A small real ingestion, run whole in a process that may be killed at any point of it."""

import hashlib
import os
import resource
import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from connectors.base import Document, Entry
from index import contents, generations, inventory
from index.base import StoreError
from index.live import Live
from index.local import LocalBuild, PublishedStore
from ingest import nightly, parse
from ingest.cache import VectorCache
from ingest.documents import Loader
from ingest.ledger import Ledger
from ingest.nightly import Memory
from ingest.runs import Runs
from ingest.sync import Limits
from tests.fake_models import HashEmbedder
from tests.fakes import ListConnector

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
ALL, HR = frozenset({"everyone"}), frozenset({"group:hr"})
RECIPE = "crash-test"
NOTHING = "no index yet"


def page(key: str, text: str, readers: frozenset[str] = ALL) -> Document:
    """Return a page whose version follows from its text."""
    version = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
    entry = Entry(f"wiki:{key}", version, readers)
    return Document(entry, key, f"https://w.example/{key}", text.encode(), "text/plain", NOW)


def night(number: int) -> list[Document]:
    """Return what the wiki holds on a night: something is new, changed, gone, re-permissioned."""
    return [
        page("kept", "The canteen opens at noon. Parental leave is twenty weeks."),
        page("changed", f"The gateway runs firmware {number}."),
        page("readers", "Salary bands are reviewed each year.", ALL if number % 2 else HR),
        page(f"only-{number}", f"Minutes of the meeting number {number}."),
    ]


def ingest(data: Path, documents: Sequence[Document]) -> None:
    """Bring the index up to date, as `footnote ingest` does. Raises StoreError."""
    live = Live(data)
    memory = Memory(
        Ledger(live),
        Runs(live),
        Limits(),
        lambda source: inventory.documents(data, source),
        lambda: inventory.run(data),
        lambda: NOW,
        os.getpid(),
    )
    embedder = HashEmbedder()
    build = LocalBuild(data, recipe=RECIPE, dim=embedder.dim, now=NOW, rebuild=False)
    try:
        with closing(VectorCache(data / "cache.sqlite", embedder)) as cache:
            nightly.run(
                [ListConnector(documents, name="wiki")],
                Loader(build, embedder, cache, parse.parse),
                memory,
                rebuild=False,
                progress=lambda *_: None,
            )
    finally:
        build.abandon()
        live.close()


def grown(data: Path, nights: int) -> Path:
    """Ingest some nights one after the other; return the data directory."""
    for number in range(nights):
        ingest(data, night(number))
    return data


def nights(data: Path, numbers: Sequence[int], pause_s: float) -> None:
    """Ingest nights one after the other, with a pause after each."""
    for number in numbers:
        ingest(data, night(number))
        time.sleep(pause_s)


def limited(data: Path, documents: Sequence[Document], limit: int, said: Connection) -> None:
    """Ingest where no file may grow over `limit` bytes; send the error, or None."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        ingest(data, documents)
    except StoreError as error:
        said.send(str(error))
    else:
        said.send(None)


def content(data: Path, *, degraded: bool = True) -> str:
    """Open the index as a question does, and return its content hash; NOTHING before the first.

    degraded: whether it may be another generation than CURRENT names.
    """
    store = PublishedStore(data, recipe=RECIPE)
    try:
        generation = store.pinned().generation
    except StoreError as error:
        if str(error) != generations.NO_INDEX.format(data=data):
            raise
        return NOTHING
    if store.degraded and not degraded:
        raise StoreError(store.degraded)
    return contents.content_hash(generations.folder(data, generation))


def readable(data: Path) -> dict[str, str]:
    """Return document id -> version of what somebody may read: what is hidden is not there."""
    known = inventory.documents(data, "wiki")
    return {id: info.version for id, info in known.items() if info.readers}


def listed(number: int) -> dict[str, str]:
    """Return document id -> version of what the wiki holds on a night."""
    return {each.entry.id: each.entry.version for each in night(number)}


def copied(data: Path, to: Path) -> Path:
    """Return a fresh copy of a data directory, in the place of an older copy."""
    shutil.rmtree(to, ignore_errors=True)
    if data.is_dir():
        shutil.copytree(data, to)
    return to
