"""An answer as a Slack message: Block Kit for readers, plain text for notifications.

Pure. Whatever a model or a document wrote is gated and escaped here; links are the citations' own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextActionsBlock,
    ContextBlock,
    FeedbackButtonObject,
    FeedbackButtonsElement,
    MarkdownTextObject,
    SectionBlock,
)

from rag.base import Answer, Citation
from rag.journal import REASONS
from ui import render
from ui.slack_events import ANSWER_BLOCK, DOWN, VOTE

ASKS_WHY: Final = "Thank you. What was wrong with the answer?"
_NO_WORDS: Final = "The answer has no words that can be shown."

# Characters. Slack refuses more than 3,000 in one block's text, more than 4,000 in an updated
# message's text, and more than 50 blocks.
_TEXT: Final = 3900
_SECTION: Final = 2900
_URL: Final = 1200
_LABEL: Final = 400
_QUOTES: Final = 1200  # of one citation
_SOURCES: Final = 20
_CLOSEST: Final = 3


@dataclass(frozen=True, slots=True)
class Post:
    """One Slack message."""

    text: str  # for notifications and screen readers; the whole message where there are no blocks
    blocks: tuple[Block, ...] = ()


def post(answer: Answer, now: datetime) -> Post:
    """Return the message that shows an answer with its sources, or the closest pages.

    A reply to small talk is words alone: no turn that a later question could build on.
    """
    words = _escaped(render.answer_text(answer), _SECTION) or _NO_WORDS
    if answer.status == "replied":
        return Post(words, (_section(words),))
    confidence = _escaped(render.confidence_words(answer), _LABEL)
    shown = render.sources(answer)[:_SOURCES]
    blocks = [
        _section(words, block_id=ANSWER_BLOCK),
        ContextBlock(elements=[_mrkdwn(confidence)]),
        *(_section(_source(citation, now)) for citation in shown),
        *_closest(answer, now),
        _votes(answer),
    ]
    labels = [f"[{c.marker}] {render.source_label(c, now)}" for c in shown]
    text = "\n".join([words, confidence, *(_escaped(label, _LABEL) for label in labels)])
    return Post(text=_cut(text, _TEXT), blocks=tuple(blocks))


def reasons(answer_id: str) -> Post:
    """Return the message that asks what was wrong with an answer."""
    buttons = [
        ButtonElement(text=reason.capitalize(), action_id=f"{VOTE}:{reason}", value=answer_id)
        for reason in REASONS
    ]
    return Post(ASKS_WHY, (_section(ASKS_WHY), ActionsBlock(elements=buttons)))


def _votes(answer: Answer) -> ContextActionsBlock:
    up = FeedbackButtonObject(text="👍", value=answer.id, accessibility_label="This helped")
    down = FeedbackButtonObject(
        text="👎", value=answer.id + DOWN, accessibility_label="This did not help"
    )
    buttons = FeedbackButtonsElement(action_id=VOTE, positive_button=up, negative_button=down)
    return ContextActionsBlock(elements=[buttons])


def _closest(answer: Answer, now: datetime) -> Iterator[Block]:
    """An answer stands by itself; only "not found" says where one might look instead."""
    if answer.status == "abstained" and answer.closest:
        yield _section(render.closest_words(answer))
        for citation in answer.closest[:_CLOSEST]:
            yield _section(f"• {_place(citation, now)}")


def _source(citation: Citation, now: datetime) -> str:
    lines = [f"[{citation.marker}] {_place(citation, now)}"]
    room = _QUOTES
    for quote in citation.quotes:
        if room > 0:
            line = _escaped(" ".join(render.quote_text(quote).split()), room)
            room -= len(line)
            lines.append(f">{line}")
    return "\n".join(lines)


def _place(citation: Citation, now: datetime) -> str:
    label = _escaped(render.place_label(citation), _LABEL)
    url = citation.url.replace("&", "&amp;")
    linked = len(url) <= _URL and render.is_web_url(citation.url)
    link = f"<{url}|{label}>" if linked else label
    return f"{link} · {_escaped(render.facts_label(citation, now), _LABEL)}"


def _escaped(text: str, limit: int) -> str:
    """Return mrkdwn that shows the text and does nothing, cut with an ellipsis at the limit."""
    return _cut(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"), limit)


def _cut(escaped: str, limit: int) -> str:
    if len(escaped) <= limit:
        return escaped
    return re.sub(r"&[a-z]*$", "", escaped[: limit - 1]) + "…"


def _section(text: str, block_id: str | None = None) -> SectionBlock:
    return SectionBlock(text=_mrkdwn(text), block_id=block_id)


def _mrkdwn(text: str) -> MarkdownTextObject:
    # verbatim: Slack makes no links of addresses, channel names or people's names in the text
    return MarkdownTextObject(text=text, verbatim=True)
