"""What of an answer must not be shown any more: documents taken back while it was being made."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rag.base import Draft


def documents(drafts: Iterable[Draft]) -> frozenset[str]:
    """Return the ids of all documents that drafts show or cite."""
    shown = {hit.chunk.document.id for draft in drafts for hit in draft.shown}
    return frozenset(shown | {each.document_id for draft in drafts for each in draft.citations})


def withheld(drafts: Sequence[Draft], readable: frozenset[str]) -> tuple[Draft, ...]:
    """Return the drafts without what is not readable; one that cites it loses all its words.

    What a model wrote before it was verified goes in any case.
    """
    return tuple(_withheld(draft, readable) for draft in drafts)


def _withheld(draft: Draft, readable: frozenset[str]) -> Draft:
    hits = tuple(hit for hit in draft.shown if hit.chunk.document.id in readable)
    kept = {hit.chunk.id for hit in hits}
    draft = replace(
        draft,
        shown=hits,
        prompted=tuple(id for id in draft.prompted if id in kept),
        verdicts=tuple(v for v in draft.verdicts if v.support is None or v.support in kept),
        written="",
    )
    if all(each.document_id in readable for each in draft.citations):
        return draft
    return replace(draft, text="", citations=(), confidence=0.0, weakness="evidence")
