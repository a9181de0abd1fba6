"""Which sources a run visits: those of the settings or some of them, and those that left them."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from connectors.base import Connector, ConnectorError, Document, Entry, Kind
from index import inventory
from index.base import StoreError
from ingest import sync
from ingest.forgotten import WithoutForgotten
from ingest.ledger import Ledger
from ui.settings import Settings, SettingsError
from ui.source_settings import Source

log = logging.getLogger(__name__)

Connect = Callable[[Source], Connector]


def chosen(settings: Settings, names: Sequence[str]) -> tuple[Source, ...]:
    """Return the sources of these names; all of them if none is named.

    Raises SettingsError for a name that no source has.
    """
    known = {source.name: source for source in settings.sources}
    for name in names:
        if name not in known:
            raise SettingsError(f"No source is named {name!r}. There are: {', '.join(known)}.")
    return tuple(known[name] for name in names) if names else settings.sources


class Unbuilt:
    """A source that cannot be connected to as it is set: its listing fails, and says why."""

    kind: Kind = "wiki"  # of documents that it never has

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self._reason = reason

    def entries(self) -> Iterator[Entry]:
        """Raise ConnectorError."""
        raise ConnectorError(self._reason)

    def fetch(self, entry: Entry) -> Document:
        """Raise ConnectorError."""
        raise ConnectorError(self._reason)


def connectors(
    sources: Iterable[Source], connect: Connect, forgotten: Callable[[str], bool]
) -> list[Connector]:
    """Return what reads these sources, without what is forgotten of them.

    A missing secret or key costs its source the listing of this run, and the others nothing.
    """
    return [WithoutForgotten(_built(source, connect), forgotten) for source in sources]


def _built(source: Source, connect: Connect) -> Connector:
    try:
        return connect(source)
    except (SettingsError, ConnectorError) as error:
        return Unbuilt(source.name, str(error))
    except Exception as error:
        log.exception("connector broken source=%s", source.name)
        return Unbuilt(source.name, f"{type(error).__name__}: {error}; the log has the place.")


def dropped(settings: Settings, names: Sequence[str], ledger: Ledger | None) -> list[str]:
    """Return the sources that were ingested and that the settings do not name any more.

    None if a run is for the sources of some names only: the others are none of its business.
    """
    try:
        indexed = inventory.sources(settings.data_dir)
    except StoreError:  # damaged, or of another version: why one rebuilds
        indexed = frozenset()
    known = indexed.union(ledger.sources() if ledger else ())
    return [] if names else dropped_of(settings, known)


def dropped_of(settings: Settings, known: Iterable[str]) -> list[str]:
    """Return which of the sources the settings do not name any more.

    None where they name no source at all: that is more likely the wrong file.
    """
    named = [source.name for source in settings.sources]
    return sync.dropped(named, known) if named else []
