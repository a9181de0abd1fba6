"""The page in a real browser: what a person sees, and what never happens."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, Dialog, Page, Request, Response, expect, sync_playwright

from index.base import Chunk, StoreError
from rag.base import Answer, Event, Found, Quote
from tests.ui.fake_answers import (
    EVERYONE,
    NOW,
    MemoryStore,
    Ratings,
    ScriptedAnswerer,
    abstained,
    answered,
    chunks,
    citation,
    document,
    hit,
    streamed,
)
from ui import web

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
TEXT = "Everyone has 25 days of leave a year. Days that are carried over lapse on 31 March."
LEAVE = chunks(document("wiki:people/leave", "Leave", url=""), [("Annual leave", TEXT)])
PAY = chunks(document("slack:C1/17", "#people", kind="slack"), [("", "Nadia: they do lapse.")])
ANSWER = answered(
    "You have 25 days of leave a year. [1] Days carried over lapse on 31 March. [1][2]",
    [citation(LEAVE[0], "25 days of leave a year"), citation(PAY[0], "they do lapse", marker=2)],
)
LONG = answered(" ".join(["word"] * 400) + " [1]", [citation(LEAVE[0], "25 days")])

XSS = [
    "<script>window.xss=1</script>",
    "<img src=x onerror=window.xss=1>",
    "<svg/onload=window.xss=1>",
    "<body onload=window.xss=1>",
    "<iframe srcdoc='<script>parent.xss=1</script>'>",
    "<details open ontoggle=window.xss=1>",
    "<input autofocus onfocus=window.xss=1>",
    "<a href='javascript:window.xss=1'>x</a>",
    "[x](javascript:window.xss=1)",
    "![x](x' onerror='window.xss=1)",
    "'\"><img src=x onerror=window.xss=1>",
    '" autofocus onfocus=window.xss=1 x="',
    "' onmouseover=window.xss=1 x='",
    "&lt;img src=x onerror=window.xss=1&gt;",
    "&#60;script&#62;window.xss=1&#60;/script&#62;",
    "</title></style></textarea><script>window.xss=1</script>",
    "${window.xss=1}",
    "{{constructor.constructor('window.xss=1')()}}",
    "`${window.xss=1}`",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.xss=1>",
    "javascript:window.xss=1",
    "<style>@import 'http://evil.example/x'</style><link rel=stylesheet href=//evil.example>",
]


@dataclass(slots=True)
class Site:
    """A running server and what it was asked."""

    url: str
    answerer: ScriptedAnswerer
    examples: tuple[str, ...]
    ratings: Ratings


def hostile_chunk(number: int) -> Chunk:
    """Return a document with a payload wherever text comes from elsewhere."""
    bad = XSS[number]
    info = document(f"wiki:{number}", f"Title {bad}", url=bad, kind=bad)
    (chunk,) = chunks(info, [(f"Heading {bad}", f"before {bad} after")])
    return chunk


def hostile_answer(found: Sequence[Chunk]) -> Answer:
    """Return an answer that says every payload and cites every hostile document."""
    sources = [
        replace(citation(chunk, "before", marker), quotes=(Quote(chunk.text, 0, chunk.end),))
        for marker, chunk in enumerate(found, start=1)
    ]
    text = " ".join(f"It says {bad} [{marker}]" for marker, bad in enumerate(XSS, start=1))
    return answered(text, sources, [citation(chunk, "") for chunk in found])


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    scripts: dict[str, list[Event | Exception]] = {
        "How many days of leave do I have?": streamed(ANSWER, [LEAVE[0], PAY[0]]),
        "Long?": streamed(LONG, [LEAVE[0]]),
        "Broken?": [StoreError("data is damaged")],
        "Nothing?": [
            Found((hit(PAY[0]),)),
            abstained("I did not find it.", [citation(PAY[0], "")]),
        ],
    }
    hostile = [hostile_chunk(number) for number in range(len(XSS))]
    scripts["*"] = streamed(hostile_answer(hostile), hostile)
    ratings = Ratings("a1")
    answerer = ScriptedAnswerer({**scripts}, pause=lambda: time.sleep(0.02))
    examples = ("How many days of leave do I have?", "Nothing?", "Broken?")
    store = MemoryStore([LEAVE, PAY, *([chunk] for chunk in hostile)])
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        servers: list[uvicorn.Server] = []

        async def run() -> None:
            app = web.build(
                answerer,
                store,
                principals=lambda _request: EVERYONE,
                now=lambda: NOW,
                rate=ratings,
                site=web.Site(examples),
            )
            servers.append(uvicorn.Server(uvicorn.Config(app, log_level="error")))
            await servers[0].serve([listening])

        thread = threading.Thread(target=lambda: asyncio.run(run()))
        thread.start()
        while not (servers and servers[0].started):
            time.sleep(0.05)
        yield Site(f"http://127.0.0.1:{port}", answerer, examples, ratings)
        servers[0].force_exit = servers[0].should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    made = context.new_page()
    made.goto(site.url)
    made.wait_for_selector(".example")
    yield made
    context.close()


def ask(page: Page, question: str) -> None:
    box = page.get_by_label("Your question")
    box.fill(question)
    box.press("Enter")


def test_words_stream_and_a_chip_opens_its_evidence(page: Page, tmp_path: Path) -> None:
    page.screenshot(path=tmp_path / "empty.png")
    ask(page, "How many days of leave do I have?")
    expect(page.locator("#live-evidence .card")).to_have_count(2)
    page.wait_for_selector("#live .caret")
    page.screenshot(path=tmp_path / "streaming.png")
    expect(page.locator("#turns .confidence")).to_have_text("Well supported")
    expect(page.locator("#live .turn")).to_have_count(0)
    fold = page.locator("#evidence .sources.active .source").nth(1)
    fold.locator("summary").click()
    assert fold.get_attribute("open") is None
    page.locator("#turns .chip").nth(2).click()
    assert fold.get_attribute("open") is not None
    assert "flash" in (fold.get_attribute("class") or "")
    expect(fold.locator("mark")).to_have_text("they do lapse")
    page.screenshot(path=tmp_path / "answered.png")


def test_a_vote_and_its_reason_are_written_down(page: Page, site: Site) -> None:
    ask(page, "How many days of leave do I have?")
    votes = page.locator("#turns .votes")
    expect(votes.get_by_role("button")).to_have_count(2)
    votes.get_by_label("This did not help").click()
    expect(page.get_by_text("Thank you: that is written down.")).to_be_visible()
    votes.get_by_role("button", name="outdated").click()
    expect(votes.get_by_role("button", name="outdated")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("Thank you: that is written down.")).to_have_count(2)
    feedback = [(each.answer_id, each.vote, each.reason) for each, _ in site.ratings.given]
    assert feedback == [("a1", "down", None), ("a1", "down", "outdated")]


def test_a_source_without_a_web_address_opens_at_its_quote(page: Page) -> None:
    ask(page, "How many days of leave do I have?")
    with page.context.expect_page() as opened:
        page.locator("#evidence a.open").first.click()
    viewer = opened.value
    expect(viewer.locator("h1")).to_have_text("Leave")
    expect(viewer.locator("mark#quote")).to_have_text("25 days of leave a year")
    assert viewer.url.endswith("/document/wiki:people/leave?at=13-36#quote")


def test_an_earlier_answers_chip_brings_back_its_sources(page: Page) -> None:
    ask(page, "How many days of leave do I have?")
    expect(page.locator("#turns .confidence")).to_have_count(1)
    ask(page, "Nothing?")
    expect(page.locator("#turns .confidence")).to_have_count(2)
    expect(page.locator("#evidence .sources.active")).to_have_text("No sources for this answer.")
    page.locator("#turns .chip").first.click()
    expect(page.locator("#evidence .sources.active .source")).to_have_count(2)


def test_not_found_is_honest_and_failure_is_clear(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Nothing?").click()
    expect(page.locator("#turns .confidence")).to_have_text("Not found")
    assert page.locator("#turns .chip, #turns mark").count() == 0
    expect(page.locator("#turns .label")).to_contain_text("not confirmed")
    ask(page, "Broken?")
    expect(page.locator("#turns [role=alert]")).to_contain_text("The index cannot be read")
    page.screenshot(path=tmp_path / "failed.png")


def test_conversations_survive_a_reload_and_can_be_reopened_and_deleted(page: Page) -> None:
    ask(page, "How many days of leave do I have?")
    expect(page.locator("#turns .confidence")).to_have_count(1)
    sources = page.locator("#evidence .sources.active")  # beside it Gradio's unseen progress stands
    turns, evidence = page.locator("#turns").inner_html(), sources.inner_text()
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator("#welcome")).to_be_visible()
    ask(page, "Nothing?")
    expect(page.locator("#chooser label")).to_have_count(2)
    page.reload()
    expect(page.locator("#turns .question")).to_have_text("Nothing?")
    page.locator("#chooser label").nth(1).click()
    expect(page.locator("#turns .question")).to_have_text("How many days of leave do I have?")
    expect(sources.locator(".source")).to_have_count(2)
    assert sources.inner_text() == evidence
    assert text_of(page.locator("#turns").inner_html()) == text_of(turns)
    page.get_by_role("button", name="Delete this conversation").click()
    expect(page.locator("#chooser label")).to_have_count(1)
    expect(page.locator("#welcome")).to_be_visible()


def test_two_tabs_keep_each_others_conversations(page: Page, site: Site) -> None:
    other = page.context.new_page()
    other.goto(site.url)
    other.wait_for_selector(".example")
    ask(page, "Long?")  # still answered when the other tab keeps its own
    page.wait_for_selector("#live .caret")
    ask(other, "Nothing?")
    expect(other.locator("#turns .confidence")).to_have_count(1)
    expect(page.locator("#turns .confidence")).to_have_count(1, timeout=30_000)
    ask(other, "How many days of leave do I have?")
    expect(other.locator("#turns .confidence")).to_have_count(2)
    expect(other.locator("#turns .question").first).to_have_text("Nothing?")
    expect(other.locator("#chooser label")).to_have_text(["Nothing?", "Long?"])
    page.reload()
    expect(page.locator("#chooser label")).to_have_text(["Nothing?", "Long?"])


def test_a_conversation_deleted_in_one_tab_stays_deleted(page: Page, site: Site) -> None:
    ask(page, "Nothing?")
    expect(page.locator("#turns .confidence")).to_have_count(1)
    other = page.context.new_page()
    other.goto(site.url)
    expect(other.locator("#chooser label")).to_have_text(["Nothing?"])
    other.get_by_role("button", name="Delete this conversation").click()
    expect(other.locator("#chooser label")).to_have_count(0)
    page.get_by_role("button", name="New conversation").click()
    expect(page.locator("#chooser label")).to_have_count(0)
    ask(page, "How many days of leave do I have?")
    expect(page.locator("#chooser label")).to_have_text(["How many days of leave do I have?"])


def text_of(html: str) -> str:
    """Return the article; Gradio's wrappers have random ids."""
    return html[html.index("<article") : html.rindex("</article>")]


def test_stopping_ends_the_work_and_gives_the_question_back(page: Page, site: Site) -> None:
    before = site.answerer.closed_early
    ask(page, "Long?")
    page.wait_for_selector("#live .caret")
    page.locator("#box .stop-button").click()
    expect(page.get_by_label("Your question")).to_have_value("Long?")
    expect(page.locator("#live .turn")).to_have_count(0)
    wait_until(lambda: site.answerer.closed_early == before + 1)


def test_closing_the_tab_ends_the_work(browser: Browser, site: Site) -> None:
    before = site.answerer.closed_early
    context = browser.new_context()
    page = context.new_page()
    page.goto(site.url)
    page.wait_for_selector(".example")
    ask(page, "Long?")
    page.wait_for_selector("#live .caret")
    context.close()
    wait_until(lambda: site.answerer.closed_early == before + 1)


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(40):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it did not happen within four seconds")


def test_two_people_are_answered_at_the_same_time(browser: Browser, site: Site) -> None:
    pages = []
    for _ in range(2):
        page = browser.new_context().new_page()
        page.goto(site.url)
        page.wait_for_selector(".example")
        pages.append(page)
    for page in pages:
        ask(page, "Long?")
    for page in pages:
        page.wait_for_selector("#live .caret")
    assert all(page.locator("#live .caret").count() for page in pages)
    for page in pages:
        page.context.close()


def test_no_request_leaves_the_machine(browser: Browser, site: Site) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    hosts: set[str | None] = set()
    failed: list[str] = []

    def sent(request: Request) -> None:
        hosts.add(urlsplit(request.url).hostname)

    def answered_with(reply: Response) -> None:
        if reply.status >= 400:
            failed.append(reply.url)

    page.on("request", sent)
    page.on("response", answered_with)
    page.goto(site.url)
    page.wait_for_selector(".example")
    ask(page, "How many days of leave do I have?")
    expect(page.locator("#turns .confidence")).to_have_count(1)
    page.goto(f"{site.url}/document/wiki:people/leave?at=13-36#quote")
    expect(page.locator("mark")).to_be_visible()
    assert hosts - {None} == {"127.0.0.1"}
    assert failed == []
    context.close()


def test_no_script_of_a_text_runs(page: Page, site: Site) -> None:
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    ask(page, "\n".join(XSS))
    expect(page.locator("#turns .chip")).to_have_count(len(XSS), timeout=20_000)
    page.locator("#evidence .also > summary").click()
    page.locator("#turns .chip").last.hover()
    assert page.evaluate("window.xss") is None
    foreign = "[...document.querySelectorAll('#shell a')].map(a => a.getAttribute('href'))"
    assert {href.split("?")[0] for href in page.evaluate(foreign)} == {
        f"/document/wiki:{number}" for number in range(len(XSS))
    }
    injected = (
        "#turns :is(img, svg, iframe, script, style, link, input), #evidence :is(img, iframe)"
    )
    assert page.locator(injected).count() == 0
    page.reload()
    expect(page.locator("#turns .chip")).to_have_count(len(XSS))
    assert page.evaluate("window.xss") is None
    for number in range(len(XSS)):
        page.goto(f"{site.url}/document/wiki:{number}?at=0-20#quote")
        expect(page.locator("mark#quote")).to_have_count(1)
        assert page.evaluate("window.xss") is None
        assert page.locator("body :is(script, img, svg, iframe, a)").count() == 0
    assert dialogs == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_one_pane_and_slides_the_others_in(
    browser: Browser, site: Site, tmp_path: Path, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 820})
    page = context.new_page()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(site.url)
    page.wait_for_selector(".example")
    ask(page, "How many days of leave do I have?")
    page.locator("#turns .chip").first.click()
    sheet = page.locator("#evidence")
    expect(sheet.locator("mark").first).to_be_visible()
    page.screenshot(path=tmp_path / f"phone-{scheme}.png")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.get_by_role("button", name="Conversations", exact=True).click()
    expect(page.locator("#chooser label")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    context.close()
