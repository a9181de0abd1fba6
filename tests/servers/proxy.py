"""A reverse proxy that spoils chosen answers of a real server on this machine."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tests.connectors.web_server import Reply, Request, serving

SILENCE_S = 3  # longer than a slow machine takes for an answer

Fault = Callable[[Reply], Reply]

_NOT_COPIED = frozenset(
    {"connection", "content-length", "date", "server", "set-cookie", "transfer-encoding"}
)


def half_the_bytes(reply: Reply) -> Reply:
    """A document that ends in the middle, announced with the length that it has."""
    return replace(reply, body=reply.body[: len(reply.body) // 2])


FAULTS: dict[str, Fault] = {
    "401": lambda reply: Reply(401, b"Unauthorized"),
    "403": lambda reply: Reply(403, b"Forbidden"),
    "429": lambda reply: Reply(429, b"Slow down", {"Retry-After": "120"}),
    "500": lambda reply: Reply(500, b"Oops"),
    "timeout": lambda reply: replace(reply, wait_s=SILENCE_S),
    "connection lost": lambda reply: replace(reply, length=len(reply.body) + 9),
    "200, no bytes": lambda reply: replace(reply, body=b""),
    "200, empty object": lambda reply: replace(reply, body=b"{}"),
    "truncated": half_the_bytes,
    "login page": lambda reply: Reply(200, b"<html><form>Log in</form></html>"),
}


@dataclass
class Proxy:
    """Spoils the answers to those of the requests that it `counts` whose number is `spoiled`."""

    url: str
    upstream: str
    counts: Callable[[Request], bool] = lambda request: False
    fault: Fault = half_the_bytes
    spoiled: Callable[[int], bool] = lambda number: False
    counted: int = 0
    seen: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Reply:
        self.seen.append(request)
        reply = self._forwarded(request)
        if not self.counts(request):
            return reply
        self.counted += 1
        return self.fault(reply) if self.spoiled(self.counted - 1) else reply

    def _forwarded(self, request: Request) -> Reply:
        connection = http.client.HTTPConnection(self.upstream.removeprefix("http://"), timeout=60)
        headers = dict(request.headers.items())
        del headers["Accept-Encoding"]  # faults look into the answers
        connection.request(request.method, request.path, request.body, headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in _NOT_COPIED}
        cookies = tuple(answer.msg.get_all("Set-Cookie") or ())
        return Reply(answer.status, body, headers, cookies)


@contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    """Put a proxy before a server; until it is told otherwise it changes nothing."""
    proxy = Proxy("", upstream)
    with serving(proxy.answer) as server:
        proxy.url = server.url
        yield proxy
