"""The HTTP client against real servers on this machine."""

import gzip
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
import trustme

from connectors.base import ConnectorError
from connectors.client import Account, Client, Clock, HttpError, Limits
from connectors.origin import origin, shown
from tests.connectors.web_server import Reply, WebServer, in_turn, serving

TOKEN = "Bearer s3cret"
ACCOUNT = Account(
    {"Authorization": TOKEN}, "the environment variable WIKI_TOKEN", "the right 'read'"
)
PATIENT = Limits()
FOUND = Reply(body=b'{"found": true}')


@dataclass
class FakeClock:
    """Time that passes only while sleeping."""

    time: float = 0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.time, self.sleep)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving(in_turn(FOUND)) as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[WebServer]:
    with serving(in_turn(FOUND)) as running:
        yield running


def client(
    server: WebServer,
    clock: FakeClock,
    also: frozenset[str] = frozenset(),
    limits: Limits = PATIENT,
) -> Client:
    return Client(server.url, ACCOUNT, also=also, limits=limits, clock=clock.clock())


class TestOrigins:
    def test_an_origin_that_was_not_named_is_not_asked(
        self, server: WebServer, elsewhere: WebServer, clock: FakeClock
    ) -> None:
        with client(server, clock) as web, pytest.raises(ConnectorError, match="was not asked"):
            web.get(f"{elsewhere.url}/page")
        assert elsewhere.requests == []

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_to_another_origin_is_not_followed(
        self, server: WebServer, elsewhere: WebServer, clock: FakeClock, status: int
    ) -> None:
        server.answer = in_turn(Reply(status, headers={"Location": f"{elsewhere.url}/login"}))
        with client(server, clock) as web, pytest.raises(ConnectorError, match="new address"):
            web.get(f"{server.url}/page")
        assert len(server.requests) == 1
        assert elsewhere.requests == []

    def test_a_redirect_within_the_origin_is_followed(
        self, server: WebServer, clock: FakeClock
    ) -> None:
        server.answer = in_turn(Reply(302, headers={"Location": "/moved"}), FOUND)
        with client(server, clock) as web:
            assert web.json("GET", f"{server.url}/page") == {"found": True}
        assert [request.path for request in server.requests] == ["/page", "/moved"]
        assert all(request.headers["Authorization"] == TOKEN for request in server.requests)

    def test_redirects_in_a_circle_end(self, server: WebServer, clock: FakeClock) -> None:
        server.answer = in_turn(Reply(302, headers={"Location": "/again"}))
        with client(server, clock) as web, pytest.raises(ConnectorError, match="redirect"):
            web.get(f"{server.url}/again")

    def test_another_allowed_origin_gets_neither_credentials_nor_cookies(
        self, server: WebServer, elsewhere: WebServer, clock: FakeClock
    ) -> None:
        server.answer = in_turn(
            Reply(
                302,
                headers={"Location": f"{elsewhere.url}/file", "Set-Cookie": "session=s3cret"},
            )
        )
        with client(server, clock, also=frozenset({elsewhere.url})) as web:
            web.get(f"{server.url}/file", headers={"Authorization": TOKEN})
        [request] = elsewhere.requests
        assert "s3cret" not in str(request.headers)

    def test_a_cookie_comes_back_to_its_own_server(
        self, server: WebServer, clock: FakeClock
    ) -> None:
        server.answer = in_turn(Reply(headers={"Set-Cookie": "session=abc"}), FOUND)
        with client(server, clock) as web:
            web.get(f"{server.url}/login")
            web.get(f"{server.url}/page")
        assert server.requests[1].headers["Cookie"] == "session=abc"

    @pytest.mark.parametrize(
        "url",
        [
            "http://ann:s3cret@{host}/page",
            "http://{host}@other.example/page",
            "file:///etc/passwd",
            "ftp://{host}/page",
            "http:///page",
            "//{host}/page",
            "http://{host}:port/page",
        ],
    )
    def test_what_is_no_plain_address_of_the_origin_is_refused(
        self, server: WebServer, clock: FakeClock, url: str
    ) -> None:
        address = url.format(host=server.url.removeprefix("http://"))
        with client(server, clock) as web, pytest.raises(ConnectorError) as caught:
            web.get(address)
        assert "s3cret" not in str(caught.value)
        assert server.requests == []

    def test_a_redirect_with_a_user_name_is_refused(
        self, server: WebServer, clock: FakeClock
    ) -> None:
        host = server.url.removeprefix("http://")
        server.answer = in_turn(Reply(302, headers={"Location": f"http://ann:s3cret@{host}/"}))
        with client(server, clock) as web, pytest.raises(ConnectorError, match="user name"):
            web.get(f"{server.url}/page")
        assert len(server.requests) == 1

    def test_a_name_that_leads_to_this_machine_is_refused_before_anything_is_sent(
        self, server: WebServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        port = server.url.rpartition(":")[2]
        monkeypatch.setattr(
            "urllib3.util.connection.socket.getaddrinfo",
            lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", int(port)))],
        )
        url = f"http://wiki.acme.example:{port}/"
        message = r"wiki\.acme\.example.*127\.0\.0\.1.*DNS"
        web = Client(url, ACCOUNT, clock=clock.clock())
        with web, pytest.raises(ConnectorError, match=message):
            web.get(url)
        assert server.requests == []

    def test_the_environment_neither_redirects_nor_signs_requests(
        self, server: WebServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        with Client(server.url, Account(), clock=clock.clock()) as web:
            web.get(server.url)
        assert len(server.requests) == 1

    def test_the_same_origin_has_one_name(self) -> None:
        assert origin("HTTPS://Wiki.Example/x") == origin("https://wiki.example.:443/y?q#z")
        assert origin("http://wiki.example") != origin("https://wiki.example")

    def test_a_shown_address_holds_no_secret(self) -> None:
        assert shown("https://ann:pw@wiki.example/api?token=x#y") == "https://wiki.example/api"


class TestPatience:
    def test_retry_after_is_waited_for_in_full(self, server: WebServer, clock: FakeClock) -> None:
        server.answer = in_turn(Reply(429, headers={"Retry-After": "120"}), FOUND)
        with client(server, clock) as web:
            assert web.json("GET", server.url) == {"found": True}
        assert clock.slept == [120]

    def test_a_wait_beyond_the_budget_is_an_error_at_once(
        self, server: WebServer, clock: FakeClock
    ) -> None:
        server.answer = in_turn(Reply(429, headers={"Retry-After": "901"}))
        with client(server, clock) as web, pytest.raises(HttpError, match="901 s.*900 s") as error:
            web.get(server.url)
        assert error.value.status == 429
        assert clock.slept == []

    def test_waits_end_when_the_budget_is_spent(self, server: WebServer, clock: FakeClock) -> None:
        server.answer = in_turn(Reply(503, headers={"Retry-After": "200"}))
        with client(server, clock) as web, pytest.raises(ConnectorError, match="busy"):
            web.get(server.url)
        assert clock.slept == [200] * 4

    def test_a_server_that_says_at_once_is_not_hammered(
        self, server: WebServer, clock: FakeClock
    ) -> None:
        server.answer = in_turn(Reply(429, headers={"Retry-After": "0"}))
        with client(server, clock) as web, pytest.raises(ConnectorError):
            web.get(server.url)
        assert clock.slept[:5] == [1, 2, 4, 8, 16]
        assert sum(clock.slept) <= 900

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_without_a_date_it_tries_a_few_times(
        self, server: WebServer, clock: FakeClock, status: int
    ) -> None:
        server.answer = in_turn(Reply(status))
        with client(server, clock) as web, pytest.raises(HttpError, match=f"{status}"):
            web.get(server.url)
        assert len(server.requests) == 5
        assert clock.slept == [1, 2, 4, 8]

    def test_a_short_failure_is_not_noticed(self, server: WebServer, clock: FakeClock) -> None:
        server.answer = in_turn(Reply(500), Reply(body=b"{", length=15), Reply(502), FOUND)
        with client(server, clock) as web:
            assert web.json("GET", server.url) == {"found": True}

    def test_an_answer_cut_short_is_an_error(self, server: WebServer, clock: FakeClock) -> None:
        server.answer = in_turn(Reply(body=b'{"found"', length=15))
        with client(server, clock) as web, pytest.raises(ConnectorError, match="cannot be read"):
            web.get(server.url)

    def test_silence_is_an_error(self, server: WebServer, clock: FakeClock) -> None:
        server.answer = in_turn(Reply(wait_s=0.2))
        web = client(server, clock, limits=Limits(read_s=0.02))
        with web, pytest.raises(ConnectorError, match="did not answer in time"):
            web.get(server.url)

    def test_nobody_there_is_an_error_in_plain_words(self, clock: FakeClock) -> None:
        web = Client("http://127.0.0.1:1", Account(), clock=clock.clock())
        with web, pytest.raises(ConnectorError, match="Connection refused.*Check the address"):
            web.get("http://127.0.0.1:1/")

    def test_a_server_may_say_later_in_its_own_way(
        self, server: WebServer, clock: FakeClock
    ) -> None:
        late = Reply(headers={"Retry-After": "7", "X-Lag": "1"})
        server.answer = in_turn(late, FOUND)

        def lags(response: requests.Response) -> bool:
            return "X-Lag" in response.headers

        with Client(server.url, ACCOUNT, clock=clock.clock(), busy=lags) as web:
            assert web.json("GET", server.url) == {"found": True}
        assert clock.slept == [7]


class TestCertificates:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def secure(self, authority: trustme.CA) -> Iterator[WebServer]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        with serving(in_turn(FOUND), context) as running:
            yield running

    def test_a_stranger_is_not_spoken_to(self, secure: WebServer, clock: FakeClock) -> None:
        with client(secure, clock) as web, pytest.raises(ConnectorError, match="SSL_CERT_FILE"):
            web.get(secure.url)
        assert secure.requests == []
        assert clock.slept == []

    def test_the_companys_own_authority_is_trusted_where_the_machine_trusts_it(
        self,
        authority: trustme.CA,
        secure: WebServer,
        clock: FakeClock,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with client(secure, clock) as web:
            assert web.json("GET", secure.url) == {"found": True}


class TestAnswers:
    @pytest.mark.parametrize(
        ("status", "words"),
        [
            (401, "does not accept the credentials. Check the environment variable WIKI_TOKEN"),
            (403, "Give it the right 'read'"),
            (404, "nothing at this address"),
            (418, "answered 418"),
        ],
    )
    def test_a_refusal_says_what_to_mend(
        self, server: WebServer, clock: FakeClock, status: int, words: str
    ) -> None:
        server.answer = in_turn(Reply(status))
        with client(server, clock) as web, pytest.raises(HttpError, match=words) as error:
            web.get(f"{server.url}/page?token=s3cret")
        assert error.value.status == status
        assert "s3cret" not in str(error.value)
        assert len(server.requests) == 1

    def test_a_body_is_bounded_packed_or_not(self, server: WebServer, clock: FakeClock) -> None:
        limits = Limits(max_bytes=2**20)
        packed = Reply(body=gzip.compress(bytes(2**24)), headers={"Content-Encoding": "gzip"})
        with client(server, clock, limits=limits) as web:
            for reply in (packed, Reply(body=bytes(2**20 + 1))):
                server.answer = in_turn(reply)
                with pytest.raises(ConnectorError, match="more than 1 MiB"):
                    web.get(server.url)
            server.answer = in_turn(Reply(body=bytes(2**20)))
            assert len(web.get(server.url).content) == 2**20

    @pytest.mark.parametrize("body", [b"", b"<html>Log in</html>", b'{"pages": [{"id": 1'])
    def test_what_is_no_json_is_an_error(
        self, server: WebServer, clock: FakeClock, body: bytes
    ) -> None:
        server.answer = in_turn(Reply(body=body))
        with client(server, clock) as web, pytest.raises(ConnectorError, match="JSON"):
            web.json("GET", server.url)

    def test_a_form_can_be_posted(self, server: WebServer, clock: FakeClock) -> None:
        with client(server, clock) as web:
            web.json("POST", server.url, data={"user": "ann"})
        assert server.requests[0].body == b"user=ann"
        assert json.loads(FOUND.body) == {"found": True}
