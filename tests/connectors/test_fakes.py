from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.base import ConnectorError, Document, Entry
from tests.contracts.connector import ConnectorContract
from tests.fakes import ListConnector


def page(key: str, text: str) -> Document:
    return Document(
        entry=Entry(f"list:{key}", version=text, readers=frozenset({"everyone"})),
        title=key,
        url=f"https://wiki.example/{key}",
        body=text.encode(),
        media_type="text/plain",
        updated_at=datetime(2026, 3, 1, tzinfo=UTC),
    )


class ListSource:
    def __init__(self) -> None:
        self.documents = [page("a", "one"), page("b", "two"), page("c", "three")]
        self.fails_after: int | None = None

    def connector(self) -> ListConnector:
        return ListConnector(self.documents, fails_after=self.fails_after)

    def change(self) -> str:
        self.documents[1] = page("b", "two, changed")
        return "list:b"

    def remove(self) -> str:
        return self.documents.pop(0).entry.id

    def damage(self) -> None:
        self.fails_after = 2


class TestListConnector(ConnectorContract):
    @pytest.fixture
    def source(self) -> ListSource:
        return ListSource()


def test_a_broken_listing_yields_what_it_was_told_to_before_it_raises() -> None:
    listing = ListConnector([page("a", "one"), page("b", "two")], fails_after=1).entries()
    assert next(listing).id == "list:a"
    with pytest.raises(ConnectorError, match="after 1"):
        next(listing)


def test_documents_can_be_replaced_between_two_runs() -> None:
    connector = ListConnector([page("a", "one")])
    restricted = Entry("list:a", "one", frozenset({"group:hr"}))
    connector.documents[0] = replace(connector.documents[0], entry=restricted)
    assert list(connector.entries()) == [restricted]
