"""The MediaWiki connector against a real, private MediaWiki, directly and through a bad proxy."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest

from connectors.base import ConnectorError, Document
from connectors.client import Limits
from connectors.mediawiki import FILES, MediaWikiConnector, Wiki, polite
from ingest import parse
from tests.connectors.test_client import PATIENT, FakeClock
from tests.connectors.web_server import Reply, Request, WebServer, in_turn, serving
from tests.contracts.connector import ConnectorContract
from tests.servers.mediawiki import BOT, READER, MediaWiki, mediawiki
from tests.servers.php import keep, reset
from tests.servers.proxy import FAULTS, SILENCE_S, Proxy, proxied

pytestmark = pytest.mark.server

READERS = frozenset({"group:staff"})
HOLIDAYS = """Everybody has 26 days.

== Carry over ==
Ten days may be carried over until the end of March.

=== Part time & "bridge" days ===
Pro rata.
"""
PLAN = b"The move to Ghent is planned for May."


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWiki]:
    with mediawiki(tmp_path_factory.mktemp("mediawiki")) as wiki:
        wiki.save("Template:Rate", "42 euros")
        wiki.save("Holidays", HOLIDAYS)
        wiki.save("Alpha", "The first.")
        wiki.save("Beta", "The second: {{rate}}.")
        wiki.save("Gamma", "The third.")
        wiki.save("Zeta", "The last.")
        wiki.save("Old name", "#REDIRECT [[Alpha]]")
        wiki.upload("Plan.txt", PLAN)
        wiki.upload("Roof.png", b"\x89PNG\r\n\x1a\n")
        wiki.maintain("runJobs")
        keep(wiki.folder)
        yield wiki


@pytest.fixture
def wiki(installed: MediaWiki) -> MediaWiki:
    reset(installed.folder)
    return installed


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def connector(
    url: str,
    clock: FakeClock,
    limits: Limits = PATIENT,
    login: tuple[str, str] | None = READER,
) -> MediaWikiConnector:
    api_url = f"{url}/api.php"
    secret = "the environment variable WIKI_PASSWORD"
    client = polite(api_url, secret, limits=limits, clock=clock.clock())
    site = Wiki(api_url, login, (0, FILES), batch=2)
    return MediaWikiConnector("wiki", site, client, readers=READERS)


def titles(source: MediaWikiConnector) -> dict[str, Document]:
    documents = [source.fetch(entry) for entry in source.entries()]
    return {document.title: document for document in documents}


class MediaWikiSource:
    def __init__(self, wiki: MediaWiki) -> None:
        self.wiki = wiki

    def connector(self) -> MediaWikiConnector:
        return connector(self.wiki.url, FakeClock())

    def change(self) -> str:
        return f"wiki:{self.wiki.save('Alpha', 'Changed.')}"

    def remove(self) -> str:
        page = self.wiki.editor.pages["Beta"]
        page.delete("a test")
        return f"wiki:{page.pageid}"

    def damage(self) -> None:
        with sqlite3.connect(self.wiki.folder / "state/db/my_wiki.sqlite") as database:
            database.execute("DROP TABLE image")


class TestMediaWikiConnector(ConnectorContract):
    @pytest.fixture
    def source(self, wiki: MediaWiki) -> MediaWikiSource:
        return MediaWikiSource(wiki)


class TestContent:
    def test_pages_and_files_are_documents_redirects_and_images_are_not(
        self, wiki: MediaWiki, clock: FakeClock
    ) -> None:
        found = titles(connector(wiki.url, clock))
        assert sorted(found) == [
            *("Alpha", "Beta", "Gamma", "Holidays", "Main Page", "Plan.txt", "Zeta")
        ]
        assert found["Plan.txt"].body == PLAN
        assert found["Plan.txt"].media_type == "text/plain"
        assert all(document.entry.readers == READERS for document in found.values())

    def test_a_citation_opens_at_the_section(self, wiki: MediaWiki, clock: FakeClock) -> None:
        page = titles(connector(wiki.url, clock))["Holidays"]
        address, *others = [place.url for place in parse.parse(page).places if "#" in place.url]
        assert address == f"{wiki.url}/index.php/Holidays#Carry_over"
        browser = wiki.editor.connection
        for url in (address, *others):
            opened = browser.get(url).text
            assert f'id="{unquote(urlsplit(url).fragment)}"' in opened

    def test_the_text_is_the_page_without_its_furniture(
        self, wiki: MediaWiki, clock: FakeClock
    ) -> None:
        parsed = parse.parse(titles(connector(wiki.url, clock))["Holidays"])
        assert parsed.title == "Holidays"
        assert "edit" not in parsed.text
        assert parsed.text.split("\n\n") == [
            "Everybody has 26 days.",
            "Carry over",
            "Ten days may be carried over until the end of March.",
            'Part time & "bridge" days',
            "Pro rata.",
        ]

    def test_nothing_that_a_page_links_to_or_embeds_is_fetched(
        self, wiki: MediaWiki, clock: FakeClock
    ) -> None:
        with serving(in_turn(Reply())) as elsewhere:
            wiki.save("Alpha", f"{elsewhere.url}/a.pdf [{elsewhere.url} b] [[File:Roof.png]]")
            with proxied(wiki.url) as proxy:
                parse.parse(titles(connector(proxy.url, clock))["Alpha"])
            assert elsewhere.requests == []
        paths = {urlsplit(request.path).path for request in proxy.seen}
        assert {path.rpartition("/")[2] for path in paths} == {"api.php", "Plan.txt"}


class TestFilesElsewhere:
    """Promise D4: an address that the wiki gives is no permission to go there."""

    @pytest.fixture
    def elsewhere(self) -> Iterator[WebServer]:
        with serving(in_turn(Reply(body=PLAN))) as running:
            yield running

    @pytest.fixture
    def proxy(self, wiki: MediaWiki, elsewhere: WebServer) -> Iterator[Proxy]:
        """The wiki, as it would be with its files on another server."""
        with proxied(wiki.url) as running:
            old, new = (f"{url}/img_auth.php".encode() for url in (running.url, elsewhere.url))
            running.counts = lambda request: "pageids" in request.path
            running.fault = lambda reply: replace(reply, body=reply.body.replace(old, new))
            running.spoiled = lambda number: True
            yield running

    def test_a_file_on_another_server_is_not_fetched(
        self, proxy: Proxy, elsewhere: WebServer, clock: FakeClock
    ) -> None:
        source = connector(proxy.url, clock)
        *_, file = source.entries()
        with pytest.raises(ConnectorError, match="was not asked"):
            source.fetch(file)
        assert elsewhere.requests == []

    def test_a_server_that_the_settings_name_is_asked_without_credentials(
        self, proxy: Proxy, elsewhere: WebServer, clock: FakeClock
    ) -> None:
        api_url = f"{proxy.url}/api.php"
        client = polite(api_url, "-", files_url=elsewhere.url, clock=clock.clock())
        site = Wiki(api_url, READER, (FILES,))
        source = MediaWikiConnector("wiki", site, client, readers=READERS)
        [file] = source.entries()
        assert source.fetch(file).body == PLAN
        [request] = elsewhere.requests
        assert not {"Cookie", "Authorization"} & set(request.headers)


class TestAccounts:
    def test_a_wrong_password_is_said_to_be_wrong(self, wiki: MediaWiki, clock: FakeClock) -> None:
        source = connector(wiki.url, clock, login=(READER[0], "wrong"))
        with pytest.raises(ConnectorError, match="Check user and password"):
            list(source.entries())

    def test_without_an_account_a_private_wiki_says_which_right_lacks(
        self, wiki: MediaWiki, clock: FakeClock
    ) -> None:
        with pytest.raises(ConnectorError, match="right to read"):
            list(connector(wiki.url, clock, login=None).entries())

    def test_a_bot_password_reads_pages_and_says_why_it_reads_no_files(
        self, wiki: MediaWiki, clock: FakeClock
    ) -> None:
        source = connector(wiki.url, clock, login=BOT)
        entries = list(source.entries())
        assert source.fetch(entries[0]).title == "Alpha"
        with pytest.raises(ConnectorError, match="own password, or leave namespace 6 out"):
            source.fetch(entries[-1])

    @pytest.mark.parametrize("login", [READER, BOT])
    def test_a_session_that_the_wiki_lost_is_opened_again(
        self, wiki: MediaWiki, clock: FakeClock, login: tuple[str, str]
    ) -> None:
        source = connector(wiki.url, clock, login=login)
        entries = list(source.entries())
        with sqlite3.connect(wiki.folder / "state/db/wikicache.sqlite") as database:
            assert database.execute("DELETE FROM objectcache").rowcount > 0
        assert source.fetch(entries[0]).title == "Alpha"

    def test_what_is_no_wiki_is_an_error(self, clock: FakeClock) -> None:
        for body in (b"{}", b"[]", b"null", b"", b"<html></html>", b'{"login": {}}'):
            with serving(in_turn(Reply(body=body))) as server, pytest.raises(ConnectorError):
                list(connector(server.url, clock).entries())


class TestChanges:
    """What an admin is promised of the next run (scenarios 1, 5 and 8)."""

    def versions(self, wiki: MediaWiki) -> dict[str, str]:
        return {e.id: e.version for e in connector(wiki.url, FakeClock()).entries()}

    def test_a_moved_page_keeps_its_id_and_gets_its_new_address(
        self, wiki: MediaWiki, clock: FakeClock
    ) -> None:
        before = self.versions(wiki)
        old = titles(connector(wiki.url, clock))["Alpha"]
        wiki.editor.pages["Alpha"].move("Omega", "a test")
        after = self.versions(wiki)
        assert after.keys() == before.keys()
        assert [id for id in after if after[id] != before[id]] == [old.entry.id]
        new = connector(wiki.url, clock).fetch(old.entry)
        assert (new.title, new.url) == ("Omega", f"{wiki.url}/index.php/Omega")

    def test_a_deleted_page_is_not_listed_at_once(self, wiki: MediaWiki, clock: FakeClock) -> None:
        gone = titles(connector(wiki.url, clock))["Zeta"].entry
        wiki.editor.pages["Zeta"].delete("a test")
        assert gone.id not in self.versions(wiki)

    def test_a_page_that_became_a_redirect_is_gone(self, wiki: MediaWiki, clock: FakeClock) -> None:
        gone = titles(connector(wiki.url, clock))["Alpha"].entry
        wiki.save("Alpha", "#REDIRECT [[Beta]]")
        assert gone.id not in self.versions(wiki)
        with pytest.raises(ConnectorError, match="is gone"):
            connector(wiki.url, clock).fetch(gone)

    def test_a_new_version_of_a_file_is_seen_although_no_page_was_edited(
        self, wiki: MediaWiki, clock: FakeClock
    ) -> None:
        before = self.versions(wiki)
        file = titles(connector(wiki.url, clock))["Plan.txt"].entry
        wiki.upload("Plan.txt", PLAN + b" Or June.")
        after = self.versions(wiki)
        assert [id for id in before if after[id] != before[id]] == [file.id]
        assert connector(wiki.url, clock).fetch(file).body == PLAN + b" Or June."

    def test_a_new_file_is_seen_although_no_page_was_edited(self, wiki: MediaWiki) -> None:
        before = self.versions(wiki)
        wiki.upload("More.csv", b"a,b\n1,2\n")
        after = self.versions(wiki)
        assert len(after.keys() - before.keys()) == 1
        assert before.items() <= after.items()

    def test_an_edited_template_changes_the_pages_that_use_it(
        self, wiki: MediaWiki, clock: FakeClock
    ) -> None:
        before = self.versions(wiki)
        beta = titles(connector(wiki.url, clock))["Beta"]
        assert b"42 euros" in beta.body
        wiki.save("Template:Rate", "43 euros")
        wiki.maintain("runJobs")
        after = self.versions(wiki)
        assert [id for id in after if after[id] != before[id]] == [beta.entry.id]
        assert b"43 euros" in connector(wiki.url, clock).fetch(beta.entry).body


def is_listing(request: Request) -> bool:
    return "generator=allpages" in request.path


def short(reply: Reply) -> Reply:
    """A batch without its last page, and no word of it."""
    document = json.loads(reply.body)
    document["query"]["pages"].pop()
    return replace(reply, body=json.dumps(document).encode())


def stopped(reply: Reply) -> Reply:
    """A batch that says that it is the last one."""
    document = json.loads(reply.body)
    document.pop("continue", None)
    document["query"]["pages"].pop()
    return replace(reply, body=json.dumps(document).encode())


class TestFaults:
    """Promise A9: a listing is complete or an error, so a half-failed wiki deletes nothing."""

    @pytest.fixture
    def proxy(self, wiki: MediaWiki) -> Iterator[Proxy]:
        with proxied(wiki.url) as running:
            running.counts = is_listing
            yield running

    @pytest.mark.parametrize(
        "busy",
        [
            Reply(429, b"Slow down", {"Retry-After": "120"}),
            Reply(200, b"{}", {"Retry-After": "120", "MediaWiki-API-Error": "maxlag"}),
        ],
    )
    def test_a_wiki_that_asks_for_time_gets_it_and_is_listed_whole(
        self, wiki: MediaWiki, proxy: Proxy, busy: Reply
    ) -> None:
        clock = FakeClock()
        proxy.fault = lambda reply: busy
        proxy.spoiled = lambda number: number in (1, 3)
        found = list(connector(proxy.url, clock).entries())
        assert found == list(connector(wiki.url, FakeClock()).entries())
        assert clock.slept == [120, 120]

    def test_a_listing_that_goes_in_circles_ends(self, proxy: Proxy) -> None:
        batches: dict[str, Reply] = {}
        proxy.fault = lambda reply: batches.setdefault("first", reply)
        proxy.spoiled = lambda number: number >= 1
        with pytest.raises(ConnectorError, match="the same batch again"):
            list(connector(proxy.url, FakeClock()).entries())
        assert proxy.counted == 3

    def test_an_unspoiled_proxy_changes_nothing(self, wiki: MediaWiki, proxy: Proxy) -> None:
        direct = list(connector(wiki.url, FakeClock()).entries())
        assert list(connector(proxy.url, FakeClock()).entries()) == direct
        assert proxy.counted == 6

    @pytest.mark.parametrize("page", [0, 1, 3, 5])  # of 1 + 3 of articles and 1 + 1 of files
    @pytest.mark.parametrize("fault", [*FAULTS, "short page", "early end"])
    def test_a_spoiled_batch_is_an_error(self, proxy: Proxy, fault: str, page: int) -> None:
        proxy.fault = {**FAULTS, "short page": short, "early end": stopped}[fault]
        proxy.spoiled = lambda number: number >= page
        limits = replace(PATIENT, read_s=SILENCE_S - 1, attempts=2)
        with pytest.raises(ConnectorError) as caught:
            list(connector(proxy.url, FakeClock(), limits=limits).entries())
        assert len(str(caught.value)) > 60
        assert proxy.counted > page
