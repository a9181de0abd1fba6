"""Markdown, as GitHub and common site generators write it, into blocks by way of HTML."""

import re

from markdown_it import MarkdownIt

from ingest.hypertext import read_html
from ingest.sections import Block, one_line

_FRONT_MATTER = re.compile(r"\A\s*(---|\+\+\+)[ \t]*\n(.*?)\n(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_FIELD = re.compile(r"^[\w-]+[ \t]*[:=]", re.M)
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
      | ^\[\^[^\]\s]+\]:[ \t]* | \[\^[^\]\s]+\]
      | ^[ \t]*:{3,}[^\n]*$
      | (?<![^\s("'|>\[_-])\*\*(?P<bold>\S[^*\n]*?)(?P<blank>[ \t]+)\*\*
      | [ \t]*\{:?[ \t]*\#+(?P<anchor>[\w.:-]+)[^}\n]*\}[ \t]*$
      | ^[ \t]*\{:[^}\n]*\}[ \t]*$
    """,
    re.X | re.S | re.M,
)
_TABLE_OF_CONTENTS = re.compile(r"^\[(?:\[_?)?toc(?:_?\])?\][ \t]*$", re.I | re.M)

_markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def read_markdown(text: str) -> tuple[list[Block], str | None]:
    """Return the content as a reader of the rendered page sees it, and its title if it has one.

    The title is the front matter's, or the heading of level 1 that the page begins with.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    title = None
    matter = _FRONT_MATTER.match(text)
    if matter and _FIELD.search(matter[2]):
        title = _title(matter[2])
        text = text[matter.end() :]
    html = _markdown.render(_TABLE_OF_CONTENTS.sub("", _DIALECT.sub(_plain, text)))
    blocks, _ = read_html(html)
    if title is None and blocks and blocks[0].level == 1:
        title = one_line(blocks[0].text)
    return blocks, title


def _title(matter: str) -> str | None:
    match = _TITLE.search(matter)
    value = _FOLDED.sub("", match[1].strip() + "\n").strip() if match else ""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return one_line(value) or None


def _plain(match: re.Match[str]) -> str:
    """Return CommonMark for what another dialect wrote."""
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
    return ""
