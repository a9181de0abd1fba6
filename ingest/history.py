"""What earlier runs remember of one source, and what a run adds to it. Decides only.

Knows no database: `ledger` keeps it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ingest.base import Failure

QUARANTINE_AFTER = 3  # failures of the same bytes by the same parser


@dataclass(frozen=True, slots=True)
class Trouble:
    """A document that could not be ingested, however often it was tried."""

    failure: Failure  # the last one
    version: str  # as the source listed it
    parser: str  # VERSION of the parser that failed at it
    attempts: int  # of this version, at this stage, by this parser
    first_seen: datetime  # aware, UTC
    last_seen: datetime

    def is_quarantined(self, version: str, parser: str) -> bool:
        """Return whether trying this version with this parser again would be of no use.

        A failed fetch says nothing about the bytes, and a mistake in the cutter may be mended:
        these are tried again every night.
        """
        return (
            self.failure.stage == "parse"
            and self.attempts >= QUARANTINE_AFTER
            and (self.version, self.parser) == (version, parser)
        )


@dataclass(frozen=True, slots=True)
class Loss:
    """Documents that a complete listing lacked, too many to be believed without a person."""

    run: int  # that held it first
    held_at: datetime
    documents: frozenset[str]  # ids
    why: str
    approved: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """All that is remembered of one source."""

    listed_at: datetime | None = None  # when it was last listed wholly
    failing_since: datetime | None = None  # the first failed listing since then
    missed: Mapping[str, datetime] = field(default_factory=dict)  # hidden id -> first not listed
    troubles: Mapping[str, Trouble] = field(default_factory=dict)  # by document id
    loss: Loss | None = None

    def approved(self) -> frozenset[str]:
        """Return the ids whose loss a person has let through."""
        return self.loss.documents if self.loss and self.loss.approved else frozenset()

    def objection(self, lost: Iterable[str]) -> str | None:
        """Return why documents were held that are lost still: growth elsewhere approves nothing."""
        loss = self.loss
        still = loss is not None and not loss.approved and not loss.documents.isdisjoint(lost)
        return loss.why if loss and still else None

    def closed(self, now: datetime, limit: timedelta) -> bool:
        """Return whether readers have been unknown for so long that nobody may read the source.

        The next nightly run may begin a little earlier, in spring an hour: it counts as a day.
        """
        return self.failing_since is not None and now - self.failing_since >= limit - timedelta(
            hours=1
        )

    def failed_listing(self, now: datetime) -> "Past":
        """Return what is known after a listing that broke off."""
        return replace(self, failing_since=self.failing_since or now)


def troubles_after(
    past: Past,
    failures: Iterable[Failure],
    versions: Mapping[str, str],
    *,
    kept: Iterable[str],
    parser: str,
    now: datetime,
) -> dict[str, Trouble]:
    """Return the troubles after a run; one that did not come again is over.

    versions: document id -> as listed, of the failures. kept: ids that were not tried this time.
    """
    after = {id: past.troubles[id] for id in kept if id in past.troubles}
    for failure in failures:
        before = past.troubles.get(failure.document_id)
        version = versions[failure.document_id]
        same = (
            before is not None
            and (before.version, before.parser) == (version, parser)
            and before.failure.stage == failure.stage
        )
        after[failure.document_id] = Trouble(
            failure=failure,
            version=version,
            parser=parser,
            attempts=before.attempts + 1 if before and same else 1,
            first_seen=before.first_seen if before and same else now,
            last_seen=now,
        )
    return after
