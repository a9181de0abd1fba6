"""One odd document or source costs itself, never the night; the mistake stays visible."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.base import THREAD, Document, Entry, Message, write_thread
from ingest import documents
from ingest.base import Parsed
from ingest.chunk import chunks_of
from ingest.sandbox import Sandbox
from tests.fakes import ListConnector
from tests.ingest.job import ALL, NOW, Job, page, pages

WIKI = pages(3)
HALF = "cut \ud83d emoji"  # half of a surrogate pair
DRIVE = [replace(page("x", "On pumps."), entry=Entry("drive:x", "1", ALL))]


class Odd(ListConnector):
    """A source whose code makes a mistake: at these documents, or while it lists."""

    def __init__(self, *broken: str, listing: bool = False) -> None:
        super().__init__(WIKI, name="wiki")
        self.broken = broken
        self.listing = listing

    def entries(self) -> Iterator[Entry]:
        yield from super().entries()
        if self.listing:
            raise KeyError("nextLink")

    def fetch(self, entry: Entry) -> Document:
        if entry.id in self.broken:
            raise KeyError("webViewLink")
        return super().fetch(entry)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def drive() -> ListConnector:
    return ListConnector(DRIVE, name="drive")


def test_a_mistake_at_one_document_is_a_row_and_a_traceback(
    job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    report = job.ingest(Odd("wiki:000", "wiki:001"), drive())
    rows = report.sources[0].failures
    assert [(row.document_id, row.stage, row.code) for row in rows] == [
        ("wiki:000", "fetch", "source"),
        ("wiki:001", "fetch", "source"),
    ]
    assert rows[0].message.startswith("KeyError: 'webViewLink'. This is a mistake in the connector")
    assert job.found("pumps") == ["drive:x", "wiki:002"]
    told = [record for record in caplog.records if record.exc_info]
    assert [(record.levelno, record.getMessage()) for record in told] == [
        (logging.ERROR, "connector broken source=wiki")  # once, not at each document
    ]


def test_a_mistake_in_a_listing_is_that_source_s_failed_listing(job: Job) -> None:
    job.ingest(Odd(), drive())
    failing_since = job.now
    for _ in range(2):
        report = job.ingest(Odd(listing=True), drive())
        assert report.sources[0].error is not None
        assert report.sources[0].error.startswith("KeyError: 'nextLink'")
        assert report.sources[1].unchanged == 1
    assert job.past().failing_since == failing_since
    assert job.found("pumps") == ["drive:x"]  # closed after a day, and nothing deleted
    assert len(job.known("wiki")) == 3


def test_a_disk_that_fails_while_a_source_is_listed_is_not_the_source_s_error(job: Job) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    job.runs.beat = full  # type: ignore[method-assign]  # what a full disk does there
    with pytest.raises(OSError, match="No space"):
        job(*WIKI)


def test_a_text_that_cannot_be_cut_is_a_row_tried_every_night(
    job: Job, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:

    def broken(info: object, parsed: Parsed, embedder: object) -> object:
        if "number1" in parsed.text:
            raise AssertionError("pieces end at 3, the text at 4")
        return chunks_of(info, parsed, embedder)  # type: ignore[arg-type]  # as it is called

    with monkeypatch.context() as patched:
        patched.setattr(documents, "chunks_of", broken)
        for night in range(1, 5):
            (row,) = job(*WIKI).sources[0].failures
            assert (row.document_id, row.stage, row.code) == ("wiki:001", "chunk", "bug")
            assert row.message.startswith("AssertionError: pieces end at 3")
            assert job.past().troubles["wiki:001"].attempts == night
    assert "Traceback" in caplog.text
    assert job.found("pumps") == ["wiki:000", "wiki:002"]
    assert job(*WIKI).sources[0].added == 1


def test_half_a_surrogate_pair_anywhere_in_a_document_is_stored_as_a_question_mark(
    job: Job,
) -> None:
    message = {"author": HALF, "sent_at": NOW.isoformat(), "text": HALF, "url": "https://s/1"}
    thread = replace(
        page("thread", ""), title=HALF, media_type=THREAD, body=json.dumps([message]).encode()
    )
    web = replace(page("web", ""), title=HALF, url=f"https://w/{HALF}", body=b"On &#xD83D; pumps.")
    entry = Entry(f"wiki:{HALF}", HALF, ALL | {HALF}, frozenset({HALF}))
    named = replace(page("named", "On pumps too."), entry=entry)
    twin = replace(named, entry=replace(entry, id=entry.id.replace("\ud83d", "\ud83e")))
    with Sandbox() as sandbox:
        job.parser = sandbox.parse
        report = job(thread, replace(web, media_type="text/html"), named, twin)
    assert report.sources[0].failures == ()
    known = job.known("wiki")
    assert known["wiki:thread"].title == "cut ? emoji"
    assert known["wiki:web"].url == "https://w/cut ? emoji"
    assert {id for id in known if "cut" in id} == {
        "wiki:cut \\ud83d emoji",
        "wiki:cut \\ud83e emoji",
    }
    assert job(thread, replace(web, media_type="text/html"), named, twin).generation is None


def test_a_thread_with_half_a_surrogate_pair_can_be_written() -> None:
    message = Message("Ann", NOW, HALF, "https://s/1")
    assert json.loads(write_thread([message]))[0]["text"] == "cut ? emoji"
