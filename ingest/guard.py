"""A source as a run sees it: whatever fails in it is its own error, whatever it says can be stored.

Knows no source and no index.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from connectors.base import Connector, ConnectorError, Document, Entry, Kind, encodable

log = logging.getLogger(__name__)


class Guarded:
    """A source whose every failure is a ConnectorError and whose every text can be encoded."""

    def __init__(self, connector: Connector) -> None:
        self.name = connector.name
        self.kind: Kind = connector.kind
        self._connector = connector
        self._odd: dict[str, Entry] = {}  # by the id that was made of theirs
        self._told: set[type[Exception]] = set()

    def entries(self) -> Iterator[Entry]:
        """Yield every document. Raises ConnectorError for whatever goes wrong."""
        with self._own_errors():
            for entry in self._connector.entries():
                made = _stored(entry)
                if made != entry:
                    self._odd[made.id] = entry
                yield made

    def fetch(self, entry: Entry) -> Document:
        """Return one document's content. Raises ConnectorError for whatever goes wrong."""
        with self._own_errors():
            document = self._connector.fetch(self._odd.get(entry.id, entry))
            return replace(
                document,
                entry=_stored(document.entry),
                title=encodable(document.title),
                url=encodable(document.url),
            )

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except ConnectorError:
            raise
        except Exception as error:
            if type(error) not in self._told:  # of one mistake at each of 10,000 pages, one
                log.exception("connector broken source=%s", self.name)
            self._told.add(type(error))
            raise ConnectorError(
                f"{type(error).__name__}: {encodable(str(error))}. This is a mistake in the "
                "connector or an answer that it does not expect; the log has the place."
            ) from error


def _stored(entry: Entry) -> Entry:
    """Return an entry whose words can be encoded; two ids that differ stay two."""
    return Entry(
        id=entry.id.encode(errors="backslashreplace").decode(),
        version=encodable(entry.version),
        readers=frozenset(map(encodable, entry.readers)),
        denied=frozenset(map(encodable, entry.denied)),
    )
