"""A company's Slack on this machine: channels, threads and files, as the Web API lists them.

Says of threads what Slack says: their number of replies and the latest, at the first message
only; a deleted first message leaves a "tombstone"; an edit of a reply shows nowhere else.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from connectors.slack_api import SlackApi
from tests.ui.slack_server import BOT_TOKEN, BOT_USER, TEAM, Json, SlackServer

URL = "https://acme.slack.com/"


@dataclass
class SlackCompany(SlackServer):
    """Start it with `with`. Change what is in it by its methods."""

    channels: dict[str, Json] = field(default_factory=dict)  # by id
    files: dict[str, tuple[Json, bytes]] = field(default_factory=dict)  # by id
    url: str = URL
    downloads: list[str] = field(default_factory=list)  # paths

    def __post_init__(self) -> None:
        super().__post_init__()
        self.users[BOT_USER]["id"] = BOT_USER
        self._histories: dict[str, tuple[list[Json], dict[str, list[Json]]]] = {}

    def load(self, export: Path) -> None:
        """Take users, channels and messages of an export; the app is in every channel."""
        users = export / "users.json"
        for user in _rows(users) if users.exists() else []:
            self.users[user["id"]] = {**user, "team_id": TEAM}
        for file in (export / "channels.json", export / "groups.json"):
            for channel in _rows(file) if file.exists() else []:
                private = channel.get("is_private", file.stem == "groups")
                self.add_channel(**{**channel, "is_private": private})
                for day in sorted((export / channel["name"]).glob("????-??-??.json")):
                    for message in _rows(day):
                        self.put(channel["id"], message)

    def add_channel(self, id: str, name: str, **facts: Any) -> None:
        """Open a channel, or say something new of one."""
        usual = {"is_member": True, "is_private": False, "members": []}
        self.channels[id] = {**usual, "id": id, "name": name, **facts}

    def put(self, channel: str, message: Json) -> Json:
        """Write or overwrite a message; what Slack counts is left out, it is counted again."""
        counted = {"reply_count", "latest_reply", "replies", "reply_users", "reply_users_count"}
        kept = {key: value for key, value in message.items() if key not in counted}
        self.messages[channel, kept["ts"]] = kept
        self._histories.pop(channel, None)
        return kept

    def edit(self, channel: str, ts: str, **changes: Any) -> None:
        """Change a message."""
        self.put(channel, {**self.messages[channel, ts], **changes})

    def delete(self, channel: str, ts: str) -> None:
        """Delete a message as Slack does."""
        self.messages.pop((channel, ts))
        self._histories.pop(channel, None)
        if ts in self._history(channel)[1]:
            self.put(
                channel,
                {
                    "type": "message",
                    "subtype": "tombstone",
                    "user": "USLACKBOT",
                    "text": "This message was deleted.",
                    "ts": ts,
                    "thread_ts": ts,
                },
            )

    def share(self, id: str, body: bytes, **facts: Any) -> Json:
        """Upload a file; return the file object that messages have."""
        name = facts.get("name", f"{id}.txt")
        self.files[id] = (
            {
                "id": id,
                "name": name,
                "title": name,
                "mode": "hosted",
                "mimetype": "text/plain",
                "size": len(body),
                "timestamp": 1_772_438_400,
                "url_private": f"{self.files_origin}/files-pri/{TEAM}-{id}/{name}",
                "permalink": f"{URL}files/U1/{id}/{name}",
                **facts,
            },
            body,
        )
        return self.files[id][0]

    @property
    def files_origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def api(self, **changes: Any) -> SlackApi:
        """Return a client with the right token."""
        return SlackApi(**{"token": BOT_TOKEN, "url": self.api_url, **changes})

    def count(self, *methods: str) -> int:
        """Return how often methods were called."""
        return sum(call.method in methods for call in self.calls)

    def _handlers(self) -> dict[str, Callable[[Json], Json]]:
        return super()._handlers() | {
            "users.list": lambda a: self._page("members", list(self.users.values()), a),
            "conversations.list": lambda a: self._page("channels", list(self._seen()), a),
            "users.conversations": lambda a: self._page("channels", list(self._own()), a),
            "conversations.members": self._members,
            "conversations.history": self._past,
            "files.info": self._file,
        }

    def _add_routes(self, app: web.Application) -> None:
        app.router.add_get("/files-pri/{key}/{name}", self._download)

    async def _download(self, request: web.Request) -> web.Response:
        self.downloads.append(request.path)
        if request.headers.get("Authorization") != f"Bearer {BOT_TOKEN}":
            return web.Response(text="<html>Sign in</html>", content_type="text/html")
        facts, body = self.files[request.match_info["key"].partition("-")[2]]
        return web.Response(body=body, content_type=facts["mimetype"])

    def _auth_test(self, arguments: Json) -> Json:
        return {**super()._auth_test(arguments), "url": self.url}

    def _seen(self) -> Iterable[Json]:
        for channel in self.channels.values():
            if not channel["is_private"] or channel["is_member"]:
                yield {key: value for key, value in channel.items() if key != "members"}

    def _own(self) -> Iterable[Json]:
        for channel in self._seen():
            if channel["is_member"]:
                yield {key: value for key, value in channel.items() if key != "is_member"}

    def _members(self, arguments: Json) -> Json:
        channel = self.channels.get(arguments["channel"])
        if channel is None:
            return {"error": "channel_not_found"}
        return self._page("members", channel["members"], arguments)

    def _past(self, arguments: Json) -> Json:
        channel = self.channels.get(arguments["channel"], {})
        if not channel.get("is_member"):
            return {"error": "not_in_channel" if channel else "channel_not_found"}
        shown, _ = self._history(arguments["channel"])
        latest = arguments.get("latest")
        found = [message for message in shown if not latest or message["ts"] < latest]
        return self._page("messages", found, arguments)

    def _replies(self, arguments: Json) -> Json:
        channel, ts = arguments["channel"], arguments["ts"]
        if (channel, ts) not in self.messages:
            return {"error": "thread_not_found"}
        _, threads = self._history(channel)
        root = self._counted(self.messages[channel, ts], threads)
        return self._page("messages", [root, *threads.get(ts, [])], arguments)

    def _file(self, arguments: Json) -> Json:
        found = self.files.get(arguments["file"])
        return {"error": "file_not_found"} if found is None else {"file": found[0]}

    def _history(self, channel: str) -> tuple[list[Json], dict[str, list[Json]]]:
        """Return what a channel shows, newest first, and ts -> the replies of its threads."""
        if channel not in self._histories:
            threads: dict[str, list[Json]] = defaultdict(list)
            shown = []
            ordered = sorted(
                (ts, m) for (where, ts), m in self.messages.items() if where == channel
            )
            for ts, message in ordered:
                thread = message.get("thread_ts")
                if thread not in (None, ts):
                    threads[thread].append(message)
                if thread in (None, ts) or message.get("subtype") == "thread_broadcast":
                    shown.append(message)
            self._histories[channel] = (shown[::-1], dict(threads))
        shown, threads = self._histories[channel]
        return [self._counted(message, threads) for message in shown], threads

    def _counted(self, message: Json, threads: dict[str, list[Json]]) -> Json:
        replies = threads.get(message["ts"])
        if not replies:
            return message
        counts = {"reply_count": len(replies), "latest_reply": replies[-1]["ts"]}
        return {**message, "thread_ts": message["ts"], **counts}


def _rows(path: Path) -> list[Json]:
    rows: list[Json] = json.loads(path.read_text(encoding="utf-8"))
    return rows
