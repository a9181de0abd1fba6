"""Which sources a run visits: those of the settings or some of them, and those that left them."""

from collections.abc import Iterable, Sequence

from index import inventory
from index.base import StoreError
from ingest import sync
from ingest.ledger import Ledger
from ui.settings import Settings, SettingsError
from ui.source_settings import Source


def chosen(settings: Settings, names: Sequence[str]) -> tuple[Source, ...]:
    """Return the sources of these names; all of them if none is named.

    Raises SettingsError for a name that no source has.
    """
    known = {source.name: source for source in settings.sources}
    for name in names:
        if name not in known:
            raise SettingsError(f"No source is named {name!r}. There are: {', '.join(known)}.")
    return tuple(known[name] for name in names) if names else settings.sources


def dropped(settings: Settings, names: Sequence[str], ledger: Ledger | None) -> list[str]:
    """Return the sources that were ingested and that the settings do not name any more.

    None if a run is for the sources of some names only: the others are none of its business.
    """
    return [] if names else sync.dropped(_named(settings), _remembered(settings, ledger))


def _named(settings: Settings) -> list[str]:
    return [source.name for source in settings.sources]


def _remembered(settings: Settings, ledger: Ledger | None) -> Iterable[str]:
    try:
        indexed = inventory.sources(settings.data_dir)
    except StoreError:  # damaged, or of another version: why one rebuilds
        indexed = frozenset()
    return indexed.union(ledger.sources() if ledger else ())
