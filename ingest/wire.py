"""Documents and parsed texts as bytes in a pipe: frames of a stated length, facts as JSON.

What comes back is checked as if an attacker had written it: a parser may have been taken over.
"""

import json
import struct
from collections.abc import Collection
from datetime import UTC, datetime
from typing import BinaryIO, get_args

from connectors.base import THREAD, Document, Entry, read_thread
from index.base import Place
from ingest.base import Code, Parsed, ParseError

MAX_FACTS = 32 * 2**20  # bytes of JSON beside a text: mostly places
MAX_TEXT = 80 * 2**20  # bytes of a document's text
MAX_MESSAGE = 2000  # characters

HEAD = struct.Struct(">II")  # length of the facts, length of the body or text

_CODES = frozenset(get_args(Code))


class WireError(Exception):
    """The other side does not keep to the protocol."""


def request(document: Document) -> bytes:
    """Return a document as one message."""
    facts = {
        "id": document.entry.id,
        "media_type": document.media_type,
        "title": document.title,
        "url": document.url,
    }
    return _frame(json.dumps(facts).encode(), document.body)


def read_request(stream: BinaryIO) -> Document | None:
    """Return the next document with what parsing needs of it; None at the end of the stream."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    facts_size, body_size = HEAD.unpack(head)
    facts = json.loads(stream.read(facts_size))
    return Document(
        entry=Entry(facts["id"], version="", readers=frozenset()),
        title=facts["title"],
        url=facts["url"],
        body=stream.read(body_size),
        media_type=facts["media_type"],
        updated_at=datetime.fromtimestamp(0, UTC),
    )


def reply(parsed: Parsed, *, peak_kib: int) -> bytes:
    """Return a parsed document as one message. Raises ParseError if it is too long for one."""
    places = [[p.start, p.end, p.heading, p.page, p.url] for p in parsed.places]
    facts = {"title": parsed.title, "places": places, "peak_kib": peak_kib}
    head, text = json.dumps(facts).encode(), parsed.text.encode()
    if len(head) > MAX_FACTS or len(text) > MAX_TEXT:
        raise ParseError(
            "too-large", f"its text is over {MAX_TEXT >> 20} MiB. Split it, or leave it out."
        )
    return _frame(head, text)


def refusal(error: ParseError, *, peak_kib: int) -> bytes:
    """Return the reason why there is no text as one message."""
    facts = {"code": error.code, "message": str(error), "peak_kib": peak_kib}
    return _frame(json.dumps(facts).encode(), b"")


def is_whole(received: bytes | bytearray) -> bool:
    """Return whether a reply is complete. Raises WireError if it is longer than any can be."""
    if len(received) < HEAD.size:
        return False
    facts_size, text_size = HEAD.unpack_from(received)
    size: int = HEAD.size + facts_size + text_size
    if facts_size > MAX_FACTS or text_size > MAX_TEXT or len(received) > size:
        raise WireError("the reply is longer than any can be")
    return len(received) == size


def read_reply(received: bytes | bytearray, document: Document) -> tuple[Parsed | ParseError, int]:
    """Return the outcome for a document, and the peak memory of the parser in KiB.

    Raises WireError for anything that an honest parser would not say of this document.
    """
    facts_size, _ = HEAD.unpack_from(received)
    start = HEAD.size + facts_size
    try:
        facts = json.loads(received[HEAD.size : start])
        peak_kib = int(facts["peak_kib"])
        if "code" in facts:
            return _refused(facts["code"], facts["message"]), peak_kib
        text = received[start:].decode()
        places = tuple(_place(row) for row in facts["places"])
        _check(places, len(text), _addresses(document))
        title = facts["title"]
        return Parsed(text, places, None if title is None else _text(title)), peak_kib
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise WireError("the reply makes no sense") from error


def _frame(facts: bytes, body: bytes) -> bytes:
    return HEAD.pack(len(facts), len(body)) + facts + body


def _refused(code: str, message: str) -> ParseError:
    if code not in _CODES:
        raise ValueError(code)
    return ParseError(code, _text(message)[:MAX_MESSAGE])  # type: ignore[arg-type]  # just checked


def _place(row: list[object]) -> Place:
    start, end, heading, page, url = row
    if not isinstance(heading, list) or not (page is None or type(page) is int):
        raise TypeError(row)
    return Place(_whole(start), _whole(end), tuple(map(_text, heading)), page, _text(url))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    value.encode()  # half of a surrogate pair would fail much later, in the index
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value


def _addresses(document: Document) -> frozenset[str]:
    """Return where the places of a document may lead, but for an anchor."""
    if document.media_type != THREAD:
        return frozenset((document.url,))
    try:
        return frozenset(message.url for message in read_thread(document.body))
    except (ValueError, TypeError, KeyError):
        return frozenset()


def _check(places: tuple[Place, ...], length: int, addresses: Collection[str]) -> None:
    """Check that places lie side by side from the text's start to its end, in this document."""
    ends = [0, *(place.end for place in places)]
    if not places or ends[-1] != length or [place.start for place in places] != ends[:-1]:
        raise ValueError("places")
    if any(start > end for start, end in zip(ends, ends[1:], strict=False)):
        raise ValueError("places")
    for place in places:
        if place.url not in addresses and place.url.partition("#")[0] not in addresses:
            raise ValueError("url")
