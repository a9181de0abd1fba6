"""`footnote sources check`: whether each source can be read, and by whom; nothing is ingested."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice

from connectors.base import Connector, ConnectorError, Entry
from index.access import EVERYONE, GROUP, named_groups, normal
from ui.connections import onlooker
from ui.settings import Settings, SettingsError

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Line:
    """One document of a source."""

    id: str
    readers: tuple[str, ...]
    denied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one source."""

    name: str
    type: str
    documents: tuple[Line, ...] = ()
    opened: str | None = None  # title and address of the first document
    notes: tuple[str, ...] = ()
    error: str | None = None  # what to mend


def check(settings: Settings, name: str | None) -> list[Check]:
    """Connect to one source or to all. Raises SettingsError for a name that no source has."""
    chosen = [source for source in settings.sources if name in (None, source.name)]
    if not chosen:
        names = ", ".join(source.name for source in settings.sources) or "none"
        raise SettingsError(f"No source is named {name!r}; the settings name: {names}.")
    checks = []
    for source in chosen:
        try:
            documents, opened = _look(onlooker(source, settings.data_dir))
        except (ConnectorError, SettingsError) as error:
            checks.append(Check(source.name, source.type, error=str(error)))
        else:
            notes = tuple(_notes(documents, named_groups(settings.groups)))
            checks.append(Check(source.name, source.type, documents, opened, notes))
    return checks


def text(checks: Iterable[Check]) -> str:
    """Return the checks for a person to read."""
    return "\n\n".join("\n".join(_lines(check)) for check in checks)


def to_json(checks: Iterable[Check]) -> str:
    """Return the checks for a program to read."""
    return json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=1)


def _look(connector: Connector) -> tuple[tuple[Line, ...], str | None]:
    """List the first documents and fetch one: a source may let the account do only the first."""
    entries = list(islice(connector.entries(), SHOWN))
    documents = tuple(_line(entry) for entry in entries)
    if not entries:
        return documents, None
    document = connector.fetch(entries[0])
    return documents, f"{document.title} ({document.url})"


def _line(entry: Entry) -> Line:
    return Line(entry.id, tuple(sorted(entry.readers)), tuple(sorted(entry.denied)))


def _notes(documents: Iterable[Line], groups: frozenset[str]) -> list[str]:
    """Say which of the source's groups mean nobody here, and what that does."""
    documents = list(documents)
    notes = []
    for group in _unknown((d.readers for d in documents), groups):
        notes.append(f"{group} is not in [groups] of the settings: nobody reads what only it may.")
    for group in _unknown((d.denied for d in documents), groups):
        notes.append(f"{group} is not in [groups] of the settings: nobody reads what it may not.")
    if any(not document.readers for document in documents):
        notes.append("Documents without readers are shown to nobody.")
    return notes


def _unknown(principals: Iterable[tuple[str, ...]], groups: frozenset[str]) -> list[str]:
    used = normal(principal for of_one in principals for principal in of_one)
    return sorted(p for p in used - groups if p.startswith(GROUP) and p != EVERYONE)


def _lines(check: Check) -> list[str]:
    if check.error is not None:
        return [f"FAIL  {check.name} ({check.type}): {check.error}"]
    if not check.documents:
        return [f"ok    {check.name} ({check.type}): it answers, and holds no document."]
    count = f"its first {len(check.documents)} documents" if len(check.documents) > 1 else "it"
    lines = [f"ok    {check.name} ({check.type}): {count}, and who may read them:"]
    width = max(len(document.id) for document in check.documents)
    for document in check.documents:
        denied = f" but not {', '.join(document.denied)}" if document.denied else ""
        readers = ", ".join(document.readers) or "nobody"
        lines.append(f"      {document.id:{width}}  {readers}{denied}")
    lines.append(f"      opened: {check.opened}")
    return lines + [f"note  {note}" for note in check.notes]
