"""Site pages of SharePoint: what people wrote on them, as plain HTML.

A page is listed, and its readers are looked up, as the file that it is in its site's library.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import quote

from connectors.base import ConnectorError
from connectors.cloud_memory import Raw
from connectors.sharepoint_api import GraphApi, broken_off

LIBRARY: Final = "webPageLibrary"  # the template of the list that a site's pages are kept in

_PUBLISHED: Final = "published"


def is_page(raw: Raw) -> bool:
    """Return whether a file is a page."""
    return str(raw.get("name", "")).lower().endswith(".aspx")


def libraries(api: GraphApi, site: str) -> list[Raw]:
    """Return the drives of a site that hold its pages; no list of its drives has them."""
    path = f"/sites/{quote(site, safe=',')}/lists"
    rows = api.rows(f"{path}?$select=id,webUrl,list,system")
    found = [row for row in rows if (row.get("list") or {}).get("template") == LIBRARY]
    return [api.one(f"{path}/{quote(str(row['id']))}/drive") for row in found]


def read(api: GraphApi, item: str) -> Raw:
    """Return a page with its layout. Raises ConnectorError for one that is not published.

    item: path of its file. Calls: two. Readers of a site see a draft only once it is published.
    """
    ids: Mapping[str, Any] = api.one(f"{item}?$select=id,sharepointIds").get("sharepointIds") or {}
    site, page = ids.get("siteId"), ids.get("listItemUniqueId")
    if not isinstance(site, str) or not isinstance(page, str):
        raise broken_off(item)
    kind = "microsoft.graph.sitePage?$expand=canvasLayout"
    found = api.one(f"/sites/{quote(site, safe=',')}/pages/{quote(page)}/{kind}")
    if (found.get("publishingState") or {}).get("level") != _PUBLISHED:
        raise ConnectorError(
            f"The page {found.get('webUrl')} has changes that are not published. Publish it, or "
            "discard them; until then its old text stays, if it had one."
        )
    return found


def to_html(page: Raw) -> str:
    """Return what stands on a page, from top to bottom, a column at its side last."""
    layout = page.get("canvasLayout") or {}
    columns = [
        column
        for section in layout.get("horizontalSections") or ()
        for column in section.get("columns") or ()
    ]
    columns.append(layout.get("verticalSection") or {})
    parts = [part for column in columns for part in column.get("webparts") or ()]
    # The title would else be the page's first heading.
    title = f"<title>{escape(str(page.get('title') or ''))}</title>"
    return "\n".join([title, *(text for part in parts for text in _texts(part))])


def _texts(part: Raw) -> Iterator[str]:
    """Yield what one part of a page says, as HTML."""
    if "innerHtml" in part:
        yield str(part["innerHtml"] or "")
    said = (part.get("data") or {}).get("serverProcessedContent") or {}
    for plain in said.get("searchablePlainTexts") or ():
        yield f"<p>{escape(str(plain.get('value') or ''), quote=False)}</p>"
    for html in said.get("htmlStrings") or ():
        yield f"<div>{html.get('value') or ''}</div>"
