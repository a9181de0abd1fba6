"""A Slack export, as a folder or a ZIP: a conversation is a document.

Direct messages are never read, whatever the export holds.
"""

import hashlib
import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.archive import Archive, opened
from connectors.base import THREAD, ConnectorError, Document, Entry, Kind, Message, write_thread
from connectors.slack_message import Person, Said, is_ts, person_of, said
from connectors.slack_text import Names, Raw, without_emoji, words

PAUSE_S = 2 * 3600  # silence that ends a conversation outside threads
MIN_WORDS = 4  # of a conversation outside threads; "thanks all!" answers nothing
TITLE_CHARACTERS = 60

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\.json")


@dataclass(frozen=True, slots=True)
class _Channel:
    id: str
    name: str  # and that of its folder
    readers: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Workspace:
    people: dict[str, Person]
    names: Names
    channels: tuple[_Channel, ...]  # by name


class SlackExportConnector:
    """The public and private channels of an export.

    A thread is a document, gathered over all days, so that a late reply is where it belongs.
    Messages outside threads are documents by conversation: a run of them in one channel without a
    pause of PAUSE_S. One message alone ("yes, room 4") has neither the question nor the words to
    be found by. A calendar day tears apart what was said around midnight UTC, which is afternoon
    in America, and mixes subjects under the title of the first. In a workspace without threads
    (964 messages) the next message by another person came within 30 minutes in 47 % of all cases,
    within two hours in 59 %, within a day in 77 %; with two hours, nine of ten conversations have
    fewer than 100 words, so that one chunk holds them.

    A message by an app is kept only at the head of a thread in which a person replied: that is
    the alarm that people talked about. Apps' own replies are left out, Footnote's among them, or
    it would come to quote itself.

    Public channels are for `readers`; a private one for those of its members who have an e-mail
    address and have not left.
    """

    def __init__(
        self, name: str, path: Path, *, workspace_url: str, readers: frozenset[str]
    ) -> None:
        self.name = name
        self.kind: Kind = "slack"
        self._path = path
        self._workspace_url = workspace_url.rstrip("/")
        self._readers = readers
        # The channel read last: listings and fetches go channel by channel.
        self._latest: dict[str, Document] = {}

    def entries(self) -> Iterator[Entry]:
        """Yield every conversation, channel by channel, oldest first."""
        with opened(self._path) as archive:
            workspace = self._workspace(archive)
            for channel in workspace.channels:
                self._latest = self._documents(archive, workspace, channel)
                yield from [document.entry for document in self._latest.values()]

    def fetch(self, entry: Entry) -> Document:
        """Return one conversation; its entry says which version was really read."""
        documents = self._latest
        if entry.id not in documents:
            with opened(self._path) as archive:
                workspace = self._workspace(archive)
                for channel in workspace.channels:
                    if entry.id.startswith(f"{self.name}:{channel.name}:"):
                        documents = self._latest = self._documents(archive, workspace, channel)
        if entry.id not in documents:
            raise ConnectorError(
                f"{entry.id!r} is no longer in the export {self._path}. "
                "Run the ingestion again to drop it."
            )
        return documents[entry.id]

    def _workspace(self, archive: Archive) -> _Workspace:
        top = archive.names("")
        if "channels.json" not in top:
            raise ConnectorError(
                f"{self._path} holds no channels.json. Name the folder or ZIP file that has it at "
                "its top: the export as it was downloaded."
            )
        users = self._list(archive, "users.json") if "users.json" in top else []
        people = {words(user, "id"): person_of(user) for user in users}
        listed = self._list(archive, "channels.json")
        private = self._list(archive, "groups.json") if "groups.json" in top else []
        # Some tools write every kind of channel into channels.json, and mark the kind there.
        private += [channel for channel in listed if channel.get("is_private") is True]
        private = [channel for channel in private if not _is_direct(channel)]
        public = [channel for channel in listed if channel.get("is_private") is not True]
        public = [channel for channel in public if not _is_direct(channel)]
        channels = [self._channel(channel, self._readers) for channel in public]
        channels += [self._channel(channel, _members(channel, people)) for channel in private]
        if not channels:
            raise ConnectorError(f"{self._path} lists no channel. Download the export again.")
        channels.sort(key=lambda channel: channel.name)
        for one, other in zip(channels, channels[1:], strict=False):
            if one.name == other.name:
                raise ConnectorError(
                    f"{self._path} lists two channels named {one.name!r}, so it cannot be said who "
                    "may read them. Take one out of channels.json or groups.json."
                )
        names = Names(
            {id: person.name for id, person in people.items()},
            {words(channel, "id"): words(channel, "name") for channel in public},
        )
        return _Workspace(people, names, tuple(channels))

    def _channel(self, raw: Raw, readers: frozenset[str]) -> _Channel:
        id, name = words(raw, "id"), words(raw, "name")
        if not id or not name or "/" in name or name in (".", ".."):
            raise ConnectorError(
                f"{self._path} lists a channel with the id {id!r} and the name {name!r}. "
                "Both must be there; download the export again."
            )
        return _Channel(id, name, readers)

    def _documents(
        self, archive: Archive, workspace: _Workspace, channel: _Channel
    ) -> dict[str, Document]:
        """Return id -> document, for all conversations of a channel, oldest first."""
        messages: dict[str, Said | None] = {}  # by ts: where days overlap, the later file counts
        for name in archive.names(channel.name):
            if not _DAY.fullmatch(name):
                continue
            path = f"{channel.name}/{name}"
            for raw in self._list(archive, path):
                ts = words(raw, "ts")
                if not is_ts(ts):
                    raise ConnectorError(
                        f"{self._path}: a message in {path} has the ts {raw.get('ts')!r}. "
                        "Download the export again."
                    )
                messages[ts] = said(raw, workspace.people, workspace.names)
        talk = conversations([message for message in messages.values() if message])
        documents = [self._document(channel, first, said) for first, said in talk.items()]
        return {document.entry.id: document for document in documents}

    def _document(self, channel: _Channel, first: str, talk: Sequence[Said]) -> Document:
        messages = [Message(s.author, s.at, s.text, self._permalink(channel, s)) for s in talk]
        body = write_thread(messages)
        version = hashlib.blake2b(body, digest_size=16).hexdigest()
        return Document(
            entry=Entry(f"{self.name}:{channel.name}:{first}", version, channel.readers),
            title=f"#{channel.name}: {_headline(talk)}",
            url=messages[0].url,
            body=body,
            media_type=THREAD,
            updated_at=messages[-1].sent_at,
        )

    def _permalink(self, channel: _Channel, message: Said) -> str:
        url = f"{self._workspace_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
        if message.thread_ts in (None, message.ts):
            return url
        return f"{url}?thread_ts={message.thread_ts}&cid={channel.id}"

    def _list(self, archive: Archive, path: str) -> list[Raw]:
        body = archive.read(path)
        try:
            items = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ConnectorError(
                f"{path} in {self._path} is damaged: {error}. Download the export again; until "
                "then nothing of this source is changed."
            ) from error
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise ConnectorError(
                f"{path} in {self._path} is not a list of objects. Download the export again."
            )
        return items


def conversations(messages: Sequence[Said]) -> dict[str, list[Said]]:
    """Return ts of the first message -> a conversation, oldest first, as are its messages.

    A thread whose first message is missing or said nothing keeps its ts.
    """
    ordered = sorted(messages, key=lambda message: (float(message.ts), message.ts))
    roots = {message.thread_ts for message in messages}
    threads: dict[str, list[Said]] = {}
    loose: list[list[Said]] = []
    for message in ordered:
        if message.thread_ts or message.ts in roots:
            threads.setdefault(message.thread_ts or message.ts, []).append(message)
        elif message.by_bot:
            continue
        elif loose and float(message.ts) - float(loose[-1][-1].ts) <= PAUSE_S:
            loose[-1].append(message)
        else:
            loose.append([message])
    talk = {run[0].ts: run for run in loose if sum(len(m.text.split()) for m in run) >= MIN_WORDS}
    for ts, thread in threads.items():
        if not all(message.by_bot for message in thread):
            talk[ts] = [m for m in thread if not m.by_bot or m.ts == ts]
    return dict(sorted(talk.items(), key=lambda item: (float(item[0]), item[0])))


def _is_direct(channel: Raw) -> bool:
    return channel.get("is_im") is True or channel.get("is_mpim") is True


def _members(channel: Raw, people: dict[str, Person]) -> frozenset[str]:
    members = channel.get("members")
    ids = members if isinstance(members, list) else []
    known = [people[id] for id in ids if isinstance(id, str) and id in people]
    return frozenset(f"user:{person.email}" for person in known if person.email)


def _headline(talk: Sequence[Said]) -> str:
    """Return how a conversation begins, on one line, without emoji and addresses of links.

    Outside threads it begins with the first message that says something: not with "hello!".
    """
    root = talk[0].text
    if talk[0].thread_ts is None:
        root = next((said.text for said in talk if len(said.text.split()) >= MIN_WORDS), root)
    line = " ".join(re.sub(r"`{3}| \(https?://\S+\)", "", without_emoji(root)).split())
    cut = textwrap.shorten(line, TITLE_CHARACTERS, placeholder="…", break_on_hyphens=False)
    return cut if len(cut) > 1 else line[:TITLE_CHARACTERS]
