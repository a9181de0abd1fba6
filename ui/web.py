"""The web page: Gradio's wiring around `ui.chat`, the document viewer, and the server.

Knows no user: who asks is what `principals` says of a request.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import gradio as gr
import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from gradio.blocks import Block

from index.base import Store, StoreError
from rag.base import Answerer
from ui import conversation, viewer
from ui.chat import MAX_QUESTION, Chat, Screen
from ui.middleware import Doors
from ui.ratings import Rate

log = logging.getLogger(__name__)

CONCURRENT = 4  # questions answered at a time; more wait
WAITING = 32  # questions that may wait; more are refused
SANS = ("system-ui", "-apple-system", "Segoe UI", "Noto Sans", "Helvetica Neue", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Noto Sans Mono", "monospace")

Principals = Callable[[gr.Request], frozenset[str]]
Updates = dict[Block, Any]  # component -> its new value, as Gradio takes it

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32"'
    ' rx="7" fill="#1d5c63"/><path d="M8 9h9M8 15h11M8 21h7" stroke="#fff" stroke-width="2.4"'
    ' stroke-linecap="round"/><text x="20" y="14" font-family="serif" font-size="12"'
    ' font-weight="700" fill="#fdeeb5">1</text></svg>'
)
_BRAND = '<p class="brand">Footnote<sup>1</sup></p>'
_BAR = (
    '<div class="bar"><button type="button" data-toggle="list" aria-label="Conversations">'
    f"☰</button>{_BRAND}"
    '<button type="button" data-toggle="sources" aria-label="Sources">Sources</button></div>'
)
_WELCOME = (
    "<h1>What would you like to know?</h1><p>Answers come from the pages you may read, and every "
    "sentence says which.</p>"
)
_HINT = (
    '<p class="hint">Check the source before you rely on an answer. <span class="keys">'
    "<kbd>Enter</kbd> sends, <kbd>Shift</kbd> <kbd>Enter</kbd> makes a new line.</span></p>"
)
_SOURCES_HEAD = (
    '<div class="head"><h2>Sources</h2>'
    '<button type="button" data-toggle="sources" aria-label="Close">✕</button></div>'
)


@dataclass(frozen=True, slots=True)
class Site:
    """What a company decides of its page."""

    examples: tuple[str, ...] = ()  # questions offered at the start; the first three are shown
    hosts: frozenset[str] = frozenset()  # names it answers under besides this machine's own


OWN_MACHINE = Site()


@dataclass(frozen=True, slots=True)
class _Parts:
    """The components of the page that change."""

    box: gr.Textbox
    pending: gr.State
    turns: gr.HTML
    live: gr.HTML
    evidence: gr.HTML
    live_evidence: gr.HTML
    kept: gr.BrowserState
    chooser: gr.Radio
    welcome: gr.Column
    delete: gr.Button

    def outputs(self) -> list[Block]:
        """Return every component, in the order of the fields."""
        return [getattr(self, name) for name in self.__slots__]

    def updates(self, screen: Screen) -> Updates:
        """Return what a screen changes."""
        changed: Updates = {
            getattr(self, name): value
            for name in ("turns", "live", "evidence", "live_evidence", "pending")
            if (value := getattr(screen, name)) is not None
        }
        box: dict[str, Any] = {}
        if screen.box is not None:
            box["value"] = screen.box
        if screen.pending is not None:
            busy = bool(screen.pending)
            box |= {"submit_btn": not busy, "stop_btn": busy, "interactive": True}
        if box:
            changed[self.box] = gr.update(**box)
        if screen.welcome is not None:
            changed[self.welcome] = gr.update(visible=screen.welcome)
        if screen.shelf is not None:
            shelf = screen.shelf
            changed[self.kept] = conversation.dump(shelf)
            titles = [(each.title, each.id) for each in shelf.conversations]
            known = any(each.id == shelf.open_id for each in shelf.conversations)
            chosen = shelf.open_id if known else None
            changed[self.chooser] = gr.update(choices=titles, value=chosen)
            changed[self.delete] = gr.update(visible=known)
        return changed


def build(
    answerer: Answerer,
    store: Store,
    *,
    principals: Principals,
    now: Callable[[], datetime],
    rate: Rate,
    site: Site = OWN_MACHINE,
    routers: Sequence[APIRouter] = (),
) -> FastAPI:
    """Return the conversation page, the document viewer and what other routers bring, as one app.

    rate: writes down what somebody thinks of an answer.
    """
    app = FastAPI(title="Footnote", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_documents(store, principals, now))
    for router in routers:
        app.include_router(router)
    own = tuple(app.routes)
    here = Path(__file__)
    style = here.with_name("web.css").read_text(encoding="utf-8")
    script = here.with_name("web.js").read_text(encoding="utf-8")
    gr.mount_gradio_app(
        app,
        blocks(Chat(answerer, store, now, rate), principals, site.examples),
        path="/",
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=False,
        max_file_size=1,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=gr.themes.Base(font=SANS, font_mono=MONO),
        # not css=, which rewrites selectors and breaks ":is(a, b)"
        head=f"<style>{style}</style><script>{script}</script>",
    )
    app.add_middleware(Doors, own=own, hosts=site.hosts)
    return app


def blocks(chat: Chat, principals: Principals, examples: Sequence[str]) -> gr.Blocks:
    """Return the conversation page."""
    made: gr.Blocks = gr.Blocks(title="Footnote", analytics_enabled=False, fill_width=True)
    with made:
        new, parts, offered = _layout(examples)
        _wire(made, chat, principals, parts, new, offered)
        _wire_votes(chat, principals, parts.turns)
    made.queue(max_size=WAITING, default_concurrency_limit=CONCURRENT, api_open=False)
    return made


def _documents(store: Store, principals: Principals, now: Callable[[], datetime]) -> APIRouter:
    """Return the routes of the document viewer and of the page's icon."""
    router = APIRouter()

    @router.get("/document/{document_id:path}")
    def document(request: Request, document_id: str, at: str | None = None) -> Response:
        try:
            chunks = store.read(document_id, principals(gr.Request(request)))
            shown = viewer.page(chunks, at, now())
        except StoreError:
            log.exception("index unusable")
            shown = viewer.unavailable()
        return Response(shown.body, shown.status, shown.headers, "text/html")

    @router.get("/favicon.ico")
    def icon() -> Response:
        return Response(_ICON, media_type="image/svg+xml")

    return router


def serve(app: FastAPI, *, host: str, port: int) -> None:
    """Serve until the process is told to stop."""
    uvicorn.run(
        app, host=host, port=port, log_level="warning", access_log=False, server_header=False
    )


def _layout(examples: Sequence[str]) -> tuple[gr.Button, _Parts, list[gr.Button]]:
    """Place every component; return the button for a new conversation, the parts, the examples."""
    with gr.Row(elem_id="shell"):
        with gr.Column(elem_id="list"):
            _html(_BRAND)
            new = gr.Button("New conversation", elem_id="new")
            chooser = gr.Radio([], label="Conversations", elem_id="chooser")
            delete = gr.Button("Delete this conversation", elem_id="delete", visible=False)
        with gr.Column(elem_id="talk"):
            _html(_BAR)
            with gr.Column(elem_id="scroll"):
                with gr.Column(elem_id="welcome", visible=False) as welcome:
                    _html(_WELCOME)
                    offered = [gr.Button(text, elem_classes="example") for text in examples[:3]]
                votes = Path(__file__).with_name("votes.js").read_text(encoding="utf-8")
                turns = _html("", elem_id="turns", js_on_load=votes)
                live = _html("", elem_id="live")
            with gr.Column(elem_id="ask"):
                box = gr.Textbox(
                    placeholder="Ask a question",
                    label="Your question",
                    show_label=False,
                    container=False,
                    lines=1,
                    max_lines=6,
                    max_length=MAX_QUESTION,
                    # Gradio loses a question that is asked while the page still loads
                    interactive=False,
                    submit_btn=True,
                    elem_id="box",
                )
                _html(_HINT)
        with gr.Column(elem_id="evidence"):
            _html(_SOURCES_HEAD)
            evidence = _html("", elem_id="kept-evidence")
            live_evidence = _html("", elem_id="live-evidence")
    kept = gr.BrowserState(None, storage_key="footnote", secret="footnote")  # no secret: a name
    pending = gr.State("")
    parts = _Parts(
        box, pending, turns, live, evidence, live_evidence, kept, chooser, welcome, delete
    )
    return new, parts, offered


def _html(value: str, elem_id: str | None = None, js_on_load: str | None = None) -> gr.HTML:
    return gr.HTML(value, elem_id=elem_id, apply_default_css=False, js_on_load=js_on_load)


def _wire_votes(chat: Chat, principals: Principals, turns: gr.HTML) -> None:
    def vote(event: gr.LikeData, request: gr.Request) -> None:
        gr.Info(chat.vote(str(event.value), str(event.liked), principals(request)))

    turns.like(vote, show_progress="hidden", api_visibility="private")


def _wire(
    made: gr.Blocks,
    chat: Chat,
    principals: Principals,
    parts: _Parts,
    new: gr.Button,
    offered: Sequence[gr.Button],
) -> None:
    """Say what happens on each thing a person does."""

    def ask(text: str, kept: object, request: gr.Request) -> Iterator[Updates]:
        for screen in chat.ask(text, conversation.load(kept), principals(request)):
            yield parts.updates(screen)

    def load(kept: object, request: gr.Request) -> Updates:
        return parts.updates(chat.load(conversation.load(kept), principals(request)))

    def choose(chosen: str | None, kept: object, request: gr.Request) -> Updates:
        shelf = conversation.load(kept)
        return parts.updates(chat.open(shelf, chosen or "", principals(request)))

    def begin(kept: object, request: gr.Request) -> Updates:
        return choose(None, kept, request)

    def delete(kept: object) -> Updates:
        return parts.updates(chat.delete(conversation.load(kept)))

    def stopped(pending: str) -> Updates:
        return parts.updates(chat.stopped(pending))

    common: dict[str, Any] = {
        "outputs": parts.outputs(),
        "show_progress": "hidden",
        "api_visibility": "private",
    }
    # Each starts from what any tab of the browser kept last, and keeps what it changes: web.js
    latest: dict[str, Any] = {"js": "(kept) => window.footnote.latest(kept)"}
    latest_too: dict[str, Any] = {"js": "(value, kept) => [value, window.footnote.latest(kept)]"}
    asks: list[dict[str, Any]] = [
        source(
            ask,
            [text, parts.kept],
            trigger_mode="once",
            concurrency_id="ask",
            **latest_too,
            **common,
        )
        for source, text in [
            (parts.box.submit, parts.box),
            *((each.click, each) for each in offered),
        ]
    ]
    # the work ends first: a word that comes late would undo what the handler shows
    ending: dict[str, Any] = {"cancels": asks, "queue": False, "api_visibility": "private"}
    parts.box.stop(None, **ending).then(stopped, [parts.pending], **common)
    chosen = parts.chooser.input(None, **ending)
    begun, deleted = new.click(None, **ending), parts.delete.click(None, **ending)
    done: list[Any] = [
        *asks,
        chosen.then(choose, [parts.chooser, parts.kept], **latest_too, **common),
        begun.then(begin, [parts.kept], **latest, **common),
        deleted.then(delete, [parts.kept], **latest, **common),
        made.load(load, [parts.kept], **latest, **common),
    ]
    _share(done, parts.kept)


def _share(done: Sequence[Any], kept: gr.BrowserState) -> None:
    """Let the browser's other tabs know what each of some requests kept."""
    for each in done:
        keep = "(kept) => window.footnote.keep(kept)"
        each.success(None, [kept], js=keep, api_visibility="private")
