"""What lies in a drive, cheaply: all of it once, and then what Graph says has changed."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import quote

from connectors.base import ConnectorError
from connectors.cloud_memory import Memory, Raw, State
from connectors.sharepoint_api import GraphApi, broken_off
from connectors.sharepoint_errors import GraphRefusal
from connectors.sharepoint_item import Place, below_root, noted

DAY_S: Final = 86_400
LOSSES_ASKED: Final = 20  # of a listing: each costs a request

_STALE: Final = frozenset({400, 404, 410})  # the feed cannot go on from where it was left

Items = Mapping[str, Raw]  # what is noted of each, by id

log = logging.getLogger(__name__)


class Feed:
    """Lists drives, with a memory of what they were."""

    def __init__(
        self, api: GraphApi, memory: Memory, *, relist_days: float, now: Callable[[], float]
    ) -> None:
        """Take what speaks with Graph.

        relist_days: after so many, all is listed again, whatever the feed says.
        """
        self._api = api
        self._memory = memory
        self._relist_s = relist_days * DAY_S
        self._now = now

    def items(self, place: Place) -> Items:
        """Return every file and folder of a drive."""
        known = self._memory.recall(place.drive)
        state = self._updated(place, known) if known else None
        state = state or self._listed(place, known.items if known else {})
        self._memory.keep(place.drive, state)
        return state.items

    def _updated(self, place: Place, known: State) -> State | None:
        """Return a state brought up to date; None if all must be listed."""
        if self._now() - known.listed_at >= self._relist_s:
            return None
        try:
            changes, cursor = self._changes(known.cursor)
        except GraphRefusal as error:
            if error.status not in _STALE:
                raise
            log.info("listing anew drive=%s reason=%s", place.name, error.code)
            return None
        items = applied(known.items, changes)
        if moved_folders(known.items, items):
            return None
        return State(below_root(items), cursor, known.listed_at)

    def _listed(self, place: Place, known: Items) -> State:
        changes, cursor = self._changes(f"/drives/{quote(place.drive)}/root/delta")
        items = below_root(applied({}, changes))
        if not items:
            raise ConnectorError(
                f"Microsoft Graph did not list so much as the root of {place.name}. Nothing of "
                "this source is changed; check that the app may still read it."
            )
        self._check_losses(place, known, items)
        return State(items, cursor, self._now())

    def _changes(self, url: str) -> tuple[list[Raw], str]:
        changes: list[Raw] = []
        cursor = None
        for page in self._api.pages(url):
            changes += page["value"]
            cursor = page.get("@odata.deltaLink")
        if not isinstance(cursor, str):
            raise broken_off(url)
        return changes, cursor

    def _check_losses(self, place: Place, known: Items, items: Items) -> None:
        """Raise if something that was there before is still there, but was not listed."""
        for id in sorted(known.keys() - items.keys())[:LOSSES_ASKED]:
            try:
                raw = self._api.one(f"/drives/{quote(place.drive)}/items/{quote(id)}")
            except GraphRefusal as error:
                if error.status != 404:
                    raise
                continue
            if "deleted" not in raw:
                raise ConnectorError(
                    f"Microsoft Graph's listing of {place.name} left out {raw.get('name')!r}, "
                    "which is still there. Nothing of this source is changed; the next run lists "
                    "it again."
                )


def applied(items: Items, changes: Iterable[Raw]) -> dict[str, Raw]:
    """Return items after changes; of what is said of one twice, the last counts."""
    after = dict(items)
    for raw in changes:
        if "deleted" in raw:
            after.pop(raw["id"], None)
        else:
            after[raw["id"]] = noted(raw)
    return after


def moved_folders(before: Items, after: Items) -> list[str]:
    """Return the known folders that have another address, as all that lies in them has.

    The feed tells of the folder alone.
    """
    return [
        id
        for id, item in after.items()
        if item["folder"] and id in before and item["address"] != before[id]["address"]
    ]
