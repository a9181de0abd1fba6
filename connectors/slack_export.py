"""A Slack export, as a folder or a ZIP: a conversation is a document.

Direct messages are never read, whatever the export holds.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from connectors.archive import Archive, opened
from connectors.base import ConnectorError, Document, Entry, Kind
from connectors.slack_conversation import conversations, document
from connectors.slack_message import Said, is_ts, said
from connectors.slack_text import Names, Raw, words
from connectors.slack_workspace import (
    Channel,
    Workspace,
    doubled,
    is_direct,
    is_private,
    members,
    person_of,
    public_names,
)

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\.json")


class SlackExportConnector:
    """The public and private channels of an export.

    Public channels are for `readers`; a private one for those of its members who have an e-mail
    address, are no guests and have not left.
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
                    if entry.id.startswith(f"{self.name}:{channel.id}:"):
                        documents = self._latest = self._documents(archive, workspace, channel)
        if entry.id not in documents:
            raise ConnectorError(
                f"{entry.id!r} is no longer in the export {self._path}. "
                "Run the ingestion again to drop it."
            )
        return documents[entry.id]

    def _workspace(self, archive: Archive) -> Workspace:
        top = archive.names("")
        if "channels.json" not in top:
            raise ConnectorError(
                f"{self._path} holds no channels.json. Name the folder or ZIP file that has it at "
                "its top: the export as it was downloaded."
            )
        users = self._list(archive, "users.json") if "users.json" in top else []
        people = {words(user, "id"): person_of(user) for user in users}
        # Some tools write every kind of channel into channels.json, and mark the kind there.
        listed = self._list(archive, "channels.json")
        groups = self._list(archive, "groups.json") if "groups.json" in top else []
        listed += [{**group, "is_private": True} for group in groups]
        listed = [raw for raw in listed if not is_direct(raw)]
        channels = [
            self._channel(raw, members(_ids(raw), people) if is_private(raw) else self._readers)
            for raw in listed
        ]
        if not channels:
            raise ConnectorError(f"{self._path} lists no channel. Download the export again.")
        name = doubled(channels)
        if name is not None:
            raise ConnectorError(
                f"{self._path} lists two channels named {name!r} or of its id, so it cannot be "
                "said who may read them. Take one out of channels.json or groups.json."
            )
        channels.sort(key=lambda channel: channel.name)
        called = {id: person.name for id, person in people.items()}
        names = Names(called, public_names(listed))
        return Workspace(self._workspace_url, people, names, tuple(channels))

    def _channel(self, raw: Raw, readers: frozenset[str]) -> Channel:
        id, name = words(raw, "id"), words(raw, "name")
        if not id or not name or "/" in name or name in (".", ".."):
            raise ConnectorError(
                f"{self._path} lists a channel with the id {id!r} and the name {name!r}. "
                "Both must be there; download the export again."
            )
        return Channel(id, name, readers)

    def _documents(
        self, archive: Archive, workspace: Workspace, channel: Channel
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
        documents = [
            document(self.name, workspace.url, channel, first, said) for first, said in talk.items()
        ]
        return {document.entry.id: document for document in documents}

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


def _ids(channel: Raw) -> list[object]:
    ids = channel.get("members")
    return ids if isinstance(ids, list) else []
