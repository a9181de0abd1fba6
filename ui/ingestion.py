"""Ingestion for people: progress, the report in words, and what `footnote status` says."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from index import generations
from ingest.nightly import Progress as OnProgress
from ingest.nightly import facts
from ui import wiring
from ui.settings import Settings

RUNS = "runs.jsonl"  # one report a line, newest last

Facts = dict[str, Any]  # JSON


def run(settings: Settings, *, rebuild: bool) -> Facts:
    """Ingest once and append the report to the runs; return it as JSON-serialisable facts."""
    started = datetime.now(UTC)
    with progress_bar() as progress:
        report = wiring.ingest(settings, now=started, rebuild=rebuild, progress=progress)
    wiring.journal(settings).expire(started)  # also where nobody asks any more
    seconds = (datetime.now(UTC) - started).total_seconds()
    entry: Facts = {"started_at": started.isoformat(), "seconds": round(seconds, 3)}
    entry |= facts(report)
    with (settings.data_dir / RUNS).open("a", encoding="utf-8") as runs:
        runs.write(json.dumps(entry, ensure_ascii=False) + "\n")
    return entry


def broken_sources(report: Facts) -> list[str]:
    """Return the names of the sources that could not be listed."""
    return [source["name"] for source in report["sources"] if source["error"]]


def text(report: Facts) -> str:
    """Return a report in words."""
    lines = []
    for source in report["sources"]:
        lines.append(_source_line(source))
        lines += [
            f"  ! {failure['document']}: {failure['message']} ({failure['code']})"
            for failure in source["failures"]
        ]
    if report.get("purged"):  # reports of older versions have none
        lines.append(f"{report['purged']} forgotten documents removed")
    embedded = f"{report['embedded_windows']} windows ({report['embedded_tokens']} tokens) embedded"
    if report["generation"]:
        lines.append(f"Published generation {report['generation']}: {embedded}, {_took(report)}.")
    else:
        lines.append(f"Nothing changed: the published index stays, {embedded}, {_took(report)}.")
    return "\n".join(lines)


def status(settings: Settings) -> Facts:
    """Return what answers now and what the last run did. Raises StoreError if nothing can."""
    selected = generations.select(settings.data_dir)
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
        "last_run": _last_run(settings.data_dir / RUNS),
    }


def status_text(facts: Mapping[str, Any]) -> str:
    """Return the status in words."""
    index, last = facts["index"], facts["last_run"]
    if index is None:
        lines = [f"There is no index in {facts['data_dir']} yet. Run `footnote ingest`."]
    else:
        lines = [
            f"Index       generation {index['generation']}, made {index['created_at'][:16]} UTC",
            f"Holds       {index['documents']} documents in {index['chunks']} chunks",
            f"Recipe      {index['recipe']}",
        ]
        lines += [f"DEGRADED    {index['degraded']}"] if index["degraded"] else []
    if last is not None:
        lines += [f"Last run    {last['started_at'][:16]} UTC", text(last)]
    return "\n".join(lines)


def _source_line(source: Mapping[str, Any]) -> str:
    if source["error"]:
        return f"{source['name']}: not listed, nothing touched: {source['error']}"
    counts = [
        f"{source[key]} {label}"
        for key, label in (
            ("added", "added"),
            ("changed", "changed"),
            ("deleted", "deleted"),
            ("readers_changed", "with other readers"),
            ("unchanged", "unchanged"),
        )
        if source[key]
    ]
    if source["failures"]:
        counts.append(f"{len(source['failures'])} failed")
    return f"{source['name']}: {', '.join(counts) or 'empty'}"


def _took(report: Mapping[str, Any]) -> str:
    return f"{report['seconds']:.1f} s"


def _last_run(file: Path) -> Facts | None:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    last: Facts | None = json.loads(lines[-1]) if lines else None
    return last


@contextmanager
def progress_bar() -> Iterator[OnProgress]:
    """Give a bar on a terminal, a line per source and tenth elsewhere."""
    if not sys.stderr.isatty():
        yield _log_lines
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def advance(source: str, done: int, total: int) -> None:
            if source not in tasks:
                tasks[source] = bars.add_task(source, total=total)
            bars.update(tasks[source], completed=done)

        yield advance


def _log_lines(source: str, done: int, total: int) -> None:
    if total and (done * 10 // total != (done - 1) * 10 // total or done == total):
        sys.stderr.write(f"{source}: {done}/{total}\n")
