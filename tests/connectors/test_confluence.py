"""The Confluence connector, Cloud and Data Center, over HTTP against a server of this machine."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from connectors.base import Document, Entry
from connectors.client import LIMITS, Client, Limits
from connectors.confluence import ConfluenceConnector
from connectors.confluence_api import polite
from connectors.confluence_cloud import CloudSite
from connectors.confluence_server import ServerSite
from tests.connectors.confluence_server import TOKEN, USER, Confluence, confluence
from tests.connectors.test_client import FakeClock
from tests.contracts.connector import ConnectorContract

STAFF = frozenset({"group:staff"})


def connector(
    server: Confluence,
    *spaces: str,
    url: str = "",
    limits: Limits = LIMITS,
    admitted: frozenset[str] | None = None,
    clock: FakeClock | None = None,
) -> ConfluenceConnector:
    """Return a connector; url: of a proxy before the server."""
    login = (USER if server.cloud else None, TOKEN)
    home = url + server.url[server.url.index("/", 8) :] if url else server.url
    media = server.media_url if server.cloud else None
    time = (clock or FakeClock()).clock()
    client: Client = polite(home, login, "WIKI_TOKEN", media_url=media, limits=limits, clock=time)
    site = (
        CloudSite(home, client)
        if server.cloud
        else ServerSite(home, client, user_domain="x.example")
    )
    return ConfluenceConnector("conf", site, spaces=spaces, admitted=admitted)


def listed(server: Confluence) -> dict[str, Entry]:
    return {entry.id: entry for entry in connector(server).entries()}


def document(server: Confluence, id: str) -> Document:
    return connector(server).fetch(Entry(id, "?", frozenset()))


def fill(server: Confluence) -> None:
    """Seven pages in three levels, two attachments and a comment."""
    server.page_size = 3
    server.add("1", "Home", "<p>Welcome.</p>")
    server.add("2", "Travel", "<h2>Trains and buses</h2><p>Second class.</p>", parent="1")
    server.add("3", "Hotels", "<p>At most 120 euro.</p>", parent="2")
    for number in range(4, 8):
        server.add(str(number), f"Page {number}", f"<p>Number {number}.</p>", parent="1")
    server.add("20", "rates.txt", "Rates of hotels", type="attachment", parent="3")
    server.add("21", "photo.png", "PNG", type="attachment", parent="3")
    server.add("30", "", "<p>Is 125 fine?</p>", type="comment", parent="3")


@pytest.fixture(params=[True, False], ids=["cloud", "data center"])
def server(request: pytest.FixtureRequest) -> Iterator[Confluence]:
    with confluence(cloud=request.param) as server:
        fill(server)
        yield server


@dataclass
class Wiki:
    """What the contract wants of a source."""

    server: Confluence

    def connector(self) -> ConfluenceConnector:
        return connector(self.server)

    def change(self) -> str:
        self.server.edit("3", "<p>At most 130 euro.</p>")
        return "conf:3"

    def remove(self) -> str:
        self.server.contents["7"].status = "trashed"
        return "conf:7"

    def damage(self) -> None:
        self.server.missing_scope = "search"


class TestContract(ConnectorContract):
    @pytest.fixture
    def source(self, server: Confluence) -> Wiki:
        return Wiki(server)
