"""What may reach the web page, and the headers that everything leaves with.

Gradio brings some sixty routes; the page needs those named here, and the rest is closed.
"""

from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY: Final = 2_000_000  # bytes of one request
GRADIO: Final = frozenset(
    {
        "/",
        "/config",
        "/theme.css",
        "/manifest.json",
        "/robots.txt",
        "/gradio_api/info",
        "/gradio_api/startup-events",
        "/gradio_api/queue/join",
        "/gradio_api/queue/data",
        "/gradio_api/cancel",
        "/gradio_api/reset",
    }
)
GRADIO_FOLDERS: Final = ("/assets/", "/static/", "/gradio_api/heartbeat/")
# Gradio's page is inline scripts and a template compiler; what matters is that nothing that slips
# through can reach another machine.
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'none'; "
    "frame-ancestors 'none'"
)


class Doors:
    """ASGI middleware: closed routes answer 404, large bodies 413, all answers carry headers."""

    def __init__(self, app: ASGIApp, *, own: Sequence[BaseRoute]) -> None:
        self._app = app
        self._own = tuple(own)  # routes of the app besides Gradio's

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it may."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", POLICY)
                headers.setdefault("Referrer-Policy", "same-origin")
                headers.setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        if not self._is_open(scope):
            return PlainTextResponse("Not found", 404)
        headers = Headers(scope=scope)
        if _is_foreign(headers):
            return PlainTextResponse("Ask from Footnote's own page", 403)
        if "transfer-encoding" in headers:
            return PlainTextResponse("Send a Content-Length", 411)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return PlainTextResponse(f"At most {MAX_BODY} bytes", 413)
        return None

    def _is_open(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if path in GRADIO or path.startswith(GRADIO_FOLDERS):
            return True
        return any(route.matches(scope)[0] is not Match.NONE for route in self._own)


def _is_foreign(headers: Headers) -> bool:
    """Whether another site's script sent this: Gradio itself would let it, with cookies."""
    site = headers.get("sec-fetch-site", "none")
    return site in {"cross-site", "same-site"} and headers.get("sec-fetch-mode") != "navigate"
