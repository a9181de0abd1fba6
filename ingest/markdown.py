"""Markdown, as GitHub and common site generators write it, into blocks by way of HTML."""

import re
from collections.abc import Set
from functools import partial

from markdown_it import MarkdownIt

from ingest.hypertext import read_html
from ingest.sections import Block, one_line

_FRONT_MATTER = re.compile(r"\A\s*(---|\+\+\+)[ \t]*\n(.*?)\n(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_FIELD = re.compile(r"^[\w-]+[ \t]*[:=]", re.M)
# Of front matter between rules: a field, what belongs to the one above, a comment or nothing.
_MATTER_LINE = re.compile(r"([\"']?)[\w.:-]+\1[ \t]*[:=]|[ \t]|-(?:\s|$)|[\]}]|#|$")
_TITLE = re.compile(r"^title[ \t]*[:=][ \t]*(.*(?:\n[ \t]+\S.*)*)", re.M | re.I)
_FOLDED = re.compile(r"^[>|][-+]?\s*\n")

# What generators and GitHub add to Markdown; code stays as it is, so it is matched first.
_DIALECT = re.compile(
    r"""(?P<code> ^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n]*\n .*? (?:^[ \t>]*(?P=fence)[`~]*[ \t]*$|\Z)
                | (?P<ticks>`+)(?!`) (?:(?!\n[ \t]*\n).){1,2000}? (?<!`)(?P=ticks)(?!`) )
      | \{%-?\s*comment\b .{0,20000}? \{%-?\s*endcomment\s*-?%\}
      | (?P<target>(?<=\]\()[ \t]*\{% [^}]{0,300}? %\}[^)\n]*(?=\)))
      | \{%-?\s*\w+\s+(?P<quote>["'])\#?(?P<argument>[\w-][\w -]*)(?P=quote)\s*-?%\}
      | \{% .{0,300}? %\} | \{\{[<%] .{0,300}? [%>]\}\}
      | ^(?P<alert>[ \t]*>[ \t]*)\[!(?P<kind>\w+)\][ \t]*
      | ^\[\^[^\]\s]+\]:[ \t]* | \[\^(?P<note>[^\]\s]+)\]
      | ^(?P<indent>[ \t]*):{3,}[ \t]*[\w-]*(?P<caption>[^\n]*)$
      | (?<![^\s("'|>\[_-])\*\*(?P<bold>\S[^*\n]*?)(?P<blank>[ \t]+)\*\*
      | [ \t]*\{:?[ \t]*\#+(?P<anchor>[\w.:-]+)[^}\n]*\}[ \t]*$
      | ^[ \t]*\{:[^}\n]*\}[ \t]*$
    """,
    re.X | re.S | re.M,
)
_NOTE = re.compile(r"^\[\^([^\]\s]+)\]:", re.M)
_ATTRIBUTES = re.compile(r"\{[^}\n]*\}|:{3,}[ \t]*$")
_TABLE_OF_CONTENTS = re.compile(r"^\[(?:\[_?)?toc(?:_?\])?\][ \t]*$", re.I | re.M)

MAX_NESTING = 100  # levels of the parser, of which a list takes two; what is deeper is lost

_markdown = MarkdownIt("commonmark", {"html": True, "maxNesting": MAX_NESTING}).enable(
    ["table", "strikethrough"]
)


def read_markdown(text: str) -> tuple[list[Block], str | None]:
    """Return the content as a reader of the rendered page sees it, and its title if it has one.

    The title is the front matter's, or the heading of level 1 that the page begins with.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    title = None
    matter = _FRONT_MATTER.match(text)
    if matter and _is_front_matter(matter[1], matter[2]):
        title = _title(matter[2])
        text = text[matter.end() :]
    plain = partial(_plain, frozenset(label.lower() for label in _NOTE.findall(text)))
    html = _markdown.render(_TABLE_OF_CONTENTS.sub("", _DIALECT.sub(plain, text)))
    blocks, _ = read_html(html)
    if title is None and blocks and blocks[0].level == 1:
        title = one_line(blocks[0].text)
    return blocks, title


def _is_front_matter(rule: str, matter: str) -> bool:
    """Whether what stands between two lines at the beginning is fields; "---" is also a rule."""
    lines = matter.split("\n")
    fields = rule == "+++" or (lines[0].strip() and all(map(_MATTER_LINE.match, lines)))
    return bool(fields) and _FIELD.search(matter) is not None


def _title(matter: str) -> str | None:
    match = _TITLE.search(matter)
    value = _FOLDED.sub("", match[1].strip() + "\n").strip() if match else ""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return one_line(value) or None


def _plain(notes: Set[str], match: re.Match[str]) -> str:
    """Return CommonMark for what another dialect wrote. notes: labels of all footnotes."""
    found = match.groupdict()
    if found["code"]:
        return match[0]
    if found["argument"]:
        return found["argument"]
    if found["kind"]:
        return f"{found['alert']}{found['kind'].capitalize()}: "
    if found["bold"]:
        return f"**{found['bold']}**{found['blank']}"
    if found["anchor"]:
        return f' <a id="{found["anchor"]}"></a>'
    if found["note"]:
        return "" if found["note"].lower() in notes else match[0]
    return _caption(found["indent"] or "", found["caption"] or "")


def _caption(indent: str, text: str) -> str:
    """Return the words behind ":::kind" as a paragraph of their own."""
    words = _ATTRIBUTES.sub("", text).strip()
    if words.startswith("[") and words.endswith("]"):
        words = words[1:-1]
    return f"\n{indent}{words}\n" if words else ""
