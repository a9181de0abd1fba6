"""What the last listing of a git wiki saw. Safe to lose: then the wiki is copied once more.

Holds ids, times and names of files; nothing that is written in them.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connectors.git import Blob
from connectors.gitwiki_history import Page

FORMAT: Final = 1  # a file of another format, or a damaged one, is not read


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one commit."""

    commit: str
    files: Mapping[str, tuple[Page, Blob]]  # by path


def remembered(path: Path) -> Listing | None:
    """Return the listing that was kept, if it can be read."""
    try:
        kept = json.loads(path.read_bytes())
        if kept["format"] != FORMAT:
            return None
        files = {
            name: (Page(key, changed_s), Blob(id, size))
            for name, key, changed_s, id, size in kept["files"]
        }
        return Listing(kept["commit"], files)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def remember(path: Path, listing: Listing) -> None:
    """Keep a listing in place of the one before. Without room for it, nothing is kept."""
    files = [
        (name, page.key, page.changed_s, blob.id, blob.size)
        for name, (page, blob) in listing.files.items()
    ]
    kept = {"format": FORMAT, "commit": listing.commit, "files": files}
    beside = path.with_suffix(".new")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(kept))
        beside.replace(path)
