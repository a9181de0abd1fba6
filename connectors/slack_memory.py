"""What the last listing saw of each thread, so that the next need not read it. Safe to lose.

Holds digests, times, ids of channels and files, and names of public channels; nothing that anybody
wrote, and of threads no id: one that is forgotten leaves no trace here.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from weakref import finalize

from connectors.memory_file import opened
from connectors.slack_files import File
from connectors.slack_message import Said, is_ts
from connectors.slack_text import Raw, words
from connectors.slack_workspace import Channel

FORMAT: Final = 2  # a file of another format, or a damaged one, is begun anew
DAY_S: Final = 86_400

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS threads (
    thread TEXT PRIMARY KEY, root TEXT NOT NULL, version TEXT, files TEXT NOT NULL,
    read_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS channels (id TEXT PRIMARY KEY, oldest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS names (id TEXT PRIMARY KEY, name TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread as it was read."""

    root: str  # fingerprint of what the history of its channel says about it
    version: str | None  # of its document; None if it makes none
    files: tuple[File, ...]
    read_at: float  # seconds since 1970


class Memory:
    """Threads by channel and ts. Without a path it forgets when the process ends."""

    def __init__(self, path: Path | None, *, reread_days: int) -> None:
        """Open or begin a memory.

        reread_days: a thread with a reply in as many days is read in every listing, any other in
        one listing of as many days: only reading shows that a reply was edited. 0: read always.
        """
        self._reread_days = reread_days
        self._database = opened(path, _TABLES, version=FORMAT)
        finalize(self, self._database.close)

    def begin(self, names: Mapping[str, str]) -> None:
        """Begin a listing in which public channels have these names.

        A name that is gone may still be in texts where it was mentioned, and be a secret now: all
        threads are read again.
        """
        with self._database as database:
            known = dict(database.execute("SELECT id, name FROM names"))
            if any(names.get(id) != name for id, name in known.items()):
                database.execute("DELETE FROM threads")
                database.execute("DELETE FROM names")
            database.executemany("INSERT OR REPLACE INTO names VALUES (?, ?)", names.items())

    def thread(self, channel: str, raw: Raw, root: str, now: float) -> Thread | None:
        """Return a thread if it need not be read again. raw, root: its first message."""
        row = self._database.execute(
            "SELECT root, version, files, read_at FROM threads WHERE thread = ?",
            (_digest(channel, words(raw, "ts")),),
        ).fetchone()
        if row is None or row[0] != root:
            return None
        ts, latest = words(raw, "ts"), words(raw, "latest_reply")
        replied = float(latest if is_ts(latest) else ts)
        if is_due(ts, row[3], replied, now, self._reread_days):
            return None
        return Thread(row[0], row[1], tuple(File(*file) for file in json.loads(row[2])), row[3])

    def keep(self, channel: str, ts: str, thread: Thread) -> None:
        """Remember a thread that was read."""
        files = json.dumps([(file.id, file.version) for file in thread.files])
        with self._database as database:
            database.execute(
                "INSERT OR REPLACE INTO threads VALUES (?, ?, ?, ?, ?)",
                (_digest(channel, ts), thread.root, thread.version, files, thread.read_at),
            )

    def oldest(self, channel: str) -> str | None:
        """Return the ts of the oldest message that a listing of a channel reached."""
        row = self._database.execute(
            "SELECT oldest FROM channels WHERE id = ?", (channel,)
        ).fetchone()
        return None if row is None else str(row[0])

    def reached(self, channel: str, oldest: str) -> None:
        """Remember how far back a whole listing of a channel went."""
        with self._database as database:
            database.execute("INSERT OR REPLACE INTO channels VALUES (?, ?)", (channel, oldest))


def is_due(ts: str, read_at: float, latest: float, now: float, reread_days: int) -> bool:
    """Return whether a thread is read again though its history says nothing new of it.

    ts: of its first message; the turns of old threads are spread by it over `reread_days` days.
    latest: time of its last reply.
    """
    if reread_days == 0 or now - latest < reread_days * DAY_S:
        return True
    phase = int(float(ts))
    turns = [(int(time) // DAY_S + phase) // reread_days for time in (read_at, now)]
    return turns[0] != turns[1]


def fingerprint(channel: Channel, raw: Raw, root: Said | None) -> str:
    """Return what changes if a thread's first message does, its replies' number, or its channel."""
    return _digest(channel.name, repr(root), raw.get("reply_count"), words(raw, "latest_reply"))


def _digest(*facts: object) -> str:
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()
