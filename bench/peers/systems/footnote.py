"""Footnote, by its own wiring: one night of ingestion, and the search that every question makes.

Unlike the others' its ingestion begins with the sources, so listing, parsing in the sandbox and
loading the encoder are in its times.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.peers.base import Material, Setting, System
from bench.peers.prepared import read_sources
from index.access import EVERYONE
from index.base import Hit
from rag.base import Question
from rag.retrieve import standalone
from ui import wiring
from ui.settings import EmbedderSection, Settings
from ui.source_settings import FilesSource, JsonLinesSource, Source

READERS = frozenset({EVERYONE})
ADDRESS = "https://bench.example"  # the same for a changed copy of a folder
ALL = 1_000_000  # chunks: more than any corpus here has
TOP = 5
TIE = 1e-5


class Footnote:
    """The product as a System."""

    notices = True

    def __init__(self, setting: Setting) -> None:
        self._settings = Settings(
            data_dir=setting.state,
            embedder=EmbedderSection(model=setting.model, threads=setting.threads),
        )
        self._model = setting.model
        self._tokens = 0

    def ingest(self, material: Material) -> None:
        """Run the nightly job once. Raises ValueError if a document could not be taken in."""
        sources = tuple(source(*each) for each in read_sources(material.sources))
        report = wiring.ingest(
            self._settings.model_copy(update={"sources": sources}),
            clock=lambda: datetime.now(UTC),
            rebuild=False,
            progress=lambda *_: None,
        )
        for each in report.sources:
            if each.error or each.held or each.failures:
                raise ValueError(f"{each.name}: {each.error or each.held or each.failures}")
        self._tokens += report.embedded_tokens

    def tokens_read(self) -> int:
        """Return what the encoder read since the last call, the titles before every window too."""
        tokens, self._tokens = self._tokens, 0
        return tokens

    def open(self) -> None:
        """Load the encoder and the published index."""
        self._embedder = wiring.embedder(self._settings.embedder)
        self._store = wiring.store(self._settings, self._embedder)
        self._store.pinned()

    def search(self, question: str, k: int) -> list[str]:
        """Return what the best k passages are of, as the engine finds them."""
        query = standalone(Question(question, READERS, ()))
        hits = self._store.search(query, self._embedder.embed_query(query), k, READERS)
        return [hit.chunk.document.id for hit in hits]

    def exactness(self, questions: Sequence[str]) -> float:
        """Compare its dense ranking with sentence-transformers in fp32 over the same windows."""
        from index.sentence_transformers import SentenceTransformerEmbedder
        from ingest.chunk import windows_of

        chunks = [hit.chunk for hit in self._all(questions[0])]
        windows = [windows_of(chunk) for chunk in chunks]
        exact = SentenceTransformerEmbedder(str(self._model))
        vectors = exact.embed_passages([window for own in windows for window in own])
        starts = np.cumsum([0, *(len(own) for own in windows[:-1])])
        rows = {chunk.id: row for row, chunk in enumerate(chunks)}
        top, agreed = min(TOP, len(chunks)), 0
        for question in questions:
            cosines = np.maximum.reduceat(vectors @ exact.embed_query(question), starts)
            least = np.sort(cosines)[-top] - TIE
            near = sorted(self._all(question), key=lambda hit: -(hit.cosine or 0))[:top]
            agreed += sum(bool(cosines[rows[hit.chunk.id]] >= least) for hit in near)
        return agreed / (top * len(questions))

    def _all(self, question: str) -> list[Hit]:
        """Return every chunk, with its cosine to the question."""
        return self._store.search(question, self._embedder.embed_query(question), ALL, READERS)


def source(name: str, type: str, path: Path) -> Source:
    if type == "jsonl":
        return JsonLinesSource(type="jsonl", name=name, path=path, readers=READERS)
    return FilesSource(type="files", name=name, path=path, readers=READERS, base_url=ADDRESS)


def load(setting: Setting) -> System:
    """Return the product; its encoder is loaded by what needs it."""
    return Footnote(setting)
