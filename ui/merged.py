"""Base model and adapter as one file in the data directory: made once, and again if damaged."""

import hashlib
import logging
from pathlib import Path

from index import disk

log = logging.getLogger(__name__)


def merged(base: Path, adapter: Path, folder: Path) -> Path:
    """Return the file that holds both, as it was written; made in six seconds where it is not.

    The checksum beside it costs a start 0.1 to 0.2 s. Raises ModelError if it cannot be made.
    """
    weights = adapter / "adapter_model.safetensors"
    digest = hashlib.sha256(weights.read_bytes() + base.name.encode()).hexdigest()
    file = folder / f"{base.stem.partition('.')[0]}-{digest[:12]}.gguf"
    if not _is_whole(file):
        from rag.tune.merge import merge

        folder.mkdir(parents=True, exist_ok=True)
        merge(base, adapter, file)
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
