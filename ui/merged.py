"""Base model and adapter together in the data directory: made once, and again if damaged."""

import hashlib
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from index import disk
from rag.base import ModelError

ABANDONED_S = 3600  # age of what a process left that was killed while it made one

log = logging.getLogger(__name__)


def merged(base: Path, adapter: Path, folder: Path) -> Path:
    """Return the language model's folder; made in fifteen seconds where it is not as it was made.

    Its checksum costs a start 0.1 to 0.2 s. Raises ModelError if it cannot be made.
    """
    from rag.tune.export import export

    digest = _digest(adapter / "adapter_model.safetensors", base)
    family = base.stem.partition(".")[0]
    made = folder / f"{family}-{digest}"
    return kept(made, family, lambda: export(base, adapter, made))


def merged_reader(base: Path, adapter: Path, folder: Path) -> Path:
    """Return the listwise reader's file in the same way; made in four seconds."""
    from rag.tune.merge_reader import merge

    digest = _digest(adapter / "adapter.safetensors", base)
    file = folder / f"list-reader-{digest}.safetensors"
    return kept(file, "list-reader", lambda: merge(base, adapter, file))


def kept(path: Path, family: str, make: Callable[[], None]) -> Path:
    """Return a file or a folder of files, made unless all of it is as it was made before.

    family: what its name begins with in every version of Footnote; once it is made, the other
    versions' are removed.
    """
    if _is_whole(path):
        return path
    with _alone(path, family):
        if not _is_whole(path):  # another process may have made it meanwhile
            _warn_of_damage(path)
            make()
            disk.replace(_checksum(path), _sums(path).encode())
            _tidy(path, family)
    return path


@contextmanager
def _alone(path: Path, family: str) -> Iterator[None]:
    """Keep other processes, of other containers too, from making the same model meanwhile."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.parent / f".{family}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("model is made by another process: waiting path=%s", path)
            lock.acquire()
    except OSError as error:
        raise ModelError(
            f"{path} cannot be made: {error}. Look whether the disk is full, sound and writable.",
            retryable=False,
        ) from error
    try:
        yield
    finally:
        lock.release()


def _digest(weights: Path, base: Path) -> str:
    return hashlib.sha256(weights.read_bytes() + base.name.encode()).hexdigest()[:12]


def _is_whole(path: Path) -> bool:
    try:
        return _checksum(path).read_text(encoding="utf-8") == _sums(path)
    except (OSError, UnicodeDecodeError):
        return False


def _warn_of_damage(path: Path) -> None:
    if path.exists():
        log.warning("model is made anew path=%s reason=damaged or of unknown origin", path)


def _tidy(path: Path, family: str) -> None:
    """Remove other versions of a model, and what a killed process left half made.

    What is young stays: a lock may not hold on every disk, and older versions take none.
    """
    for other in path.parent.glob(f"{family}-*"):
        with suppress(OSError):  # another process may tidy too, and a start needs no tidiness
            # numbers: of versions that named it by their process
            half_made = other.suffix == disk.UNFINISHED or other.suffix[1:].isdecimal()
            old = time.time() - other.stat().st_mtime > ABANDONED_S
            if (half_made and not old) or (other.name.startswith(path.name) and not half_made):
                continue
            log.info("model of no use is removed path=%s", other)
            if other.is_dir():
                shutil.rmtree(other)
            else:
                other.unlink()


def _sums(path: Path) -> str:
    """Return a line a file: its checksum and its name."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return "".join(f"{disk.sha256(file)}  {file.name}\n" for file in files)


def _checksum(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
