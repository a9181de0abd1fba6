"""What may reach the web page, and the headers that everything leaves with.

Gradio brings some sixty routes; the page needs those named here, and the rest is closed.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
MAX_BODY: Final = 2_000_000  # bytes of one request
_HOST: Final = re.compile(r"(?:\[(?P<address>[^\]]+)\]|(?P<name>[^:]+))(?::\d*)?")
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
    """ASGI middleware: closed routes answer 404, large bodies 413, all answers carry headers.

    Under a name that is neither this machine's nor in `hosts` everything is a 403: a website whose
    name suddenly means 127.0.0.1 would be the page's own site to a browser, and read its answers.
    """

    def __init__(self, app: ASGIApp, *, own: Sequence[BaseRoute], hosts: Collection[str]) -> None:
        self._app = app
        self._own = tuple(own)  # routes of the app besides Gradio's
        self._hosts = LOOPBACK | {host.lower() for host in hosts}

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
        headers = Headers(scope=scope)
        named = headers.getlist("host")
        if len(named) != 1 or _host(named[0]) not in self._hosts:
            return PlainTextResponse(
                f"Footnote does not answer under the name {' '.join(named)!r}. If it is the right "
                "one, as behind a proxy, add it to [web] hosts in Footnote's settings, without a "
                "port, and start `footnote serve` again.",
                403,
            )
        if not self._is_open(scope):
            return PlainTextResponse("Not found", 404)
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


def _host(named: str) -> str:
    """Return the name in a Host header, less its port: "[::1]:7860" is of ::1."""
    match = _HOST.fullmatch(named.lower())
    return (match["address"] or match["name"]) if match else ""


def _is_foreign(headers: Headers) -> bool:
    """Whether another site's script sent this: Gradio itself would let it, with cookies."""
    site = headers.get("sec-fetch-site", "none")
    return site in {"cross-site", "same-site"} and headers.get("sec-fetch-mode") != "navigate"
