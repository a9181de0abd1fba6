"""Files that people share in Slack: which of them may hold text, and their bytes."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Final

from connectors.base import ConnectorError, Document, Entry
from connectors.client import Client
from connectors.files import MAX_BYTES, MEDIA_TYPES, SKIPPED_SUFFIXES, UNKNOWN
from connectors.slack_api import SlackApi
from connectors.slack_text import Raw, row, rows, words

FILE: Final = "file"  # what stands in an id where conversations have the id of their channel

# Slack holds the bytes of these; "external" files are links, "tombstone" ones are deleted.
_HELD: Final = frozenset({"hosted", "snippet"})
_FACTS: Final = ("id", "name", "title", "size", "timestamp", "edit_timestamp")


@dataclass(frozen=True, slots=True)
class File:
    """A file that a message shares, as far as a listing knows it."""

    id: str
    version: str


def files_of(message: Raw) -> list[File]:
    """Return the files of a message that may hold text."""
    return [file_of(raw) for raw in rows(message, "files") if _may_hold_text(raw)]


def file_of(raw: Raw) -> File:
    """Return a file object. Its version differs whenever its bytes or its title do."""
    facts = json.dumps([raw.get(fact) for fact in _FACTS])
    return File(words(raw, "id"), hashlib.blake2b(facts.encode(), digest_size=16).hexdigest())


class FilePool:
    """The files of all channels: one that is shared in several is one document."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._files: dict[str, tuple[File, frozenset[str]]] = {}

    def add(self, files: Sequence[File], readers: frozenset[str]) -> None:
        """Take files of a channel; who reads any of their channels reads them."""
        for file in files:
            _, others = self._files.get(file.id, (file, frozenset()))
            self._files[file.id] = (file, others | readers)

    def entries(self) -> Iterator[Entry]:
        """Yield every file once."""
        for file, readers in self._files.values():
            yield Entry(f"{self._source}:{FILE}:{file.id}", file.version, readers)


class Files:
    """Reads files. The token travels to Slack's own server of files, and nowhere else."""

    def __init__(self, api: SlackApi, client: Client) -> None:
        """Take a client whose home is Slack's server of files, with the token."""
        self._api = api
        self._client = client

    def read(self, entry: Entry) -> Document:
        """Return a file. Raises ConnectorError if it is gone, too large, or not Slack's.

        Calls: two, one of them for the bytes.
        """
        id = entry.id.rpartition(":")[2]
        raw = row(self._api.call("files.info", file=id), "file")
        name = words(raw, "name")
        title = words(raw, "title") or name
        size = raw.get("size")
        if not _may_hold_text(raw):
            raise ConnectorError(f"Slack does not hold the file {title!r} any more.")
        if isinstance(size, int) and size > MAX_BYTES:
            raise ConnectorError(
                f"The file {title!r} in Slack is larger than {MAX_BYTES >> 20} MiB. Split it."
            )
        answer = self._client.request("GET", words(raw, "url_private"))
        suffix = PurePosixPath(name).suffix.lower()
        media_type = MEDIA_TYPES.get(suffix) or words(raw, "mimetype") or UNKNOWN
        if "html" in answer.headers.get("Content-Type", "") and "html" not in media_type:
            raise ConnectorError(
                f"Slack gave a page to sign in instead of the file {title!r}. Add the scope "
                "files:read under OAuth & Permissions of the app, and install the app again."
            )
        return Document(
            entry=replace(entry, version=file_of(raw).version),
            title=title,
            url=words(raw, "permalink"),
            body=answer.content,
            media_type=media_type,
            updated_at=_time(raw),
        )


def _time(raw: Raw) -> datetime:
    times = [raw.get(key) for key in ("timestamp", "edit_timestamp")]
    return datetime.fromtimestamp(max([0, *(t for t in times if isinstance(t, int))]), UTC)


def _may_hold_text(raw: Raw) -> bool:
    suffix = PurePosixPath(words(raw, "name")).suffix.lower()
    held = words(raw, "mode") in _HELD and raw.get("is_external") is not True
    return held and words(raw, "id") != "" and suffix not in SKIPPED_SUFFIXES
