"""A DokuWiki: its pages as HTML, its media files, and its own access rules.

A name is all the identity that DokuWiki gives a page: one that was moved is known by its text.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote
from xml.parsers.expat import ExpatError
from xmlrpc.client import Error as XmlRpcError
from xmlrpc.client import Transport

import dokuwiki

from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.client import LIMITS, SYSTEM_CLOCK, Account, Client, Clock, Limits, basic
from connectors.dokuwiki_acl import Acl, Names, access
from connectors.drive_identity import Identities, Place
from connectors.files import MEDIA_TYPES, SKIPPED_SUFFIXES, UNKNOWN

RENDERINGS = 3  # of a page that is edited while it is read

_MEDIA = "media/"  # no page id holds a slash
_ID = re.compile(r"[^\s/?#]+")
# The library's own, for an answer of odd form, and what a missing field raises here.
_BROKEN = (
    dokuwiki.DokuWikiError,
    XmlRpcError,
    ExpatError,
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
)

Row = dict[str, Any]


class DokuWikiConnector:
    """All pages and media files of a wiki, but images, sound and film.

    An id is the name that a page had first; it stays when the page moves unedited, and no other
    page has the same text. A moved file is another: to know it again all files would be read.

    A version is the time of the last change, of a file with its size. Each listing is one answer
    without an end mark, so each is asked for twice: what does not agree is an error, and so is a
    wiki without a page.
    """

    kind: Kind = "wiki"

    def __init__(
        self,
        name: str,
        url: str,
        client: Client,
        *,
        names: Names,
        readers: frozenset[str] | None,
        memory: Path | None,
    ) -> None:
        """Take the address of the wiki's start page, and a client as `polite` makes it.

        readers: who may read everything; None: whom the wiki's own rules admit, for which the
        account must be a superuser.
        memory: where the last listing is kept; None: until the process ends.
        """
        self.name = name
        self._url = url.rstrip("/").removesuffix("/doku.php")
        self._client = client
        self._names = names
        self._readers = readers
        self._identities = Identities(memory)
        self._wiki: dokuwiki.DokuWiki | None = None
        self._acl: Acl | None = None

    def entries(self) -> Iterator[Entry]:
        """Yield every page, then every file, once all of both are known."""
        self._acl = None
        pages = self._agreed("dokuwiki.getPagelist", "", {"depth": 0, "hash": 1})
        media = self._agreed("wiki.getAttachments", "", {"depth": 0})
        if not pages:
            raise ConnectorError(
                f"{self._url} lists no page. Check that the account may read them, or remove the "
                "source from the settings."
            )
        with self._understood():
            revisions = {row["id"]: int(row["rev"]) for row in pages}
            places = [Place(row["id"], row.get("hash") or None) for row in pages]
            for id, place in self._identities.of(places):
                yield self._page_entry(id, revisions[place.path])
            for row in media:
                if PurePosixPath(row["id"]).suffix not in SKIPPED_SUFFIXES:
                    yield self._file_entry(row["id"], _file_version(row))

    def fetch(self, entry: Entry) -> Document:
        """Return a page or a file; its entry says which version was really read."""
        source, _, key = entry.id.partition(":")
        id = key.removeprefix(_MEDIA)
        if source != self.name or not _ID.fullmatch(id):
            raise ConnectorError(f"{entry.id!r} is no document of source {self.name!r}.")
        with self._understood():
            return self._file(id) if key.startswith(_MEDIA) else self._page(id)

    def _page(self, id: str) -> Document:
        name = self._identities.path(id)
        revision = self._revision(name)
        for _ in range(RENDERINGS):
            html = self._call("wiki.getPageHTML", name)
            before, revision = revision, self._revision(name)
            if before == revision:
                return Document(
                    entry=self._page_entry(id, revision),
                    title=name.rpartition(":")[2].replace("_", " "),
                    url=f"{self._url}/doku.php?id={quote(name, safe=':')}",
                    body=str(html).encode(),
                    media_type="text/html",
                    updated_at=datetime.fromtimestamp(revision, UTC),
                )
        raise ConnectorError(f"{name!r} changes faster than it can be read.")

    def _revision(self, id: str) -> int:
        info = self._call("wiki.getPageInfo", id)
        if not info:
            raise self._gone(id)
        return int(info["version"])

    def _file(self, id: str) -> Document:
        info = self._call("wiki.getAttachmentInfo", id)
        if not info["size"]:
            raise self._gone(id)
        body = self._call("wiki.getAttachment", id)
        suffix = PurePosixPath(id).suffix
        return Document(
            entry=self._file_entry(id, _file_version(info)),
            title=id.rpartition(":")[2],
            url=f"{self._url}/lib/exe/fetch.php?media={quote(id, safe=':')}",
            body=body.data,
            media_type=MEDIA_TYPES.get(suffix, UNKNOWN),
            updated_at=_time(info["lastModified"].value),
        )

    def _page_entry(self, id: str, revision: int) -> Entry:
        name = self._identities.path(id)
        version = f"{revision}" if name == id else f"{revision} {name}"
        return self._entry(id, version, governed_by=name)

    def _file_entry(self, id: str, version: str) -> Entry:
        """Return a file's entry: it has the rights of its namespace."""
        namespace = id.rpartition(":")[0]
        rights = f"{namespace}:*" if namespace else "*"
        return self._entry(_MEDIA + id, version, governed_by=rights)

    def _entry(self, key: str, version: str, *, governed_by: str) -> Entry:
        id = f"{self.name}:{key}"
        if self._readers is not None:
            return Entry(id, version, self._readers)
        return Entry(id, version, *access(self._rules(), governed_by, self._names))

    def _rules(self) -> Acl:
        """Return the wiki's access rules, asked for once a listing."""
        if self._acl is None:
            answer = self._agreed("plugin.acl.listAcls")
            if not answer:
                raise ConnectorError(
                    f"{self._url} has no access rules. Say in the settings who may read it all: "
                    "readers = […]."
                )
            self._acl = {
                scope: {subject: int(level) for subject, level in levels.items()}
                for scope, levels in answer.items()
            }
        return self._acl

    def _agreed(self, command: str, *arguments: Any) -> Any:
        first, second = (self._call(command, *arguments) for _ in range(2))
        if first is None or first != second:
            raise ConnectorError(
                f"{self._url} answered {command} twice and not alike. Nothing of source "
                f"{self.name!r} is changed; run the ingestion again when nobody edits."
            )
        return first

    def _call(self, command: str, *arguments: Any) -> Any:
        with self._understood():
            if self._wiki is None:
                transport = _ThroughClient(self._client, self._url)
                self._wiki = dokuwiki.DokuWiki(self._url, "", "", transport=transport)
            return self._wiki.send(command, *arguments)

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Turn an answer that DokuWiki would not give into a ConnectorError for the admin."""
        try:
            yield
        except _BROKEN as error:
            raise ConnectorError(
                f"{self._url} did not answer as a DokuWiki does: {error}. Check the address, and "
                "that its configuration manager has 'remote' on and 'remoteuser' for the account."
            ) from error

    def _gone(self, id: str) -> ConnectorError:
        return ConnectorError(
            f"{id!r} is gone from {self._url}. Run the ingestion again to drop it."
        )


class _ThroughClient(Transport):
    """Carries XML-RPC over the polite client."""

    def __init__(self, client: Client, url: str) -> None:
        super().__init__()
        self._client = client
        self._address = f"{url}/lib/exe/xmlrpc.php"

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:
        answer = self._client.post(
            self._address, data=request_body, headers={"Content-Type": "text/xml"}
        )
        parser, unmarshaller = self.getparser()
        parser.feed(answer.content)
        parser.close()
        return unmarshaller.close()


def polite(
    url: str,
    login: tuple[str, str],
    secret: str,
    *,
    limits: Limits = LIMITS,
    clock: Clock = SYSTEM_CLOCK,
) -> Client:
    """Return a client that signs in with a user and a password.

    secret: where the password comes from, in words.
    """
    account = Account(
        {"Authorization": basic(*login)},
        secret,
        "the use of the API ('remoteuser'), and superuser rights for its access rules to be read",
    )
    return Client(url, account, limits=limits, clock=clock)


def _time(text: str) -> datetime:
    """Read a time as one of DokuWiki's versions writes it; without a zone it is UTC."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _file_version(row: Row) -> str:
    return f"{row['lastModified'].value} {row['size']}"
