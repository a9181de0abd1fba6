"""A real server of the streamed chat completions protocol on this machine, with faults on demand.

The scripted model writes the replies, so that what a client made it generate can be counted.
"""

import json
import socket
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from tests.fake_models import ScriptedModel

KEY = "sk-test"
PACE_S = 0.005  # between two tokens: what is in flight when a client leaves is little
LOGPROB = -0.25  # of every token


Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens instead of a reply."""

    status: int = 200
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    stream: Literal["", "cut", "reset", "silent", "error", "garbage"] = ""  # after two tokens


@dataclass
class CompletionServer:
    """The state of one server; a test may change it at any time."""

    reply: ScriptedModel
    address: str = ""
    model: str = "house-model"
    key: str = ""  # "" lets everyone in
    fault: Fault = field(default_factory=Fault)
    logprobs: bool = True
    batch: int = 1  # tokens in one event
    obeys: bool = True  # max_tokens
    page: bool = False  # answers 200 with what is no stream
    requests: list[Json] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)  # a client closed early


@contextmanager
def running(reply: ScriptedModel) -> Iterator[CompletionServer]:
    """Serve on a free port of this machine until the block ends."""
    state = CompletionServer(reply)

    class Handler(_Handler):
        served = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: CompletionServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each reply waits 40 ms for an acknowledgement

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: pytest's output is for the tests."""

    def do_GET(self) -> None:
        if self.path == "/v1/models" and self._allowed():
            self._answer(200, json.dumps({"data": [{"id": self.served.model}]}))
        else:
            self._answer(404, "not found")

    def do_POST(self) -> None:
        state = self.served
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        state.requests.append(request)
        state.headers.append(dict(self.headers.items()))
        if state.fault.status != 200:
            self._answer(state.fault.status, state.fault.body, *state.fault.headers)
        elif not self._allowed():
            self._answer(401, json.dumps({"error": {"message": "Incorrect API key provided."}}))
        elif state.page:
            self._answer(200, "<html>It works!</html>", ("Content-Type", "text/html"))
        elif self.path != "/v1/chat/completions":
            self._answer(404, "not found")
        elif request["model"] != state.model:
            self._answer(404, json.dumps({"error": {"message": "no such model"}}))
        else:
            self._stream(request)

    def _allowed(self) -> bool:
        return self.served.key in (
            "",
            self.headers.get("Authorization", "").removeprefix("Bearer "),
        )

    def _answer(self, status: int, body: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def _stream(self, request: Json) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        tokens = self._generated(request)
        try:
            for number, event in enumerate(tokens):
                if number == 2 and self.served.fault.stream:
                    return self._fail(self.served.fault.stream)
                self._send(json.dumps(event))
                time.sleep(PACE_S)
            self._send("[DONE]")
            self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            self.served.left.set()
            self.close_connection = True
        finally:
            tokens.close()

    def _generated(self, request: Json) -> Generator[Json, None, None]:
        state, asked = self.served, request["max_tokens"]
        limit = asked if state.obeys else 10**6
        system, user = (message["content"] for message in request["messages"])
        yield _event({"role": "assistant", "content": ""}, None, None)
        said, piece = 0, ""
        tokens = state.reply.generate(system, user, max_tokens=limit)
        for said, token in enumerate(tokens, start=1):
            piece += token.text
            if said % state.batch == 0:
                yield _event(
                    {"content": piece}, [LOGPROB] * state.batch, None, self._wants(request)
                )
                piece = ""
        if piece:
            yield _event({"content": piece}, [LOGPROB], None, self._wants(request))
        yield _event({}, None, "length" if said == limit else "stop")

    def _wants(self, request: Json) -> bool:
        return bool(self.served.logprobs and request["logprobs"])

    def _send(self, data: str) -> None:
        body = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")

    def _fail(self, how: str) -> None:
        self.close_connection = True
        match how:
            case "cut":  # a whole HTTP message, half a reply
                self.wfile.write(b"0\r\n\r\n")
            case "reset":
                self.connection.shutdown(socket.SHUT_RDWR)
            case "silent":
                self.served.left.wait(2)
            case "error":
                self._send(json.dumps({"error": {"message": "CUDA out of memory", "code": 500}}))
            case "garbage":
                self._send("<html>It works!</html>")


def _event(
    delta: Json, logprobs: list[float] | None, reason: str | None, wanted: bool = False
) -> Json:
    content = [{"token": "?", "logprob": value} for value in logprobs or ()]
    choice = {
        "index": 0,
        "delta": delta,
        "logprobs": {"content": content} if wanted else None,
        "finish_reason": reason,
    }
    return {"object": "chat.completion.chunk", "choices": [choice]}
