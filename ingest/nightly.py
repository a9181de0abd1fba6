"""The ingestion job: list, plan, load, publish, remember.

Decides nothing itself: `sync` says what a source needs, `ledger` keeps what the next run must know.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.base import Connector, ConnectorError, Entry
from index.base import Build, DocumentInfo, StoreError
from ingest import parse, report, sync
from ingest.base import Failure
from ingest.documents import Loader, Progress
from ingest.guard import Guarded
from ingest.history import Past
from ingest.ledger import Ledger
from ingest.report import Report
from ingest.runs import Runs

log = logging.getLogger(__name__)

_WAYS = "Mend what failed, or allow more in [ingest] max_lost_percent and max_lost_documents"

Known = Callable[[str], Mapping[str, DocumentInfo]]  # source -> its documents in the index


@dataclass(frozen=True, slots=True)
class Memory:
    """What one run leaves to the next, and the rules by which it is read."""

    ledger: Ledger
    runs: Runs
    limits: sync.Limits
    published: Known  # the index that answers now; nothing if it cannot be read
    published_run: Callable[[], int | None]  # the run that made it
    clock: Callable[[], datetime]  # aware, UTC
    process: int  # id of this one


@dataclass(frozen=True, slots=True)
class _Done:
    """One source after its plan was carried out."""

    plan: sync.Plan
    past: Past
    failures: Sequence[Failure] = ()
    stale_changed: int = 0
    objection: str | None = None  # why a rebuilt index may not replace the published one

    def report(self) -> report.SourceReport:
        return report.of_source(self.plan, self.failures, stale_changed=self.stale_changed)


def run(
    connectors: Sequence[Connector],
    loader: Loader,
    memory: Memory,
    *,
    rebuild: bool,
    progress: Progress,
    purged: int = 0,
    dropped: Sequence[str] = (),
) -> Report:
    """Bring the build up to date with every source, and publish it if anything changed.

    A source that cannot be listed keeps all its documents, until nobody has known for too long who
    may read them; a document that cannot be fetched or parsed keeps its old text, if it had one.
    What the run learned counts once its generation is published: a run that broke off before is as
    if it had not been, but for the vectors in the cache; of one that broke off after, the next run
    remembers it.

    purged: documents that the build lost before because they are forgotten: that is a change.
    dropped: sources of the index that are in the settings no more.
    """
    now = memory.clock()
    memory.ledger.settle(memory.published_run())
    number = memory.runs.begin(now, process=memory.process)

    def tell(source: str, done: int, total: int) -> None:
        memory.runs.beat(number, source, done, total, now=memory.clock())
        progress(source, done, total)

    try:
        done = [_source(Guarded(each), loader, memory, rebuild, tell) for each in connectors]
        done += [_dropped(each, loader, memory, rebuild) for each in dropped]
        made = _made(number, done, loader, purged)
        after = _withheld if made.withheld else _after
        pasts = {each.plan.source: after(each, number, now) for each in done}
        if made.publishes:
            memory.ledger.prepare(number, pasts)
            made = _published(made, loader)
        memory.ledger.remember(pasts)
    except BaseException as error:
        with suppress(StoreError):  # where even this cannot be written, the cause is told
            memory.runs.fail(number, str(error) or type(error).__name__, now=memory.clock())
        raise
    memory.runs.finish(number, report.counts(made), now=memory.clock())
    return made


def plan(
    connector: Guarded,
    known: Mapping[str, DocumentInfo],
    past: Past,
    *,
    limits: sync.Limits,
    now: datetime,
    progress: Progress,
) -> sync.Plan:
    """List a source and return what it needs; changes nothing.

    connector: guarded, so that whatever fails in it is its listing.
    """
    try:
        listing = list(_counted(connector, progress))
    except ConnectorError as error:
        log.warning("listing failed source=%s error=%s", connector.name, error)
        return sync.plan_without_listing(
            connector.name, str(error), known, past, limits=limits, now=now
        )
    return sync.plan(connector.name, listing, known, past, limits=limits, parser=parse.VERSION)


def _counted(connector: Guarded, progress: Progress) -> Iterator[Entry]:
    for number, entry in enumerate(connector.entries(), start=1):
        progress(connector.name, number, 0)
        yield entry


def _source(
    connector: Guarded, loader: Loader, memory: Memory, rebuild: bool, progress: Progress
) -> _Done:
    past, now = memory.ledger.past(connector.name), memory.clock()
    known = (memory.published if rebuild else loader.build.documents)(connector.name)
    made = plan(connector, known, past, limits=memory.limits, now=now, progress=progress)
    if rebuild:
        objection = made.held or ((past.listed_at or known) and made.error)
        if objection:
            return _Done(made, past, objection=f"{connector.name}: {objection}")
        anew = sync.plan_anew(made, past, parser=parse.VERSION)
        failures = loader.load(connector, anew.to_fetch(), progress)
        lost = sync.unread(made, anew, known, {row.document_id for row in failures}, memory.limits)
        return _Done(anew, past, failures, objection=lost and f"{connector.name}: {lost}. {_WAYS}")
    failures = loader.load(connector, made.to_fetch(), progress)
    stale = sync.stale(made, known, {failure.document_id for failure in failures})
    loader.build.set_stale(stale)
    _apply(made, loader.build)
    return _Done(made, past, failures, len(stale))


def _dropped(source: str, loader: Loader, memory: Memory, rebuild: bool) -> _Done:
    past = memory.ledger.past(source)
    known = (memory.published if rebuild else loader.build.documents)(source)
    made = sync.plan_dropped(source, known, past, kept=not rebuild)
    _apply(made, loader.build)
    return _Done(made, past)


def _apply(made: sync.Plan, build: Build) -> None:
    build.set_readers(made.readers())
    build.delete(made.ids("purge"))
    if made.dropped:
        log.warning("source dropped source=%s documents=%d", made.source, len(made.steps))
    if made.held:
        log.warning("loss held source=%s reason=%s", made.source, made.held)
    if closed := len(made.ids("close")):
        log.error("source closed source=%s documents=%d", made.source, closed)


def _made(number: int, done: Sequence[_Done], loader: Loader, purged: int) -> Report:
    objections = [each.objection for each in done if each.objection]
    return Report(
        number,
        tuple(each.report() for each in done),
        loader.cache.embedded_texts,
        loader.cache.embedded_tokens,
        generation=None,
        withheld="; ".join(objections) or None,
        purged=purged,
    )


def _published(made: Report, loader: Loader) -> Report:
    generation = loader.build.publish(report.counts(made))
    log.info("published generation=%s windows=%d", generation, made.embedded_windows)
    return replace(made, generation=generation)


def _withheld(done: _Done, number: int, now: datetime) -> Past:
    """Return what is known after a run that published nothing: what a person must look at."""
    if done.plan.error is not None:
        return done.past.failed_listing(now)
    if done.plan.held is not None:
        return replace(done.past, loss=sync.loss(done.plan, done.past, number, now))
    return done.past


def _after(done: _Done, number: int, now: datetime) -> Past:
    return sync.remembered(
        done.plan, done.past, done.failures, run=number, now=now, parser=parse.VERSION
    )
