"""Promise D4, for every source over HTTP: no request leaves the servers that the settings name."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from connectors.base import Connector, ConnectorError
from connectors.client import Account, Client
from connectors.slack import SlackConnector
from connectors.slack_api import SlackApi
from connectors.slack_files import Files
from connectors.slack_memory import Memory
from connectors.slack_roster import Selection
from tests.connectors import (
    test_confluence,
    test_dokuwiki,
    test_drives,
    test_gdrive,
    test_mediawiki,
    test_notion,
    test_sharepoint,
)
from tests.connectors.confluence_server import confluence
from tests.connectors.google_drive import google_drive
from tests.connectors.graph import graph
from tests.connectors.notion_server import notion
from tests.connectors.slack_company import SlackCompany
from tests.connectors.test_client import PATIENT, FakeClock
from tests.connectors.web_server import Reply, WebServer, in_turn, serving
from tests.servers.dokuwiki import dokuwiki
from tests.servers.mediawiki import mediawiki
from tests.servers.proxy import Proxy, proxied
from tests.ui.slack_server import BOT_TOKEN, TEAM

ALL = frozenset({"everyone"})
ENVIRONMENT = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
HASTY = replace(PATIENT, attempts=1)
MOVED = (301, 303, 307)
ADDRESS = re.compile(rb"https?:(?:\\?/){2}[^/\"'<>\\?\s]+")


@dataclass
class Source:
    """A source behind a proxy; each connector is a new process'."""

    proxy: Proxy
    connector: Callable[[], Connector]

    def read(self) -> int:
        """Return how many documents there are, or were until the connector gave up."""
        count = 0
        self.proxy.seen.clear()
        self.proxy.counts, self.proxy.counted = lambda request: True, 0
        try:
            source = self.connector()
            for entry in list(source.entries()):
                source.fetch(entry)
                count += 1
        except ConnectorError:
            pass
        return count


@contextmanager
def a_confluence(*, cloud: bool) -> Iterator[Source]:
    with confluence(cloud=cloud) as server, proxied(server.url.rpartition("/")[0]) as proxy:
        test_confluence.fill(server)
        yield Source(proxy, lambda: test_confluence.connector(server, url=proxy.url, limits=HASTY))


@contextmanager
def a_dokuwiki() -> Iterator[Source]:
    with folder() as path, dokuwiki(path) as wiki, proxied(wiki.url) as proxy:
        wiki.save("it:vpn", "Use TCP 443.")
        wiki.upload("it:plan.txt", b"The plan.")
        yield Source(proxy, lambda: test_dokuwiki.connector(proxy.url, HASTY))


@contextmanager
def a_drive(kind: str) -> Iterator[Source]:
    with test_drives.served(kind, {"a.txt": "One.", "b/c.txt": "Two."}) as server:
        assert isinstance(server, test_drives.S3Server | test_drives.WebDavServer)
        yield Source(server.proxy, lambda: test_drives.connector(server.drive()))


@contextmanager
def a_google_drive() -> Iterator[Source]:
    with google_drive() as drive, proxied(drive.url) as proxy:
        drive.folder("top")
        drive.put("a", b"Bikes are in shed 3.", "top", name="bikes.txt")
        drive.document("b", "<p>26 days.</p>", "top")
        drive.url = proxy.url
        yield Source(proxy, test_gdrive.Nights(drive, limits=HASTY).connector)


@contextmanager
def a_mediawiki() -> Iterator[Source]:
    with folder() as path, mediawiki(path) as wiki, proxied(wiki.url) as proxy:
        wiki.upload("Plan.txt", b"The plan.")
        yield Source(proxy, lambda: test_mediawiki.connector(proxy.url, FakeClock(), limits=HASTY))


@contextmanager
def a_notion() -> Iterator[Source]:
    with notion() as server, proxied(server.url) as proxy:
        test_notion.fill(server)
        server.attach("p2", "f1", "rates.txt", b"Rates of hotels.")
        yield Source(proxy, lambda: test_notion.connector(server, url=proxy.url, limits=HASTY))


@contextmanager
def a_sharepoint() -> Iterator[Source]:
    with graph() as server, proxied(server.url) as proxy:
        server.put("a", b"26 days.", name="Leave policy.md")
        server.url, server.page_size = proxy.url, 1
        yield Source(proxy, test_sharepoint.Nights(server, limits=HASTY).connector)


@contextmanager
def a_slack() -> Iterator[Source]:
    with SlackCompany() as company, proxied(company.files_origin) as proxy:
        person = {"id": "U1", "team_id": TEAM, "profile": {"email": "ann@x.example"}}
        company.users["U1"] = person
        company.add_channel("C1", "general")
        file = company.share("F1", b"The plan.", url_private=f"{proxy.url}/files-pri/T-F1/F1.txt")
        said = {"ts": "1772438400.000001", "user": "U1", "text": "See.", "files": [file]}
        company.put("C1", said)

        def connector() -> Connector:
            api = SlackApi(BOT_TOKEN, url=f"{proxy.url}/api/", sleep=lambda seconds: None)
            account = Account({"Authorization": f"Bearer {BOT_TOKEN}"})
            files = Files(api, Client(proxy.url, account, limits=HASTY))
            memory = Memory(None, reread_days=7)
            return SlackConnector("slack", api, Selection(ALL), memory, files=files)

        yield Source(proxy, connector)


@contextmanager
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


SOURCES: dict[str, Callable[[], AbstractContextManager[Source]]] = {
    "confluence cloud": partial(a_confluence, cloud=True),
    "confluence data center": partial(a_confluence, cloud=False),
    "dokuwiki": a_dokuwiki,
    "gdrive": a_google_drive,
    "mediawiki": a_mediawiki,
    "notion": a_notion,
    "s3": partial(a_drive, "s3"),
    "sharepoint": a_sharepoint,
    "slack": a_slack,
    "webdav": partial(a_drive, "webdav"),
}
MARKS = {
    **dict.fromkeys(("confluence cloud", "confluence data center", "notion"), pytest.mark.slow),
    **dict.fromkeys(("dokuwiki", "mediawiki", "s3", "webdav"), pytest.mark.server),
}


@pytest.fixture(params=[pytest.param(each, marks=MARKS.get(each, ())) for each in SOURCES])
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    with SOURCES[request.param]() as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[WebServer]:
    """A server that the settings do not name, and that answers whatever it is asked."""
    with serving(in_turn(Reply())) as running:
        yield running


def moved(to: WebServer, number: int, reply: Reply) -> Reply:
    return Reply(MOVED[number % 3], b"", {"Location": f"{to.url}/x"})


def test_no_redirect_leads_to_another_server(source: Source, elsewhere: WebServer) -> None:
    assert source.read() > 0
    requests = len(source.proxy.seen)
    assert requests > 1
    for number in range(requests):
        source.proxy.fault, source.proxy.spoiled = partial(moved, elsewhere, number), number.__eq__
        source.read()
        assert source.proxy.counted > number
        assert elsewhere.requests == []


def test_no_address_in_an_answer_leads_to_another_server(
    source: Source, elsewhere: WebServer
) -> None:
    changed: list[bytes] = []

    def elsewhere_all(reply: Reply) -> Reply:
        body = reply.body.replace(b"href>/", f"href>{elsewhere.url}/".encode())
        body = ADDRESS.sub(elsewhere.url.encode(), body)
        changed.extend([body] * (body != reply.body))
        return replace(reply, body=body)

    assert source.read() > 0
    requests = len(source.proxy.seen)
    for number in range(requests):
        source.proxy.fault, source.proxy.spoiled = elsewhere_all, number.__eq__
        source.read()
    assert elsewhere.requests == []
    assert changed


def test_no_variable_of_the_environment_leads_to_another_server(
    source: Source, elsewhere: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, elsewhere.url)
    monkeypatch.setenv("AWS_DEFAULTS_MODE", "auto")
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert source.read() > 0
    assert elsewhere.requests == []
