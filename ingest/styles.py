"""Style sheets of a page → what they declare for every element, and whether that hides it.

Knows no scripts, no sheets outside of the page, and no sizes of a window.
"""

import re
from collections.abc import Iterator, Mapping

from cssselect import GenericTranslator, SelectorError, parse
from lxml import etree
from lxml.html import HtmlElement

from ingest.colours import FAINT, WHITE, Colour, alike, colour_of

MAX_RULES = 5_000  # of one page; further ones are passed over
MAX_MATCHES = 500_000  # of elements by rules

Declared = dict[str, str]  # property -> value, in small letters, without blanks at its ends

_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_AT_BLOCK = re.compile(r"@[^{};]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})")
_SCREEN = re.compile(
    r"@media\s+(?:only\s+)?(?:screen|all)\s*\{((?:[^{}]*\{[^{}]*\})*)[^{}]*\}", re.I
)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)
_ESCAPE = re.compile(r"\\([0-9a-fA-F]{1,6})\s?|\\(.)")
_DECLARATION = re.compile(r"([-\w]+)\s*:((?:[^;\"'(]|\"[^\"]*\"|'[^']*'|\([^()]*\))*)")
_IMPORTANT = re.compile(r"\s*!\s*important\s*$")

_LENGTH = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))(px|pt|r?em|ex|ch|%|v[wh]|vmin|vmax|cm|mm|in)?")
_POINTS = {
    "em": 12,
    "rem": 12,
    "ex": 6,
    "ch": 6,
    "%": 0.12,
    "px": 0.75,
    "cm": 28,
    "mm": 2.8,
    "in": 72,
}
MIN_POINTS = 1.5  # smaller letters are not meant to be read
FAR_POINTS = 700  # further out is out of the page
_FAR_SHARES = 100  # of a window or an element
_FONT_SIZE = re.compile(r"(?:^|\s)([\d.]+(?:px|pt|r?em|ex|%)?)(?:\s*/|\s|$)")
_MOVED = ("left", "top", "right", "bottom", "text-indent", "margin-left", "margin-top")
_FLAT = ("height", "max-height", "width", "max-width")
_CLIPPED = re.compile(
    r"rect\((?:[01](?:px)?[, ]*){4}\)|inset\((?:[5-9]\d|100)%.*\)|circle\(0(?:px|%)?(?:\s.*)?\)"
    r"|polygon\([0px%, ]*\)"
)
_SHRUNK = re.compile(r"(?:scale|scale[xy3]d?|matrix)\(\s*0*\.?0*\s*[,)]")
_SHIFTED = re.compile(r"translate(?:[xy]|3d)?\(([^()]*)\)")
_NO_OPACITY = re.compile(r"opacity\(([\d.]+%?)\)")


def declarations(style: str) -> Declared:
    """Return what a style attribute or the body of a rule declares; "!important" comes last."""
    plain = _ESCAPE.sub(_unescaped, _COMMENT.sub("", style))
    pairs = [(name.lower(), value.strip().lower()) for name, value in _DECLARATION.findall(plain)]
    pairs.sort(key=lambda pair: _IMPORTANT.search(pair[1]) is not None)
    return {name: _IMPORTANT.sub("", value) for name, value in pairs}


def declared(root: HtmlElement) -> dict[HtmlElement, Declared]:
    """Return what style sheets and attributes say of every element that they speak of."""
    found: dict[HtmlElement, Declared] = {}
    matches = 0
    for path, rule in _rules(root):
        for element in path(root):
            found[element] = found.get(element, {}) | rule
            matches += 1
        if matches > MAX_MATCHES:
            raise ValueError("style sheets match too often")
    for element in root.xpath("descendant-or-self::*[@style]"):
        found[element] = found.get(element, {}) | declarations(element.get("style"))
    return found


def hides(own: Mapping[str, str]) -> bool:
    """Whether these declarations keep an element's text from being seen, whatever its colour."""
    return (
        own.get("display") == "none"
        or own.get("visibility") in ("hidden", "collapse")
        or own.get("content-visibility") == "hidden"
        or own.get("mso-hide") == "all"
        or _is_faint(own)
        or _is_tiny(own)
        or _is_out_of_the_page(own)
        or _is_clipped(own)
    )


def fill_of(own: Mapping[str, str]) -> Colour | str | None:
    """Return an element's background: a colour, "image" for what is none, None for none."""
    if own.get("background-image", "none") != "none":
        return "image"
    written = own.get("background-color") or own.get("background") or own.get("bgcolor")
    if not written or written in ("none", "inherit", "initial", "unset", "0"):
        return None
    found = colour_of(written) or colour_of(written.split()[0])
    if found is None:
        return "image"
    return found[0] if found[1] > FAINT else None


def is_unseen_on(colour: Colour, ground: Colour | str | None) -> bool:
    """Whether letters of a colour cannot be seen; without a ground of its own a page is white."""
    return not isinstance(ground, str) and alike(colour, ground or WHITE)


def _unescaped(match: re.Match[str]) -> str:
    return chr(min(int(match[1], 16), 0x10FFFF)) if match[1] else match[2]


def _rules(root: HtmlElement) -> Iterator[tuple[etree.XPath, Declared]]:
    """Yield (what it applies to, what it declares), the strongest last."""
    rules: list[tuple[tuple[int, int, int], etree.XPath, Declared]] = []
    translate = GenericTranslator().selector_to_xpath
    for selectors, body in _sheets(root):
        own = declarations(body)
        try:
            for selector in parse(selectors) if own else ():
                if selector.pseudo_element is None:
                    path = etree.XPath(translate(selector))
                    rules.append((selector.specificity(), path, own))
        except (SelectorError, etree.XPathError, ValueError):
            continue  # ":hover" and what else says nothing of the page at rest
        if len(rules) > MAX_RULES:
            break
    for _, path, own in sorted(rules, key=lambda rule: rule[0]):
        yield path, own


def _sheets(root: HtmlElement) -> Iterator[tuple[str, str]]:
    """Yield (selectors, declarations); rules for print or for small screens are left out."""
    for sheet in root.iter("style"):
        css = _SCREEN.sub(r"\1", _COMMENT.sub("", sheet.text or ""))
        for match in _RULE.finditer(_AT_BLOCK.sub("", css)):
            yield match[1].strip(), match[2]


def _is_faint(own: Mapping[str, str]) -> bool:
    shown = [own.get("opacity", ""), *_NO_OPACITY.findall(own.get("filter", ""))]
    if any(_share(value) < FAINT for value in shown if value):
        return True
    colours = (own.get("-webkit-text-fill-color"), own.get("color"))
    found = next((colour_of(value) for value in colours if value), None)
    return found is not None and found[1] < FAINT


def _share(value: str) -> float:
    length = _LENGTH.fullmatch(value)
    return 1.0 if length is None else float(length[1]) / (100 if length[2] == "%" else 1)


def _is_tiny(own: Mapping[str, str]) -> bool:
    size = own.get("font-size")
    if size is None and "font" in own:
        match = _FONT_SIZE.search(own["font"])
        size = match[1] if match else None
    points = _points(size)
    return points is not None and points < MIN_POINTS


def _points(value: str | None) -> float | None:
    length = _LENGTH.fullmatch(value or "")
    if length is None:
        return None
    return float(length[1]) * _POINTS.get(length[2] or "px", 1)


def _is_far(value: str | None) -> bool:
    length = _LENGTH.fullmatch(value or "")
    if length is None:
        return False
    if length[2] in ("vw", "vh", "vmin", "vmax", "%"):
        return abs(float(length[1])) >= _FAR_SHARES
    return abs(_points(value) or 0) >= FAR_POINTS


def _is_out_of_the_page(own: Mapping[str, str]) -> bool:
    is_placed = own.get("position") in ("absolute", "fixed")
    for name in _MOVED:
        value = own.get(name, "")
        is_out = value.startswith("-") or (is_placed and value.endswith(("vw", "vh")))
        if is_out and _is_far(value):
            return True
    moved = _SHIFTED.search(own.get("transform", ""))
    return moved is not None and any(_is_far(part.strip()) for part in moved[1].split(","))


def _is_clipped(own: Mapping[str, str]) -> bool:
    if any(_CLIPPED.fullmatch(own.get(name, "")) for name in ("clip", "clip-path")):
        return True
    if _SHRUNK.search(own.get("transform", "")):
        return True
    if not own.get("overflow", "").startswith(("hidden", "clip")):
        return False
    sizes = [_points(own.get(name)) for name in _FLAT]
    return any(size is not None and size < MIN_POINTS for size in sizes)
