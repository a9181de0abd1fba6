"""A stand-in for Slack on this machine: its Web API and its Socket Mode, as the bot sees them.

Messages are kept, so that a test reads what people would see; tokens, block limits and the form of
the calls are checked, so that what the real one refuses is refused here.
"""

import asyncio
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import WSMsgType, web

BOT_TOKEN = "xoxb-test"
APP_TOKEN = "xapp-test"
BOT_USER = "U0BOT"
TEAM = "T0HOME"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API."""

    method: str
    arguments: Json
    at: float  # time.monotonic()


@dataclass(slots=True)
class Fault:
    """What a method answers instead of doing its work."""

    status: int = 200
    error: str = ""
    retry_after_s: int | None = None
    times: int = 1
    after: int = 0  # calls answered as usual before
    change: Callable[[bytes], bytes] | None = None  # of the usual answer, instead of an error
    wait_s: float = 0


def member(email: str | None, **changes: Any) -> Json:
    """Return a `user` object as users.info gives it."""
    profile = {} if email is None else {"email": email}
    return {"team_id": TEAM, "profile": profile, "is_email_confirmed": True, **changes}


@dataclass
class SlackServer:
    """Start it with `with`. All state may be read and set from the test's thread."""

    users: dict[str, Json] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)  # envelope ids of events
    acks: Counter[str] = field(default_factory=Counter)  # by envelope id
    messages: dict[tuple[str, str], Json] = field(default_factory=dict)  # by channel, ts
    page_size: int = 200

    def __post_init__(self) -> None:
        self.users[BOT_USER] = member(None, is_bot=True)
        self._changed = threading.Condition()
        self._sockets: list[web.WebSocketResponse] = []
        self._clock = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slack-server")
        self._port = 0

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/api/"

    def __enter__(self) -> Self:
        self._thread.start()
        self._runner = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def new_ts(self) -> str:
        """Return the ts of a message that someone writes now."""
        return f"1795255200.{next(self._clock):06d}"

    def write(self, channel: str, text: str, *, user: str, **fields: Any) -> Json:
        """Keep a person's message; return it. It is not delivered to the bot by itself."""
        message = {"type": "message", "user": user, "text": text, "ts": self.new_ts(), **fields}
        self.messages[channel, message["ts"]] = message
        return message

    def deliver(self, event: Json, *, event_id: str = "", retry: int = 0, **outer: Any) -> str:
        """Send an event over Socket Mode; return the envelope's id."""
        payload = {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": "A0APP",
            "event": event,
            "event_id": event_id or f"Ev{uuid.uuid4().hex[:8]}",
            "event_time": 1795255200,
            "authorizations": [{"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}],
            "is_ext_shared_channel": False,
            **outer,
        }
        envelope = self.send("events_api", payload, retry_attempt=retry, retry_reason="")
        self.delivered.append(envelope)
        return envelope

    def send(self, kind: str, payload: Json, **fields: Any) -> str:
        """Send any envelope ("events_api", "interactive") to every socket; return its id."""
        envelope = {"type": kind, "envelope_id": str(uuid.uuid4()), "payload": payload, **fields}

        async def write() -> None:
            for socket in self._sockets:
                await socket.send_json(envelope)

        asyncio.run_coroutine_threadsafe(write(), self._loop).result(10)
        return str(envelope["envelope_id"])

    def until(self, happened: Callable[[], Any], timeout_s: float = 5) -> None:
        """Wait for something to be true; it is looked at after every call and acknowledgement."""
        with self._changed:
            if not self._changed.wait_for(happened, timeout_s):
                said = [(call.method, call.arguments.get("text")) for call in self.calls]
                raise AssertionError(f"it did not happen within {timeout_s} s; calls: {said}")

    def thread(self, channel: str, ts: str) -> list[Json]:
        """Return the bot's messages of a thread, as people see them now."""
        return [
            message
            for (where, _), message in sorted(self.messages.items())
            if where == channel and message.get("thread_ts") == ts and message["user"] == BOT_USER
        ]

    async def _start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/api/{method}", self._api)
        app.router.add_get("/socket", self._socket)
        self._add_routes(app)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._port = runner.addresses[0][1]
        return runner

    def _add_routes(self, app: web.Application) -> None:
        """Serve more than the Web API, for those who need it."""

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1})
        self._sockets.append(socket)
        self._notify()
        async for received in socket:
            if received.type == WSMsgType.TEXT:
                self.acks[json.loads(received.data)["envelope_id"]] += 1
                self._notify()
        self._sockets.remove(socket)
        return socket

    @property
    def connections(self) -> int:
        return len(self._sockets)

    async def _api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        arguments = await _arguments(request)
        self.calls.append(Call(method, arguments, time.monotonic()))
        try:
            fault = self._fault(method)
            if fault is None:
                return self._answer(method, arguments, request)
            await asyncio.sleep(fault.wait_s)
            if fault.change is not None:
                usual = self._answer(method, arguments, request).body
                assert isinstance(usual, bytes)
                return web.Response(body=fault.change(usual), content_type="application/json")
            headers = (
                {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
            )
            body = {"ok": False, "error": fault.error or "internal_error"}
            return web.json_response(body, status=fault.status, headers=headers)
        finally:
            self._notify()

    def _fault(self, method: str) -> Fault | None:
        """Return the fault that this call meets, None if it is answered as usual."""
        fault = self.faults.get(method)
        if fault is None or fault.times == 0:
            return None
        if fault.after > 0:
            fault.after -= 1
            return None
        fault.times -= 1
        return fault

    def _answer(self, method: str, arguments: Json, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token != (APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN):
            return web.json_response({"ok": False, "error": "invalid_auth"})
        handlers = self._handlers()
        if method not in handlers:
            return web.json_response({"ok": False, "error": "unknown_method"})
        result = handlers[method](arguments)
        return web.json_response({"ok": "error" not in result, **result})

    def _handlers(self) -> dict[str, Callable[[Json], Json]]:
        return {
            "auth.test": self._auth_test,
            "apps.connections.open": self._open,
            "chat.postMessage": self._post,
            "chat.postEphemeral": self._whisper,
            "chat.update": self._update,
            "users.info": self._user,
            "conversations.replies": self._replies,
        }

    def _auth_test(self, _: Json) -> Json:
        return {"user_id": BOT_USER, "bot_id": "B0BOT", "team_id": TEAM, "url": self.api_url}

    def _open(self, _: Json) -> Json:
        return {"url": f"ws://127.0.0.1:{self._port}/socket"}

    def _post(self, arguments: Json) -> Json:
        error = _refused(arguments)
        if error:
            return {"error": error}
        ts = self.new_ts()
        kept = {
            "type": "message",
            "user": BOT_USER,
            "bot_id": "B0BOT",
            "text": arguments.get("text", ""),
            "blocks": arguments.get("blocks") or [],
            "ts": ts,
            "thread_ts": arguments.get("thread_ts"),
        }
        self.messages[arguments["channel"], ts] = kept
        return {"channel": arguments["channel"], "ts": ts, "message": kept}

    def _whisper(self, arguments: Json) -> Json:
        error = _refused(arguments)
        return {"error": error} if error else {"message_ts": self.new_ts()}

    def _update(self, arguments: Json) -> Json:
        kept = self.messages.get((arguments["channel"], arguments["ts"]))
        if kept is None:
            return {"error": "message_not_found"}
        error = "msg_too_long" if len(arguments["text"]) > 4000 else _refused(arguments)
        if error:
            return {"error": error}
        kept["text"] = arguments["text"]
        kept["blocks"] = arguments.get("blocks", kept["blocks"])
        return {"channel": arguments["channel"], "ts": arguments["ts"], "text": kept["text"]}

    def _user(self, arguments: Json) -> Json:
        user = self.users.get(arguments["user"])
        return {"error": "user_not_found"} if user is None else {"user": user}

    def _replies(self, arguments: Json) -> Json:
        channel, thread = arguments["channel"], arguments["ts"]
        found = [
            message
            for (where, ts), message in sorted(self.messages.items())
            if where == channel and thread in {ts, message.get("thread_ts")}
        ]
        return self._page("messages", found, arguments)

    def _page(self, key: str, found: Sequence[Any], arguments: Json) -> Json:
        start = int(arguments.get("cursor") or 0)
        end = start + min(int(arguments["limit"]), self.page_size)
        cursor = str(end) if end < len(found) else ""
        page = {key: found[start:end], "response_metadata": {"next_cursor": cursor}}
        return {**page, "has_more": bool(cursor)} if key == "messages" else page

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


async def _arguments(request: web.Request) -> Json:
    if request.content_type == "application/json":
        return dict(json.loads(await request.text() or "{}"))
    return dict(await request.post())


def _refused(arguments: Json) -> str:
    """Return the error of a message that Slack would not take, "" for one it would."""
    blocks = arguments.get("blocks") or []
    texts = [
        text
        for block in blocks
        for text in ([block["text"]] if block["type"] == "section" else block["elements"])
        if block["type"] in {"section", "context"}
    ]
    sound = all(0 < len(text["text"]) <= 3000 and text["type"] == "mrkdwn" for text in texts)
    if len(blocks) > 50 or not sound:
        return "invalid_blocks"
    return "" if arguments.get("text") or blocks else "no_text"
