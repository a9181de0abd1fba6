"""Which attachments a wiki listed last. Safe to lose: until the next listing none is missed.

Holds ids of attachments and of their pages; nothing that is written in them.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

FORMAT: Final = 1  # a memory of another format, or a damaged one, is not read


def remembered(memory: Path) -> dict[str, str]:
    """Return attachment id -> page id, of the last listing."""
    try:
        kept = json.loads(memory.read_bytes())
        if kept["format"] != FORMAT:
            return {}
        return {str(id): str(page) for id, page in kept["attachments"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def remember(memory: Path, attachments: Mapping[str, str]) -> None:
    """Keep what a listing saw in place of the one before."""
    beside = memory.with_suffix(".new")
    with suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({"format": FORMAT, "attachments": dict(attachments)}))
        beside.replace(memory)
