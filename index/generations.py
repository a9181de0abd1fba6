"""Generations on disk: built aside, published by renames, verified before they are read.

Knows files and checksums, not chunks.

    data/CURRENT                 "<generation> <sha256 of its manifest>"
    data/generations/000124/     manifest.json and the files it lists
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from index.base import StoreError

FORMAT = 2
KEPT = 3
MANIFEST = "manifest.json"
_STAGING = ".building"


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


def current(data: Path) -> Manifest | None:
    """Return the manifest of the generation that answers; None before the first ingestion.

    Raises StoreError if what CURRENT names is not there or not what it was.
    """
    try:
        pointer = (data / "CURRENT").read_text()
    except FileNotFoundError:
        return None
    name, _, digest = pointer.strip().partition(" ")
    file = folder(data, name) / MANIFEST
    try:
        body = file.read_bytes()
    except OSError as error:
        raise StoreError(
            f"{data / 'CURRENT'} names generation {name!r}, but {file} cannot be read. "
            "Run `footnote ingest --rebuild`."
        ) from error
    if hashlib.sha256(body).hexdigest() != digest:
        raise StoreError(f"{file} is damaged. Run `footnote ingest --rebuild`.")
    manifest = Manifest(**json.loads(body))
    if manifest.format != FORMAT:
        raise StoreError(
            f"generation {name} has format {manifest.format}, this version reads {FORMAT}. "
            "Run `footnote ingest --rebuild`."
        )
    return manifest


def folder(data: Path, name: str) -> Path:
    """Return where a generation's files are."""
    return data / "generations" / name


def verify(data: Path, manifest: Manifest) -> None:
    """Raise StoreError unless every file of a generation has the checksum it was written with."""
    for name, digest in manifest.files.items():
        file = folder(data, manifest.name) / name
        if not file.is_file() or _sha256(file) != digest:
            raise StoreError(
                f"{file} is damaged or missing. Run `footnote ingest --rebuild`, "
                "or restore the folder from a backup."
            )


def begin(data: Path) -> Path:
    """Return an empty folder to build the next generation in; what a crash left is removed."""
    staging = data / "generations" / _STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    return staging


def abandon(data: Path) -> None:
    """Remove a generation that was begun and will not be published."""
    shutil.rmtree(data / "generations" / _STAGING, ignore_errors=True)


def next_name(data: Path) -> str:
    """Return the name of the generation after the newest on disk."""
    names = _names(data)
    return f"{int(names[-1]) + 1 if names else 1:06d}"


def publish(data: Path, facts: Mapping[str, object]) -> Manifest:
    """Turn the folder given by `begin` into the generation that answers.

    facts: the fields of Manifest other than format, name and files. A crash at any point
    leaves either the old generation or the new one.
    """
    staging = data / "generations" / _STAGING
    files = {}
    for file in sorted(staging.iterdir()):
        _sync(file)
        files[file.name] = _sha256(file)
    manifest = Manifest(
        **{"format": FORMAT, "name": next_name(data), "files": files, **facts}  # type: ignore[arg-type]  # checked by the dataclass
    )
    body = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()
    (staging / MANIFEST).write_bytes(body)
    _sync(staging / MANIFEST)
    _sync(staging)
    staging.rename(folder(data, manifest.name))
    _sync(data / "generations")
    pointer = data / "CURRENT.new"
    pointer.write_text(f"{manifest.name} {hashlib.sha256(body).hexdigest()}\n")
    _sync(pointer)
    pointer.replace(data / "CURRENT")
    _sync(data)
    _prune(data, keep=manifest.name)
    return manifest


def _prune(data: Path, keep: str) -> None:
    for name in _names(data)[:-KEPT]:
        if name != keep:
            shutil.rmtree(folder(data, name))


def _names(data: Path) -> list[str]:
    generations = data / "generations"
    if not generations.is_dir():
        return []
    return sorted(file.name for file in generations.iterdir() if file.name.isdigit())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
