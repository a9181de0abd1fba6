"""What a run did, in counts and in rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from ingest.base import Failure
from ingest.sync import Plan


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a run did with one source."""

    name: str
    added: int = 0
    changed: int = 0
    hidden: int = 0  # not listed for the first time
    deleted: int = 0
    readers_changed: int = 0
    stale_changed: int = 0
    quarantined: int = 0  # failed too often to be tried again
    for_nobody: int = 0  # listed without any reader
    closed: int = 0  # hidden because the source could not be listed for too long
    unchanged: int = 0
    error: str | None = None  # why the source could not be listed
    held: str | None = None  # why what is no longer listed stays
    dropped: bool = False  # the settings do not name it any more
    failures: tuple[Failure, ...] = ()

    @property
    def touched(self) -> bool:
        """Whether the index is another one now."""
        moved = self.added + self.changed + self.hidden + self.deleted + self.closed
        return bool(moved + self.readers_changed + self.stale_changed)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did."""

    number: int
    sources: tuple[SourceReport, ...]
    embedded_windows: int
    embedded_tokens: int
    generation: str | None  # None: nothing was published
    purged: int = 0  # forgotten documents that the index lost
    withheld: str | None = None  # why a rebuilt index was not published

    @property
    def publishes(self) -> bool:
        """Whether there is a new index to publish."""
        touched = self.purged or any(source.touched for source in self.sources)
        return bool(touched) and self.withheld is None


def of_source(plan: Plan, failures: Sequence[Failure], *, stale_changed: int) -> SourceReport:
    """Return what carrying out a plan came to."""
    failed = {failure.document_id for failure in failures}
    return SourceReport(
        plan.source,
        added=sum(id not in failed for id in plan.ids("add")),
        changed=sum(id not in failed for id in plan.ids("change")),
        hidden=len(plan.ids("hide")),
        deleted=len(plan.ids("purge")),
        readers_changed=len(plan.ids("readers")),
        stale_changed=stale_changed,
        quarantined=len(plan.ids("skip")),
        for_nobody=plan.for_nobody(),
        closed=len(plan.ids("close")),
        unchanged=plan.unchanged,
        error=plan.error,
        held=plan.held,
        dropped=plan.dropped,
        failures=tuple(failures),
    )


def facts(report: Report) -> dict[str, object]:
    """Return a report as JSON-serialisable facts."""
    return counts(report) | {
        "sources": [
            _source(source) | {"failures": [_failure(row) for row in source.failures]}
            for source in report.sources
        ]
    }


def counts(report: Report) -> dict[str, object]:
    """Return the facts that name no document: what may be kept when one is to be forgotten."""
    return {
        "run": report.number,
        "embedded_windows": report.embedded_windows,
        "embedded_tokens": report.embedded_tokens,
        "generation": report.generation,
        "purged": report.purged,
        "withheld": report.withheld,
        "sources": [_source(source) for source in report.sources],
    }


def _source(source: SourceReport) -> dict[str, object]:
    names = [name for name in SourceReport.__dataclass_fields__ if name != "failures"]
    return {name: getattr(source, name) for name in names} | {"failed": len(source.failures)}


def _failure(failure: Failure) -> dict[str, str]:
    return {
        "document": failure.document_id,
        "stage": failure.stage,
        "code": failure.code,
        "message": failure.message,
    }
