"""Hundreds of broken files in one ingestion: none stops it, and what is sound goes in."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import Document, Entry
from ingest.sandbox import Limits, Sandbox
from tests.fakes import ListConnector
from tests.ingest.bad_files import GOOD, bad_files
from tests.ingest.hostile_parser import KILLS
from tests.ingest.job import Job

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def page(name: str, media_type: str, body: bytes) -> Document:
    entry = Entry(f"drive:{name}", "1", frozenset({"everyone"}))
    return Document(entry, name, f"https://d.example/{name}", body, media_type, NOW)


def mixed(bad: list[Document]) -> list[Document]:
    """Put a sound file, of each format in turn, behind every tenth of the bad ones."""
    sound = [(f"good-{i}.{suffix}", *GOOD[suffix]) for i, suffix in enumerate([*GOOD] * 20)]
    documents: list[Document] = []
    for i, document in enumerate(bad):
        documents.append(document)
        if i % 10 == 9:
            documents.append(page(*sound[i // 10]))
    return documents


def outcomes(
    folder: Path, documents: list[Document], target: str, wall_s: float
) -> tuple[set[str], list[str]]:
    """Ingest; return the ids that are in the index, and those of the error rows."""
    with Sandbox(target, Limits(wall_s=wall_s)) as sandbox:
        job = Job(folder, sandbox.parse)
        report = job.ingest(ListConnector(documents, name="drive", kind="drive"))
    found = set(job.known("drive"))
    (result,) = report.sources
    assert all(failure.message and "\n" not in failure.message for failure in result.failures)
    return found, [failure.document_id for failure in result.failures]


@pytest.mark.slow
def test_of_hundreds_of_bad_files_each_is_text_or_one_row(tmp_path: Path) -> None:
    bad = [page(*file) for file in bad_files()]
    assert len(bad) >= 400
    documents = mixed(bad)
    found, failed = outcomes(tmp_path, documents, "ingest.parse:parse", 30)
    assert len(failed) == len(set(failed))
    assert len(failed) > len(bad) // 4
    assert found | set(failed) == {document.entry.id for document in documents}
    assert not found & set(failed)
    assert {document.entry.id for document in documents if "good-" in document.entry.id} <= found


@pytest.mark.slow
def test_parsers_that_hang_exit_or_crash_cost_their_own_document_each(tmp_path: Path) -> None:
    hostile = [page(word, "text/plain", f"{word} now".encode()) for word in KILLS]
    sound = [page(f"good-{word}", "text/plain", b"Twelve days.") for word in KILLS]
    documents = [document for pair in zip(hostile, sound, strict=True) for document in pair]
    found, failed = outcomes(tmp_path, documents, "tests.ingest.hostile_parser:parse", 1.5)
    assert failed == [document.entry.id for document in hostile]
    assert found == {document.entry.id for document in sound}
