"""What Drive says of a file: whether it is a document, its version, and who may read it."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Final

from connectors.cloud_memory import Raw
from connectors.files import MEDIA_TYPES, SKIPPED_SUFFIXES, UNKNOWN

_GOOGLE: Final = "application/vnd.google-apps."
FOLDER: Final = f"{_GOOGLE}folder"

# What a Google document is exported as; a second format is for what is over Google's 10 MB in the
# first, because of its pictures. A sheet has none: as CSV all but its first table would be missing.
EXPORTS: Final = {
    f"{_GOOGLE}document": ("text/html", "text/plain"),
    f"{_GOOGLE}spreadsheet": (MEDIA_TYPES[".xlsx"],),
    f"{_GOOGLE}presentation": (MEDIA_TYPES[".pptx"], "text/plain"),
}

_READING: Final = frozenset("owner organizer fileOrganizer writer commenter reader".split())
_SKIPPED: Final = ("image/", "audio/", "video/", "font/")
_CONTENT: Final = "name mimeType modifiedTime md5Checksum headRevisionId webViewLink".split()
_NOTED: Final = "id mimeType parents driveId permissions permissionIds".split()


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a share with a whole domain means here."""

    domains: frozenset[str] = frozenset()  # the company's own
    organisation: frozenset[str] = frozenset()  # principals whom such a share lets in


def is_document(raw: Raw) -> bool:
    """Return whether a file may hold text that a parser reads."""
    kind = str(raw.get("mimeType", ""))
    if kind.startswith(_GOOGLE):
        return kind in EXPORTS
    suffix = PurePosixPath(str(raw.get("name", ""))).suffix.lower()
    return suffix not in SKIPPED_SUFFIXES and not kind.startswith(_SKIPPED)


def version(raw: Raw) -> str:
    """Return what differs whenever the content, the title or the address of a file does.

    The time of change alone would not do: whoever uploads a file may give it any.
    """
    facts = json.dumps([raw.get(fact) for fact in _CONTENT])
    return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()


def noted(raw: Raw) -> Raw:
    """Return what a listing needs of a file, without anything that a person wrote."""
    facts = {key: raw[key] for key in _NOTED if key in raw}
    target = raw.get("shortcutDetails", {}).get("targetId")
    return {**facts, "target": target, "document": is_document(raw), "version": version(raw)}


def media_type(raw: Raw) -> str:
    """Return the type of an uploaded file; of what people name "x.md" Drive knows less."""
    suffix = PurePosixPath(str(raw.get("name", ""))).suffix.lower()
    return MEDIA_TYPES.get(suffix) or str(raw.get("mimeType") or UNKNOWN)


def updated_at(raw: Raw) -> datetime:
    """Return when a file was changed, as far as Drive knows."""
    return datetime.fromisoformat(str(raw["modifiedTime"])).astimezone(UTC)


def readers(grants: Iterable[Raw], sharing: Sharing, now: datetime) -> frozenset[str]:
    """Return the principals whom permissions let read.

    A link opens a file to whoever was sent it, and does not make it public: "anyone" and a domain
    count only where Drive itself would show the file to them in a search.
    """
    return frozenset().union(*(_readers(grant, sharing) for grant in grants if _holds(grant, now)))


def _readers(grant: Raw, sharing: Sharing) -> frozenset[str]:
    found = grant.get("allowFileDiscovery") is True
    address = str(grant.get("emailAddress") or "").lower()
    match grant.get("type"):
        case "user" if address:
            return frozenset({f"user:{address}"})
        case "group" if address:
            return frozenset({f"group:{address}"})
        case "domain" if found and str(grant.get("domain")).lower() in sharing.domains:
            return sharing.organisation
        case "anyone" if found:
            return frozenset({"everyone"})
    return frozenset()


def _holds(grant: Raw, now: datetime) -> bool:
    """Whether a permission lets anybody read now: some end, some show a folder's name only."""
    if grant.get("deleted") or grant.get("view") or grant.get("role") not in _READING:
        return False
    end = grant.get("expirationTime")
    return end is None or datetime.fromisoformat(str(end)) > now


def below(files: Mapping[str, Raw], roots: Iterable[str]) -> set[str]:
    """Return the ids of all that lies in folders, or in folders within them."""
    children: dict[str, list[str]] = defaultdict(list)
    for id, raw in files.items():
        for parent in raw.get("parents", ()):
            children[parent].append(id)
    inside: set[str] = set()
    waiting = list(roots)
    while waiting:
        for child in children[waiting.pop()]:
            if child not in inside:
                inside.add(child)
                waiting.append(child)
    return inside
