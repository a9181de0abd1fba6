"""The same question asked of another generation of the index, and what that changes."""

from contextlib import closing
from dataclasses import replace
from typing import Any

from index import generations, records
from index.access import named_groups
from index.base import Store, StoreError
from index.contents import CHUNKS
from index.generations import Manifest
from rag.base import Answer, Question, Trace
from rag.journal import JournalError, Record
from rag.receipt import Receipt
from rag.receipt import of as receipt_of
from ui import cascade, receipts, render, wiring
from ui.auth import principals_of
from ui.settings import Settings

Facts = dict[str, Any]  # JSON


def run(settings: Settings, record: Record, generation: str) -> Facts:
    """Ask a kept question again, of a generation; return the answer and the differences.

    Nothing of it is written down. Raises JournalError where the question or its receipt is no
    longer kept, StoreError for a generation that is not there, not whole, or of other vectors.
    """
    if record.text is None or record.receipt is None:
        raise JournalError(
            f"The words of question {record.answer_id} are not kept any more, see [journal] days: "
            "it cannot be asked again."
        )
    manifest = _manifest(settings, generation)
    made = wiring.answering(cascade.without(settings))
    recipe = wiring.recipe(made.embedder)
    if manifest.recipe != recipe:
        raise StoreError(
            f"index generation {manifest.name} was built with '{manifest.recipe}', this version "
            f"and settings say '{recipe}': its vectors cannot be compared. Name another one."
        )
    asker = principals_of(record.person, settings.groups)
    store, taken = _store(settings, manifest, asker)
    readable = made.store.readable(receipts.documents(record.receipt), asker)
    question = Question(record.receipt.query, asker)
    answer = made.engine.over(store).ask(question)
    after = receipt_of(answer, question, answer.trace or Trace("", (), None))
    return {
        "generation": manifest.name,
        "left_out": taken,
        "answer": render.to_json(answer),
        "changes": changes(record, record.receipt, answer, after, readable),
    }


def changes(
    record: Record, before: Receipt, answer: Answer, after: Receipt, readable: frozenset[str]
) -> list[str]:
    """Return what is different now, a line each; pure.

    readable: the documents of the receipt that its asker may read today; no other is named.
    """
    lines = []
    if answer.status != record.status:
        lines.append(f"{record.status} before, {answer.status} now")
    if abs(answer.confidence - record.confidence) >= 0.005:
        lines.append(f"confidence {record.confidence:.2f} before, {answer.confidence:.2f} now")
    lines += [
        f"{part} {before.versions.get(part, 'unknown')} before, {version} now"
        for part, version in after.versions.items()
        if before.versions.get(part) != version
    ]
    known = readable | receipts.documents(after)
    lines += _moved(_found(before, known), _found(after, known), "found")
    return lines + _moved(_rests(before, known), _rests(after, known), "rested on")


def _moved(before: list[str], after: list[str], verb: str) -> list[str]:
    lines = [f"{verb} {each} before, not now" for each in before if each not in after]
    lines += [f"{verb} {each} now, not before" for each in after if each not in before]
    if not lines and before != after:
        lines.append(f"{verb} the same in another order")
    return lines


def _found(receipt: Receipt, known: frozenset[str]) -> list[str]:
    """Return the passages of the last attempt, best first."""
    last = receipt.attempts[-1].candidates
    return [_name(each.document_id, each.chunk, known) for each in last]


def _rests(receipt: Receipt, known: frozenset[str]) -> list[str]:
    """Return the passages that the answer's sentences rest on."""
    given = [each for tried in receipt.attempts if tried.answers for each in tried.sentences]
    rests = [_name(each.document_id, each.chunk, known) for each in given if each.document_id]
    return list(dict.fromkeys(rests))


def _name(document_id: str, chunk: str | None, known: frozenset[str]) -> str:
    return f"{document_id}#{chunk}" if document_id in known else "what may not be read any more"


def _manifest(settings: Settings, generation: str) -> Manifest:
    name, known = generation.zfill(6), generations.names(settings.data_dir)
    if name not in known:
        raise StoreError(
            f"There is no generation {name} in {settings.data_dir}. "
            f"There are: {', '.join(known) or 'none'}."
        )
    return generations.load(settings.data_dir, name)


def _store(settings: Settings, manifest: Manifest, asker: frozenset[str]) -> tuple[Store, int]:
    """Return a generation as its asker may read it today, and how many documents that leaves out.

    An old generation has the readers of then: what its asker could read there and cannot read in
    the published one is closed.
    """
    file = generations.folder(settings.data_dir, manifest.name) / CHUNKS
    with closing(records.open_read_only(file)) as database:
        then = frozenset(records.readable(database, asker, named_groups(settings.groups)).values())
    closed = then - receipts.published(settings).readable(then, asker)
    now = wiring.overlay(settings).now()
    denials = {**now.denials, **dict.fromkeys(closed, asker)}
    forbidden = replace(now, denials=denials)
    return receipts.opened(settings, manifest, lambda: forbidden), len(closed)
