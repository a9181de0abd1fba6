"""Base model and adapter together in the data directory: made once, and again if damaged."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from index import disk

log = logging.getLogger(__name__)


def merged(base: Path, adapter: Path, folder: Path) -> Path:
    """Return the language model's folder; made in fifteen seconds where it is not as it was made.

    Its checksum costs a start 0.1 to 0.2 s. Raises ModelError if it cannot be made.
    """
    from rag.tune.export import export

    digest = _digest(adapter / "adapter_model.safetensors", base)
    made = folder / f"{base.stem.partition('.')[0]}-{digest}"
    return kept(made, lambda: export(base, adapter, made))


def merged_reader(base: Path, adapter: Path, folder: Path) -> Path:
    """Return the listwise reader's file in the same way; made in four seconds."""
    from rag.tune.merge_reader import merge

    digest = _digest(adapter / "adapter.safetensors", base)
    file = folder / f"list-reader-{digest}.safetensors"
    return kept(file, lambda: merge(base, adapter, file))


def kept(path: Path, make: Callable[[], None]) -> Path:
    """Return a file or a folder of files, made unless all of it is as it was made before."""
    if not _is_whole(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        make()
        disk.replace(_checksum(path), _sums(path).encode())
    return path


def _digest(weights: Path, base: Path) -> str:
    return hashlib.sha256(weights.read_bytes() + base.name.encode()).hexdigest()[:12]


def _is_whole(path: Path) -> bool:
    try:
        whole = _checksum(path).read_text(encoding="utf-8") == _sums(path)
    except (OSError, UnicodeDecodeError):
        whole = False
    if not whole and path.exists():
        log.warning("model is made anew path=%s reason=damaged or of unknown origin", path)
    return whole


def _sums(path: Path) -> str:
    """Return a line a file: its checksum and its name."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return "".join(f"{disk.sha256(file)}  {file.name}\n" for file in files)


def _checksum(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
