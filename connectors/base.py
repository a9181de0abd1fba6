"""Documents, and the seam every source is behind."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Kind = Literal["wiki", "slack", "drive"]  # what a reader calls the source

THREAD = "application/vnd.footnote.thread+json"  # media type of a conversation, see `Message`


class ConnectorError(Exception):
    """A source could not be read; the message is for the admin who configured it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a source's listing: enough to see what changed, without fetching it."""

    id: str  # "<source>:<the source's own stable key>", e.g. "confluence:98311"
    version: str  # opaque; differs whenever the content differs
    readers: frozenset[str]  # who may read it; empty: nobody, or they could not be looked up
    denied: frozenset[str] = frozenset()  # principals who may not, even if they are readers


@dataclass(frozen=True, slots=True)
class Document:
    """One page, file or thread, as the source gave it; parsing happens in `ingest`."""

    entry: Entry
    title: str
    url: str  # where a reader can open it: the target of every citation
    body: bytes
    media_type: str  # "text/markdown", "text/html", "application/pdf", …
    updated_at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; a conversation travels as one document of type THREAD."""

    author: str  # display name
    sent_at: datetime  # aware, UTC
    text: str  # plain text, mentions and links resolved
    url: str  # permalink of this very message


class Connector(Protocol):
    """A source of documents. Listing must be complete: what is not listed gets deleted."""

    name: str  # prefix of every id
    kind: Kind

    def entries(self) -> Iterator[Entry]:
        """Yield every document, cheaply. Raises ConnectorError rather than stop early."""
        ...

    def fetch(self, entry: Entry) -> Document:
        """Return one document's content. Raises ConnectorError if it is gone or forbidden."""
        ...


def encodable(text: str) -> str:
    """Return a text as it can be stored: half of a surrogate pair becomes a question mark.

    Emoji that something cut in two leave one. The text stays as long as it was.
    """
    return text.encode(errors="replace").decode()


def write_thread(messages: Sequence[Message]) -> bytes:
    """Return the body of a THREAD document, oldest message first."""
    rows = [
        {"author": m.author, "sent_at": m.sent_at.isoformat(), "text": m.text, "url": m.url}
        for m in messages
    ]
    return encodable(json.dumps(rows, ensure_ascii=False)).encode()


def read_thread(body: bytes) -> tuple[Message, ...]:
    """Return the messages of a THREAD document, oldest first; the inverse of `write_thread`."""
    return tuple(
        Message(
            author=row["author"],
            sent_at=datetime.fromisoformat(row["sent_at"]),
            text=row["text"],
            url=row["url"],
        )
        for row in json.loads(body)
    )
