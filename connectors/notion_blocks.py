"""Notion's blocks and properties → plain HTML, as `ingest` reads it. No network."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Block:
    """A block with all that lies in it."""

    raw: Raw
    inside: tuple["Block", ...] = ()

    @property
    def type(self) -> str:
        return str(self.raw["type"])

    @property
    def content(self) -> Raw:
        found: Raw = self.raw.get(self.type) or {}
        return found


_LISTS = {"bulleted_list_item": "ul", "numbered_list_item": "ol", "to_do": "ul"}
_HEADINGS = {f"heading_{level}": level for level in range(1, 7)}
# Pages of their own, and what Notion makes up.
_NOT_HERE = frozenset(("child_page", "child_database", "table_of_contents", "breadcrumb"))


def anchor(id: str) -> str:
    """Return what a page's address ends in to open at a block."""
    return id.replace("-", "")


def words(rich: Iterable[Raw]) -> str:
    """Return rich text as plain text; mentions have the name that a reader sees."""
    return "".join(str(piece["plain_text"]) for piece in rich)


def to_html(blocks: Sequence[Block]) -> str:
    """Return blocks as HTML; of a type that is not known, its text and what lies in it."""
    return "\n".join(filter(None, _pieces(blocks)))


def properties_to_html(properties: Mapping[str, Raw]) -> str:
    """Return what a row of a database says besides its title as a table, by name."""
    rows = [
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
        for name, raw in sorted(properties.items())
        if raw["type"] != "title" and (text := value(raw))
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def title_of(properties: Mapping[str, Raw]) -> str:
    """Return a page's title; every page has one property of that type."""
    found = (words(raw["title"]) for raw in properties.values() if raw["type"] == "title")
    return next(found, "").strip()


def value(raw: Raw) -> str:
    """Return one property in words, "" for one without."""
    kind = raw["type"]
    reader = _VALUES.get(kind, str)
    content = raw.get(kind)
    return "" if content is None else reader(content)


def _pieces(blocks: Sequence[Block]) -> Iterator[str]:
    for tag, run in groupby(blocks, lambda block: _LISTS.get(block.type)):
        if tag is None:
            yield from map(_block, run)
        else:
            yield f"<{tag}>{''.join(map(_item, run))}</{tag}>"


def _item(block: Block) -> str:
    box = ""
    if block.type == "to_do":
        box = "[x] " if block.content.get("checked") else "[ ] "
    return f"<li>{box}{_text(block)}{_inside(block)}</li>"


def _block(block: Block) -> str:
    if block.type in _NOT_HERE:
        return ""
    if block.type in _HEADINGS:
        tag = f"h{_HEADINGS[block.type]}"
        return f'<{tag} id="{anchor(block.raw["id"])}">{_text(block)}</{tag}>{_inside(block)}'
    if block.type == "code":
        caption = _paragraph(words(block.content.get("caption", ())))
        return f"<pre>\n{_escaped(block.content['rich_text'])}</pre>{caption}"
    if block.type == "table":
        return _table(block)
    return f"<p>{_text(block)}</p>{_inside(block)}"


def _table(table: Block) -> str:
    rows = (
        "".join(f"<td>{_escaped(cell)}</td>" for cell in row.content["cells"])
        for row in table.inside
    )
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _text(block: Block) -> str:
    """Return a block's own words: its text, what it is a formula of, or how a file is called."""
    content = block.content
    said = [_escaped(content.get("rich_text", ())), _escaped(content.get("caption", ()))]
    named = [content.get(key) for key in ("expression", "name", "title", "url")]
    said += [escape(each, quote=False) for each in named if isinstance(each, str)]
    return " ".join(filter(None, said))


def _inside(block: Block) -> str:
    return f"<div>{to_html(block.inside)}</div>" if block.inside else ""


def _escaped(rich: Iterable[Raw]) -> str:
    return escape(words(rich), quote=False).replace("\n", "<br>")


def _paragraph(text: str) -> str:
    return f"<p>{escape(text, quote=False)}</p>" if text else ""


def _name(raw: Raw) -> str:
    return str(raw.get("name") or "")


def _names(raws: Iterable[Raw]) -> str:
    return ", ".join(filter(None, map(_name, raws)))


def _date(raw: Raw) -> str:
    return " – ".join(filter(None, (raw.get("start"), raw.get("end"))))


def _unique_id(raw: Raw) -> str:
    return "-".join(str(part) for part in (raw.get("prefix"), raw.get("number")) if part)


def _rollup(raw: Raw) -> str:
    values = raw["array"] if raw["type"] == "array" else [raw]
    return ", ".join(filter(None, map(value, values)))


def _nothing(raw: object) -> str:
    return ""


_VALUES: dict[str, Callable[[Any], str]] = {
    "button": _nothing,
    "checkbox": lambda checked: "yes" if checked else "no",
    "created_by": _name,
    "date": _date,
    "files": _names,
    "formula": value,
    "last_edited_by": _nothing,
    "last_edited_time": _nothing,
    "multi_select": _names,
    "people": _names,
    "place": _name,
    "relation": _nothing,  # only ids: the pages themselves are documents
    "rich_text": words,
    "rollup": _rollup,
    "select": _name,
    "status": _name,
    "title": words,
    "unique_id": _unique_id,
    "verification": _nothing,
}
