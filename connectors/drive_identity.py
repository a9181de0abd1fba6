"""Which file is which document, though it was moved or renamed since.

A path alone would make a moved file another document; a server's own id alone would
make one of every file that a program saves by writing a new one in its place.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Final

FORMAT: Final = 1  # a memory of another format, or a damaged one, is not read


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file lies, and what its server calls it wherever it lies."""

    path: str
    key: str | None  # None: nothing but the path tells it from others


class Identities:
    """The ids of a source's files, from one listing to the next."""

    def __init__(self, memory: Path | None) -> None:
        """Take where the last listing is kept; None: until the process ends."""
        self._memory = memory
        self._found = remembered(memory) if memory else {}

    def of(self, files: Iterable[Place]) -> list[tuple[str, Place]]:
        """Return id and file of a complete listing, sorted by path, and keep them."""
        self._found = identified(files, self._found)
        if self._memory and any(place.key or place.path != id for id, place in self._found.items()):
            remember(self._memory, self._found)
        return sorted(self._found.items(), key=lambda each: each[1].path)

    def path(self, id: str) -> str:
        """Return where a document's file lies: the id itself, unless a listing said otherwise."""
        return self._found[id].path if id in self._found else id


def identified(files: Iterable[Place], before: Mapping[str, Place]) -> dict[str, Place]:
    """Return id -> file, for files and documents of the listing before.

    A file at a known path is the document that was there; one whose key is known from a path where
    nothing is any more has moved; any other is new, and its id is the path that it has now. A key
    that several files share (they are links to each other's bytes) says nothing.
    """
    by_path = {place.path: place for place in files}
    known = {place.path: id for id, place in before.items()}
    found = {known[path]: place for path, place in by_path.items() if path in known}
    left = [by_path[path] for path in sorted(by_path) if path not in known]
    moved = _by_key({id: place for id, place in before.items() if id not in found})
    keys = set(_by_key({place.path: place for place in by_path.values()}))
    for place in left:
        id = moved.get(place.key) if place.key and place.key in keys else None
        found[_free(place.path, found, before) if id is None else id] = place
    return found


def remembered(memory: Path) -> dict[str, Place]:
    """Return what the last listing saw. Safe to lose: files that moved before are new once."""
    try:
        kept = json.loads(memory.read_bytes())
        if kept["format"] != FORMAT:
            return {}
        return {id: Place(path, key) for id, path, key in kept["files"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def remember(memory: Path, found: Mapping[str, Place]) -> None:
    """Keep what a listing saw in place of the one before; nothing that is written in files."""
    rows = [(id, place.path, place.key) for id, place in found.items()]
    beside = memory.with_suffix(".new")
    with suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({"format": FORMAT, "files": rows}))
        beside.replace(memory)


def printable(path: str) -> str:
    """Return a path as it may stand in an id: as UTF-8, whatever its bytes are."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _by_key(places: Mapping[str, Place]) -> dict[str, str]:
    """Return key -> id, of the keys that one file alone has."""
    keys = {id: place.key for id, place in places.items() if place.key}
    times = Counter(keys.values())
    return {key: id for id, key in keys.items() if times[key] == 1}


def _free(path: str, *taken: Mapping[str, Place]) -> str:
    """Return an id for a new file; the path, unless a file that moved away has it."""
    id = printable(path)
    others = (f"{id}@{number}" for number in count(2))
    return next(each for each in chain([id], others) if not any(each in ids for ids in taken))
