"""The DokuWiki connector against a real DokuWiki, directly and through a bad proxy."""

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import requests

from connectors.base import ConnectorError, Document
from connectors.client import Limits
from connectors.dokuwiki import DokuWikiConnector, polite
from connectors.dokuwiki_acl import Names, access
from ingest import parse
from tests.connectors.test_client import PATIENT, FakeClock
from tests.connectors.web_server import Reply, Request, in_turn, serving
from tests.contracts.connector import ConnectorContract
from tests.servers.dokuwiki import ADMIN, READER, DokuWiki, dokuwiki
from tests.servers.php import keep, reset
from tests.servers.proxy import FAULTS, SILENCE_S, Proxy, proxied

pytestmark = pytest.mark.server

NAMES = Names("acme.example")
RULES = {"*": {"@ALL": 1, "@user": 8}, "hr:*": {"@ALL": 0, "@hr": 16}, "it:*": {"@interns": 0}}
PLAN = b"The move to Ghent is planned for May."
LEAVE = """====== Leave ======
Everybody has 26 days.

===== Carry over & bänked days =====
Ten days until the end of March.
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DokuWiki]:
    with dokuwiki(tmp_path_factory.mktemp("dokuwiki")) as wiki:
        wiki.save("hr:leave", LEAVE)
        wiki.save("it:vpn", "====== VPN ======\nUse Harbor.")
        wiki.save("start", "====== Welcome ======\nHello.")
        wiki.upload("hr:plan.txt", PLAN)
        wiki.upload("roof.png", b"\x89PNG\r\n\x1a\n")
        wiki.set_rules(RULES)
        keep(wiki.folder)
        yield wiki


@pytest.fixture
def wiki(installed: DokuWiki) -> DokuWiki:
    reset(installed.folder)
    return installed


def connector(
    url: str,
    limits: Limits = PATIENT,
    login: tuple[str, str] = ADMIN,
    readers: frozenset[str] | None = None,
    memory: Path | None = None,
    clock: FakeClock | None = None,
) -> DokuWikiConnector:
    secret = "the environment variable WIKI_PASSWORD"
    client = polite(url, login, secret, limits=limits, clock=(clock or FakeClock()).clock())
    return DokuWikiConnector("doku", url, client, names=NAMES, readers=readers, memory=memory)


def documents(source: DokuWikiConnector) -> dict[str, Document]:
    return {entry.id: source.fetch(entry) for entry in source.entries()}


class DokuWikiSource:
    def __init__(self, wiki: DokuWiki) -> None:
        self.wiki = wiki

    def connector(self) -> DokuWikiConnector:
        return connector(self.wiki.url)

    def change(self) -> str:
        self.wiki.save("it:vpn", "Use Pier.")
        return "doku:it:vpn"

    def remove(self) -> str:
        self.wiki.save("start", "")
        return "doku:start"

    def damage(self) -> None:
        (self.wiki.folder / "state/conf/acl.auth.php").unlink()


class TestDokuWikiConnector(ConnectorContract):
    @pytest.fixture
    def source(self, wiki: DokuWiki) -> DokuWikiSource:
        return DokuWikiSource(wiki)


class TestContent:
    def test_pages_and_files_are_documents_images_are_not(self, wiki: DokuWiki) -> None:
        found = documents(connector(wiki.url))
        assert {"doku:hr:leave", "doku:it:vpn", "doku:start", "doku:media/hr:plan.txt"} <= set(
            found
        )
        assert "doku:media/roof.png" not in found
        plan = found["doku:media/hr:plan.txt"]
        assert (plan.body, plan.media_type, plan.title) == (PLAN, "text/plain", "plan.txt")

    def test_a_citation_opens_at_the_section(self, wiki: DokuWiki) -> None:
        parsed = parse.parse(documents(connector(wiki.url))["doku:hr:leave"])
        assert parsed.title == "Leave"
        address = parsed.places[-1].url
        assert address == f"{wiki.url}/doku.php?id=hr:leave#carry_over_baenked_days"
        opened = requests.get(address, auth=ADMIN, timeout=60).text
        assert f'id="{unquote(urlsplit(address).fragment)}"' in opened

    def test_a_file_opens_at_its_address(self, wiki: DokuWiki) -> None:
        plan = documents(connector(wiki.url))["doku:media/hr:plan.txt"]
        assert requests.get(plan.url, auth=ADMIN, timeout=60).content == PLAN

    def test_nothing_that_a_page_links_to_or_embeds_is_fetched(self, wiki: DokuWiki) -> None:
        with serving(in_turn(Reply())) as elsewhere, proxied(wiki.url) as proxy:
            wiki.save("it:vpn", f"{elsewhere.url}/a.pdf {{{{{elsewhere.url}/b.png}}}}")
            entry = next(e for e in connector(proxy.url).entries() if e.id == "doku:it:vpn")
            parse.parse(connector(proxy.url).fetch(entry))
            assert elsewhere.requests == []
        assert {request.path for request in proxy.seen} == {"/lib/exe/xmlrpc.php"}


class TestReaders:
    """Promises B8 and B9, scenarios 7 and 11."""

    def readers(self, wiki: DokuWiki) -> dict[str, tuple[set[str], set[str]]]:
        entries = connector(wiki.url).entries()
        return {entry.id: (set(entry.readers), set(entry.denied)) for entry in entries}

    def test_the_wikis_own_rules_become_readers(self, wiki: DokuWiki) -> None:
        found = self.readers(wiki)
        assert found["doku:start"] == ({"everyone", "group:user"}, set())
        assert found["doku:hr:leave"] == ({"group:hr"}, set())
        assert found["doku:media/hr:plan.txt"] == ({"group:hr"}, set())
        assert found["doku:it:vpn"] == ({"everyone", "group:user"}, {"group:interns"})

    def test_a_page_that_becomes_restricted_is_so_in_the_next_listing_text_unchanged(
        self, wiki: DokuWiki
    ) -> None:
        before = {entry.id: entry for entry in connector(wiki.url).entries()}["doku:start"]
        wiki.set_rules({**RULES, "start": {"@ALL": 0, "@board": 1}})
        after = {entry.id: entry for entry in connector(wiki.url).entries()}["doku:start"]
        assert after.version == before.version
        assert after.readers == {"group:board"}

    def test_readers_of_the_settings_replace_the_wikis_rules(self, wiki: DokuWiki) -> None:
        staff = frozenset({"group:staff"})
        entries = list(connector(wiki.url, login=READER, readers=staff).entries())
        assert {entry.readers for entry in entries} == {staff}
        assert "doku:hr:leave" not in {entry.id for entry in entries}

    def test_an_account_that_may_not_read_the_rules_lists_nothing(self, wiki: DokuWiki) -> None:
        with pytest.raises(ConnectorError, match="superuser rights.*WIKI_PASSWORD"):
            list(connector(wiki.url, login=READER).entries())

    def test_a_wrong_password_is_said_to_be_wrong(self, wiki: DokuWiki) -> None:
        with pytest.raises(ConnectorError, match="does not accept.*WIKI_PASSWORD"):
            list(connector(wiki.url, login=(ADMIN[0], "wrong")).entries())

    def test_nobody_reads_more_than_in_the_wiki_itself(self, wiki: DokuWiki) -> None:
        """Against the wiki's own judgement, for random rules, people and pages."""
        chance = random.Random(7)
        groups, people = ("hr", "it", "interns"), ("ann", "bob")
        scopes = ("*", "hr:*", "hr:pay:*", "hr:pay:2026")
        pages = ("start", "hr:leave", "hr:pay:2025", "hr:pay:2026")
        subjects = ("@ALL", *(f"@{group}" for group in groups), *people)
        asked = stricter = 0
        for _ in range(12):
            acl = {
                scope: {who: chance.choice((0, 1)) for who in subjects if chance.random() < 0.35}
                for scope in scopes
            }
            acl["*"].setdefault("@ALL", chance.choice((0, 1)))
            wiki.set_rules(acl)
            for page in pages:
                person = chance.choice(people)
                member = [group for group in groups if chance.random() < 0.5]
                truth = wiki.editor.send("wiki.aclCheck", page, person, member) >= 1
                allowed, denied = access(acl, page, NAMES)
                own = {"everyone", f"user:{person}@acme.example", *(f"group:{g}" for g in member)}
                ours = bool(own & allowed) and not own & denied
                assert truth or not ours, (acl, page, person, member)
                if not denied:
                    assert ours == truth, (acl, page, person, member)
                asked += 1
                stricter += truth and not ours
        assert asked == 48
        assert stricter <= 5


def short(reply: Reply) -> Reply:
    """A listing without one of its fields."""
    members = list(re.finditer(rb"<member>(?:(?!<member>).)*?</member>", reply.body, re.S))
    start, end = members[-1].span()
    return replace(reply, body=reply.body[:start] + reply.body[end:])


class TestFaults:
    """Promise A9: a listing is complete or an error, so a half-failed wiki deletes nothing."""

    @pytest.fixture
    def proxy(self, wiki: DokuWiki) -> Iterator[Proxy]:
        with proxied(wiki.url) as running:
            running.counts = lambda request: request.method == "POST"
            yield running

    def test_an_unspoiled_proxy_changes_nothing(self, wiki: DokuWiki, proxy: Proxy) -> None:
        direct = list(connector(wiki.url).entries())
        assert list(connector(proxy.url).entries()) == direct
        assert proxy.counted == 7

    @pytest.mark.parametrize("page", [0, 1, 4, 6])  # of version, 2 × pages, 2 × files, 2 × rules
    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_spoiled_answer_is_an_error(self, proxy: Proxy, fault: str, page: int) -> None:
        proxy.fault = FAULTS[fault]
        proxy.spoiled = lambda number: number >= page
        limits = replace(PATIENT, read_s=SILENCE_S - 1, attempts=2)
        with pytest.raises(ConnectorError) as caught:
            list(connector(proxy.url, limits=limits).entries())
        assert len(str(caught.value)) > 60
        assert proxy.counted > page

    @pytest.mark.parametrize("page", range(1, 7))
    def test_a_listing_that_came_short_once_is_an_error(self, proxy: Proxy, page: int) -> None:
        proxy.fault = short
        proxy.spoiled = lambda number: number == page
        with pytest.raises(ConnectorError, match="twice and not alike"):
            list(connector(proxy.url).entries())


def test_what_is_no_wiki_is_an_error() -> None:
    for body in (b"{}", b"", b"<html></html>", b"<methodResponse/>"):
        with serving(in_turn(Reply(body=body))) as server, pytest.raises(ConnectorError):
            list(connector(server.url).entries())


def test_an_answer_of_another_form_is_an_error(wiki: DokuWiki) -> None:
    def renamed(reply: Reply) -> Reply:
        return replace(reply, body=reply.body.replace(b"<name>rev</name>", b"<name>r</name>"))

    def is_call(request: Request) -> bool:
        return b"getPagelist" in request.body

    with proxied(wiki.url) as proxy:
        proxy.counts, proxy.fault, proxy.spoiled = is_call, renamed, lambda number: True
        with pytest.raises(ConnectorError, match="as a DokuWiki does"):
            list(connector(proxy.url).entries())
