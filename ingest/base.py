"""Parsed documents, and what ingestion reports when one cannot be read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from connectors.base import Document
from index.base import Place

Code = Literal[
    "bug",
    "crashed",
    "damaged",
    "empty",
    "encrypted",
    "memory",
    "needs-ocr",
    "source",
    "timeout",
    "too-large",
    "unsupported",
]


class ParseError(Exception):
    """A document could not be turned into text; the message is for the admin's error list."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code


class ParserError(Exception):
    """No document can be parsed on this machine, whatever is in it; the message says why."""


class ChunkError(Exception):
    """A document's text could not be cut into chunks: a mistake of Footnote's own."""


class LedgerError(Exception):
    """What an admin asked of the ledger does not fit what it holds; the message says what does."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document as plain text, with the address of every stretch of it."""

    text: str  # no markup; paragraphs apart by a blank line, list items and table rows by a newline
    places: tuple[Place, ...]  # in order, without gaps, from 0 to len(text); at least one
    title: str | None  # the document's own title, where the format has one


Parser = Callable[[Document], Parsed]  # raises ParseError, and nothing else


@dataclass(frozen=True, slots=True)
class Failure:
    """One document that could not be ingested: a row of the report."""

    document_id: str
    stage: Literal["fetch", "parse", "chunk"]
    code: Code
    message: str
