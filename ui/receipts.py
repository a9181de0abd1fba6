"""Receipts as JSON facts, with the documents' words read again as the asker may read them now."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from index import generations
from index.access import named_groups
from index.base import Chunk, Store, StoreError
from index.generations import Manifest
from index.overlay import Forbidden
from rag.journal import Record
from rag.receipt import CHUNK, Candidate, Receipt, Sentence, Tried
from ui import wiring
from ui.auth import principals_of
from ui.settings import Settings

Facts = dict[str, Any]  # JSON
Chunks = Mapping[str, list[Chunk]]  # document id -> its chunks; none where it is not readable


def find(settings: Settings, answer_id: str | None, eyes: frozenset[str] | None) -> Record:
    """Return what is kept of an answer. Raises JournalError, see `rag.journal.Journal.find`."""
    return wiring.journal(settings).find(answer_id, eyes)


def opened(settings: Settings, manifest: Manifest, forbidden: Callable[[], Forbidden]) -> Store:
    """Return a generation to be read, whatever embedder the settings name."""
    from index.local import LocalStore

    return LocalStore(settings.data_dir, manifest, forbidden, groups=named_groups(settings.groups))


def published(settings: Settings) -> Store:
    """Return the published generation to be read. Raises StoreError where there is none."""
    selected = generations.select(settings.data_dir)
    if selected is None:
        raise StoreError(generations.NO_INDEX.format(data=settings.data_dir))
    return opened(settings, selected.manifest, wiring.overlay(settings).now)


def facts(settings: Settings, record: Record) -> Facts:
    """Return a record with what its receipt points at."""
    receipt = record.receipt
    asker = principals_of(record.person, settings.groups)
    store = published(settings)
    chunks = {id: store.read(id, asker) for id in documents(receipt)} if receipt else {}
    return {
        "answer": record.answer_id,
        "asked_at": record.asked_at.isoformat(),
        "person": record.person,
        "question": record.text,
        "status": record.status,
        "confidence": record.confidence,
        "generation": record.generation,
        "seconds": record.seconds,
        "larger_model": record.decision and asdict(record.decision),
        "receipt": receipt and _receipt(receipt, chunks),
    }


def documents(receipt: Receipt) -> frozenset[str]:
    """Return the ids of all documents that a receipt names."""
    found = [each.document_id for tried in receipt.attempts for each in tried.candidates]
    rests = [each.document_id for tried in receipt.attempts for each in tried.sentences]
    return frozenset(id for id in (*found, *rests) if id is not None)


def _receipt(receipt: Receipt, chunks: Chunks) -> Facts:
    return {
        "query": receipt.query,
        "versions": receipt.versions,
        "retrieved_s": receipt.retrieved_s,
        "first_token_s": receipt.first_token_s,
        "attempts": [_attempt(tried, chunks) for tried in receipt.attempts],
    }


def _attempt(tried: Tried, chunks: Chunks) -> Facts:
    return {
        "model": tried.model,
        "prompt": tried.prompt or None,
        "passages": tried.passages,
        "likely": tried.likely,
        "confidence": tried.confidence,
        "weakness": tried.weakness,
        "answers": tried.answers,
        "candidates": [_candidate(each, tried, chunks) for each in tried.candidates],
        "sentences": [_sentence(each, chunks) for each in tried.sentences],
    }


def _candidate(candidate: Candidate, tried: Tried, chunks: Chunks) -> Facts:
    """Return a passage and its number in the prompt; what may not be read has no name."""
    held = chunks.get(candidate.document_id, [])
    chunk = _same(held, candidate.chunk)
    place = chunk.place_at(chunk.start) if chunk else None
    shown = candidate.rank in tried.prompted
    return {
        "rank": candidate.rank,
        "marker": tried.prompted.index(candidate.rank) + 1 if shown else None,
        "score": candidate.score,
        "cosine": candidate.cosine,
        "bm25": candidate.bm25,
        "document": candidate.document_id if held else None,
        "title": held[0].document.title if held else None,
        "heading": " › ".join(place.heading) if place else None,
        "start": chunk.start if chunk else None,
        "end": chunk.end if chunk else None,
        "state": _state(held, chunk),
    }


def _sentence(sentence: Sentence, chunks: Chunks) -> Facts:
    """Return a verdict, with the quote that supports it where it still stands there."""
    held = chunks.get(sentence.document_id or "", [])
    chunk = _same(held, sentence.chunk)
    quote = chunk and chunk.text[sentence.start - chunk.start : sentence.end - chunk.start]
    return {
        "sentence": sentence.sentence,
        "words": sentence.words,
        "outcome": sentence.outcome,
        "document": sentence.document_id if held else None,
        "start": sentence.start if chunk else None,
        "end": sentence.end if chunk else None,
        "quote": quote,
        "state": _state(held, chunk) if sentence.document_id else None,
    }


def _same(held: list[Chunk], kept: str | None) -> Chunk | None:
    return next((chunk for chunk in held if chunk.id[:CHUNK] == kept), None)


def _state(held: list[Chunk], chunk: Chunk | None) -> str:
    """Return "as then", "changed since" or "not readable": gone, or not the asker's any more."""
    if not held:
        return "not readable"
    return "as then" if chunk else "changed since"
