"""A wiki that is a git repository, as GitHub, GitLab and Gollum keep theirs.

Git has no rights for single pages: who may read the wiki is a setting.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors import gitwiki_layout as layouts
from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.git import MAX_BLOB, Copy, Git
from connectors.gitwiki_history import kept, pages_after, steps
from connectors.gitwiki_layout import Layout
from connectors.gitwiki_memory import Listing, remember, remembered

LATEST_S = int(datetime.max.replace(tzinfo=UTC).timestamp()) - 1

_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Site:
    """Where people read the wiki."""

    layout: Layout
    url: str  # "https://github.com/acme/app/wiki"


class GitWikiConnector:
    """The pages and attachments of a branch; sidebars, headers, footers and hidden files are none.

    An id is the path that a file had first: it survives every rename that git finds, which is one
    where at least half of the text stayed in that commit; a page renamed and rewritten at once is
    another page. A version is the blob's id with the address.

    The repository is copied, with its history, only when its branch has moved since the last
    listing or a document is fetched; the copy is temporary, so that what a wiki deletes is not
    kept in its history here. Where a history was rewritten, files at a known path keep their ids.
    """

    kind: Kind = "wiki"

    def __init__(
        self, name: str, git: Git, site: Site, memory: Path, *, readers: frozenset[str]
    ) -> None:
        """Take where the last listing is kept, and who may read the wiki."""
        self.name = name
        self._git = git
        self._site = site
        self._memory = memory
        self._readers = readers
        self._listing = remembered(memory)
        self._copy: Copy | None = None
        self._paths: dict[str, str] = {}  # of the copy, by id

    def entries(self) -> Iterator[Entry]:
        """Yield every page and attachment, sorted by path."""
        listing = self._latest()
        paths = sorted(filter(layouts.is_document, listing.files))
        if not paths:
            raise ConnectorError(
                f"{self._git.remote.url} holds no page. Check address and branch, or remove the "
                "source from the settings."
            )
        for path in paths:
            yield self._entry(listing, path)

    def fetch(self, entry: Entry) -> Document:
        """Return a page or an attachment as the copied commit has it."""
        copy, listing = self._copied()
        path = self._paths.get(entry.id)
        if path is None:
            raise ConnectorError(
                f"{entry.id!r} is no file of {self._git.remote.url} any more. Run the ingestion "
                "again to drop it."
            )
        page, blob = listing.files[path]
        if blob.size > MAX_BLOB:
            raise ConnectorError(
                f"{layouts.printable(path)} of {self._git.remote.url} is larger than "
                f"{MAX_BLOB >> 20} MiB. Split it, or keep it elsewhere."
            )
        body = copy.body(blob)
        if body.startswith(_POINTER):
            raise ConnectorError(
                f"{layouts.printable(path)} of {self._git.remote.url} is kept by Git LFS, which is "
                "not read. Commit the file itself."
            )
        return Document(
            entry=self._entry(listing, path),
            title=layouts.title(path, self._site.layout),
            url=self._address(path),
            body=body,
            media_type=layouts.media_type(path),
            updated_at=datetime.fromtimestamp(min(max(page.changed_s, 0), LATEST_S), UTC),
        )

    def _latest(self) -> Listing:
        """Return what the branch holds now, from memory if it has not moved."""
        head = self._git.head()
        if self._listing is not None and self._listing.commit == head:
            return self._listing
        self._copy = None
        return self._copied()[1]

    def _copied(self) -> tuple[Copy, Listing]:
        """Return a copy of the branch, and its listing."""
        listing = self._listing
        if self._copy is None or listing is None:
            self._copy = self._git.copied()
            if listing is None or listing.commit != self._copy.commit:
                listing = self._listing = listed(self._copy, before=listing)
                remember(self._memory, listing)
            documents = filter(layouts.is_document, listing.files)
            self._paths = {self._id(listing, path): path for path in documents}
        return self._copy, listing

    def _entry(self, listing: Listing, path: str) -> Entry:
        _, blob = listing.files[path]
        version = hashlib.blake2b(f"{blob.id} {self._address(path)}".encode(), digest_size=16)
        return Entry(self._id(listing, path), version.hexdigest(), self._readers)

    def _id(self, listing: Listing, path: str) -> str:
        return f"{self.name}:{layouts.printable(listing.files[path][0].key)}"

    def _address(self, path: str) -> str:
        return layouts.address(path, self._site.layout, self._site.url)


def listed(copy: Copy, *, before: Listing | None) -> Listing:
    """Return a copy's files with their ids. before: the listing of an earlier commit."""
    history = list(steps(copy.log()))
    pages = pages_after(history)
    if before is not None:
        seen = [number for number, step in enumerate(history, 1) if step.commit == before.commit]
        then = pages_after(history[: seen[0]]) if seen else pages
        known = {path: page.key for path, (page, _) in before.files.items()}
        pages = kept(pages, then, known, copy.commit)
    return Listing(copy.commit, {path: (pages[path], b) for path, b in copy.files().items()})
