"""Generations on disk: built aside, published by renames, verified before they are read.

Knows files and checksums, not chunks.

    data/CURRENT                 "<generation> <sha256 of its manifest>"
    data/generations/000124/     manifest.json, its checksum as sha256sum writes it, and the files
                                 it lists
"""

import hashlib
import json
import logging
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from index import disk
from index.base import StoreError

FORMAT = 2
KEPT = 3
CURRENT = "CURRENT"
MANIFEST = "manifest.json"
CHECKSUM = "manifest.sha256"
NO_INDEX = "There is no index in {data} yet. Run `footnote ingest`."
_STAGING = ".building"
_NAME = re.compile(r"[0-9]{6,}")
_POINTER = re.compile(r"([0-9]{6,}) ([0-9a-f]{64})\n")
_CHECKSUM = re.compile(rf"([0-9a-f]{{64}})  {re.escape(MANIFEST)}\n")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation is made of."""

    format: int
    name: str
    parent: str | None
    created_at: str  # ISO 8601, UTC
    recipe: str  # embedder, chunker and parser: what must be equal for vectors to be comparable
    dim: int
    documents: int
    chunks: int
    files: dict[str, str]  # file name -> sha256
    report: dict[str, object]


@dataclass(frozen=True, slots=True)
class Selected:
    """The generation to answer from, every byte of it verified."""

    manifest: Manifest
    degraded: str | None  # why it is not the one that CURRENT names; None: it is


def pointer(data: Path) -> str | None:
    """Return what CURRENT says, unread; None if there is none. It changes with every switch."""
    try:
        return (data / CURRENT).read_bytes().decode("ascii", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"unreadable: {error}"


def current(data: Path) -> Manifest | None:
    """Return the manifest of the generation that CURRENT names; None where there is no CURRENT.

    Raises StoreError if what CURRENT names is not there or not what it was. The files it lists
    are not looked at: see `select`.
    """
    text = pointer(data)
    try:
        return None if text is None else named(data, text)
    except StoreError as error:
        raise StoreError(
            f"{error} Run `footnote ingest`: it goes on from the newest whole generation."
        ) from error


def select(data: Path) -> Selected | None:
    """Return the generation that CURRENT names, or the newest whole one if that is damaged.

    None before the first ingestion. Raises StoreError if there are generations, but none is whole.
    """
    text = pointer(data)
    try:
        if text is None:
            if not names(data):
                return None
            raise StoreError(f"{data / CURRENT} is missing.")
        manifest = named(data, text)
        verify(data, manifest)
    except StoreError as error:
        if pointer(data) != text:  # another one was published, and this one pruned, meanwhile
            return select(data)
        return _newest_whole(data, str(error))
    return Selected(manifest, None)


def folder(data: Path, name: str) -> Path:
    """Return where a generation's files are."""
    return data / "generations" / name


def names(data: Path) -> list[str]:
    """Return the names of the generations on disk, oldest first, whole or not."""
    generations = data / "generations"
    if not generations.is_dir():
        return []
    return sorted(
        (file.name for file in generations.iterdir() if _NAME.fullmatch(file.name)), key=int
    )


def load(data: Path, name: str) -> Manifest:
    """Return the manifest of any generation, every byte of it verified; StoreError if damaged."""
    manifest = _manifest(data, name, _checksum(folder(data, name) / CHECKSUM))
    verify(data, manifest)
    return manifest


def verify(data: Path, manifest: Manifest) -> None:
    """Raise StoreError unless every file of a generation has the checksum it was written with."""
    for name, digest in manifest.files.items():
        file = folder(data, manifest.name) / name
        try:
            whole = disk.sha256(file) == digest
        except OSError:
            whole = False
        if not whole:
            raise StoreError(f"{file} is damaged or missing.")


def begin(data: Path) -> Path:
    """Return an empty folder to build the next generation in; what a crash left is removed."""
    for leftover in (data / "generations").glob(".*"):
        shutil.rmtree(leftover, ignore_errors=True)
    staging = data / "generations" / _STAGING
    staging.mkdir(parents=True)
    return staging


def abandon(data: Path) -> None:
    """Remove a generation that was begun and will not be published."""
    shutil.rmtree(data / "generations" / _STAGING, ignore_errors=True)


def next_name(data: Path) -> str:
    """Return a name that no generation here has ever had: after the newest on disk or named."""
    found = _POINTER.fullmatch(pointer(data) or "")
    numbers = [*map(int, names(data)), int(found[1]) if found else 0]
    return f"{max(numbers) + 1:06d}"


def publish(data: Path, facts: Mapping[str, object]) -> Manifest:
    """Turn the folder given by `begin` into the generation that answers.

    facts: the fields of Manifest other than format, name and files. A crash at any point
    leaves either the old generation or the new one.
    """
    staging = data / "generations" / _STAGING
    files = {}
    for file in sorted(staging.iterdir()):
        disk.sync(file)
        files[file.name] = disk.sha256(file)
    manifest = Manifest(
        **{"format": FORMAT, "name": next_name(data), "files": files, **facts}  # type: ignore[arg-type]  # checked by the dataclass
    )
    body = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()
    disk.write(staging / MANIFEST, body)
    disk.write(staging / CHECKSUM, f"{hashlib.sha256(body).hexdigest()}  {MANIFEST}\n".encode())
    disk.sync(staging)
    staging.rename(folder(data, manifest.name))
    disk.sync(data / "generations")
    point(data, manifest)
    prune(data)
    return manifest


def point(data: Path, manifest: Manifest) -> None:
    """Let CURRENT name a generation: every Store opens it next."""
    digest = disk.sha256(folder(data, manifest.name) / MANIFEST)
    disk.replace(data / CURRENT, f"{manifest.name} {digest}\n".encode())


def prune(data: Path, kept: int = KEPT) -> None:
    """Remove old generations; the current one and its parent stay before newer ones do.

    Stores that still read one of them are not disturbed. A disk that fails is only logged:
    the next run tries again.
    """
    manifest = current(data)
    if manifest is None:
        return
    newest = reversed(names(data))
    wanted = dict.fromkeys([manifest.name, manifest.parent, *newest])
    keep = [name for name in wanted if name and folder(data, name).is_dir()][:kept]
    for name in names(data):
        if name not in keep:
            try:
                disk.discard(folder(data, name))
            except OSError as error:
                log.warning("prune failed generation=%s error=%s", name, error)


def named(data: Path, text: str) -> Manifest:
    """Return the manifest that the text of CURRENT names; StoreError if either is damaged."""
    found = _POINTER.fullmatch(text)
    if found is None:
        raise StoreError(f"{data / CURRENT} is damaged.")
    name, digest = found.groups()
    checksum = folder(data, name) / CHECKSUM
    if checksum.exists() and _checksum(checksum) != digest:
        raise StoreError(f"{checksum} is damaged.")
    return _manifest(data, name, digest)


def _manifest(data: Path, name: str, digest: str) -> Manifest:
    file = folder(data, name) / MANIFEST
    try:
        body = file.read_bytes()
    except OSError as error:
        raise StoreError(f"{file} cannot be read.") from error
    if hashlib.sha256(body).hexdigest() != digest:
        raise StoreError(f"{file} is damaged.")
    facts = json.loads(body)
    if facts["format"] != FORMAT:
        raise StoreError(
            f"generation {name} has format {facts['format']}, this version reads {FORMAT}."
        )
    return Manifest(**facts)


def _checksum(file: Path) -> str:
    try:
        found = _CHECKSUM.fullmatch(file.read_bytes().decode("ascii", "replace"))
    except OSError as error:
        raise StoreError(f"{file} cannot be read.") from error
    if found is None:
        raise StoreError(f"{file} is damaged.")
    return found[1]


def _newest_whole(data: Path, reason: str) -> Selected:
    for name in reversed(names(data)):
        try:
            manifest = load(data, name)
        except StoreError:
            continue
        return Selected(
            manifest,
            f"{reason} Generation {name} answers instead. Run `footnote ingest`.",
        )
    raise StoreError(
        f"{reason} No other generation in {data} is whole. Run `footnote ingest --rebuild`, "
        "or `footnote restore` a backup into an empty data directory."
    )
