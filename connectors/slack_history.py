"""The history of one channel, read through the Web API: whole, and threads only where needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.base import ConnectorError, Document, Entry
from connectors.slack_api import SlackApi, SlackRefusal
from connectors.slack_conversation import conversations, document, is_pause, key
from connectors.slack_files import File, files_of
from connectors.slack_memory import Memory, Thread, fingerprint
from connectors.slack_message import Said, is_ts, said
from connectors.slack_roster import Roster
from connectors.slack_text import Raw, words
from connectors.slack_workspace import Channel


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation, and the files that it shares."""

    entry: Entry | None  # None if it makes no document
    document: Document | None  # None if there is none, or it was not read: nothing has changed
    files: tuple[File, ...]


class History:
    """Reads channels of one workspace, for one listing."""

    def __init__(
        self, source: str, api: SlackApi, roster: Roster, memory: Memory, *, now: float
    ) -> None:
        """Take the time of the listing, in seconds since 1970."""
        self._source = source
        self._api = api
        self._roster = roster
        self._memory = memory
        self._now = now

    def read(self, channel: Channel, *, threads: bool = True) -> Iterator[Found]:
        """Yield every conversation of a channel, newest first.

        threads: whether those with replies are read too.
        Calls: one a page of the history; one more where it did not reach as far back as the last
        one did; one a page of each thread that is new, has changed, or is due (`Memory`).
        """
        run: list[Said] = []  # messages outside threads without a pause, newest first
        shared: list[File] = []  # by them
        stray: dict[str, list[Raw]] = {}  # replies also sent to the channel, by thread
        for raw in self._messages(channel):
            ts, thread_ts = words(raw, "ts"), words(raw, "thread_ts")
            if is_ts(thread_ts) and thread_ts != ts:
                stray.setdefault(thread_ts, []).append(raw)
            elif is_ts(thread_ts) or raw.get("reply_count"):
                stray.pop(ts, None)
                if threads:
                    yield self._thread(channel, raw)
            elif message := self._spoken(raw):
                if run and is_pause(message, run[-1]):
                    yield self._found(channel, run, shared)
                    run, shared = [], []
                run.append(message)
                shared += files_of(raw)
        yield self._found(channel, run, shared)
        for replies in stray.values():  # the first message is gone, these are not
            yield self._gathered(channel, replies)

    def thread(self, channel: Channel, ts: str) -> Document | None:
        """Return the thread that a message begins, None if it begins none that is a document."""
        replies = self._replies(channel, ts)
        is_thread = any(words(raw, "thread_ts") == ts for raw in replies)
        return self._gathered(channel, replies).document if is_thread else None

    def _thread(self, channel: Channel, raw: Raw) -> Found:
        ts = words(raw, "ts")
        root = fingerprint(channel, raw, self._said(raw))
        known = self._memory.thread(channel.id, raw, root, self._now)
        if known is not None:
            id = key(self._source, channel, ts)
            entry = Entry(id, known.version, channel.readers) if known.version else None
            return Found(entry, None, known.files)
        replies = self._replies(channel, ts) if raw.get("reply_count") != 0 else [raw]
        found = self._gathered(channel, replies)
        version = found.entry.version if found.entry else None
        if replies:
            self._memory.keep(channel.id, ts, Thread(root, version, found.files, self._now))
        return found

    def _gathered(self, channel: Channel, raws: Sequence[Raw]) -> Found:
        """Return the messages of one thread as a conversation."""
        talk = [(raw, message) for raw in raws if (message := self._said(raw))]
        files = [file for raw, message in talk if not message.by_bot for file in files_of(raw)]
        return self._found(channel, [message for _, message in talk], files)

    def _found(self, channel: Channel, talk: Sequence[Said], files: Sequence[File]) -> Found:
        """Return messages of one conversation, with or without a document."""
        url = self._roster.workspace.url
        for first, messages in conversations(talk).items():
            found = document(self._source, url, channel, first, messages)
            return Found(found.entry, found, tuple(files))
        return Found(None, None, tuple(files))

    def _spoken(self, raw: Raw) -> Said | None:
        message = self._said(raw)
        return None if message is None or message.by_bot else message

    def _said(self, raw: Raw) -> Said | None:
        if not raw.get("bot_id"):
            self._roster.look_up([words(raw, "user")])
        return said(raw, self._roster.workspace.people, self._roster.workspace.names)

    def _messages(self, channel: Channel) -> Iterator[Raw]:
        """Yield the messages that a channel shows, newest first: all but most replies."""
        oldest = ""
        for raw in self._api.objects("conversations.history", "messages", channel=channel.id):
            ts = words(raw, "ts")
            if not is_ts(ts) or (oldest and float(ts) >= float(oldest)):
                raise ConnectorError(
                    f"Slack's history of #{channel.name} is out of order at {raw.get('ts')!r}. "
                    "Nothing of this source is changed; the next run lists it again."
                )
            yield raw
            oldest = ts
        known = self._memory.oldest(channel.id)
        if not oldest or known is None or float(oldest) > float(known):
            self._confirm_end(channel, oldest)
        if oldest:
            self._memory.reached(channel.id, oldest)

    def _confirm_end(self, channel: Channel, oldest: str) -> None:
        """Ask for one more: Slack ends a list without a word when it is troubled."""
        before = {"latest": oldest} if oldest else {}
        answer = self._api.call("conversations.history", channel=channel.id, limit=1, **before)
        if answer.get("messages") != []:
            raise ConnectorError(
                f"Slack's history of #{channel.name} broke off at {oldest or 'its start'}. Nothing "
                "of this source is changed; the next run lists it again."
            )

    def _replies(self, channel: Channel, ts: str) -> list[Raw]:
        """Return a thread, its first message first; nothing if it was deleted meanwhile.

        Where there are fewer replies than Slack counts, it is read once more: either that brings
        the rest, or Slack miscounts.
        """
        before: list[Raw] | None = None
        while True:
            try:
                raws = list(
                    self._api.objects(
                        "conversations.replies", "messages", channel=channel.id, ts=ts
                    )
                )
            except SlackRefusal as refusal:
                if refusal.code in ("thread_not_found", "message_not_found"):
                    return []
                raise
            count = raws[0].get("reply_count") if raws else 1
            if raws == before or (isinstance(count, int) and 0 <= count < len(raws)):
                return raws
            if before is not None or not raws:
                raise ConnectorError(
                    f"Slack gives less of the thread {ts} in #{channel.name} than it counts. "
                    "Nothing of this source is changed; the next run lists it again."
                )
            before = raws
