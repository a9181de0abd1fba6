"""A MediaWiki: its pages as HTML, its files as documents of their own.

MediaWiki has no rights for single pages: who may read the wiki is a setting.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import mwclient
from mwclient.errors import APIError, LoginError, MwClientError

from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.client import (
    LIMITS,
    SYSTEM_CLOCK,
    Account,
    Answer,
    Client,
    Clock,
    HttpError,
    Limits,
)
from connectors.files import MEDIA_TYPES, SKIPPED_SUFFIXES, UNKNOWN
from connectors.origin import shown

FILES = 6  # the namespace of uploaded files, in every MediaWiki
MAX_LAG_S = 5  # of its database replicas; a wiki that lags more is left alone for a while
RENDERINGS = 3  # of a page that is edited while it is read

_BUSY_CODES = frozenset({"maxlag", "ratelimited", "readonly"})
_BROKEN = (
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
)  # mwclient's, for an answer of odd form
_REMEDIES = {
    "readapidenied": "Give its account the right to read; a bot password needs 'Basic rights'.",
    "permissiondenied": "Give its account the right to read; a bot password needs 'Basic rights'.",
    "assertuserfailed": "It signs Footnote out at once; check that it can store sessions.",
}

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wiki:
    """What to read of which wiki."""

    api_url: str  # of its api.php
    login: tuple[str, str] | None  # user and password, a bot's has an @; None: the wiki is public
    namespaces: tuple[int, ...]  # 0: articles; 6: files
    batch: int = 500  # pages a request; 500 is what every MediaWiki gives everybody
    secret: str = "password"  # where it comes from, in words


class MediaWikiConnector:
    """The pages of some namespaces, but redirects; of namespace 6 the files, but images and sound.

    An id is the page's number, which survives moves. A version is the last revision (a move makes
    one) with the time when the page was last rendered anew, as it is when a template changes; of a
    file also the hash of its bytes.

    The listing is read in batches. An answer that is not what MediaWiki says of a whole batch, or a
    listing that lacks the wiki's last pages, which are asked for apart, is an error.
    """

    kind: Kind = "wiki"

    def __init__(self, name: str, wiki: Wiki, client: Client, *, readers: frozenset[str]) -> None:
        """Take a client as `polite` makes it, and who may read the wiki."""
        self.name = name
        self._wiki = wiki
        self._readers = readers
        address = urlsplit(wiki.api_url)
        folder, _, script = address.path.rpartition("/")
        self._site = mwclient.Site(
            address.netloc,
            path=f"{folder}/",
            ext=script.removeprefix("api"),
            scheme=address.scheme,
            pool=client,
            max_retries=0,  # the client has tried often enough
            do_init=False,
        )
        self._client = client

    def entries(self) -> Iterator[Entry]:
        """Yield every page and file, by namespace and title."""
        empty = True
        with self._understood():
            for namespace in self._wiki.namespaces:
                for page in filter(_is_document, self._listed(namespace)):
                    empty = False
                    yield self._entry(page)
        if empty:
            namespaces = ", ".join(map(str, self._wiki.namespaces))
            raise ConnectorError(
                f"{self._wiki.api_url} lists no page in the namespaces {namespaces}. Check that "
                "the account may read them, or remove the source from the settings."
            )

    def fetch(self, entry: Entry) -> Document:
        """Return a page or a file; its entry says which version was really read."""
        source, _, number = entry.id.partition(":")
        if source != self.name or not number.isdecimal():
            raise ConnectorError(f"{entry.id!r} is no document of source {self.name!r}.")
        with self._understood():
            page = self._page(number)
            return self._file(page) if page["ns"] == FILES else self._rendered(page)

    def _listed(self, namespace: int) -> Iterator[Json]:
        """Yield a namespace's pages, once it is known to be complete to its end."""
        last = {page["pageid"] for page in next(self._batches(namespace, "descending"))}
        for batch in self._batches(namespace, "ascending"):
            last.difference_update(page["pageid"] for page in batch)
            yield from batch
        if last:
            raise self._incomplete(f"{len(last)} of the last pages of namespace {namespace} lack")

    def _batches(self, namespace: int, direction: str) -> Iterator[Sequence[Json]]:
        """Yield pages as MediaWiki gives them, each with all its properties."""
        pages: dict[int, dict[str, Any]] = {}
        more: Json = {"continue": ""}
        while more:
            answer = self._call(
                "query",
                generator="allpages",
                gapnamespace=namespace,
                gapfilterredir="nonredirects",
                gapdir=direction,
                gaplimit=self._wiki.batch,
                prop="info|imageinfo" if namespace == FILES else "info",
                iiprop="sha1",
                **more,
            )
            asked, more = more, answer.get("continue", {})
            if more == asked:
                raise self._incomplete("it begins the same batch again")
            for page in answer.get("query", {}).get("pages", ()):
                pages.setdefault(page["pageid"], {}).update(page)
            if answer.get("batchcomplete"):
                if more and len(pages) < self._wiki.batch:
                    raise self._incomplete(f"{len(pages)} pages came of {self._wiki.batch}")
                yield tuple(pages.values())
                pages.clear()
            elif not more:
                raise self._incomplete("a batch has no end")

    def _page(self, number: str) -> Json:
        answer = self._call(
            "query",
            pageids=number,
            prop="info|revisions|imageinfo",
            inprop="url",
            rvprop="timestamp",
            iiprop="sha1|url|mime|timestamp",
        )
        page: Json = answer.get("query", {}).get("pages", ({"missing": True},))[0]
        listed = page.get("ns") in self._wiki.namespaces and not page.get("redirect")
        if page.get("missing") or not listed or not _is_document(page):
            raise ConnectorError(
                f"Page {number} of {self._wiki.api_url} is gone. Run the ingestion again to drop "
                "it."
            )
        return page

    def _rendered(self, page: Json) -> Document:
        for _ in range(RENDERINGS):
            answer = self._call(
                "parse",
                pageid=page["pageid"],
                prop="text|revid",
                disableeditsection=1,
                disabletoc=1,
                disablelimitreport=1,  # it holds times, and so differs from call to call
            )
            parsed = answer["parse"]
            if parsed["revid"] == page["lastrevid"]:
                # The title would else be the page's first heading, if that is of level 1.
                html = f"<title>{escape(page['title'])}</title>{parsed['text']}"
                return self._document(page, page["title"], html.encode(), "text/html")
            page = self._page(str(page["pageid"]))
        raise ConnectorError(f"{page['title']!r} changes faster than it can be read.")

    def _file(self, page: Json) -> Document:
        [info] = page["imageinfo"]
        name = page["title"].partition(":")[2]
        media_type = MEDIA_TYPES.get(PurePosixPath(name).suffix.lower(), info["mime"] or UNKNOWN)
        return self._document(page, name, self._downloaded(info["url"]), media_type)

    def _downloaded(self, url: str) -> bytes:
        try:
            return self._client.get(url).content
        except HttpError as error:
            if error.status == 403 and self._wiki.login and "@" in self._wiki.login[0]:
                raise ConnectorError(
                    f"{shown(url)} answered 403: MediaWiki opens the files of a private wiki to no "
                    "bot password. Name an account of Footnote's own with its own password, or "
                    f"leave namespace {FILES} out."
                ) from error
            raise

    def _document(self, page: Json, title: str, body: bytes, media_type: str) -> Document:
        stamps = [*page["revisions"], *page.get("imageinfo", ())]
        return Document(
            entry=self._entry(page),
            title=title,
            url=page["canonicalurl"],
            body=body,
            media_type=media_type,
            updated_at=max(_time(stamp["timestamp"]) for stamp in stamps),
        )

    def _entry(self, page: Json) -> Entry:
        hashes = [info["sha1"] for info in page.get("imageinfo", ())]
        version = " ".join([str(page["lastrevid"]), page["touched"], *hashes])
        return Entry(f"{self.name}:{page['pageid']}", version, self._readers)

    def _call(self, action: str, **arguments: Any) -> Json:
        """Ask the API, as the account if there is one."""
        if self._wiki.login:
            arguments["assert"] = "user"
        try:
            return self._asked(action, **arguments)
        except APIError as error:
            if error.code != "assertuserfailed":
                raise
        self._site.initialized = False  # the wiki has forgotten the session
        self._site.tokens.clear()
        return self._asked(action, **arguments)

    def _asked(self, action: str, **arguments: Any) -> Json:
        site = self._signed_in()
        answer: Json = site.get(action, formatversion=2, maxlag=MAX_LAG_S, **arguments)
        return answer

    def _signed_in(self) -> mwclient.Site:
        if self._wiki.login and not self._site.initialized:
            user, password = self._wiki.login
            if "@" in user:
                self._site.login(user, password)
            else:
                self._sign_in(user, password)
        return self._site

    def _sign_in(self, user: str, password: str) -> None:
        """Sign in with an account's own password; mwclient's way needs a wiki open to read."""
        answer = self._site.post(
            "clientlogin",
            username=user,
            password=password,
            logintoken=self._site.get_token("login"),
            loginreturnurl=self._wiki.api_url,  # required, and not used
        )["clientlogin"]
        if answer["status"] != "PASS":
            raise LoginError(self._site, answer["status"], answer.get("message", "no reason given"))
        self._site.site_init()

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Turn a refusal, or what MediaWiki would not answer, into a ConnectorError."""
        try:
            yield
        except LoginError as error:
            reason = " ".join(str(error.info).split()).rstrip(".")
            raise ConnectorError(
                f"{self._wiki.api_url} does not accept the account: {reason}. Check user and "
                f"{self._wiki.secret}."
            ) from error
        except APIError as error:
            remedy = _REMEDIES.get(error.code, "Look at the wiki's own log for the reason.")
            raise ConnectorError(
                f"{self._wiki.api_url} refuses: {error.info} ({error.code}). {remedy}"
            ) from error
        except (MwClientError, *_BROKEN) as error:
            raise ConnectorError(
                f"{self._wiki.api_url} did not answer as a MediaWiki does: {type(error).__name__}. "
                "Check that the address ends in api.php and that no login page is before it."
            ) from error

    def _incomplete(self, what: str) -> ConnectorError:
        return ConnectorError(
            f"{self._wiki.api_url} gave an incomplete listing: {what}. Nothing of source "
            f"{self.name!r} is changed; run the ingestion again, and look at the wiki's own log if "
            "it lasts."
        )


def polite(
    api_url: str,
    secret: str,
    *,
    files_url: str | None = None,
    limits: Limits = LIMITS,
    clock: Clock = SYSTEM_CLOCK,
) -> Client:
    """Return a client for a wiki that also waits when the wiki says so in its own way.

    secret: where the password comes from, in words.
    files_url: the other server that serves the wiki's files; it is not signed in to.
    """
    also = frozenset() if files_url is None else frozenset({files_url})
    account = Account(secret=secret)
    return Client(api_url, account, also=also, limits=limits, clock=clock, busy=_is_busy)


def _is_busy(answer: Answer) -> bool:
    return answer.headers.get("MediaWiki-API-Error") in _BUSY_CODES


def _is_document(page: Json) -> bool:
    if page["ns"] != FILES:
        return True
    suffix = PurePosixPath(page["title"]).suffix.lower()
    return "imageinfo" in page and suffix not in SKIPPED_SUFFIXES


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
