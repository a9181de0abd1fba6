"""What Graph says of a file: whether it is a document, its version, and who may read it."""

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

_READING: Final = frozenset({"read", "write", "owner", "sp.full control"})
_SKIPPED: Final = ("image/", "audio/", "video/", "font/")
_ALL_OF_US: Final = "spo-grid-all-users/"  # "Everyone except external users"
_GROUP: Final = "c:0o.c|federateddirectoryclaimprovider|"
_PERSON: Final = "i:0#.f|membership|"
_FOREVER: Final = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Place:
    """A drive that is read: the library of a site, or somebody's OneDrive."""

    drive: str  # its id
    groups: str  # what stands before the names of a site's own groups: "sites/hr"
    name: str  # in words


def is_document(raw: Raw) -> bool:
    """Return whether an item is a file of this drive that may hold text.

    What is shared from another drive is that drive's; what Microsoft found to be malware is no
    document.
    """
    if not isinstance(raw.get("file"), dict) or "remoteItem" in raw or "malware" in raw:
        return False
    suffix = PurePosixPath(str(raw.get("name", ""))).suffix.lower()
    return suffix not in SKIPPED_SUFFIXES and not _mime(raw).startswith(_SKIPPED)


def version(raw: Raw) -> str:
    """Return what differs whenever the content, the name or the address of a file does.

    By the eTag, which also changes with what is said of a file: the cTag, which would not, is left
    out of the feed of changes.
    """
    return _digest(raw, ("name", "eTag", "webUrl"))


def noted(raw: Raw) -> Raw:
    """Return what a listing needs of an item, without anything that a person wrote."""
    return {
        "id": raw["id"],
        "parent": None if "root" in raw else _facet(raw, "parentReference").get("id", ""),
        "folder": "folder" in raw,
        "address": _digest(raw, ("name", "webUrl")),
        "document": is_document(raw),
        "version": version(raw),
    }


def media_type(raw: Raw) -> str:
    """Return the type of a file."""
    suffix = PurePosixPath(str(raw.get("name", ""))).suffix.lower()
    return MEDIA_TYPES.get(suffix) or _mime(raw) or UNKNOWN


def updated_at(raw: Raw) -> datetime:
    """Return when a file was changed, as far as Graph knows."""
    return datetime.fromisoformat(str(raw["lastModifiedDateTime"])).astimezone(UTC)


def below_root(items: Mapping[str, Raw]) -> dict[str, Raw]:
    """Return what hangs together with the root of a drive, the root included."""
    children: dict[str | None, list[str]] = defaultdict(list)
    for id, item in items.items():
        children[item["parent"]].append(id)
    inside: dict[str, Raw] = {}
    waiting = children[None]
    while waiting:
        id = waiting.pop()
        if id not in inside:
            inside[id] = items[id]
            waiting += children[id]
    return inside


def readers(
    grants: Iterable[Raw], place: Place, organisation: frozenset[str], now: datetime
) -> frozenset[str]:
    """Return the principals whom permissions let read.

    A link opens a file to whoever was sent it, and does not make it public: of links only those
    for named people count, for these people. A site's own groups are "group:sites/hr/HR Members",
    as their names mean something within their site only.

    organisation: whom "Everyone except external users" means here.
    """
    return frozenset().union(
        *(_readers(who, place, organisation) for grant in grants for who in _named(grant, now))
    )


def _named(grant: Raw, now: datetime) -> list[Raw]:
    """Return the identities that a permission names, if it lets them read now."""
    ends = str(grant.get("expirationDateTime") or _FOREVER)
    over = ends != _FOREVER and datetime.fromisoformat(ends) <= now
    if over or _READING.isdisjoint(grant.get("roles") or ()):
        return []
    link = grant.get("link")
    if link is None:
        who = grant.get("grantedToV2") or grant.get("grantedTo")
        return [who] if isinstance(who, dict) else []
    if link.get("scope") != "users":
        return []
    return list(grant.get("grantedToIdentitiesV2") or grant.get("grantedToIdentities") or ())


def _readers(who: Raw, place: Place, organisation: frozenset[str]) -> frozenset[str]:
    login = str(_facet(who, "siteUser").get("loginName", ""))
    if _ALL_OF_US in login:
        return organisation
    for kind in ("user", "siteUser"):
        address = str(_facet(who, kind).get("email") or "")
        if kind == "siteUser" and not address and login.startswith(_PERSON):
            address = login.removeprefix(_PERSON)
        if "@" in address and not _facet(who, "group"):
            return frozenset({f"user:{address.lower()}"})
    name = _facet(who, "group").get("email") or _facet(who, "group").get("id")
    if name:
        # Its owners go by the group's own address and id, and are fewer than its members.
        owners = "/owners" if login.lower().startswith(_GROUP) and login.endswith("_o") else ""
        return frozenset({f"group:{name.lower()}{owners}"})
    name = _facet(who, "siteGroup").get("displayName")
    return frozenset({f"group:{place.groups}/{name}"}) if name else frozenset()


def _facet(raw: Raw, name: str) -> Raw:
    found = raw.get(name)
    return found if isinstance(found, dict) else {}


def _digest(raw: Raw, keys: Iterable[str]) -> str:
    facts = json.dumps([raw.get(key) for key in keys])
    return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()


def _mime(raw: Raw) -> str:
    return str(raw["file"].get("mimeType") or "")
