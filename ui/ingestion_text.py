"""Plans, reports and status of the ingestion in words. Reads JSON facts, decides nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Facts = Mapping[str, Any]  # JSON

SHOWN = 20  # steps of one kind in a plan; --json has all

_COUNTS = (
    ("added", "added"),
    ("changed", "changed"),
    ("hidden", "hidden (not listed any more)"),
    ("deleted", "deleted"),
    ("readers_changed", "with other readers"),
    ("unchanged", "unchanged"),
    ("failed", "failed"),
    ("quarantined", "not tried again (see `footnote status`)"),
    ("for_nobody", "that nobody may read"),
)
_DROPPED = "source {} is no longer in the settings"
_ACTIONS = {
    "add": "to add",
    "change": "to read again",
    "skip": "not to be tried again",
    "readers": "to give other readers",
    "hide": "to hide",
    "purge": "to delete",
    "hold": "to keep until approved",
    "close": "to close",
}


def plans(made: Sequence[Facts]) -> str:
    """Return what an ingestion would do, a row a document with its reason."""
    lines = []
    for plan in made:
        if plan["dropped"]:
            lines.append(_DROPPED.format(plan["source"]))
        elif plan["error"]:
            lines.append(f"{plan['source']}: cannot be listed: {plan['error']}")
        else:
            lines.append(f"{plan['source']}: {plan['unchanged']} unchanged")
        if plan["for_nobody"]:
            lines.append(f"  {plan['for_nobody']} that nobody may read")
        for action, many in Counter(step["action"] for step in plan["steps"]).items():
            lines.append(f"  {many} {_ACTIONS[action]}")
            steps = [step for step in plan["steps"] if step["action"] == action]
            lines += [f"    {step['document']}: {step['reason']}" for step in steps[:SHOWN]]
            if many > SHOWN:
                lines.append(f"    … and {many - SHOWN} more: --json shows all")
    return "\n".join([*lines, "Nothing was changed."])


def loss(source: str, documents: Sequence[str], why: str) -> str:
    """Return which documents an approval deletes."""
    lines = [f"{source}: {why}. These would be deleted:"]
    lines += [f"  {document}" for document in documents[:SHOWN]]
    if len(documents) > SHOWN:
        lines.append(f"  … and {len(documents) - SHOWN} more")
    return "\n".join(lines)


def report(facts: Facts) -> str:
    """Return what a run did."""
    lines = []
    for source in facts["sources"]:
        lines += _source(source, facts["run"])
        lines += [
            f"  ! {failure['document']}: {failure['message']} ({failure['code']})"
            for failure in source.get("failures", ())
        ]
    if facts["purged"]:
        lines.append(f"{facts['purged']} forgotten documents removed")
    embedded = f"{facts['embedded_windows']} windows ({facts['embedded_tokens']} tokens) embedded"
    took = f"{facts['seconds']:.1f} s"
    if facts["withheld"]:
        lines.append(f"The rebuilt index was not published, the old one stays: {facts['withheld']}")
    elif facts["generation"]:
        lines.append(f"Published generation {facts['generation']}: {embedded}, {took}.")
    else:
        lines.append(f"Nothing changed: the published index stays, {embedded}, {took}.")
    return "\n".join(lines)


def status(facts: Facts) -> str:
    """Return what is published, what runs, and what needs a person."""
    index = facts["index"]
    if index is None:
        lines = [f"There is no index in {facts['data_dir']} yet. Run `footnote ingest`."]
    else:
        lines = [
            f"Index       generation {index['generation']}, made {index['created_at'][:16]} UTC",
            f"Holds       {index['documents']} documents in {index['chunks']} chunks",
            f"Recipe      {index['recipe']}",
        ]
        lines += [f"DEGRADED    {index['degraded']}"] if index["degraded"] else []
    if facts["running"]:
        lines.append(f"Running     {_running(facts['running'])}")
    if last := facts["last_run"]:
        lines.append(f"Last run    {last['run']}, {last['started_at'][:16]} UTC: {last['state']}")
        lines += [last["error"]] if last["error"] else []
        lines += [report({**last, **last["report"]})] if last["report"] else []
    lines += [f"Larger      {_larger(facts['larger_model'])}"] if facts["larger_model"] else []
    lines += [line for source in facts["sources"] for line in _needs(source)]
    if facts["failures"]:
        lines.append(f"Not read    {len(facts['failures'])} documents")
    lines += [_failure(failure) for failure in facts["failures"]]
    return "\n".join(lines)


def _larger(model: Facts) -> str:
    calls = str(model["requests"])
    if model["requests_per_month"] is not None:
        calls += f" of {model['requests_per_month']}"
    cost = f"{model['cost']:.2f}"
    if model["cost_per_month"] is not None:
        cost += f" of {model['cost_per_month']:.2f}"
    used = f"{model['name']} in {model['month']}: {calls} calls, {cost} {model['currency']}"
    if model["used_up"]:
        used += ". BUDGET USED UP: the local model answers alone until next month"
    return used


def _source(source: Facts, run: int) -> list[str]:
    name = source["name"]
    if source.get("dropped"):  # of a report that an earlier version kept, it is not said
        done = [f"{source[key]} documents {key}" for key in ("hidden", "deleted") if source[key]]
        return [f"{_DROPPED.format(name)}: {', '.join(done) or 'it had no document left'}"]
    if source["error"]:
        closed = f", {source['closed']} documents closed" if source["closed"] else ""
        return [f"{name}: not listed{closed or ', nothing touched'}: {source['error']}"]
    counts = [f"{source[key]} {label}" for key, label in _COUNTS if source[key]]
    lines = [f"{name}: {', '.join(counts) or 'empty'}"]
    if source["held"]:
        lines.append(
            f"  HELD: {source['held']}. Nothing of it was deleted; look with "
            "`footnote ingest --dry-run`, let it through with `footnote approve`: see "
            "`footnote status`."
        )
    return lines


def _running(run: Facts) -> str:
    total = run["total"] or "being listed"
    where = f"{run['source']} {run['done']} of {total}" if run["source"] else "starting"
    silent = " (no sign of life: it may have ended; the next run resumes)" if run["silent"] else ""
    return (
        f"run {run['run']} since {run['started_at'][:19]} UTC, {where}, "
        f"last heartbeat {run['heartbeat_at'][:19]} UTC, process {run['process']}{silent}"
    )


def _needs(source: Facts) -> list[str]:
    if source["dropped"]:
        hidden = source["hidden"]
        then = f"deletes its {hidden} hidden documents" if hidden else "hides its documents"
        return [f"Dropped     {_DROPPED.format(source['name'])}: the next run {then}"]
    lines = []
    if source["failing_since"]:
        state = "CLOSED, nobody may read it" if source["closed"] else "not listed"
        listed = (source["listed_at"] or "never")[:16]
        lines.append(
            f"Source      {source['name']} {state} since {source['failing_since'][:16]} UTC, "
            f"last listed {listed}"
        )
    if held := source["held"]:
        way = (
            "approved: goes through at the next run"
            if held["approved"]
            else f"`footnote approve {source['name']} {held['run']}` lets it through"
        )
        lines.append(
            f"HELD        {source['name']}, run {held['run']}: {held['documents']} documents kept, "
            f"because {held['why']}; {way}"
        )
    if source["hidden"]:
        lines.append(
            f"Hidden      {source['name']}: {source['hidden']} documents that were not listed; "
            "the next complete listing without them deletes them"
        )
    return lines


def _failure(failure: Facts) -> str:
    tried = f"{failure['attempts']}×, first {failure['first_seen'][:10]}"
    if failure["quarantined"]:
        tried += f", not tried again until it changes or `footnote retry {failure['document']}`"
    old = "; the index has its text of before" if failure["stale"] else ""
    return (
        f"  ! {failure['document']}: {failure['message']} "
        f"({failure['stage']}, {failure['code']}, {tried}{old})"
    )
