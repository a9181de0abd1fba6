"""Who may read the files of Google Drive, asked for as seldom as it can be.

Drive gives the permissions of a file along with it, but not in shared drives: there it gives their
ids, and an id of a person or a group means the same wherever it stands.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from connectors.cloud_errors import Refusal
from connectors.cloud_memory import Raw
from connectors.gdrive_api import DriveApi
from connectors.gdrive_file import Sharing, readers

_LINK: Final = {"id": "anyoneWithLink", "type": "anyone", "allowFileDiscovery": False}
_UNSEEN: Final = frozenset({403, 404})  # the account may not see who else may read

log = logging.getLogger(__name__)


class Grants:
    """Looks permissions up for one listing; a file whose permissions stay unknown is for nobody."""

    def __init__(self, api: DriveApi, sharing: Sharing, now: Callable[[], float]) -> None:
        """Take what shares with a domain mean, and the time in seconds since 1970."""
        self._api = api
        self._sharing = sharing
        self._now = now
        self._known: dict[str, Raw] = {"anyoneWithLink": _LINK}
        self.unseen = 0  # files whose permissions the account may not see

    def learn(self, grants: list[Raw]) -> None:
        """Remember what ids mean, of those whose meaning is the same everywhere."""
        for grant in grants:
            lasting = not grant.get("expirationTime") and not grant.get("view")
            if lasting and grant.get("type") in ("user", "group") and not grant.get("deleted"):
                self._known[grant["id"]] = grant

    def readers(self, raw: Raw) -> frozenset[str]:
        """Return who may read a file."""
        grants = self._of(raw)
        if grants is None:
            self.unseen += 1
            return frozenset()
        return readers(grants, self._sharing, datetime.fromtimestamp(self._now(), UTC))

    def _of(self, raw: Raw) -> list[Raw] | None:
        given, ids = raw.get("permissions"), raw.get("permissionIds")
        if given:
            return list(given)
        if not ids:
            return None
        if all(id in self._known for id in ids):
            return [self._known[id] for id in ids]
        try:
            grants = self._api.permissions(raw["id"])
        except Refusal as error:
            if error.status not in _UNSEEN:
                raise
            return None
        self.learn(grants)
        return grants
