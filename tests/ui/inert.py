"""What a reader's program makes of a text: whether it is words and nothing else."""

import html
import re
from html.parser import HTMLParser

from rag.base import Answer
from tests.ui.payloads import ADDRESS
from ui.slack_blocks import Post

# What a reader's program would make a link, a mention or a control sequence of.
SCHEME = re.compile(
    r"[a-z][\w+.-]*[:：]\s*[/\\／]{1,}|(?:javascript|data|mailto|tel|vbscript):", re.I
)
HOST = re.compile(r"(?<![\w@])(?:[\w-]+[.。．｡])+(?:example|com|org|net)\b", re.I)
MENTION = re.compile(r"<[!@#]|(?<!\w)[@＠]\w|[\w.+-]+[@＠][\w-]+[.。．｡]\w")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2060\u202a-\u202e\U000e0000-\U000e007f]")

PAGE_TAGS = set(
    "article h2 h3 div p br button footer span b i section details summary blockquote mark"
    " a".split()
)
VIEWER_TAGS = set(
    "html head meta title style body main header h1 h2 h3 p a sup section mark".split()
)


def is_only_words(text: str, answer: Answer) -> bool:
    """Whether nothing in a text is, or is on the way to be, more than words."""
    if any(ADDRESS in quote.text for citation in answer.citations for quote in citation.quotes):
        text = re.sub(rf"(?<![\w@.]){re.escape(ADDRESS)}(?![\w.@])", "", text)
    return not any(found.search(text) for found in (SCHEME, HOST, MENTION, CONTROL))


class Markup(HTMLParser):
    """Lists what a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.handlers: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in {"href", "src", "action", "poster", "data", "style", "srcset"}:
                self.links.add(value or "")
            if name.startswith("on"):
                self.handlers.add(name)


def slack_texts(post: Post) -> list[str]:
    """Return all that Slack would format of a message, none of it searched for addresses."""
    texts = [post.text]
    for block in post.blocks:
        shown = block.to_dict()
        for element in [shown.get("text"), *shown.get("elements", [])]:
            if element and element.get("type") == "mrkdwn":
                assert element["verbatim"] is True
                texts.append(element["text"])
    return texts


def slack_links(text: str) -> set[str]:
    """Return what a text of Slack links to or mentions."""
    return {link.split("|")[0] for link in re.findall(r"<([^>]*)>", text)}


def slack_words(text: str) -> str:
    """Return a text of Slack as people read it, links by their label."""
    return html.unescape(re.sub(r"<[^>|]*\|([^>]*)>", r"\1", text))
