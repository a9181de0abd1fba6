"""Entries of a listing → documents in the build: fetched, parsed, chunked, embedded in batches."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from connectors.base import Connector, ConnectorError, Document, Entry
from index.base import Build, Chunk, DocumentInfo, Embedder
from ingest.base import Failure, Parsed, ParseError, Parser
from ingest.cache import VectorCache
from ingest.chunk import chunks_of, windows_of
from ingest.sections import one_line
from ingest.sync import access_of

BATCH_CHUNKS = 64  # chunks embedded at a time: enough for batches of one length

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]  # source, documents done, to do; 0 to do: being listed


@dataclass(slots=True)
class _Batch:
    """Documents that wait for their vectors."""

    documents: list[tuple[DocumentInfo, list[Chunk]]] = field(default_factory=list)
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
            read = self._read(connector, entry, failures)
            if read is not None:
                info, parsed = read
                chunks = chunks_of(info, parsed, self.embedder)
                batch.documents.append((info, chunks))
                batch.chunks += len(chunks)
            if batch.chunks >= BATCH_CHUNKS:
                yield batch
                batch = _Batch()
        if batch.documents:
            yield batch
        if entries:
            progress(connector.name, len(entries), len(entries))

    def _read(
        self, connector: Connector, entry: Entry, failures: list[Failure]
    ) -> tuple[DocumentInfo, Parsed] | None:
        """Fetch and parse one document; a failure becomes a row."""
        try:
            document = connector.fetch(entry)
            parsed = self.parse(document)
        except ConnectorError as error:
            failures.append(Failure(entry.id, "fetch", "source", str(error)))
        except ParseError as error:
            failures.append(Failure(entry.id, "parse", error.code, str(error)))
        else:
            return info_of(document, parsed, connector.kind), parsed
        log.warning("document failed id=%s code=%s", entry.id, failures[-1].code)
        return None

    def _store(self, batch: _Batch) -> None:
        windows = [
            windows_of(chunk, self.embedder) for _, chunks in batch.documents for chunk in chunks
        ]
        vectors = self.cache.vectors([window for of_chunk in windows for window in of_chunk])
        ends = np.cumsum([len(of_chunk) for of_chunk in windows])
        matrices = iter(np.split(vectors, ends[:-1]))
        for info, chunks in batch.documents:
            self.build.upsert(info, chunks, [next(matrices) for _ in chunks])


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
