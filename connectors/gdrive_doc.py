"""A Google document as Google exports it to HTML, made fit for citations."""

from html import escape

from lxml import etree
from lxml.html import document_fromstring, tostring

_HEADINGS = "//h1 | //h2 | //h3 | //h4 | //h5 | //h6"
_COMMENTS = "//div[p/a[starts-with(@id, 'cmnt')]] | //sup[a[starts-with(@id, 'cmnt_ref')]]"


def fit(html: bytes, title: str) -> bytes:
    """Return the page with the document's name as its title and headings that can be linked to.

    Google opens a document at "#heading=h.1a2b", and exports that heading with the id "h.1a2b".
    Comments are taken out: one that is new does not change the document, so it would never be seen.
    """
    try:
        page = document_fromstring(html.decode("utf-8", errors="replace"))
    except etree.ParserError:  # an empty document
        return b""
    for heading in page.xpath(_HEADINGS):
        if heading.get("id"):
            heading.set("id", f"heading={heading.get('id')}")
    for comment in page.xpath(_COMMENTS):
        comment.drop_tree()
    for old in page.xpath("//title"):
        old.drop_tree()
    text: str = tostring(page, encoding="unicode")
    return f"<title>{escape(title)}</title>{text}".encode()
