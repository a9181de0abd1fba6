"""Taking documents back at once: what would go in words, and doing it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from index.access import EVERYONE, GROUP, named_groups
from index.access import principal as principal_of
from index.base import DocumentInfo
from ui import wiring
from ui.settings import Settings, SettingsError

NEXT = "The next ingestion removes every trace of it from the data directory."


def preview(settings: Settings, document_ids: Sequence[str]) -> str:
    """Return what forgetting documents would do."""
    known = wiring.published(settings, document_ids)
    lines = [_line(id, known) for id in document_ids]
    return "\n".join([*lines, "Nothing is done yet: run it again with --yes."])


def forget(settings: Settings, document_ids: Sequence[str], now: datetime) -> str:
    """Hide documents from everyone and let the next ingestion erase them; say so."""
    known = wiring.published(settings, document_ids)
    wiring.overlay(settings).forget(document_ids, now)
    return "\n".join([*(_line(id, known) for id in document_ids), f"Forgotten. {NEXT}"])


def recall(settings: Settings, document_ids: Sequence[str]) -> str:
    """Lift the tombstones of documents; say how many there were."""
    lifted = wiring.overlay(settings).recall(document_ids)
    return (
        f"{lifted} of {len(document_ids)} were forgotten. "
        "What is erased already comes back with the next ingestion, if its source still lists it."
    )


def revoke(settings: Settings, principal: str, document_id: str, now: datetime) -> str:
    """Take a document from a principal at once. Raises SettingsError for what is no principal."""
    name = _principal(principal)
    wiring.overlay(settings).deny(name, document_id, now)
    known = wiring.published(settings, [document_id])
    note = "" if known else " (it is not in the index now)"
    said = f"{principal} cannot read {document_id}{note}, whatever its source says."
    if name.startswith(GROUP) and name not in named_groups(settings.groups):
        return f"{said} Nobody can: {name} is not in [groups] of the settings."
    if name != EVERYONE:
        said += " Nor can who asks without an address, as in a Slack channel."
    return said


def restore(settings: Settings, principal: str, document_id: str) -> str:
    """Take a revocation back; say whether there was one."""
    lifted = wiring.overlay(settings).allow(_principal(principal), document_id)
    if not lifted:
        return f"{document_id} was not revoked from {principal}."
    return f"{principal} may read {document_id} again if its source says so."


def _line(document_id: str, known: Mapping[str, DocumentInfo]) -> str:
    if document_id not in known:
        return f"{document_id}  (not in the index; it would never be added)"
    info = known[document_id]
    return f"{document_id}  {info.title!r}, updated {info.updated_at:%Y-%m-%d}"


def _principal(text: str) -> str:
    try:
        return principal_of(text)
    except ValueError as error:
        raise SettingsError(str(error)) from error
