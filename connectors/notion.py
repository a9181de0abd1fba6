"""A Notion workspace: every page, row of a database and file that a connection may read.

Notion's API does not say who may read a page: that is a setting.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path, PurePosixPath

from connectors.attachment_memory import remember, remembered
from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.files import MEDIA_TYPES, UNKNOWN
from connectors.notion_api import BROKEN, NotionApi, Raw
from connectors.notion_blocks import properties_to_html, title_of, to_html, words
from connectors.notion_files import BLOCK, PROPERTY, File, files_of, read
from connectors.notion_walk import Page, page, pages
from connectors.spool import Spool

_ID = re.compile(rf"({BLOCK}|{PROPERTY})?[\w-]+(/[\w-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Included:
    """What is read besides the text of pages."""

    comments: bool  # a call a page
    files: bool  # that Notion keeps for a page; two calls and a download for each that changed


class NotionConnector:
    """The pages that people shared with a connection, all that lie in them, and their files.

    A version is a hash of the page's text: Notion gives the time of the last change by the minute
    only, and none at all for comments. So a listing reads every page; what it read waits in a
    temporary file, and fetching costs no call. At Notion's three calls a second a workspace of
    1,000 pages takes ten minutes or more. Pages in the trash are not listed. A file that was listed
    before and is no more, though its page is, is asked for by itself: if it is there, the listing
    lies.
    """

    kind: Kind = "wiki"

    def __init__(
        self,
        name: str,
        api: NotionApi,
        *,
        readers: frozenset[str],
        included: Included,
        memory: Path | None,
    ) -> None:
        """Take who may read it all.

        memory: where the last listing of files is kept; None: until the process ends.
        """
        self.name = name
        self._api = api
        self._readers = readers
        self._included = included
        self._memory = memory
        self._attached = remembered(memory) if memory else {}
        self._spool = Spool()

    def entries(self) -> Iterator[Entry]:
        """Yield every page and file once."""
        self._spool.clear()
        listed: set[str] = set()
        attached: dict[str, str] = {}  # file -> page
        with self._api.understood():
            for found in pages(self._api, comments=self._included.comments):
                listed.add(found.raw["id"])
                yield self._listed(found)
                for file in files_of(found) if self._included.files else ():
                    if file.key not in attached:
                        attached[file.key] = found.raw["id"]
                        yield self._file_entry(file)
            self._check_missing(listed, attached)
        if not listed:
            raise ConnectorError(
                "Notion shares no page with the connection. Open a page in Notion, and add the "
                f"connection under ••• → Connections. Nothing of source {self.name!r} is changed."
            )
        self._attached = attached
        if self._memory:
            remember(self._memory, attached)

    def fetch(self, entry: Entry) -> Document:
        """Return a page or a file; its entry says which version was really read.

        Calls: none for a page that the latest listing read.
        """
        source, _, id = entry.id.partition(":")
        if source != self.name or not _ID.fullmatch(id):
            raise ConnectorError(f"{entry.id!r} is no document of source {self.name!r}.")
        waiting = self._spool.get(entry.id)
        if waiting is not None:
            return waiting
        with self._api.understood():
            document = self._file(id) if "/" in id else self._page(id)
            if document is not None:
                return document
        raise ConnectorError(
            f"{entry.id!r} is gone from Notion, or no longer shared with the connection. Run the "
            "ingestion again to drop it."
        )

    def _check_missing(self, listed: set[str], attached: Mapping[str, str]) -> None:
        before = self._attached if self._included.files else {}
        for key, page_id in before.items():
            if key in attached or page_id not in listed:
                continue
            if read(self._api, key) is not None:
                raise self._api.incomplete(f"the file {key} lacks, and is there all the same")

    def _page(self, id: str) -> Document | None:
        found = page(self._api, id, comments=self._included.comments)
        return None if found is None else self._document(found)

    def _file(self, key: str) -> Document | None:
        file = read(self._api, key) if self._included.files else None
        if file is None:
            return None
        suffix = PurePosixPath(file.name).suffix.lower()
        return Document(
            entry=self._file_entry(file),
            title=_sound(file.name),
            url=file.url,
            body=self._api.download(file.address),
            media_type=MEDIA_TYPES.get(suffix, UNKNOWN),
            updated_at=_time(file.changed_at),
        )

    def _file_entry(self, file: File) -> Entry:
        return Entry(f"{self.name}:{file.key}", file.version, self._readers)

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
            updated_at=_time(raw["last_edited_time"]),
        )


def _sound(text: str) -> str:
    """Return a text without halves of characters, which JSON can hold and UTF-8 cannot."""
    return text.encode(errors="replace").decode()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _digest(facts: bytes) -> str:
    return hashlib.blake2b(facts, digest_size=16).hexdigest()


def _comment(raw: Raw) -> str:
    author = (raw.get("display_name") or {}).get("resolved_name") or "Someone"
    text = f"{author}, {raw['created_time'][:10]}: {words(raw['rich_text'])}"
    return f"<p>{escape(text, quote=False)}</p>"
