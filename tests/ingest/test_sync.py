"""The plan: set differences by id, version and readers."""

from datetime import UTC, datetime

from connectors.base import Entry
from index.access import Access
from index.base import DocumentInfo
from ingest.sync import plan

ALL, HR = frozenset({"everyone"}), frozenset({"group:hr"})


def known(*entries: Entry) -> dict[str, DocumentInfo]:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    return {e.id: DocumentInfo(e.id, e.version, "t", "u", "wiki", now, e.readers) for e in entries}


def test_what_is_new_changed_gone_and_repermissioned() -> None:
    listing = [
        Entry("w:same", "1", ALL),
        Entry("w:new", "1", ALL),
        Entry("w:edited", "2", ALL),
        Entry("w:closed", "1", HR),
    ]
    index = known(
        Entry("w:same", "1", ALL),
        Entry("w:edited", "1", ALL),
        Entry("w:closed", "1", ALL),
        Entry("w:gone", "1", ALL),
    )
    made = plan(listing, index)
    assert [entry.id for entry in made.added] == ["w:new"]
    assert [entry.id for entry in made.changed] == ["w:edited"]
    assert made.gone == ("w:gone",)
    assert made.readers == {"w:closed": Access(HR)}
    assert made.unchanged == 1


def test_an_edited_document_is_closed_even_if_its_new_text_cannot_be_read() -> None:
    made = plan([Entry("w:a", "2", HR)], known(Entry("w:a", "1", ALL)))
    assert made.readers == {"w:a": Access(HR)}


def test_an_id_listed_twice_is_one_document() -> None:
    made = plan([Entry("w:a", "1", ALL), Entry("w:a", "1", HR)], {})
    assert made.added == (Entry("w:a", "1", HR),)
