"""One data directory that tests ingest into again and again, a day apart."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.base import Connector, Document, Entry
from index import generations, inventory
from index.base import DocumentInfo
from index.live import Live
from index.local import LocalBuild, PublishedStore
from ingest import nightly, parse
from ingest.base import Parser
from ingest.cache import VectorCache
from ingest.documents import Loader
from ingest.guard import Guarded
from ingest.history import Past
from ingest.ledger import Ledger
from ingest.nightly import Memory
from ingest.report import Report
from ingest.runs import Runs
from ingest.sync import Limits, Plan
from tests.fake_models import HashEmbedder
from tests.fakes import ListConnector

ALL, HR = frozenset({"everyone"}), frozenset({"group:hr"})
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def page(
    key: str, text: str, *, version: str = "1", readers: frozenset[str] = ALL, kind: str = "plain"
) -> Document:
    """Return a page of the source "wiki"."""
    entry = Entry(f"wiki:{key}", version, readers)
    return Document(entry, key, f"https://w.example/{key}", text.encode(), f"text/{kind}", NOW)


def pages(count: int) -> list[Document]:
    """Return pages "wiki:000", "wiki:001", …, each with a word of its own."""
    return [page(f"{n:03d}", f"Page number{n} is about pumps.") for n in range(count)]


class Job:
    """Ingests, and looks at what is there then."""

    def __init__(self, data: Path, parser: Parser = parse.parse) -> None:
        self.data = data
        self.parser = parser
        self.embedder = HashEmbedder()
        self.now = NOW
        self.live = Live(data)
        self.ledger = Ledger(self.live)
        self.runs = Runs(self.live)
        self.steps: list[tuple[str, int, int]] = []  # progress

    def __call__(self, *documents: Document, fails_after: int | None = None) -> Report:
        """Ingest a wiki of these documents, whose listing breaks off after so many."""
        return self.ingest(ListConnector(documents, name="wiki", fails_after=fails_after))

    def ingest(
        self,
        *connectors: Connector,
        rebuild: bool = False,
        limits: Limits | None = None,
        dropped: Sequence[str] = (),
    ) -> Report:
        """Ingest sources; the next time is a day later."""
        build = LocalBuild(self.data, recipe="r", dim=384, now=self.now, rebuild=rebuild)
        cache = VectorCache(self.data / "cache.sqlite", self.embedder)
        memory = Memory(
            self.ledger,
            self.runs,
            limits or Limits(),
            self.known,
            lambda: inventory.run(self.data),
            lambda: self.now,
            process=1,
        )
        try:
            return nightly.run(
                connectors,
                Loader(build, self.embedder, cache, self.parser),
                memory,
                rebuild=rebuild,
                progress=lambda *step: self.steps.append(step),
                dropped=dropped,
            )
        finally:
            cache.close()
            build.abandon()
            self.now += DAY

    def plan(self, *documents: Document) -> Plan:
        """Return what a run would do with the wiki."""
        return nightly.plan(
            Guarded(ListConnector(documents, name="wiki")),
            self.known("wiki"),
            self.past(),
            limits=Limits(),
            now=self.now,
            progress=lambda *_: None,
        )

    def known(self, source: str) -> dict[str, DocumentInfo]:
        """Return the published documents of a source."""
        return inventory.documents(self.data, source)

    def past(self) -> Past:
        """Return what is remembered of the wiki."""
        return self.ledger.past("wiki")

    def found(self, text: str, principals: frozenset[str] = ALL, *, k: int = 9) -> list[str]:
        """Return the documents that a question finds."""
        store = PublishedStore(self.data, recipe="r")
        hits = store.search(text, self.embedder.embed_query(text), k, principals)
        return sorted({hit.chunk.document.id for hit in hits})

    def files(self) -> dict[str, str]:
        """Return the files of the published generation, each with its checksum."""
        manifest = generations.current(self.data)
        assert manifest is not None
        return manifest.files


def ids(documents: Sequence[Document]) -> list[str]:
    """Return the documents' ids."""
    return [document.entry.id for document in documents]
