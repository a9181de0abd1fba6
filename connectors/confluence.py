"""A Confluence, Cloud or Data Center: pages with their comments, and attachments.

Knows neither edition's API: those are `confluence_cloud` and `confluence_server`.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from connectors.attachment_memory import remember, remembered
from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.client import HttpError
from connectors.confluence_access import Layer, readers
from connectors.confluence_api import Raw
from connectors.confluence_site import Attachment, Page, Site, Space, at
from connectors.confluence_storage import to_html
from connectors.files import MEDIA_TYPES, SKIPPED_SUFFIXES

READINGS = 3  # of an attachment that is replaced while it is read

_ATTACHMENT = "attachment/"  # no page id holds a slash


@dataclass(frozen=True, slots=True)
class _Comment:
    """A comment at a page, with its replies beside it."""

    id: str
    number: int  # of its version
    author: str
    written_at: str
    storage: str


class ConfluenceConnector:
    """The current pages of some spaces with their comments, and their attachments.

    An id is the page's number, which survives renaming and moving. A version is the page's own
    with a hash of what Confluence does not count there: title, address, labels and comments. Who
    may read a page is whoever its space admits, less whom a restriction of the page itself or of
    anything above it keeps out. Archived pages, drafts and the trash are not listed. An attachment
    that was listed before and is no more is asked for by itself: if it is there, the listing lies.
    """

    kind: Kind = "wiki"

    def __init__(
        self,
        name: str,
        site: Site,
        *,
        spaces: Sequence[str],
        admitted: Layer | None,
        memory: Path | None,
    ) -> None:
        """Take the keys of the spaces to read; none: all but personal ones.

        admitted: who may see every space; None: whom Confluence says it admits.
        memory: where the last listing of attachments is kept; None: until the process ends.
        """
        self.name = name
        self._site = site
        self._keys = tuple(spaces)
        self._admitted = admitted
        self._spaces: dict[str, Space] = {}
        self._layers: dict[str, Layer] = {}  # space -> whom it admits
        self._memory = memory
        self._attached = remembered(memory) if memory else {}

    def entries(self) -> Iterator[Entry]:
        """Yield every page, space by space, then every attachment."""
        with self._site.api.understood():
            self._site.restrictions.forget()
            self._spaces = self._chosen()
            self._layers.clear()
            allowed: dict[str, frozenset[str]] = {}
            pages: dict[str, Page] = {}
            for space in self._spaces.values():
                comments = self._comment_versions(space)
                for page in self._pages(space):
                    pages[page.id] = page
                    allowed[page.id] = self._readers(page)
                    yield self._entry(page, comments[page.id], allowed[page.id])
            for attachment in self._attachments(pages):
                yield self._file_entry(attachment, allowed[attachment.page])

    def fetch(self, entry: Entry) -> Document:
        """Return a page or an attachment; its entry says which version was really read."""
        source, _, key = entry.id.partition(":")
        id = key.removeprefix(_ATTACHMENT)
        if source != self.name or not id.isalnum() or not id.isascii():
            raise ConnectorError(f"{entry.id!r} is no document of source {self.name!r}.")
        try:
            with self._site.api.understood():
                self._spaces = self._spaces or self._chosen()
                return self._file(id) if key.startswith(_ATTACHMENT) else self._document(id)
        except HttpError as error:
            if error.status != 404:
                raise
            raise self._gone(entry.id) from error

    def _chosen(self) -> dict[str, Space]:
        spaces = {space.id: space for space in self._site.spaces(self._keys)}
        found = {space.key for space in spaces.values()}
        lacking = ", ".join(sorted(set(self._keys) - found)) or ("" if spaces else "any")
        if lacking:
            raise ConnectorError(
                f"The account does not see the space {lacking} of {self._site.api.url}. Let it "
                "view the space, or mend `spaces` in the settings. Nothing of source "
                f"{self.name!r} is changed."
            )
        return spaces

    def _pages(self, space: Space) -> list[Page]:
        pages = self._site.pages(space)
        if not pages and space.has_home:
            raise ConnectorError(
                f"Space {space.key} of {self._site.api.url} has a home page, but lists none. Let "
                "the account view its pages, or leave the space out of `spaces` in the settings."
            )
        return pages

    def _attachments(self, pages: Mapping[str, Page]) -> list[Attachment]:
        found = list(filter(_is_document, self._site.attachments(pages)))
        listed = {attachment.id for attachment in found}
        for id, page in self._attached.items():
            if id not in listed and page in pages and self._is_at(id, pages):
                what = f"the attachment {id} of page {page} lacks, and is there all the same"
                raise self._site.api.incomplete("attachments", what)
        self._attached = {attachment.id: attachment.page for attachment in found}
        if self._memory:
            remember(self._memory, self._attached)
        return found

    def _is_at(self, id: str, pages: Mapping[str, Page]) -> bool:
        """Say whether an attachment is a document of one of these pages, by its own answer."""
        try:
            attachment = self._site.attachment(id)
        except HttpError as error:
            if error.status != 404:
                raise
            return False
        return attachment.page in pages and _is_document(attachment)

    def _comment_versions(self, space: Space) -> Mapping[str, list[tuple[str, int]]]:
        cql = f'space = "{space.key}" and type = comment'
        found = defaultdict(list)
        for row in self._site.api.found(cql, "version,container"):
            found[str(row["container"]["id"])].append((row["id"], row["version"]["number"]))
        return found

    def _comments(self, page: Page) -> list[_Comment]:
        cql = f"container = {page.id} and type = comment"
        rows = self._site.api.found(cql, "body.storage,version,history")
        return sorted(map(_comment, rows), key=lambda each: (each.written_at, each.id))

    def _readers(self, page: Page) -> frozenset[str]:
        restrictions = map(self._site.restrictions.of, sorted({page.id, *page.above}))
        layers = [self._layer(page.space), *(each for each in restrictions if each is not None)]
        return readers(layers, self._site.people.members)

    def _layer(self, space: str) -> Layer:
        if self._admitted is not None:
            return self._admitted
        if space not in self._layers:
            admitted = self._site.admitted(self._spaces[space])
            if not admitted:
                raise ConnectorError(
                    f"Confluence does not say who may view space {self._spaces[space].key}. Let "
                    "an account that administers the space read it, or say in the settings who "
                    "may: readers = […]."
                )
            self._layers[space] = admitted
        return self._layers[space]

    def _document(self, id: str) -> Document:
        page, storage = self._site.page(id)
        if page.space not in self._spaces:
            raise self._gone(f"{self.name}:{id}")
        comments = self._comments(page)
        try:
            html = self._html(page, storage, comments)
        except ConnectorError as error:
            raise ConnectorError(f"{page.title!r} ({page.url}) cannot be read. {error}") from error
        versions = [(each.id, each.number) for each in comments]
        return Document(
            entry=self._entry(page, versions, self._readers(page)),
            title=page.title,
            url=page.url,
            body=html.encode(),
            media_type="text/html",
            updated_at=max([page.updated_at, *(at(each.written_at) for each in comments)]),
        )

    def _html(self, page: Page, storage: str, comments: Sequence[_Comment]) -> str:
        def converted(text: str) -> str:
            return to_html(
                text,
                name=self._site.people.name,
                anchor=lambda heading: self._site.anchor(page.title, heading),
            )

        # The title would else be the page's first heading.
        parts = [f"<title>{escape(page.title)}</title>", converted(storage)]
        if page.labels:
            parts.append(f"<p>Labels: {escape(', '.join(page.labels))}</p>")
        if comments:
            parts.append('<h2 id="comments-section">Comments</h2>')
        for each in comments:
            written = f"{each.author}, {each.written_at[:10]}"
            parts.append(f'<h3 id="comment-{each.id}">{escape(written)}</h3>')
            parts.append(f"<div>{converted(each.storage)}</div>")
        return "\n".join(parts)

    def _file(self, id: str) -> Document:
        attachment = self._site.attachment(id)
        for _ in range(READINGS):
            body = self._site.content(attachment)
            before, attachment = attachment, self._site.attachment(id)
            if before == attachment:
                return self._file_document(attachment, body)
        raise ConnectorError(f"{attachment.title!r} changes faster than it can be read.")

    def _file_document(self, attachment: Attachment, body: bytes) -> Document:
        page, _ = self._site.page(attachment.page)
        if page.space not in self._spaces or not _is_document(attachment):
            raise self._gone(f"{self.name}:{_ATTACHMENT}{attachment.id}")
        path = f"download/attachments/{attachment.page}/{quote(attachment.title)}"
        return Document(
            entry=self._file_entry(attachment, self._readers(page)),
            title=attachment.title,
            url=f"{self._site.home}/{path}",
            body=body,
            media_type=MEDIA_TYPES.get(_suffix(attachment), attachment.media_type),
            updated_at=attachment.updated_at,
        )

    def _entry(
        self, page: Page, comments: Sequence[tuple[str, int]], allowed: frozenset[str]
    ) -> Entry:
        uncounted = [page.title, page.url, page.labels, sorted(comments)]
        version = f"{page.number} {_digest(uncounted)}"
        return Entry(f"{self.name}:{page.id}", version, allowed)

    def _file_entry(self, attachment: Attachment, allowed: frozenset[str]) -> Entry:
        version = f"{attachment.number} {_digest([attachment.title, attachment.page])}"
        return Entry(f"{self.name}:{_ATTACHMENT}{attachment.id}", version, allowed)

    def _gone(self, id: str) -> ConnectorError:
        return ConnectorError(
            f"{id!r} is gone from {self._site.api.url}, or the account may not view it any more. "
            "Run the ingestion again to drop it."
        )


def _comment(row: Raw) -> _Comment:
    author = row["history"]["createdBy"]
    return _Comment(
        id=row["id"],
        number=row["version"]["number"],
        author=author.get("publicName") or author.get("displayName") or "Someone",
        written_at=row["history"]["createdDate"],
        storage=row["body"]["storage"]["value"],
    )


def _is_document(attachment: Attachment) -> bool:
    return _suffix(attachment) not in SKIPPED_SUFFIXES


def _suffix(attachment: Attachment) -> str:
    return PurePosixPath(attachment.title).suffix.lower()


def _digest(facts: Sequence[object]) -> str:
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=12).hexdigest()
