"""A listing against the index: what to fetch, to delete, to re-permission. Decides only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.base import Entry
from index.access import Access, normal
from index.base import DocumentInfo


@dataclass(frozen=True, slots=True)
class Plan:
    """What one source needs."""

    added: tuple[Entry, ...]
    changed: tuple[Entry, ...]
    gone: tuple[str, ...]  # document ids
    readers: dict[str, Access]  # document id -> who may read it now, text unchanged
    unchanged: int


def plan(listing: Iterable[Entry], known: Mapping[str, DocumentInfo]) -> Plan:
    """Compare a complete listing with the documents of the same source in the index.

    An id listed twice counts once, with the readers of its last line.
    """
    entries = {entry.id: entry for entry in listing}
    both = [(entry, known[entry.id]) for entry in entries.values() if entry.id in known]
    access = {entry.id: access_of(entry) for entry, _ in both}
    return Plan(
        added=tuple(entry for entry in entries.values() if entry.id not in known),
        changed=tuple(entry for entry, info in both if entry.version != info.version),
        gone=tuple(id for id in known if id not in entries),
        readers={info.id: access[info.id] for _, info in both if access[info.id] != info.access},
        unchanged=sum(
            entry.version == info.version and access[info.id] == info.access for entry, info in both
        ),
    )


def access_of(entry: Entry) -> Access:
    """Return who may read a document, as the index compares it."""
    return Access(normal(entry.readers), normal(entry.denied))
