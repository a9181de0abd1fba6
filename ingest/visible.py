"""An HTML tree → what a reader of the page sees of its content: nothing hidden, no navigation.

Hidden text is where instructions for language models are planted. What a script or a style sheet
outside of the page would show or hide it cannot know.
"""

import re
from collections.abc import Iterable, Mapping

from lxml.html import HtmlElement

from ingest.colours import Colour, colour_of
from ingest.styles import Declared, declared, fill_of, hides, is_unseen_on

Styles = Mapping[HtmlElement, Declared]

_NO_STYLE: Declared = {}

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


def content(root: HtmlElement, *, whole_page: bool) -> HtmlElement:
    """Remove in place what a reader does not see; return the element that holds the content.

    whole_page: whether it is a page with its frame, not only the body of a wiki page: then its
    headers, footers and side bars go, and <main> or the only <article> is preferred.
    """
    styles = declared(root)
    for element in list(root.iter("*")):
        if element.getparent() is not None and _unseen(element, styles):
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


def _unseen(element: HtmlElement, styles: Styles) -> bool:
    tag = element.tag
    if tag in _UNSEEN or tag in _WITHDRAWN or tag == "nav":
        return not (tag == "dialog" and "open" in element.attrib)
    attributes = element.attrib
    if "hidden" in attributes or attributes.get("role") in _NAVIGATION_ROLES:
        return True
    own = styles.get(element, _NO_STYLE)
    return (
        (bool(own) and hides(own))
        or _is_of_the_grounds_colour(element, styles)
        or _hidden_by_class(element)
        or _is_skip_link(element)
    )


def _is_of_the_grounds_colour(element: HtmlElement, styles: Styles) -> bool:
    """Whether letters have the colour of what they stand on, as far as this element says it."""
    own = styles.get(element, _NO_STYLE)
    if not ("color" in own or "color" in element.attrib or fill_of(own) is not None):
        return False
    around = (element, *element.iterancestors())
    colours = (_colour(one, styles) for one in around)
    colour = next((found for found in colours if found is not None), None)
    return colour is not None and is_unseen_on(colour, _ground(around, styles))


def _colour(element: HtmlElement, styles: Styles) -> Colour | None:
    written = styles.get(element, _NO_STYLE).get("color") or element.get("color")
    found = colour_of(written) if written else None
    return found[0] if found else None


def _ground(around: Iterable[HtmlElement], styles: Styles) -> Colour | str | None:
    """Return the nearest background; of what is no plain colour, only that there is one."""
    for element in around:
        own = styles.get(element, _NO_STYLE)
        filled = element.get("bgcolor") or element.get("data-highlight-colour")
        fill = fill_of(own) or (fill_of({"background": filled.lower()}) if filled else None)
        if fill is not None:
            return fill
    return None


def _is_skip_link(element: HtmlElement) -> bool:
    to_here = element.tag == "a" and element.get("href", "").startswith("#")
    return to_here and _SKIP_LINK.match(element.text_content()) is not None


def _hidden_by_class(element: HtmlElement) -> bool:
    classes = element.get("class", "").split()
    if not _HIDDEN_CLASSES.isdisjoint(classes):
        return True
    # MediaWiki's footnote numbers would read like citations of ours.
    return element.tag == "sup" and "reference" in classes
