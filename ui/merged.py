"""Base model and adapter as one file in the data directory: made once, and again if damaged."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from index import disk

log = logging.getLogger(__name__)


def merged(base: Path, adapter: Path, folder: Path) -> Path:
    """Return the language model's file, as it was written; made in six seconds where it is not.

    The checksum beside it costs a start 0.1 to 0.2 s. Raises ModelError if it cannot be made.
    """
    from rag.tune.merge import merge

    digest = _digest(adapter / "adapter_model.safetensors", base)
    file = folder / f"{base.stem.partition('.')[0]}-{digest}.gguf"
    return _kept(file, lambda: merge(base, adapter, file))


def merged_reader(base: Path, adapter: Path, folder: Path) -> Path:
    """Return the listwise reader's file in the same way; made in four seconds."""
    from rag.tune.merge_reader import merge

    digest = _digest(adapter / "adapter.safetensors", base)
    file = folder / f"list-reader-{digest}.safetensors"
    return _kept(file, lambda: merge(base, adapter, file))


def _digest(weights: Path, base: Path) -> str:
    return hashlib.sha256(weights.read_bytes() + base.name.encode()).hexdigest()[:12]


def _kept(file: Path, make: Callable[[], None]) -> Path:
    if not _is_whole(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        make()
        disk.replace(_checksum(file), disk.sha256(file).encode())
    return file


def _is_whole(file: Path) -> bool:
    try:
        whole = _checksum(file).read_text(encoding="ascii") == disk.sha256(file)
    except (OSError, UnicodeDecodeError):
        whole = False
    if not whole and file.exists():
        log.warning("model file is made anew file=%s reason=damaged or of unknown origin", file)
    return whole


def _checksum(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256")
