"""What lies in a cloud's drive, cheaply: all of it once, and then what its server says has changed.

Knows no server: that are `gdrive_feed` and `sharepoint_feed`. Knows neither documents nor readers.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

from connectors.base import ConnectorError
from connectors.cloud_errors import Refusal
from connectors.cloud_memory import Memory, Raw, State

DAY_S: Final = 86_400
LOSSES_ASKED: Final = 20  # of a listing: each costs a request

_STALE: Final = frozenset({400, 404, 410})  # what a server answers to a cursor it does not know

Items = Mapping[str, Raw]  # what is noted of each file and folder, by id
Listing = tuple[Items, str]  # and the cursor from which the server tells what changed since

log = logging.getLogger(__name__)


class Drive(Protocol):
    """A drive that has a feed of changes, or some folders of it."""

    @property
    def key(self) -> str:
        """What its state is remembered by."""
        ...

    @property
    def name(self) -> str:
        """What it is called in an error."""
        ...

    @property
    def seal(self) -> str:
        """What differs when nothing that was listed before holds any more."""
        ...

    def listed(self) -> Listing:
        """Return all that lies in it."""
        ...

    def updated(self, known: State) -> Listing | None:
        """Return what was known brought up to date; None if all must be listed."""
        ...

    def still_there(self, id: str, listed: Items) -> str | None:
        """Return the name of what belongs there though it was not listed; None if it is gone."""
        ...


class Feed:
    """Lists drives, with a memory of what they were."""

    def __init__(self, memory: Memory, *, relist_days: float, now: Callable[[], float]) -> None:
        """relist_days: after so many, all is listed again, whatever the feed says."""
        self._memory = memory
        self._relist_s = relist_days * DAY_S
        self._now = now

    def items(self, drive: Drive) -> Items:
        """Return every file and folder of a drive that is not in the bin."""
        known = self._memory.recall(drive.key)
        state = self._updated(drive, known) if known else None
        state = state or self._listed(drive, known.items if known else {})
        self._memory.keep(drive.key, state)
        return state.items

    def _updated(self, drive: Drive, known: State) -> State | None:
        if known.seal != drive.seal or self._now() - known.listed_at >= self._relist_s:
            return None
        try:
            found = drive.updated(known)
        except Refusal as error:
            if error.status not in _STALE:
                raise
            log.info("listing anew drive=%s reason=%s", drive.key, error.reason)
            return None
        return replace(known, items=found[0], cursor=found[1]) if found else None

    def _listed(self, drive: Drive, known: Items) -> State:
        items, cursor = drive.listed()
        led_to = [id for id, raw in known.items() if raw["document"] or raw.get("target")]
        for id in sorted(set(led_to) - items.keys())[:LOSSES_ASKED]:
            if (name := drive.still_there(id, items)) is not None:
                raise ConnectorError(
                    f"The listing of {drive.name} left out {name!r}, which is still there. Nothing "
                    "of this source is changed; the next run lists it again."
                )
        return State(items, cursor, self._now(), drive.seal)
