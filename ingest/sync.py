"""A listing against the index: what to fetch, to delete, to re-permission. Decides only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.base import Entry
from index.base import DocumentInfo


@dataclass(frozen=True, slots=True)
class Plan:
    """What one source needs."""

    added: tuple[Entry, ...]
    changed: tuple[Entry, ...]
    gone: tuple[str, ...]  # document ids
    readers: dict[str, frozenset[str]]  # document id -> new readers, text unchanged
    unchanged: int


def plan(listing: Iterable[Entry], known: Mapping[str, DocumentInfo]) -> Plan:
    """Compare a complete listing with the documents of the same source in the index.

    An id listed twice counts once, with the readers of its last line.
    """
    entries = {entry.id: entry for entry in listing}
    both = [(entry, known[entry.id]) for entry in entries.values() if entry.id in known]
    return Plan(
        added=tuple(entry for entry in entries.values() if entry.id not in known),
        changed=tuple(entry for entry, info in both if entry.version != info.version),
        gone=tuple(id for id in known if id not in entries),
        readers={entry.id: entry.readers for entry, info in both if entry.readers != info.readers},
        unchanged=sum(
            entry.version == info.version and entry.readers == info.readers for entry, info in both
        ),
    )
