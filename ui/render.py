"""Answers in words: labels, the JSON shape, plain text.

Every surface speaks through this module; it knows none of them. What a model or a document wrote
passes `ui.gate` or the surface's own escaping; links are written here alone, see `source_url`.
"""

import re
import textwrap
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

from rag.base import Answer, Citation, Quote
from rag.cite import unmarked
from ui.gate import gated, safe_text

WELL_SUPPORTED: Final = 0.85  # confidence from which an answer is called well supported
NOT_CONFIRMED: Final = "not confirmed"
_KINDS: Final = {"wiki": "Wiki", "slack": "Slack", "drive": "Drive"}
_MARKER: Final = re.compile(r"\s?\[([0-9]{1,3})\]")
_HELD: Final = str.maketrans("[]", "\ue000\ue001")  # letters that no document is shown with here
_RELEASED: Final = str.maketrans("\ue000\ue001", "[]")
_NOT_HELD: Final = str.maketrans("", "", "\ue000\ue001")


# Words for people ---------------------------------------------------------------------------


def confidence_words(answer: Answer) -> str:
    """Return "Well supported", "Partly supported" or "Not found"; "" for small talk."""
    if answer.status == "replied":
        return ""
    if answer.status == "abstained":
        return "Not found"
    return "Well supported" if answer.confidence >= WELL_SUPPORTED else "Partly supported"


def age(updated_at: datetime, now: datetime) -> str:
    """Return how long ago a day was, in calendar days of UTC; the future counts as today."""
    days = (now.astimezone(UTC).date() - updated_at.astimezone(UTC).date()).days
    if days <= 0:
        return "today"
    if days == 1:
        return "yesterday"
    for size, unit in ((365, "year"), (30, "month"), (1, "day")):
        if days >= size:
            count = days // size
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    raise AssertionError(days)


def kind_label(kind: str) -> str:
    """Return what a reader calls a kind of source."""
    return _KINDS.get(kind, safe_text(kind).capitalize() or "Document")


def place_label(citation: Citation) -> str:
    """Return "Page title › Section", without repeating a heading that is the title."""
    title = _one_line(citation.title) or "Untitled"
    path = [part for part in _one_line(citation.heading).split(" › ") if part]
    if path and path[0].casefold() == title.casefold():
        path = path[1:]
    return " › ".join([title, *path])


def facts_label(citation: Citation, now: datetime) -> str:
    """Return "p. 3 · Wiki · updated 3 days ago"."""
    page = [f"p. {citation.page}"] if citation.page is not None else []
    return " · ".join(
        [*page, kind_label(citation.kind), f"updated {age(citation.updated_at, now)}"]
    )


def source_label(citation: Citation, now: datetime) -> str:
    """Return "Page title › Section · Wiki · updated 3 days ago"; inert text on every surface."""
    return f"{place_label(citation)} · {facts_label(citation, now)}"


def sources(answer: Answer) -> tuple[Citation, ...]:
    """Return the citations to show: only an answer has sources, a refusal never does."""
    return answer.citations if answer.status == "answered" else ()


def closest(answer: Answer) -> tuple[Citation, ...]:
    """Return the unconfirmed pages to show; small talk looked none up."""
    return answer.closest if answer.status != "replied" else ()


def answer_text(answer: Answer) -> str:
    """Return the text to show, gated, with only those [n] that a source stands behind.

    They are held back while the gate decodes the rest: what becomes a "[2]" only then
    ("&#91;2&#93;") is a document's, and goes.
    """
    known = {citation.marker for citation in sources(answer)}
    quotes = [quote.text for citation in sources(answer) for quote in citation.quotes]
    held = _MARKER.sub(
        lambda match: match[0].translate(_HELD) if int(match[1]) in known else "",
        answer.text.translate(_NOT_HELD),
    )
    return unmarked(gated(held, quotes)).translate(_RELEASED)


def quote_text(each: Quote) -> str:
    """Return a quote's words to show, gated; the mail addresses in it are its own."""
    return gated(each.text, [each.text])


# Links, written by the server alone ---------------------------------------------------------


def is_web_url(url: str) -> bool:
    """Whether a URL may be linked as it is: http(s), a host, no user info, nothing unprintable."""
    if not url.isprintable() or re.search(r"[\s\\<>\"'`{}|^]", url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and "@" not in parts.netloc


def viewer_path(document_id: str, at: Quote | None) -> str:
    """Return where Footnote itself shows a document, with a stretch marked; an empty one is not."""
    path = "/document/" + quote(document_id, safe="/:")
    return path if at is None else f"{path}?at={at.start}-{at.end}#quote"


def source_url(citation: Citation) -> str:
    """Return what a citation links to: its own page if that is on the web, else the viewer.

    The viewer's path is relative to the server: "/document/<id>?at=<start>-<end>#quote".
    """
    if is_web_url(citation.url):
        return citation.url
    start = citation.passage.start
    at = citation.quotes[0] if citation.quotes else Quote("", start, start)
    return viewer_path(citation.document_id, at)


# One answer, two shapes ---------------------------------------------------------------------


def to_json(answer: Answer) -> dict[str, object]:
    """Return the one JSON shape of an answer, for `--json` and the API.

    Quotes are verbatim, so that their offsets hold: plain text, to be escaped by whoever shows
    it. All other words are inert, and every url is http(s) or a path of this server.
    """
    return {
        "id": answer.id,
        "status": answer.status,
        "text": answer_text(answer),
        "confidence": answer.confidence if answer.status != "replied" else None,
        "confidence_words": confidence_words(answer),
        "citations": [_citation_json(citation) for citation in sources(answer)],
        "closest": [_citation_json(citation) for citation in closest(answer)],
        "closest_words": closest_words(answer) if closest(answer) else "",
        "model": answer.attempts[-1].model if answer.attempts else None,
        "generation": answer.generation,
        "timings": {
            "retrieved_s": answer.timings.retrieved_s,
            "first_token_s": answer.timings.first_token_s,
            "complete_s": answer.timings.complete_s,
        },
    }


def to_terminal(answer: Answer, now: datetime) -> str:
    """Return an answer as plain text for `footnote ask`, without a line end at its end."""
    lines = [answer_text(answer)]
    if words := confidence_words(answer):
        lines += ["", words]
    if sources(answer):
        lines += ["", "Sources"]
    for citation in sources(answer):
        lines.append(f"[{citation.marker}] {source_label(citation, now)}")
        lines.append(f"    {_printed_url(citation)}")
        lines += [_indented(f"“{quote_text(each)}”") for each in citation.quotes]
    if closest(answer):
        lines += ["", closest_words(answer)]
    for citation in closest(answer)[:3]:
        lines.append(f"  - {source_label(citation, now)}")
        lines.append(f"    {_printed_url(citation)}")
    return "\n".join(lines)


def closest_words(answer: Answer) -> str:
    """Return what the unconfirmed pages are called beside this answer."""
    heading = "Closest pages" if answer.status == "abstained" else "Also found"
    return f"{heading} ({NOT_CONFIRMED})"


def _citation_json(citation: Citation) -> dict[str, object]:
    return {
        "marker": citation.marker,
        "document_id": citation.document_id,
        "chunk_id": citation.chunk_id,
        "title": _one_line(citation.title),
        "heading": _one_line(citation.heading),
        "page": citation.page,
        "url": source_url(citation),
        "kind": citation.kind,
        "updated_at": citation.updated_at.isoformat(),
        "quotes": [_quote_json(each) for each in citation.quotes],
        "passage": _quote_json(citation.passage),
    }


def _quote_json(each: Quote) -> dict[str, object]:
    return {"text": each.text, "start": each.start, "end": each.end}


def _printed_url(citation: Citation) -> str:
    """A terminal opens file: URLs as well, and has no viewer."""
    url = citation.url
    is_file = url.startswith("file:") and url.isprintable() and " " not in url
    return url if is_file or is_web_url(url) else safe_text(citation.document_id)


def _indented(text: str) -> str:
    return textwrap.fill(text, width=96, initial_indent="    ", subsequent_indent="    ")


def _one_line(text: str) -> str:
    return " ".join(safe_text(text).split())
