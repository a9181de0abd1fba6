"""The web app's routes: the page, the document viewer, and every door that is closed."""

import asyncio
from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from index.base import Chunk, StoreError
from tests.ui.fake_answers import (
    EVERYONE,
    NOW,
    MemoryStore,
    Ratings,
    ScriptedAnswerer,
    answered,
    chunks,
    citation,
    document,
    streamed,
)
from ui import web
from ui.middleware import MAX_BODY

LEAVE = chunks(document("wiki:people/leave", "Leave"), [("", "Everyone has 25 days.")])
SECRET = chunks(
    document("wiki:bonus", "Bonuses", readers=frozenset({"group:hr"})), [("", "Ann gets 900.")]
)
ANSWER = answered("25 days. [1]", [citation(LEAVE[0], "25 days")])


class FragileStore(MemoryStore):
    """An index with one document that cannot be read."""

    def read(self, document_id: str, principals: frozenset[str]) -> list[Chunk]:
        if document_id == "wiki:damaged":
            raise StoreError("data/generations/000001 is damaged")
        return super().read(document_id, principals)


async def app_for(*routers: APIRouter) -> FastAPI:
    """Return the app; async, since Gradio opens event loops where none runs and forgets them."""
    return web.build(
        ScriptedAnswerer({"*": streamed(ANSWER, [LEAVE[0]])}),
        FragileStore([LEAVE, SECRET]),
        principals=lambda request: frozenset(
            {*EVERYONE, f"group:{request.headers.get('x-group', 'none')}"}
        ),
        now=lambda: NOW,
        rate=Ratings(),
        site=web.Site(
            ("How many days of leave do I have?", "b", "c", "never shown"),
            frozenset({"Footnote.acme.example"}),
        ),
        routers=routers,
    )


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    router = APIRouter()
    router.add_api_route("/api/ask", lambda: {"ok": True}, methods=["POST"])
    with TestClient(asyncio.run(app_for(router)), base_url="http://127.0.0.1:7860") as made:
        yield made


def test_the_page_is_served_with_its_own_style_and_script(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Three panes on paper" in page.text
    assert "What the page does without asking the server" in page.text
    assert "fonts.googleapis" not in page.text + client.get("/theme.css").text


def test_three_examples_are_offered(client: TestClient) -> None:
    config = client.get("/config").text
    assert "How many days of leave do I have?" in config
    assert "never shown" not in config


def test_no_handler_is_offered_as_an_api(client: TestClient) -> None:
    config = client.get("/config").json()
    visibilities = {dependency["api_visibility"] for dependency in config["dependencies"]}
    assert visibilities == {"private"}
    assert client.get("/gradio_api/info").json()["named_endpoints"] == {}


def test_the_page_may_only_reach_its_own_server(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_document_is_shown_with_its_quote(client: TestClient) -> None:
    page = client.get("/document/wiki:people/leave?at=13-20")
    assert page.status_code == 200
    assert 'Everyone has <mark id="quote">25 days</mark>.' in page.text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["cache-control"] == "private, no-store"


def test_a_forbidden_document_is_told_from_a_missing_one_by_nothing(client: TestClient) -> None:
    forbidden = client.get("/document/wiki:bonus?at=0-3")
    missing = client.get("/document/wiki:nothing?at=0-3")
    assert forbidden.status_code == missing.status_code == 404
    assert forbidden.content == missing.content
    assert dict(forbidden.headers) == dict(missing.headers)


def test_a_document_opens_for_who_may_read_it(client: TestClient) -> None:
    page = client.get("/document/wiki:bonus", headers={"x-group": "hr"})
    assert "Ann gets 900." in page.text


def test_a_question_put_into_the_viewers_address_is_not_repeated(client: TestClient) -> None:
    page = client.get("/document/<script>alert(1)</script>?at=<script>alert(2)</script>")
    assert page.status_code == 404
    assert "alert" not in page.text


def test_an_unusable_index_is_a_503_without_its_path(client: TestClient) -> None:
    page = client.get("/document/wiki:damaged")
    assert page.status_code == 503
    assert "000001" not in page.text


def test_the_icon_is_an_image(client: TestClient) -> None:
    icon = client.get("/favicon.ico")
    assert icon.headers["content-type"] == "image/svg+xml"


CLOSED = [
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/gradio_api/openapi.json"),
    ("GET", "/gradio_api/file=pyproject.toml"),
    ("GET", "/gradio_api/proxy=https://evil.example/x"),
    ("POST", "/gradio_api/upload"),
    ("POST", "/gradio_api/run/predict"),
    ("POST", "/gradio_api/api/ask"),
    ("POST", "/gradio_api/call/ask"),
    ("POST", "/gradio_api/component_server"),
    ("POST", "/gradio_api/vibe-edit"),
    ("GET", "/gradio_api/vibe-code"),
    ("GET", "/gradio_api/deep_link"),
    ("GET", "/gradio_api/runs"),
    ("GET", "/monitoring"),
    ("GET", "/monitoring/summary"),
    ("GET", "/login_check"),
    ("GET", "/token"),
    ("GET", "/gradio_api/token"),
    ("GET", "/custom_component/x/y/z/w"),
    ("GET", "/gradio_api/stream/a/b/c/playlist.m3u8"),
    ("GET", "/svelte/x"),
    ("GET", "/pwa_icon"),
    ("GET", "//document/wiki:people/leave"),
]


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_what_the_page_does_not_need_is_closed(client: TestClient, method: str, path: str) -> None:
    reply = client.request(method, path)
    assert (reply.status_code, reply.text) == (404, "Not found")


def test_routes_of_other_modules_stay_open(client: TestClient) -> None:
    assert client.post("/api/ask").json() == {"ok": True}


def test_another_sites_script_is_refused_and_its_links_are_not(client: TestClient) -> None:
    join = {"data": [], "fn_index": 0, "session_hash": "x"}
    foreign = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}
    assert client.post("/gradio_api/queue/join", json=join, headers=foreign).status_code == 403
    assert client.get("/document/wiki:people/leave", headers=foreign).status_code == 403
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/document/wiki:people/leave", headers=link).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "[::1]",
        "footnote.acme.example", "Footnote.ACME.example:443",
    ],
)  # fmt: skip
def test_the_page_answers_under_its_own_names(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:7860", "127.0.0.1.evil.example", "evil.example:80:127.0.0.1",
        "localhost.evil.example", "xlocalhost", "evil@localhost", "[::1].evil.example", "::1", "",
        "0.0.0.0:7860", "acme.example", "x.footnote.acme.example", "127.0.0.1,evil.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/document/wiki:people/leave", "/gradio_api/queue/data"])
def test_a_website_that_calls_this_machine_by_its_own_name_reads_nothing(
    client: TestClient, host: str, path: str
) -> None:
    reply = client.get(path, headers={"host": host, "sec-fetch-site": "same-origin"})
    assert reply.status_code == 403
    assert repr(host) in reply.text
    assert "[web] hosts" in reply.text
    assert reply.headers["content-type"].startswith("text/plain")
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_two_names_at_once_are_none(client: TestClient) -> None:
    twice = [("host", "localhost"), ("host", "evil.example")]
    assert client.get("/", headers=twice).status_code == 403


def test_a_body_that_is_too_large_or_of_unknown_size_is_refused(client: TestClient) -> None:
    large = client.post("/gradio_api/queue/join", content=b"x" * (MAX_BODY + 1))
    assert large.status_code == 413
    unknown = client.post("/gradio_api/queue/join", content=iter([b"x"]))
    assert unknown.status_code == 411


def test_every_answer_forbids_guessing_its_type(client: TestClient) -> None:
    for path in ("/", "/document/none", "/nothing", "/favicon.ico"):
        reply = client.get(path)
        assert reply.headers["x-content-type-options"] == "nosniff", path
