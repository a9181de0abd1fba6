"""Ingestion as people ask for it: run, look ahead, look back, approve, try again."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from index import generations, inventory
from ingest.base import LedgerError
from ingest.history import QUARANTINE_AFTER, Loss, Past, Trouble
from ingest.report import facts
from ingest.runs import Run
from ui import cascade, night, wiring
from ui.progress import progress_bar
from ui.settings import Settings

Facts = dict[str, Any]  # JSON


def run(settings: Settings, *, rebuild: bool, only: Sequence[str] = ()) -> Facts:
    """Ingest once; return the report as JSON-serialisable facts.

    only: names of sources; none: all of them.
    """
    started = datetime.now(UTC)
    wiring.journal(settings).expire(started)  # also where nobody asks, or the run fails
    with progress_bar() as progress:
        report = wiring.ingest(
            settings,
            clock=lambda: datetime.now(UTC),
            rebuild=rebuild,
            progress=progress,
            only=only,
        )
    seconds = (datetime.now(UTC) - started).total_seconds()
    entry: Facts = {"started_at": started.isoformat(), "seconds": round(seconds, 3)}
    return entry | facts(report)


def needs_a_person(report: Facts) -> bool:
    """Return whether a source was not listed, a loss is held, or a rebuilt index is withheld."""
    return bool(report["withheld"]) or any(
        source["error"] or source["held"] for source in report["sources"]
    )


def plans(settings: Settings, only: Sequence[str] = ()) -> list[Facts]:
    """Return what an ingestion would do with every source, and why; changes nothing."""
    with progress_bar() as progress:
        made = wiring.plans(settings, now=datetime.now(UTC), progress=progress, only=only)
    return [
        {
            "source": plan.source,
            "error": plan.error,
            "held": plan.held,
            "dropped": plan.dropped,
            "unchanged": plan.unchanged,
            "for_nobody": plan.for_nobody(),
            "steps": [
                {"action": step.action, "document": step.id, "reason": step.reason}
                for step in plan.steps
            ],
        }
        for plan in made
    ]


def held(settings: Settings, source: str, run: int) -> Loss:
    """Return the loss of a source that a run held. Raises LedgerError if there is none."""
    memory = wiring.kept_memory(settings)
    if memory is None:
        raise LedgerError("Nothing was ingested yet, so no loss is held. Run `footnote ingest`.")
    return memory[0].held(source, run)


def approve(settings: Settings, source: str, run: int) -> None:
    """Let a held loss through at the next run. Raises LedgerError if it is not held."""
    if memory := wiring.kept_memory(settings):
        memory[0].approve(source, run)


def retry(settings: Settings, document_id: str) -> Trouble:
    """Have the next run try a document again. Raises LedgerError if it did not fail."""
    memory = wiring.kept_memory(settings)
    if memory is None:
        raise LedgerError("Nothing was ingested yet, so nothing failed. Run `footnote ingest`.")
    return memory[0].retry(document_id)


def status(settings: Settings) -> Facts:
    """Return what answers now, what the last runs did, and what needs a person.

    Raises StoreError if nothing can answer.
    """
    selected = generations.select(settings.data_dir)
    memory, now = wiring.kept_memory(settings), datetime.now(UTC)
    pasts = memory[0].sources() if memory else {}
    old = inventory.stale(settings.data_dir, selected.manifest) if selected else frozenset()
    return {
        "data_dir": str(settings.data_dir),
        "index": None
        if selected is None
        else {
            "generation": selected.manifest.name,
            "created_at": selected.manifest.created_at,
            "documents": selected.manifest.documents,
            "chunks": selected.manifest.chunks,
            "recipe": selected.manifest.recipe,
            "degraded": selected.degraded,
        },
        "running": _run(memory[1].running(), now) if memory else None,
        "last_run": _run(memory[1].ended(), now) if memory else None,
        "sources": [_source(name, past, settings, now) for name, past in pasts.items()],
        "failures": [
            _failure(trouble, trouble.failure.document_id in old)
            for past in pasts.values()
            for trouble in past.troubles.values()
        ],
        "larger_model": cascade.status(settings, now),
    }


def _run(run: Run | None, now: datetime) -> Facts | None:
    if run is None:
        return None
    return {
        "run": run.number,
        "state": run.state,
        "process": run.process,
        "started_at": run.started_at.isoformat(),
        "heartbeat_at": run.heartbeat_at.isoformat(),
        "seconds": round((run.heartbeat_at - run.started_at).total_seconds(), 3),
        "silent": run.silent(now),
        "source": run.source,
        "done": run.done,
        "total": run.total,
        "error": run.error,
        "report": run.report,
    }


def _source(name: str, past: Past, settings: Settings, now: datetime) -> Facts:
    return {
        "name": name,
        "dropped": name in night.dropped_of(settings, [name]),
        "listed_at": past.listed_at and past.listed_at.isoformat(),
        "failing_since": past.failing_since and past.failing_since.isoformat(),
        "closed": past.closed(now, wiring.limits(settings).closed_after),
        "hidden": len(past.missed),
        "held": past.loss and _loss(past.loss),
    }


def _loss(loss: Loss) -> Facts:
    return {
        "run": loss.run,
        "held_at": loss.held_at.isoformat(),
        "documents": len(loss.documents),
        "why": loss.why,
        "approved": loss.approved,
    }


def _failure(trouble: Trouble, stale: bool) -> Mapping[str, Any]:
    failure = trouble.failure
    return {
        "document": failure.document_id,
        "stage": failure.stage,
        "code": failure.code,
        "message": failure.message,
        "version": trouble.version,
        "parser": trouble.parser,
        "attempts": trouble.attempts,
        "first_seen": trouble.first_seen.isoformat(),
        "last_seen": trouble.last_seen.isoformat(),
        "quarantined": failure.stage == "parse" and trouble.attempts >= QUARANTINE_AFTER,
        "stale": stale,
    }
