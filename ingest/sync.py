"""A listing against the index: what one source needs, and why. Decides only.

What is not listed any more is hidden at once, which can be undone, and purged when a second
complete listing lacks it too. A loss too large to be believed is held until a person approves it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from connectors.base import Entry
from index.access import Access, normal
from index.base import DocumentInfo
from ingest.base import Failure
from ingest.history import Loss, Past, troubles_after

Action = Literal["add", "change", "skip", "readers", "hide", "purge", "hold", "close"]

NOBODY = Access(frozenset())


@dataclass(frozen=True, slots=True)
class Limits:
    """From which size on a loss is held, and how long a source may go without a listing.

    Of fewer than 20 documents a loss of `few` goes through, as 15 % of 20 are 3; an empty listing
    never does.
    """

    share: float = 0.15
    documents: int = 500
    few: int = 3
    closed_after: timedelta = timedelta(hours=24)

    def objection(self, lost: int, of: int, how: str = "are no longer listed") -> str | None:
        """Return why a loss cannot be believed; None if it can."""
        if lost > self.documents:
            return f"{lost} of {of} documents {how}, more than {self.documents}"
        if lost > max(self.few, self.share * of):
            return f"{lost} of {of} documents {how}, more than {self.share:.0%}"
        return None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do with one document."""

    action: Action
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What one source needs."""

    source: str
    entries: Mapping[str, Entry]  # by id: the listing; empty if it failed
    steps: tuple[Step, ...] = ()
    unchanged: int = 0
    error: str | None = None  # why the source could not be listed
    held: str | None = None  # why the loss is not applied
    dropped: bool = False  # the settings do not name the source any more

    def ids(self, *actions: Action) -> tuple[str, ...]:
        """Return the documents of these steps."""
        return tuple(step.id for step in self.steps if step.action in actions)

    def to_fetch(self) -> list[Entry]:
        """Return what is new or changed."""
        return [self.entries[id] for id in self.ids("add", "change")]

    def readers(self) -> dict[str, Access]:
        """Return document id -> who may read it from now on, where that changes."""
        hidden = dict.fromkeys(self.ids("hide", "close"), NOBODY)
        return hidden | {id: access_of(self.entries[id]) for id in self.ids("readers")}

    def for_nobody(self) -> int:
        """Return how many listed documents have no reader: none named, or none could be found."""
        return sum(not entry.readers for entry in self.entries.values())


def plan(
    source: str,
    listing: Iterable[Entry],
    known: Mapping[str, DocumentInfo],
    past: Past,
    *,
    limits: Limits,
    parser: str,
) -> Plan:
    """Compare a complete listing with the documents of the same source in the index.

    An id listed twice counts once, with the readers of its last line. parser: its VERSION.
    """
    entries = {entry.id: entry for entry in listing}
    lost = [id for id in known if id not in entries]
    approved = past.approved()
    fresh = [id for id in lost if id not in past.missed and id not in approved]
    visible = [id for id in known if id not in past.missed and (id in entries or id in fresh)]
    held = limits.objection(len(fresh), len(visible)) or past.objection(fresh)
    if not entries and any(id not in approved for id in lost):
        held = f"the listing is empty, and {len(lost)} documents were known"
    steps = [step for entry in entries.values() for step in _listed(entry, known, past, parser)]
    steps += [_lost(id, past, held) for id in lost]
    touched = {step.id for step in steps}
    unchanged = sum(id in known and id not in touched for id in entries)
    return Plan(source, entries, tuple(steps), unchanged, held=held)


def access_of(entry: Entry) -> Access:
    """Return who may read a document, as the index compares it."""
    return Access(normal(entry.readers), normal(entry.denied))


def plan_anew(made: Plan, past: Past, *, parser: str) -> Plan:
    """Return what an empty index needs of a source whose plan was made against a full one."""
    anew = plan(made.source, made.entries.values(), {}, past, limits=Limits(), parser=parser)
    return replace(anew, error=made.error)


def unread(
    made: Plan,
    anew: Plan,
    known: Mapping[str, DocumentInfo],
    failed: Collection[str],
    limits: Limits,
) -> str | None:
    """Return why a rebuilt index may not replace the published one; None if it may.

    What somebody can read now is lost with it where it is not listed, failed, or waits in
    quarantine. made: the plan against the published index. anew: the one that was carried out.
    """
    lost = {*made.ids("hide"), *anew.ids("skip"), *failed}
    readable = [id for id, info in known.items() if info.readers]
    gone = sum(id in lost for id in readable)
    if readable and gone == len(readable):
        return f"none of its {gone} documents could be read"
    return limits.objection(gone, len(readable), "that answer now could not be read")


def plan_without_listing(
    source: str,
    error: str,
    known: Mapping[str, DocumentInfo],
    past: Past,
    *,
    limits: Limits,
    now: datetime,
) -> Plan:
    """Leave a source as it is, or close it if nobody has known its readers for too long."""
    steps: list[Step] = []
    since = past.failed_listing(now).failing_since
    if past.closed(now, limits.closed_after) and since:
        reason = f"who may read it is unknown since {since:%Y-%m-%d %H:%M} UTC"
        steps = [Step("close", id, reason) for id, info in known.items() if info.readers]
    return Plan(source, {}, tuple(steps), len(known) - len(steps), error=error)


def plan_dropped(source: str, known: Mapping[str, DocumentInfo], past: Past, *, kept: bool) -> Plan:
    """Hide what is known of a source that left the settings, and purge it the next time.

    No loss is held: a person took the source out. kept: whether what is being built holds its
    documents still, as a rebuilt index does not.
    """
    steps = []
    for id in known:
        since = past.missed.get(id)
        hidden = f", hidden since {since:%Y-%m-%d %H:%M} UTC" if since else ""
        reason = f"source {source} is no longer in the settings{hidden}"
        steps.append(Step("purge" if since or not kept else "hide", id, reason))
    return Plan(source, {}, tuple(steps), dropped=True)


def dropped(named: Collection[str], remembered: Iterable[str]) -> list[str]:
    """Return the sources that an index or a ledger knows and the settings do not name, by name."""
    return sorted(set(remembered).difference(named))


def stale(
    made: Plan, known: Mapping[str, DocumentInfo], failed: Collection[str]
) -> dict[str, bool]:
    """Return document id -> whether its text is older than the source's, where that changes."""
    old = {*made.ids("skip"), *failed}
    listed = [id for id in known if id in made.entries]
    return {id: id in old for id in listed if known[id].stale != (id in old)}


def remembered(
    made: Plan, past: Past, failures: Iterable[Failure], *, run: int, now: datetime, parser: str
) -> Past:
    """Return what is known of a source once its plan was carried out and published."""
    if made.error is not None:
        return past.failed_listing(now)
    if made.dropped:
        return Past(missed=dict.fromkeys(made.ids("hide"), now))
    kept = made.ids("hide", "hold")
    troubles = troubles_after(
        past,
        failures,
        {id: entry.version for id, entry in made.entries.items()},
        kept=(*made.ids("skip"), *kept),
        parser=parser,
        now=now,
    )
    missed = {id: past.missed.get(id, now) for id in made.ids("hide")}
    missed |= {id: past.missed[id] for id in made.ids("hold") if id in past.missed}
    return Past(now, None, missed, troubles, loss(made, past, run, now))


def _listed(
    entry: Entry, known: Mapping[str, DocumentInfo], past: Past, parser: str
) -> Iterator[Step]:
    info, trouble = known.get(entry.id), past.troubles.get(entry.id)
    if info is None or info.version != entry.version:
        if trouble and trouble.is_quarantined(entry.version, parser):
            yield Step(
                "skip",
                entry.id,
                f"this version failed {trouble.attempts} times ({trouble.failure.code}); "
                f"`footnote retry {entry.id}` tries it again",
            )
        elif info is None:
            yield Step("add", entry.id, "not in the index yet")
        else:
            yield Step("change", entry.id, f"version {info.version} is now {entry.version}")
    if info is not None and info.access != access_of(entry):
        yield Step("readers", entry.id, _why_readers(entry, info, past))


def _why_readers(entry: Entry, info: DocumentInfo, past: Past) -> str:
    if entry.id in past.missed:
        return f"listed again; hidden since {past.missed[entry.id]:%Y-%m-%d %H:%M} UTC"
    if past.failing_since and not info.readers:
        return "the source can be listed again"
    return f"readers were {_named(info.access)}, are {_named(access_of(entry))}"


def _lost(id: str, past: Past, held: str | None) -> Step:
    if id in past.approved() and past.loss:
        return Step("purge", id, f"not listed; the loss held by run {past.loss.run} was approved")
    if held:
        return Step("hold", id, f"not listed, but {held}")
    if id in past.missed:
        first = past.missed[id]
        return Step(
            "purge", id, f"not listed for the second time, first {first:%Y-%m-%d %H:%M} UTC"
        )
    return Step("hide", id, "not listed for the first time")


def loss(made: Plan, past: Past, run: int, now: datetime) -> Loss | None:
    """Return the loss that a plan holds, by the run that held the very same one first."""
    if made.held is None:
        return None
    held = Loss(run, now, frozenset(made.ids("hold")), made.held)
    before = past.loss
    same = before is not None and before.documents == held.documents
    return replace(before, why=held.why) if before and same else held


def _named(access: Access) -> str:
    allowed = ", ".join(sorted(access.allowed)) or "nobody"
    return f"{allowed} but {', '.join(sorted(access.denied))}" if access.denied else allowed
