"""Entries of a listing → documents in the build: fetched, parsed, chunked, embedded in batches."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from connectors.base import Connector, ConnectorError, Document, Entry
from index.base import Build, Chunk, DocumentInfo, Embedder
from ingest.base import ChunkError, Failure, Parsed, ParseError, Parser
from ingest.cache import VectorCache
from ingest.chunk import chunks_of, windows_of
from ingest.sections import one_line
from ingest.sync import access_of

BATCH_CHUNKS = 64  # chunks embedded at a time: enough for batches of one length

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]  # source, documents done, to do; 0 to do: being listed


@dataclass(frozen=True, slots=True)
class _Cut:
    """One document, ready to be embedded."""

    info: DocumentInfo
    chunks: Sequence[Chunk]
    windows: Sequence[Sequence[str]]  # of each chunk: what is embedded of it


@dataclass(slots=True)
class _Batch:
    """Documents that wait for their vectors."""

    documents: list[_Cut] = field(default_factory=list)
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Loader:
    """Puts documents into a build."""

    build: Build
    embedder: Embedder
    cache: VectorCache
    parse: Parser

    def load(
        self, connector: Connector, entries: Sequence[Entry], progress: Progress
    ) -> list[Failure]:
        """Put the documents of these entries into the build; return those that could not be."""
        failures: list[Failure] = []
        for batch in self._batches(connector, entries, failures, progress):
            self._store(batch)
        return failures

    def _batches(
        self,
        connector: Connector,
        entries: Sequence[Entry],
        failures: list[Failure],
        progress: Progress,
    ) -> Iterator[_Batch]:
        batch = _Batch()
        for done, entry in enumerate(entries):
            progress(connector.name, done, len(entries))
            cut = self._read(connector, entry, failures)
            if cut is not None:
                batch.documents.append(cut)
                batch.chunks += len(cut.chunks)
            if batch.chunks >= BATCH_CHUNKS:
                yield batch
                batch = _Batch()
        if batch.documents:
            yield batch
        if entries:
            progress(connector.name, len(entries), len(entries))

    def _read(self, connector: Connector, entry: Entry, failures: list[Failure]) -> _Cut | None:
        """Fetch, parse and cut one document; a failure becomes a row."""
        try:
            document = connector.fetch(entry)
            return self._cut(document, self.parse(document), connector.kind)
        except ConnectorError as error:
            failures.append(Failure(entry.id, "fetch", "source", str(error)))
        except ParseError as error:
            failures.append(Failure(entry.id, "parse", error.code, str(error)))
        except ChunkError as error:
            failures.append(Failure(entry.id, "chunk", "bug", str(error)))
        log.warning("document failed id=%s code=%s", entry.id, failures[-1].code)
        return None

    def _cut(self, document: Document, parsed: Parsed, kind: str) -> _Cut:
        try:
            info = info_of(document, parsed, kind)
            chunks = chunks_of(info, parsed, self.embedder)
            return _Cut(info, chunks, [windows_of(chunk) for chunk in chunks])
        except Exception as error:  # a text that nobody foresaw may not cost the others their night
            log.exception("chunks failed id=%s", document.entry.id)
            raise ChunkError(
                f"{type(error).__name__}: {error}. This is a mistake in Footnote; the log has the "
                "place. Please report it."
            ) from error

    def _store(self, batch: _Batch) -> None:
        windows = [of_chunk for cut in batch.documents for of_chunk in cut.windows]
        vectors = self.cache.vectors([window for of_chunk in windows for window in of_chunk])
        ends = np.cumsum([len(of_chunk) for of_chunk in windows])
        matrices = iter(np.split(vectors, ends[:-1]))
        for cut in batch.documents:
            self.build.upsert(cut.info, cut.chunks, [next(matrices) for _ in cut.chunks])


def info_of(document: Document, parsed: Parsed, kind: str) -> DocumentInfo:
    """Return what the index keeps of a document besides its text."""
    access = access_of(document.entry)
    return DocumentInfo(
        id=document.entry.id,
        version=document.entry.version,
        title=parsed.title or one_line(document.title),
        url=document.url,
        kind=kind,
        updated_at=document.updated_at,
        readers=access.allowed,
        denied=access.denied,
    )
