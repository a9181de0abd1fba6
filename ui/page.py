"""Conversations and their evidence as HTML for the web page.

Every string that is not written here is escaped here; nothing of it is read as markup, and the
only links are those of `ui.render.source_url`.
"""

import html
import re
from collections.abc import Sequence
from datetime import datetime

from index.base import Hit
from rag import cite
from rag.base import Answer, Citation, Quote
from rag.journal import REASONS
from ui.conversation import SNIPPET, Turn
from ui.gate import safe_text
from ui.render import (
    NOT_CONFIRMED,
    answer_text,
    confidence_words,
    facts_label,
    is_web_url,
    kind_label,
    place_label,
    source_url,
)

AROUND = 320  # characters of the passage shown before the first and after the last quote
_MARKER = re.compile(r"\s?\[([0-9]{1,3})\]")
_TONES = {"Well supported": "good", "Partly supported": "fair", "Not found": "none"}
_ARROW = '<span class="arrow" aria-hidden="true">↗</span>'


def turns(conversation: Sequence[Turn], now: datetime) -> str:
    """Return every turn of a conversation, numbered from 1."""
    return "".join(turn(each, number, now) for number, each in enumerate(conversation, start=1))


def turn(each: Turn, number: int, now: datetime) -> str:
    """Return a question and its answer, abstention or failure."""
    if each.answer is None:
        body = f'<div class="failure" role="alert">{_text(each.failure)}</div>'
    elif each.answer.status == "abstained":
        body = _abstention(each.answer, now)
    elif each.answer.status == "replied":
        body = f'<div class="answer"><p>{_gated(answer_text(each.answer))}</p></div>'
    else:
        body = _answer(each.answer, number)
    return f'<article class="turn">{_question(each.question)}{body}</article>'


def working(question: str, hits: Sequence[Hit] | None, text: str) -> str:
    """Return the turn in progress: searching, then reading what was found, then words.

    hits: None until the search is done.
    """
    if text:
        words = _MARKER.sub(r'<span class="chip waiting">\1</span>', _gated(safe_text(text)))
        body = f'<div class="answer"><p>{words}<span class="caret"></span></p></div>'
    else:
        body = f'<p class="status"><span class="pulse"></span>{_progress(hits)}</p>'
    return (
        f'<article class="turn working">{_question(question)}'
        f'<div aria-live="polite">{body}</div></article>'
    )


def evidence(conversation: Sequence[Turn], now: datetime, *, active: bool) -> str:
    """Return the sources of every turn; of the last one in sight if `active`."""
    last = len(conversation) if active else 0
    return "".join(
        _turn_evidence(each.answer, number, now, active=number == last)
        for number, each in enumerate(conversation, start=1)
    )


def found(hits: Sequence[Hit], now: datetime) -> str:
    """Return the pages that were found, before anything is known of the answer."""
    cards = "".join(_card(cite.citation(hit, (), 0), now) for hit in _one_a_document(hits))
    return _section(0, f'<h3 class="label">Reading</h3>{cards}' if cards else "", active=True)


def excerpt(citation: Citation) -> str:
    """Return the quotes marked inside the text around them."""
    passage = _without_heading(citation)
    if not citation.quotes:
        return _clipped(passage.text, SNIPPET)
    first = max(passage.start, citation.quotes[0].start - AROUND)
    last = min(passage.end, citation.quotes[-1].end + AROUND)
    start, end = _at_words(passage, first, last)
    before = "… " if start > passage.start else ""
    after = " …" if end < passage.end else ""
    return f"{before}{marked(passage, citation.quotes, start, end)}{after}"


def marked(passage: Quote, quotes: Sequence[Quote], start: int, end: int) -> str:
    """Return [start, end) of a passage, escaped, with what is quoted in <mark>."""
    pieces: list[str] = []
    at = start
    for quote in sorted(quotes, key=lambda each: each.start):
        opens, closes = max(at, min(quote.start, end)), min(quote.end, end)
        if closes <= opens:
            continue
        pieces.append(html.escape(_slice(passage, at, opens)))
        pieces.append(f"<mark>{html.escape(_slice(passage, opens, closes))}</mark>")
        at = closes
    pieces.append(html.escape(_slice(passage, at, end)))
    return "".join(pieces)


def _question(question: str) -> str:
    return f'<h2 class="question">{_text(question)}</h2>'


def _answer(answer: Answer, number: int) -> str:
    places = {each.marker: place_label(each) for each in answer.citations}

    def chip(match: re.Match[str]) -> str:
        marker = int(match[1])
        label = _gated(f"Source {marker}: {places[marker]}")
        return (
            f'<button type="button" class="chip" data-turn="{number}" data-source="{marker}"'
            f' title="{_gated(places[marker])}" aria-label="{label}">{marker}</button>'
        )

    words = _MARKER.sub(chip, _gated(answer_text(answer)))
    pills = "".join(
        f'<button type="button" class="pill" data-turn="{number}" data-source="{marker}">'
        f"<b>{marker}</b>{_gated(place)}</button>"
        for marker, place in places.items()
    )
    return (
        f'<div class="answer"><p>{words}</p></div>'
        f'<footer class="below">{_confidence(answer)}'
        f'<button type="button" class="copy" data-copy="{html.escape(_plain(answer))}">'
        f"Copy</button>{_votes(answer)}</footer>"
        f'<div class="pills">{pills}</div>'
    )


def _plain(answer: Answer) -> str:
    """Return what a person pastes elsewhere: the words, then a line for each source."""
    lines = [f"[{each.marker}] {place_label(each)} {_web(each)}" for each in answer.citations]
    return "\n".join([answer_text(answer), "", *(line.rstrip() for line in lines)])


def _web(citation: Citation) -> str:
    return citation.url if is_web_url(citation.url) else ""


def _abstention(answer: Answer, now: datetime) -> str:
    cards = "".join(_card(each, now) for each in answer.closest[:3])
    heading = f'<h3 class="label">Closest pages <i>{NOT_CONFIRMED}</i></h3>'
    return (
        f'<div class="answer"><p>{_gated(answer_text(answer))}</p></div>'
        f'<footer class="below">{_confidence(answer)}{_votes(answer)}</footer>'
        f"{heading + cards if cards else ''}"
    )


def _votes(answer: Answer) -> str:
    reasons = "".join(
        f'<button type="button" data-liked="{reason}">{reason}</button>' for reason in REASONS
    )
    return (
        f'<span class="votes" data-answer="{html.escape(answer.id)}">'
        '<button type="button" data-liked="up" aria-label="This helped">👍</button>'
        '<button type="button" data-liked="down" aria-label="This did not help">👎</button>'
        f'<span class="why" role="group" aria-label="Why?">{reasons}</span></span>'
    )


def _confidence(answer: Answer) -> str:
    words = confidence_words(answer)
    return f'<span class="confidence {_TONES[words]}">{words}</span>'


def _progress(hits: Sequence[Hit] | None) -> str:
    if hits is None:
        return "Searching the pages you may read…"
    count = len(_one_a_document(hits))
    if not count:
        return "Nothing found yet…"
    return f"Reading {count} {'page' if count == 1 else 'pages'}…"


def _turn_evidence(answer: Answer | None, number: int, now: datetime, *, active: bool) -> str:
    if answer is None or answer.status != "answered":
        return _section(number, "", active=active)
    folds = "".join(_fold(each, number, now) for each in answer.citations)
    others = "".join(_card(each, now) for each in answer.closest)
    also = (
        f'<details class="also"><summary>Also found <i>{NOT_CONFIRMED}</i></summary>'
        f"{others}</details>"
        if others
        else ""
    )
    return _section(number, folds + also, active=active)


def _section(number: int, body: str, *, active: bool) -> str:
    state = " active" if active else ""
    if not body:
        body = '<p class="nothing">No sources for this answer.</p>'
    return f'<section class="sources{state}" data-turn="{number}">{body}</section>'


def _fold(citation: Citation, number: int, now: datetime) -> str:
    return (
        f'<details class="source" open data-turn="{number}" data-source="{citation.marker}">'
        f'<summary><b class="number">{citation.marker}</b><span class="where">'
        f'<span class="place">{_gated(place_label(citation))}</span>'
        f'<span class="facts">{html.escape(facts_label(citation, now))}</span></span></summary>'
        f"<blockquote>{excerpt(citation)}</blockquote>"
        f'<a class="open" {_link(citation)}>Open the {_noun(citation)}{_ARROW}</a></details>'
    )


def _card(citation: Citation, now: datetime) -> str:
    return (
        f'<a class="card" {_link(citation)}>'
        f'<span class="place">{_gated(place_label(citation))}{_ARROW}</span>'
        f'<span class="facts">{html.escape(facts_label(citation, now))}</span>'
        f'<span class="snippet">{excerpt(citation)}</span></a>'
    )


def _link(citation: Citation) -> str:
    href = html.escape(source_url(citation))
    return f'href="{href}" target="_blank" rel="noopener noreferrer"'


def _noun(citation: Citation) -> str:
    return {"Wiki": "page", "Slack": "conversation"}.get(kind_label(citation.kind), "document")


def _one_a_document(hits: Sequence[Hit]) -> list[Hit]:
    by_document: dict[str, Hit] = {}
    for hit in hits:
        by_document.setdefault(hit.chunk.document.id, hit)
    return list(by_document.values())


def _text(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def _gated(text: str) -> str:
    """Return gated text as HTML. Nothing makes links of dots here, so addresses get theirs back."""
    return _text(text.replace("[.]", "."))


def _slice(passage: Quote, start: int, end: int) -> str:
    return passage.text[start - passage.start : end - passage.start]


def _without_heading(citation: Citation) -> Quote:
    """Return the passage without a first line that only repeats the heading, unless quoted."""
    passage = citation.passage
    heading = citation.heading.rpartition(" › ")[2]
    rest = passage.text.removeprefix(heading).lstrip("\n")
    start = passage.end - len(rest)
    repeats = heading and passage.text.startswith(f"{heading}\n")
    if not repeats or any(quote.start < start for quote in citation.quotes):
        return passage
    return Quote(rest, start, passage.end)


def _at_words(passage: Quote, start: int, end: int) -> tuple[int, int]:
    """Move a cut inward to the next space, so that no word is torn."""
    if start > passage.start:
        start += len(_slice(passage, start, end)) - len(_slice(passage, start, end).lstrip())
        space = re.search(r"\s", _slice(passage, start, start + 40))
        start += space.end() if space else 0
    if end < passage.end:
        space = re.search(r"\s\S*$", _slice(passage, end - 40, end))
        end -= len(space[0]) if space else 0
    return start, end


def _clipped(text: str, length: int) -> str:
    flat = " ".join(text.split())
    return html.escape(flat if len(flat) < length else flat[: length - 1].rstrip() + "…")
