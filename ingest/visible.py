"""An HTML tree → what a reader of the page sees of its content: nothing hidden, no navigation.

Hidden text is where instructions for language models are planted. Knows inline styles and the
plain rules of a page's own style sheet; what a script would show or hide it cannot know.
"""

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

# Never shown as text, or controls and media without any.
_UNSEEN = frozenset(
    "applet audio base button canvas datalist dialog embed frame frameset head iframe input link"
    " map meta meter noframes noscript object optgroup option progress rp script select style svg"
    " template textarea title video annotation annotation-xml".split()
)
_WITHDRAWN = frozenset(("del", "s", "strike"))  # crossed out: a reader knows it no longer holds
_CHROME = frozenset(("aside", "footer", "header"))  # of a page; within an article they are content
_CHROME_ROLES = frozenset(("banner", "complementary", "contentinfo"))
_NAVIGATION_ROLES = frozenset(("navigation", "search", "menu", "menubar", "toolbar"))
# Classes by which common frameworks and wikis hide text from readers, or mark their own controls.
_HIDDEN_CLASSES = frozenset(
    "sr-only visually-hidden visuallyhidden screen-reader-text assistive screen-reader-only"
    " mw-editsection mw-jump-link mw-cite-backlink mw-indicators vector-dropdown vector-menu"
    " headerlink anchorjs-link hash-link".split()
)
_SKIP_LINK = re.compile(r"\s*(skip|jump) to\b", re.I)
_WHITE = re.compile(r"(?:white|#fff|#ffffff|rgba?\(255,255,255(?:,1)?\))(?:!important)?")
_NOTHING = re.compile(r"[-+]?0*\.?0*(?:px|pt|em|rem|ex|%|vw|vh)?(?:!important)?")
_TINY = re.compile(r"[01]?(?:\.\d+)?(?:px|pt)(?:!important)?")
_FAR_OUT = re.compile(r"-\d{3,}(?:\.\d+)?(?:px|pt)?|-\d{2,}(?:\.\d+)?(?:r?em|%)")
_CLIPPED = re.compile(r"rect\((?:[01](?:px)?[, ]*){4}\)|inset\((?:50|100)%\)")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_AT_BLOCK = re.compile(r"@[^{};]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})")
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.S)
_SIMPLE_SELECTOR = re.compile(r"(?:[a-zA-Z][\w-]*)?([.#][\w-]+)")
_SELECTOR_NAME = re.compile(r"[.#][\w-]+")


def content(root: HtmlElement, *, whole_page: bool) -> HtmlElement:
    """Remove in place what a reader does not see; return the element that holds the content.

    whole_page: whether it is a page with its frame, not only the body of a wiki page: then its
    headers, footers and side bars go, and <main> or the only <article> is preferred.
    """
    hidden_names = _hidden_names(root)
    for element in list(root.iter("*")):
        if element.getparent() is not None and _unseen(element, hidden_names):
            element.drop_tree()
    if not whole_page:
        return root
    body = _main(root)
    for element in list(body.iter("*")):
        if element is not body and _chrome(element):
            element.drop_tree()
    return body


def _main(root: HtmlElement) -> HtmlElement:
    candidates = root.xpath("//main | //*[@role='main']")[:1]
    if not candidates:
        articles = root.xpath("//article[not(ancestor::article)]")
        candidates = articles if len(articles) == 1 else []
    return next((found for found in candidates if found.text_content().strip()), root)


def _chrome(element: HtmlElement) -> bool:
    """Whether it is the frame of a page; a header that holds the page's own title is not."""
    if element.tag not in _CHROME and element.get("role") not in _CHROME_ROLES:
        return False
    within = any(parent.tag in ("main", "article") for parent in element.iterancestors())
    return not within or element.tag == "footer"


def _unseen(element: HtmlElement, hidden_names: frozenset[str]) -> bool:
    tag = element.tag
    if tag in _UNSEEN or tag in _WITHDRAWN or tag == "nav":
        return not (tag == "dialog" and "open" in element.attrib)
    attributes = element.attrib
    if not attributes:
        return False
    if "hidden" in attributes or attributes.get("role") in _NAVIGATION_ROLES:
        return True
    return (
        _hidden_by_name(element, hidden_names)
        or _hidden_by_style(element)
        or _is_skip_link(element)
    )


def _is_skip_link(element: HtmlElement) -> bool:
    to_here = element.tag == "a" and element.get("href", "").startswith("#")
    return to_here and _SKIP_LINK.match(element.text_content()) is not None


def _hidden_by_name(element: HtmlElement, hidden_names: frozenset[str]) -> bool:
    classes = element.get("class", "").split()
    if not _HIDDEN_CLASSES.isdisjoint(classes):
        return True
    if element.tag == "sup" and "reference" in classes:
        return True  # MediaWiki's footnote numbers, which would read like citations of ours
    return f"#{element.get('id')}" in hidden_names or any(f".{c}" in hidden_names for c in classes)


def _hidden_by_style(element: HtmlElement) -> bool:
    style = element.get("style")
    declared = _declarations(style) if style else {}
    if declared and _hides(declared):
        return True
    color = declared.get("color") or element.get("color", "").lower()
    return bool(color) and _WHITE.fullmatch(color) is not None and not _has_background(element)


def _has_background(element: HtmlElement) -> bool:
    """Whether white text can be seen here: something around it has a background of its own."""
    return any(
        "background" in around.get("style", "")
        or around.get("bgcolor")
        or around.get("data-highlight-colour")
        for around in (element, *element.iterancestors())
    )


def _declarations(style: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in style.lower().split(";"))
    return {name.strip(): "".join(value.split(" ")).strip() for name, _, value in pairs}


def _hides(declared: dict[str, str]) -> bool:
    """Whether these declarations keep an element's text from being seen."""
    return (
        declared.get("display", "").startswith("none")
        or declared.get("visibility", "").startswith(("hidden", "collapse"))
        or declared.get("mso-hide", "") == "all"
        or declared.get("color", "").startswith("transparent")
        or _is(_NOTHING, declared.get("opacity"))
        or _is(_NOTHING, declared.get("font-size"))
        or _is(_TINY, declared.get("font-size"))
        or _is_out_of_the_page(declared)
    )


def _is_out_of_the_page(declared: dict[str, str]) -> bool:
    moved = ("left", "top", "right", "bottom", "text-indent", "margin-left", "margin-top")
    if any(_is(_FAR_OUT, declared.get(name)) for name in moved):
        return True
    if _is(_CLIPPED, declared.get("clip")) or _is(_CLIPPED, declared.get("clip-path")):
        return True
    flat = ("height", "max-height", "width", "max-width")
    return declared.get("overflow", "").startswith("hidden") and any(
        _is(_NOTHING, declared.get(name)) or _is(_TINY, declared.get(name)) for name in flat
    )


def _is(pattern: re.Pattern[str], value: str | None) -> bool:
    return bool(value) and pattern.fullmatch(value or "") is not None


def _hidden_names(root: HtmlElement) -> frozenset[str]:
    """Return ".class" and "#id" that the page's own style sheets hide and no rule shows again."""
    hidden: set[str] = set()
    shown: set[str] = set()
    for selectors, body in _rules(root):
        declared = _declarations(body)
        if _hides(declared):
            simple = (_SIMPLE_SELECTOR.fullmatch(part.strip()) for part in selectors.split(","))
            hidden.update(match[1] for match in simple if match)
        elif {"display", "visibility", "opacity"} & declared.keys():
            shown.update(_SELECTOR_NAME.findall(selectors))
    return frozenset(hidden - shown)


def _rules(root: HtmlElement) -> Iterator[tuple[str, str]]:
    """Yield (selectors, declarations); rules for print or for small screens are left out."""
    for sheet in root.iter("style"):
        css = _AT_BLOCK.sub("", _CSS_COMMENT.sub("", sheet.text or ""))
        for match in _RULE.finditer(css):
            yield match[1], match[2]
