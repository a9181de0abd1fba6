"""Slack's markup and blocks as plain text. Knows no messages, channels or files."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Raw = Mapping[str, object]  # an object of Slack's JSON, of which nothing is certain


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids in a text stand for; an id that is not here stays as it is."""

    people: Mapping[str, str]  # user id -> name
    channels: Mapping[str, str]  # id of a public channel -> name


_REFERENCE = re.compile(r"<([^<>\n]+)>")
# Emphasis has its markers at the edges of words, as Slack wants it: not the "_" of snake_case, the
# "*" of 2*3*4, or what a link holds. Its length is bounded, or a row of stars would take minutes.
_MARKUP = re.compile(
    r"(?P<code>```.*?```|`[^`\n]+`)"
    r"|<(?P<reference>[^<>\n]+)>"
    r"|(?<![\w*_])(?P<mark>[*_])(?!(?P=mark))(?=\S)"
    r"(?P<inside>(?:<[^<>\n]+>|[^<\n]){1,300}?)(?<!\s)(?P=mark)(?![\w*_])",
    re.DOTALL,
)
_EVERYBODY = frozenset({"here", "channel", "everyone"})
_EMOJI = re.compile(r":[a-z0-9_+'-]+(?:::skin-tone-[2-6])?:")


def plain(text: str, names: Names) -> str:
    """Return Slack's markup as a person reads it on the screen.

    Mentions become names, links "label (address)", emphasis loses its markers; code, quotes and
    struck-through text keep theirs, because without them they would say something else.
    """
    lines = (line.rstrip() for line in _unescape(_resolved(text, names)).split("\n"))
    return "\n".join(lines).strip()


def says_nothing(text: str) -> bool:
    """Return whether a text is only emoji, punctuation or space."""
    return not re.search(r"\w", without_emoji(text))


def without_emoji(text: str) -> str:
    """Return a text without codes such as ":tada:"."""
    return _EMOJI.sub("", text)


def markup_of(blocks: list[Raw]) -> str:
    """Return the text of blocks, in the markup that `plain` reads."""
    return "\n".join(filter(None, map(_markup, blocks)))


def words(raw: Raw, key: str) -> str:
    """Return a string of Slack's JSON; "" if there is none."""
    value = raw.get(key)
    # Emoji cut in two leave half of a surrogate pair, which cannot be stored.
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def row(raw: Raw, key: str) -> Raw:
    """Return an object within Slack's JSON; an empty one if there is none."""
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def rows(raw: Raw, key: str) -> list[Raw]:
    """Return the objects of a list within Slack's JSON; none if there is no list."""
    value = raw.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _resolved(text: str, names: Names) -> str:
    def stand_in(found: re.Match[str]) -> str:
        if found["inside"]:
            return _resolved(found["inside"], names)
        if found["reference"]:
            return _reference(found["reference"], names)
        return _REFERENCE.sub(lambda link: _reference(link[1], names), found["code"])

    return _MARKUP.sub(stand_in, text)


def _reference(inside: str, names: Names) -> str:
    """Return what stands for <inside>: "@U1", "#C1|label", "!here", "https://…|label"."""
    target, _, label = inside.partition("|")
    sign, id = target[:1], target[1:]
    if sign == "@":
        return "@" + names.people.get(id, label.removeprefix("@") or id)
    if sign == "#":
        return "#" + (label or names.channels.get(id, id))
    if sign == "!":
        return label if label and id not in _EVERYBODY else f"@{id}"
    address = re.sub(r"^(?:mailto|tel):", "", target)
    if (
        not label
        or not address
        or label == address
        or label == re.sub(r"^https?://|/$", "", address)
    ):
        return address or label
    return f"{label} ({address})"


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_JOINTS = {
    "context": " ",
    "rich_text": "\n",
    "rich_text_list": "\n",
    "rich_text_preformatted": "",
    "rich_text_quote": "",
    "rich_text_section": "",
}


def _markup(node: Raw) -> str:
    kind = words(node, "type")
    if kind in _JOINTS:
        return _JOINTS[kind].join(map(_markup, rows(node, "elements")))
    if kind in ("section", "header"):
        return "\n".join(map(_markup, [row(node, "text"), *rows(node, "fields")])).strip()
    match node:
        case {"type": "mrkdwn" | "plain_text", "text": str(text)}:
            return text
        case {"type": "text", "text": str(text)}:
            return _escape(text)
        case {"type": "link", "url": str(url)}:
            return f"<{url}|{_escape(words(node, 'text'))}>"
    return _mention(node)


def _mention(node: Raw) -> str:
    match node:
        case {"type": "user", "user_id": str(id)}:
            return f"<@{id}>"
        case {"type": "channel", "channel_id": str(id)}:
            return f"<#{id}>"
        case {"type": "broadcast", "range": str(range_)}:
            return f"<!{range_}>"
        case {"type": "emoji", "name": str(name)}:
            return f":{name}:"
    return ""
