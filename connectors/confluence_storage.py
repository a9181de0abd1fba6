"""Confluence's storage format → plain HTML, as `ingest` reads it. No network, no rendering.

The rendered page that Confluence offers too is not used: there macros show what the account may
see of other pages, and would show it to all readers of this one.
"""

import re
from collections.abc import Callable, Mapping
from html import escape
from html.entities import html5

from lxml import etree

from connectors.base import ConnectorError

Name = Callable[[Mapping[str, str]], str]  # a user reference -> what the user is called
Anchor = Callable[[str], str]  # the text of a heading -> its id in the page

_AC, _RI = "{http://atlassian.com/content}", "{http://atlassian.com/resource/identifier}"
_WRAPPED = f'<page xmlns:ac="{_AC[1:-1]}" xmlns:ri="{_RI[1:-1]}">%s</page>'
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_OF_XML = frozenset(("amp", "lt", "gt", "quot", "apos"))
_HEADINGS = frozenset(f"h{level}" for level in range(1, 7))
_VOID = frozenset(("br", "hr", "img", "col"))

# Macros that hold no words of their own: lists of pages and people that Confluence makes up.
_MADE_UP = frozenset(
    "anchor attachments blog-posts change-history children content-by-user contentbylabel"
    " contributors contributors-summary create-from-template favpages gallery index labels-list"
    " livesearch listlabels navmap network page-index pagetree pagetreesearch popular-labels"
    " profile-picture recently-updated recently-updated-dashboard related-labels search"
    " space-attachments space-details spaces spaces-list toc toc-zone userlister".split()
)
_HOLDERS = frozenset((f"{_AC}structured-macro", f"{_AC}macro"))
_BOXES = {
    "task-list": "ul",
    "layout-section": "div",
    "layout-cell": "div",
    "rich-text-body": "div",
    "caption": "div",
}
_NEVER_SHOWN = frozenset(f"{_AC}{name}" for name in ("parameter", "placeholder", "task-id"))


def to_html(storage: str, *, name: Name, anchor: Anchor) -> str:
    """Return the text of a page or comment. Raises ConnectorError if it is no storage format."""
    text = _ENTITY.sub(_character, storage)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, strip_cdata=False)
    try:
        root = etree.fromstring((_WRAPPED % text).encode(), parser)
    except etree.XMLSyntaxError as error:
        raise ConnectorError(f"It is not in Confluence's storage format: {error}.") from error
    writer = _Writer(name, anchor)
    writer.inside(root)
    return "".join(writer.pieces)


def _character(entity: re.Match[str]) -> str:
    """Return the character of an entity that XML does not know."""
    return entity[0] if entity[1] in _OF_XML else html5.get(f"{entity[1]};", entity[0])


class _Writer:
    """Writes HTML while walking down; the parser bounds the depth at 256."""

    def __init__(self, name: Name, anchor: Anchor) -> None:
        self.pieces: list[str] = []
        self._name = name
        self._anchor = anchor
        self._anchors: dict[str, int] = {}

    def inside(self, element: etree._Element) -> None:
        """Write what an element holds."""
        self._text(element.text)
        for child in element:
            if isinstance(child.tag, str):
                self._element(child)
            self._text(child.tail)

    def _element(self, element: etree._Element) -> None:
        tag = str(element.tag)
        if tag in _HOLDERS:
            self._macro(element)
        elif tag.startswith(_RI):
            self._text(self._resource(element))
        elif tag in _NEVER_SHOWN:
            return
        elif tag.startswith(_AC):
            self._own(element, tag.removeprefix(_AC))
        else:
            self._html(element, tag)

    def _own(self, element: etree._Element, tag: str) -> None:
        """Write an element of Confluence's own; of one that is not known, all its text."""
        if tag in _BOXES:
            self._enclosed(_BOXES[tag], element)
        elif tag == "emoticon":
            self._text(element.get(f"{_AC}emoji-fallback"))
        elif tag == "adf-extension":
            fallback = element.find(f"{_AC}adf-fallback")
            for content in element.iter(f"{_AC}adf-content") if fallback is None else [fallback]:
                self._enclosed("div", content)
        else:
            special = {
                "link": self._link,
                "task": self._task,
                "image": self._image,
                "plain-text-body": self._preformatted,
            }
            special.get(tag, self.inside)(element)

    def _html(self, element: etree._Element, tag: str) -> None:
        attributes = {str(key): value for key, value in element.attrib.items() if key[:1] != "{"}
        if tag in _HEADINGS:
            attributes["id"] = self._heading_id(element)
        written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
        self.pieces.append(f"<{tag}{written}>")
        if tag == "time" and not (element.text or "").strip():
            self._text(element.get("datetime"))
        self.inside(element)
        if tag not in _VOID:
            self.pieces.append(f"</{tag}>")

    def _heading_id(self, heading: etree._Element) -> str:
        """Return what Confluence calls a heading; a second one of the same text ends in ".1"."""
        text = _Writer(self._name, self._anchor)
        text.inside(heading)
        plain = re.sub(r"<[^>]*>", "", "".join(text.pieces))
        anchor = self._anchor(" ".join(_unescaped(plain).split()))
        count = self._anchors.get(anchor, 0)
        self._anchors[anchor] = count + 1
        return f"{anchor}.{count}" if count else anchor

    def _macro(self, macro: etree._Element) -> None:
        kind = macro.get(f"{_AC}name") or ""
        parameters = {
            each.get(f"{_AC}name") or "": self._parameter(each)
            for each in macro.iterchildren(f"{_AC}parameter")
        }
        if kind in _MADE_UP or parameters.get("hidden") == "true":
            return  # a hidden excerpt is not shown on its page
        if kind == "status":
            self._text(parameters.get("title"))
            return
        bodies = list(macro.iterchildren(f"{_AC}rich-text-body", f"{_AC}plain-text-body"))
        if not bodies:
            self._text(_bodiless(kind, parameters))
            return
        self.pieces.append("<div>")
        if title := parameters.get("title"):
            self.pieces.append(f"<p><strong>{escape(title)}</strong></p>")
        for body in bodies:
            self._element(body)
        self.pieces.append("</div>")

    def _parameter(self, parameter: etree._Element) -> str:
        resources = (self._resource(each) for each in parameter.iter() if _is_resource(each))
        return " ".join([(parameter.text or "").strip(), *resources]).strip()

    def _link(self, link: etree._Element) -> None:
        bodies = list(link.iterchildren(f"{_AC}link-body", f"{_AC}plain-text-link-body"))
        for body in bodies:
            self.inside(body)
        if not bodies:
            resources = [self._resource(each) for each in link if _is_resource(each)]
            self._text(" ".join(resources) or link.get(f"{_AC}anchor"))

    def _resource(self, resource: etree._Element) -> str:
        """Return what is linked to, in words."""
        facts = {
            str(key).removeprefix(_RI): value
            for key, value in resource.attrib.items()
            if str(key).startswith(_RI)
        }
        if resource.tag == f"{_RI}user":
            return f"@{self._name(facts)}"
        for fact in ("content-title", "filename", "value", "space-key"):
            if fact in facts:
                return str(facts[fact])
        return ""

    def _task(self, task: etree._Element) -> None:
        done = task.findtext(f"{_AC}task-status", "").strip() == "complete"
        self.pieces.append(f"<li>{'[x]' if done else '[ ]'} ")
        for body in task.iterchildren(f"{_AC}task-body"):
            self.inside(body)
        self.pieces.append("</li>")

    def _image(self, image: etree._Element) -> None:
        described = image.get(f"{_AC}alt") or image.get(f"{_AC}title") or ""
        self.pieces.append(f'<img alt="{escape(described)}">')
        for caption in image.iterchildren(f"{_AC}caption"):
            self._enclosed("p", caption)

    def _enclosed(self, tag: str, element: etree._Element) -> None:
        self.pieces.append(f"<{tag}>")
        self.inside(element)
        self.pieces.append(f"</{tag}>")

    def _preformatted(self, body: etree._Element) -> None:
        # A line break right after <pre> is not part of the text.
        self.pieces.append("<pre>\n")
        self.inside(body)
        self.pieces.append("</pre>")

    def _text(self, text: str | None) -> None:
        self.pieces.append(escape(text or "", quote=False))


def _bodiless(kind: str, parameters: Mapping[str, str]) -> str:
    """Return the words of a macro that Confluence fills in: what it is about, and its kind."""
    words = [value for value in parameters.values() if re.search(r"\w", value)]
    return f"[{kind}: {', '.join(words)}]" if words else ""


def _is_resource(element: etree._Element) -> bool:
    return isinstance(element.tag, str) and element.tag.startswith(_RI)


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
