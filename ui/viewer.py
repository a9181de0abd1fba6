"""One document as a page of its own, with the quoted stretch marked: where citations lead.

The page has no script, no form and no foreign resource, and its policy allows none.
"""

import base64
import hashlib
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from index.base import Chunk, Place
from ui.gate import safe_text
from ui.render import age, is_web_url, kind_label

_AT = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
Span = tuple[int, int]  # [start, end) in the document's parsed text


@dataclass(frozen=True, slots=True)
class Page:
    """A complete HTML document and the headers it must travel with."""

    status: int
    body: str
    headers: dict[str, str]


def page(chunks: Sequence[Chunk], at: str | None, now: datetime) -> Page:
    """Return the page of a document's chunks; without any, the same 404 for gone and forbidden.

    at: "<start>-<end>" of the quoted stretch, in the document's parsed text; an empty one opens
    the section it lies in, and anything else marks nothing.
    """
    if not chunks:
        return _page(404, "Not found", _MISSING)
    info = chunks[0].document
    title = " ".join(safe_text(info.title).replace("[.]", ".").split()) or "Untitled"
    original = (
        f' · <a href="{html.escape(info.url)}" rel="noopener noreferrer">Open the original ↗</a>'
        if is_web_url(info.url)
        else ""
    )
    facts = f"{html.escape(kind_label(info.kind))} · updated {age(info.updated_at, now)}{original}"
    text = document_text(chunks)
    quoted = _span(at, len(text))
    sections = "".join(_sections(text, _places(chunks), quoted))
    return _page(
        200,
        title,
        f'<header><h1>{html.escape(title)}</h1><p class="facts">{facts}</p></header>{sections}',
    )


def unavailable() -> Page:
    """Return the page for an index that cannot be read now."""
    return _page(503, "Not available", _UNAVAILABLE)


def document_text(chunks: Sequence[Chunk]) -> str:
    """Return the document's parsed text as far as its chunks hold it, at the same offsets."""
    text = ""
    for chunk in sorted(chunks, key=lambda each: each.start):
        missing = chunk.start - len(text)
        if missing > 0:
            text += _blank(text, missing)
        text += chunk.text[max(0, len(text) - chunk.start) :]
    return text


def _blank(before: str, length: int) -> str:
    """Return the white space between two chunks, as it was most likely."""
    if length > 1:
        return "\n\n".rjust(length) if before else " " * length
    return "\n" if "\n" in before.rpartition("\n\n")[2] else " "  # rows of a list, or sentences


def _places(chunks: Sequence[Chunk]) -> list[Place]:
    return sorted({place for chunk in chunks for place in chunk.places}, key=lambda p: p.start)


def _span(at: str | None, length: int) -> Span | None:
    match = _AT.fullmatch(at or "")
    if match is None:
        return None
    start, end = int(match[1]), min(int(match[2]), length)
    return (start, end) if start <= end else None


def _sections(text: str, places: Sequence[Place], quoted: Span | None) -> Iterator[str]:
    """Yield each place: its headings that the place before did not have, its page, its text."""
    above: tuple[str, ...] = ()
    page_number: int | None = None
    for place in places:
        opens_here = quoted is not None and place.start <= quoted[0] == quoted[1] < place.end
        yield '<section id="quote">' if opens_here else "<section>"
        if place.page is not None and place.page != page_number:
            yield f'<p class="page">Page {place.page}</p>'
        start = place.start
        shared = _shared(above, place.heading)
        for level, heading in enumerate(place.heading[shared:], start=shared + 2):
            yield f"<h{min(level, 6)}>{html.escape(heading)}</h{min(level, 6)}>"
            start = _after_heading(text, start, heading, quoted)
        above, page_number = place.heading, place.page
        yield from _paragraphs(text, start, min(place.end, len(text)), quoted)
        yield "</section>"


def _shared(above: tuple[str, ...], heading: tuple[str, ...]) -> int:
    """Return how many headings need not be said again."""
    same = 0
    while same < min(len(above), len(heading)) and above[same] == heading[same]:
        same += 1
    return same


def _after_heading(text: str, start: int, heading: str, quoted: Span | None) -> int:
    """Return where the text goes on if it begins with the heading's own line."""
    end = start + len(heading)
    inside = quoted is not None and quoted[0] < end and start < quoted[1]
    said = text[start:end] == heading and text[end : end + 1] in ("", "\n")
    return end if said and not inside else start


def _paragraphs(text: str, start: int, end: int, quoted: Span | None) -> Iterator[str]:
    for match in re.finditer(r"\S(?:[^\n]|\n(?!\s*\n))*", text[start:end]):
        first, last = start + match.start(), start + match.end()
        yield f"<p>{_marked(text, first, last, quoted)}</p>"


def _marked(text: str, start: int, end: int, quoted: Span | None) -> str:
    if quoted is None or quoted[1] <= start or end <= quoted[0]:
        return html.escape(text[start:end])
    opens, closes = max(start, quoted[0]), min(end, quoted[1])
    begins_here = not text[quoted[0] : opens].strip()
    anchor = ' id="quote"' if begins_here else ""
    return (
        html.escape(text[start:opens])
        + f"<mark{anchor}>{html.escape(text[opens:closes])}</mark>"
        + html.escape(text[closes:end])
    )


_MISSING = (
    "<header><h1>Not found</h1></header><p>There is no such document, or you may not open it.</p>"
)
_UNAVAILABLE = (
    "<header><h1>Not available</h1></header>"
    "<p>The index cannot be read at the moment. Please try again in a few minutes.</p>"
)


def _page(status: int, title: str, body: str) -> Page:
    style = Path(__file__).with_name("viewer.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return Page(
        status,
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)} · Footnote</title><style>{style}</style></head>"
        f'<body><p class="brand">Footnote<sup>1</sup></p><main>{body}</main></body></html>',
        {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "Cache-Control": "private, no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )
