"""A Notion workspace: every page and every row of a database that a connection may read.

Notion's API does not say who may read a page: that is a setting.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape

from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.notion_api import BROKEN, NotionApi, Raw
from connectors.notion_blocks import properties_to_html, title_of, to_html, words
from connectors.notion_walk import Page, page, pages
from connectors.spool import Spool


class NotionConnector:
    """The pages that people shared with a connection, and all that lie in them.

    A version is a hash of the page's text: Notion gives the time of the last change by the minute
    only, and none at all for comments. So a listing reads every page; what it read waits in a
    temporary file, and fetching costs no call. At Notion's three calls a second a workspace of
    1,000 pages takes ten minutes or more. Pages in the trash are not listed.
    """

    kind: Kind = "wiki"

    def __init__(
        self, name: str, api: NotionApi, *, readers: frozenset[str], comments: bool
    ) -> None:
        """Take who may read it all, and whether comments are read, which is a call a page."""
        self.name = name
        self._api = api
        self._readers = readers
        self._comments = comments
        self._spool = Spool()

    def entries(self) -> Iterator[Entry]:
        """Yield every page once."""
        self._spool.clear()
        empty = True
        with self._api.understood():
            for found in pages(self._api, comments=self._comments):
                empty = False
                yield self._listed(found)
        if empty:
            raise ConnectorError(
                "Notion shares no page with the connection. Open a page in Notion, and add the "
                f"connection under ••• → Connections. Nothing of source {self.name!r} is changed."
            )

    def fetch(self, entry: Entry) -> Document:
        """Return a page; its entry says which version was really read.

        Calls: none for what the latest listing read.
        """
        source, _, id = entry.id.partition(":")
        if source != self.name or not id.replace("-", "").isalnum():
            raise ConnectorError(f"{entry.id!r} is no document of source {self.name!r}.")
        waiting = self._spool.get(entry.id)
        if waiting is not None:
            return waiting
        with self._api.understood():
            found = page(self._api, id, comments=self._comments)
            if found is not None:
                return self._document(found)
        raise ConnectorError(
            f"{entry.id!r} is gone from Notion, or no longer shared with the connection. Run the "
            "ingestion again to drop it."
        )

    def _listed(self, found: Page) -> Entry:
        try:
            document = self._document(found)
        except ConnectorError:  # which fetching it says again, for this page alone
            version = f"unread {found.raw['last_edited_time']}"
            return Entry(f"{self.name}:{found.raw['id']}", version, self._readers)
        self._spool.put(document)
        return document.entry

    def _document(self, found: Page) -> Document:
        try:
            return self._converted(found)
        except BROKEN as error:
            raise ConnectorError(
                f"The page {found.raw.get('url')} cannot be converted: {type(error).__name__} "
                f"{error}. Look in it for what Notion itself shows oddly."
            ) from error

    def _converted(self, found: Page) -> Document:
        raw = found.raw
        title = _sound(title_of(raw["properties"])) or "Untitled"
        html = "\n".join(
            [
                # The title would else be the page's first heading.
                f"<title>{escape(title)}</title>",
                properties_to_html(raw["properties"]),
                to_html(found.blocks),
                "<h2>Comments</h2>" if found.comments else "",
                *map(_comment, found.comments),
            ]
        )
        body = _sound(html).encode()
        facts = b"\x00".join((title.encode(), raw["url"].encode(), body))
        return Document(
            entry=Entry(f"{self.name}:{raw['id']}", _digest(facts), self._readers),
            title=title,
            url=raw["url"],
            body=body,
            media_type="text/html",
            updated_at=datetime.fromisoformat(raw["last_edited_time"]).astimezone(UTC),
        )


def _sound(text: str) -> str:
    """Return a text without halves of characters, which JSON can hold and UTF-8 cannot."""
    return text.encode(errors="replace").decode()


def _digest(facts: bytes) -> str:
    return hashlib.blake2b(facts, digest_size=16).hexdigest()


def _comment(raw: Raw) -> str:
    author = (raw.get("display_name") or {}).get("resolved_name") or "Someone"
    text = f"{author}, {raw['created_time'][:10]}: {words(raw['rich_text'])}"
    return f"<p>{escape(text, quote=False)}</p>"
