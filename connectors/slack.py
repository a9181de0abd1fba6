"""A Slack workspace, read live through its Web API: a conversation is a document.

Only channels that the app is in; never direct messages. What a conversation is, and what it says,
is decided in `slack_conversation` and `slack_message`, as for exports.
"""

import time
from collections.abc import Callable, Iterator

from connectors import slack_roster
from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.slack_api import SlackApi
from connectors.slack_files import FILE, FilePool, Files
from connectors.slack_history import History
from connectors.slack_memory import Memory
from connectors.slack_message import is_ts
from connectors.slack_roster import Selection
from connectors.slack_workspace import Channel
from connectors.spool import Spool


class SlackConnector:
    """The public and private channels that the app is in.

    A listing reads every message that channels show and the threads that `Memory` does not know
    to be unchanged; what it read waits in a temporary file, so that fetching costs no call.
    """

    def __init__(
        self,
        name: str,
        api: SlackApi,
        selection: Selection,
        memory: Memory,
        *,
        files: Files | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Take what speaks with Slack, and what is read.

        files: gives the files that people share; None: they are not read.
        """
        self.name = name
        self.kind: Kind = "slack"
        self._api = api
        self._selection = selection
        self._memory = memory
        self._files = files
        self._now = now
        self._spool = Spool()
        self._latest: tuple[History, dict[str, Channel]] | None = None

    def entries(self) -> Iterator[Entry]:
        """Yield every conversation, channel by channel, newest first, and then the files."""
        self._spool.clear()
        history, channels = self._latest = self._begun()
        pool = FilePool(self.name)
        for channel in channels.values():
            for found in history.read(channel):
                pool.add(found.files, channel.readers)
                if found.document is not None:
                    self._spool.put(found.document)
                if found.entry is not None:
                    yield found.entry
        if self._files is not None:
            yield from pool.entries()

    def fetch(self, entry: Entry) -> Document:
        """Return one document; its entry says which version was really read.

        Calls: none for what the latest listing read; one for any other thread; for any other
        conversation one a page of its channel's history, once for all of them; two for a file.
        """
        source, _, key = entry.id.partition(":")
        if source != self.name:
            raise self._gone(entry)
        waiting = self._spool.get(entry.id)
        if waiting is not None:
            return waiting
        place, _, what = key.partition(":")
        return self._file(entry) if place == FILE else self._conversation(entry, place, what)

    def _begun(self) -> tuple[History, dict[str, Channel]]:
        """Return what reads channels as they are now, and the channels by id."""
        roster = slack_roster.read(self._api, self._selection)
        self._memory.begin(roster.workspace.names.channels)
        history = History(self.name, self._api, roster, self._memory, now=self._now())
        return history, {channel.id: channel for channel in roster.workspace.channels}

    def _conversation(self, entry: Entry, id: str, first: str) -> Document:
        self._latest = self._latest or self._begun()
        history, channels = self._latest
        channel = channels.get(id)
        if channel is None or not is_ts(first):
            raise self._gone(entry)
        thread = history.thread(channel, first)
        if thread is not None:
            return thread
        for found in history.read(channel, threads=False):
            if found.document is not None:
                self._spool.put(found.document)
        document = self._spool.get(entry.id)
        if document is None:
            raise self._gone(entry)
        return document

    def _file(self, entry: Entry) -> Document:
        if self._files is None:
            raise self._gone(entry)
        return self._files.read(entry)

    def _gone(self, entry: Entry) -> ConnectorError:
        return ConnectorError(
            f"{entry.id!r} is no longer in Slack, or the app may not read it any more. "
            "Run the ingestion again to drop it."
        )
