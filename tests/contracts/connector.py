"""What ingestion relies on in every Connector.

Subclass ConnectorContract as Test… and give it a fixture `source`.
"""

from datetime import timedelta
from typing import Protocol

import pytest

from connectors.base import Connector, ConnectorError, Entry


class Source(Protocol):
    """A source of at least three documents, and what can happen to it."""

    def connector(self) -> Connector:
        """Return a connector that knows nothing yet, as the next process has it."""
        ...

    def change(self) -> str:
        """Change the content of one document; return its id."""
        ...

    def remove(self) -> str:
        """Delete one document; return its id."""
        ...

    def damage(self) -> None:
        """Make a part of the source unreadable, the rest not."""
        ...


def versions(connector: Connector) -> dict[str, str]:
    return {entry.id: entry.version for entry in connector.entries()}


class ConnectorContract:
    def test_every_id_is_unique_and_starts_with_the_source(self, source: Source) -> None:
        connector = source.connector()
        ids = [entry.id for entry in connector.entries()]
        assert len(ids) >= 3
        assert len(set(ids)) == len(ids)
        assert all(id.startswith(f"{connector.name}:") for id in ids)
        assert f"{connector.name}:" not in ids

    def test_an_unchanged_source_is_listed_alike(self, source: Source) -> None:
        connector = source.connector()
        first = list(connector.entries())
        assert list(connector.entries()) == first
        assert list(source.connector().entries()) == first

    def test_every_listed_document_can_be_fetched_and_is_the_listed_one(
        self, source: Source
    ) -> None:
        connector = source.connector()
        for entry in list(connector.entries()):
            assert connector.fetch(entry).entry == entry

    def test_a_document_has_all_that_a_citation_needs(self, source: Source) -> None:
        connector = source.connector()
        for entry in list(connector.entries()):
            document = connector.fetch(entry)
            assert document.title.strip()
            assert document.body
            assert "/" in document.media_type
            assert document.url.startswith(("https://", "http://", "file:///"))
            assert document.updated_at.utcoffset() == timedelta(0)

    def test_fetching_needs_no_listing_before(self, source: Source) -> None:
        listed = source.connector()
        for entry in list(listed.entries()):
            assert source.connector().fetch(entry) == listed.fetch(entry)

    def test_a_change_shows_in_the_version_of_that_document_only(self, source: Source) -> None:
        before = versions(source.connector())
        changed = source.change()
        after = versions(source.connector())
        assert after.keys() == before.keys()
        assert [id for id in after if after[id] != before[id]] == [changed]

    def test_a_change_after_the_listing_is_never_fetched_under_the_old_version(
        self, source: Source
    ) -> None:
        connector = source.connector()
        listing = {entry.id: entry for entry in connector.entries()}
        old = {id: connector.fetch(entry) for id, entry in listing.items()}
        changed = source.change()
        fetched = connector.fetch(listing[changed])
        new = source.connector().fetch(listing[changed])
        assert old[changed].body != new.body
        assert old[changed].entry.version != new.entry.version
        assert fetched in (old[changed], new)

    def test_a_deleted_document_disappears_alone(self, source: Source) -> None:
        before = versions(source.connector())
        removed = source.remove()
        after = versions(source.connector())
        assert before.keys() - after.keys() == {removed}
        assert after == {id: version for id, version in before.items() if id != removed}

    def test_a_deleted_document_cannot_be_fetched(self, source: Source) -> None:
        listing = {entry.id: entry for entry in source.connector().entries()}
        removed = source.remove()
        with pytest.raises(ConnectorError):
            source.connector().fetch(listing[removed])

    def test_a_document_of_another_source_cannot_be_fetched(self, source: Source) -> None:
        connector = source.connector()
        key = next(iter(connector.entries())).id.removeprefix(f"{connector.name}:")
        with pytest.raises(ConnectorError):
            connector.fetch(Entry(f"not-{connector.name}:{key}", "1", frozenset()))

    def test_a_source_that_can_be_read_in_part_is_an_error_not_a_shorter_listing(
        self, source: Source
    ) -> None:
        source.damage()
        with pytest.raises(ConnectorError):
            list(source.connector().entries())
