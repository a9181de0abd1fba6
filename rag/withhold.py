"""What of an answer must not be shown any more: documents taken back while it was being made."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rag.base import Draft


def documents(drafts: Iterable[Draft]) -> frozenset[str]:
    """Return the ids of all documents that drafts show or cite."""
    shown = {hit.chunk.document.id for draft in drafts for hit in draft.shown}
    return frozenset(shown | {each.document_id for draft in drafts for each in draft.citations})


def withheld(drafts: Sequence[Draft], readable: frozenset[str]) -> tuple[Draft, ...]:
    """Return the drafts without what is not readable; one that cites it loses all its words."""
    return tuple(_withheld(draft, readable) for draft in drafts)


def _withheld(draft: Draft, readable: frozenset[str]) -> Draft:
    hits = tuple(hit for hit in draft.shown if hit.chunk.document.id in readable)
    if all(each.document_id in readable for each in draft.citations):
        return replace(draft, shown=hits)
    return replace(draft, text="", shown=hits, citations=(), confidence=0.0, weakness="evidence")
