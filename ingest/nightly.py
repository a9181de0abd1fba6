"""The ingestion job: list, plan, fetch, parse, chunk, embed, publish, report."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from connectors.base import Connector, ConnectorError, Document, Entry
from index.base import Build, Chunk, DocumentInfo, Embedder
from ingest import parse, sync
from ingest.base import Failure, Parsed, ParseError
from ingest.cache import VectorCache
from ingest.chunk import chunks_of, windows_of

BATCH_CHUNKS = 64  # chunks embedded at a time: enough for batches of one length

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]  # source, documents done, documents to do


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a run did with one source."""

    name: str
    added: int = 0
    changed: int = 0
    deleted: int = 0
    readers_changed: int = 0
    unchanged: int = 0
    error: str | None = None  # why nothing of this source was touched
    failures: tuple[Failure, ...] = ()

    @property
    def touched(self) -> bool:
        """Whether the index is another one now."""
        return bool(self.added or self.changed or self.deleted or self.readers_changed)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did."""

    sources: tuple[SourceReport, ...]
    embedded_windows: int
    embedded_tokens: int
    generation: str | None  # None: nothing changed, so nothing was published
    purged: int = 0  # forgotten documents that the index lost


@dataclass(slots=True)
class _Batch:
    """Documents that wait for their vectors."""

    documents: list[tuple[DocumentInfo, list[Chunk]]] = field(default_factory=list)
    chunks: int = 0


def run(
    connectors: Sequence[Connector],
    build: Build,
    embedder: Embedder,
    cache: VectorCache,
    progress: Progress,
    *,
    purged: int = 0,
) -> Report:
    """Bring the build up to date with every source, and publish it if anything changed.

    purged: documents that the build lost before because they are forgotten: that is a change.
    A source that cannot be listed keeps all its documents; a document that cannot be fetched or
    parsed keeps its old text, if it had one, and is a row of the report.
    """
    reports = [_source(connector, build, embedder, cache, progress) for connector in connectors]
    report = Report(tuple(reports), cache.embedded_texts, cache.embedded_tokens, None, purged)
    if not purged and not any(source.touched for source in reports):
        return report
    generation = build.publish(facts(report))
    log.info("published generation=%s windows=%d", generation, cache.embedded_texts)
    return replace(report, generation=generation)


def facts(report: Report) -> dict[str, object]:
    """Return a report as JSON-serialisable facts."""
    return {
        "embedded_windows": report.embedded_windows,
        "embedded_tokens": report.embedded_tokens,
        "generation": report.generation,
        "purged": report.purged,
        "sources": [
            {
                "name": source.name,
                "added": source.added,
                "changed": source.changed,
                "deleted": source.deleted,
                "readers_changed": source.readers_changed,
                "unchanged": source.unchanged,
                "error": source.error,
                "failures": [
                    {
                        "document": failure.document_id,
                        "stage": failure.stage,
                        "code": failure.code,
                        "message": failure.message,
                    }
                    for failure in source.failures
                ],
            }
            for source in report.sources
        ],
    }


def _source(
    connector: Connector, build: Build, embedder: Embedder, cache: VectorCache, progress: Progress
) -> SourceReport:
    known = build.documents(connector.name)
    try:
        plan = sync.plan(connector.entries(), known)
    except ConnectorError as error:
        log.warning("listing failed source=%s error=%s", connector.name, error)
        return SourceReport(connector.name, unchanged=len(known), error=str(error))
    failures: list[Failure] = []
    to_fetch = [*plan.added, *plan.changed]
    for batch in _batches(connector, to_fetch, embedder, failures, progress):
        _store(batch, build, embedder, cache)
    build.set_readers(plan.readers)
    build.delete(plan.gone)
    failed = {failure.document_id for failure in failures}
    return SourceReport(
        connector.name,
        added=sum(entry.id not in failed for entry in plan.added),
        changed=sum(entry.id not in failed for entry in plan.changed),
        deleted=len(plan.gone),
        readers_changed=len(plan.readers),
        unchanged=plan.unchanged,
        failures=tuple(failures),
    )


def _batches(
    connector: Connector,
    entries: Sequence[Entry],
    embedder: Embedder,
    failures: list[Failure],
    progress: Progress,
) -> Iterator[_Batch]:
    batch = _Batch()
    for done, entry in enumerate(entries):
        progress(connector.name, done, len(entries))
        read = _read(connector, entry, failures)
        if read is not None:
            info, parsed = read
            chunks = chunks_of(info, parsed, embedder)
            batch.documents.append((info, chunks))
            batch.chunks += len(chunks)
        if batch.chunks >= BATCH_CHUNKS:
            yield batch
            batch = _Batch()
    if batch.documents:
        yield batch
    progress(connector.name, len(entries), len(entries))


def _read(
    connector: Connector, entry: Entry, failures: list[Failure]
) -> tuple[DocumentInfo, Parsed] | None:
    """Fetch and parse one document; a failure becomes a row."""
    try:
        document = connector.fetch(entry)
        parsed = parse.parse(document)
    except ConnectorError as error:
        failures.append(Failure(entry.id, "fetch", "source", str(error)))
    except ParseError as error:
        failures.append(Failure(entry.id, "parse", error.code, str(error)))
    else:
        return _info(document, parsed, connector.kind), parsed
    log.warning("document failed id=%s code=%s", entry.id, failures[-1].code)
    return None


def _info(document: Document, parsed: Parsed, kind: str) -> DocumentInfo:
    access = sync.access_of(document.entry)
    return DocumentInfo(
        id=document.entry.id,
        version=document.entry.version,
        title=parsed.title or document.title,
        url=document.url,
        kind=kind,
        updated_at=document.updated_at,
        readers=access.allowed,
        denied=access.denied,
    )


def _store(batch: _Batch, build: Build, embedder: Embedder, cache: VectorCache) -> None:
    windows = [windows_of(chunk, embedder) for _, chunks in batch.documents for chunk in chunks]
    vectors = cache.vectors([window for of_chunk in windows for window in of_chunk])
    ends = np.cumsum([len(of_chunk) for of_chunk in windows])
    matrices = iter(np.split(vectors, ends[:-1]))
    for info, chunks in batch.documents:
        build.upsert(info, chunks, [next(matrices) for _ in chunks])
