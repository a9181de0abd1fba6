"""What lies in a drive of SharePoint or OneDrive, and what Graph says has changed there."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from connectors.base import ConnectorError
from connectors.cloud_errors import Refusal
from connectors.cloud_feed import Items, Listing
from connectors.cloud_memory import Raw, State
from connectors.sharepoint_api import GraphApi, broken_off
from connectors.sharepoint_item import Place, below_root, noted


@dataclass(frozen=True, slots=True)
class Library:
    """The drive of a place, as Graph lists it."""

    api: GraphApi
    place: Place
    seal: str = ""

    @property
    def key(self) -> str:
        return self.place.drive

    @property
    def name(self) -> str:
        return self.place.name

    def updated(self, known: State) -> Listing | None:
        changes, cursor = self._changes(known.cursor)
        items = applied(known.items, changes)
        if moved_folders(known.items, items) or filled_folders(known.items, items, changes):
            return None
        return below_root(items), cursor

    def listed(self) -> Listing:
        changes, cursor = self._changes(f"/drives/{quote(self.key)}/root/delta")
        items = below_root(applied({}, changes))
        if not items:
            raise ConnectorError(
                f"Microsoft Graph did not list so much as the root of {self.name}. Nothing of "
                "this source is changed; check that the app may still read it."
            )
        return items, cursor

    def still_there(self, id: str, listed: Items) -> str | None:
        try:
            raw = self.api.one(f"/drives/{quote(self.key)}/items/{quote(id)}")
        except Refusal as error:
            if error.status != 404:
                raise
            return None
        return None if "deleted" in raw else str(raw.get("name"))

    def _changes(self, url: str) -> tuple[list[Raw], str]:
        changes: list[Raw] = []
        cursor = None
        for page in self.api.pages(url):
            changes += page["value"]
            cursor = page.get("@odata.deltaLink")
        if not isinstance(cursor, str):
            raise broken_off(url)
        return changes, cursor


def applied(items: Items, changes: Iterable[Raw]) -> dict[str, Raw]:
    """Return items after changes; of what is said of one twice, the last counts."""
    after = dict(items)
    for raw in changes:
        if "deleted" in raw:
            after.pop(raw["id"], None)
        else:
            after[raw["id"]] = noted(raw)
    return after


def filled_folders(before: Items, after: Items, changes: Iterable[Raw]) -> list[str]:
    """Return the new folders that hold files of which the feed does not tell: out of the bin."""
    parents = {item["parent"] for item in after.values()}
    filled = {raw["id"] for raw in changes if (raw.get("folder") or {}).get("childCount", 0) > 0}
    return [id for id in filled if id in after and id not in before and id not in parents]


def moved_folders(before: Items, after: Items) -> list[str]:
    """Return the known folders that have another address, as all that lies in them has.

    The feed tells of the folder alone.
    """
    return [
        id
        for id, item in after.items()
        if item["folder"] and id in before and item["address"] != before[id]["address"]
    ]
