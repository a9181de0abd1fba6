"""A backup: one generation and the live state in one tar file, and the way back.

    backup.json                  what is inside
    generations/000124/…         the generation that answered, as it is on disk
    live.sqlite                  what is forbidden, runs, what they remember, questions, votes
    SHA256SUMS                   last: of every file above, as sha256sum writes it

The vector cache stays out: it only saves time. Model files stay out: they are installed.
"""

import io
import json
import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from index import contents, disk, generations
from index.base import StoreError

FORMAT = 1
ABOUT = "backup.json"
SUMS = "SHA256SUMS"
LIVE = "live.sqlite"
PARTS = (LIVE, "generations")  # what was forgotten is there before what would tell it
TRIES = 5  # an ingestion may publish while the live state is copied

_MEMBER = re.compile(rf"{ABOUT}|{LIVE}|generations/[0-9]{{6,}}/[a-z0-9]+\.[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class About:
    """What a backup holds."""

    format: int
    created_at: str  # ISO 8601, UTC
    generation: str
    documents: int
    chunks: int
    content: str  # hash of the documents, readers, chunks and vectors


def save(data: Path, file: Path, *, now: datetime) -> About:
    """Write a backup of what answers now; an ingestion may run meanwhile.

    Raises StoreError if there is no whole generation, or if the file exists already.
    """
    if file.exists():
        raise StoreError(f"{file} exists already: remove it, or name another file.")
    try:
        with (
            tempfile.TemporaryDirectory(dir=file.parent, prefix=".backup-") as name,
            ExitStack() as stack,
        ):
            scratch = Path(name)
            about, members = _collected(data, scratch, now, stack)
            _pack(members, scratch / "backup.tar")
            (scratch / "backup.tar").rename(file)
            disk.sync(file.parent)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{file} cannot be written: {error}. The index is as it was.") from error
    return about


def restore(file: Path, data: Path) -> About:
    """Fill an empty data directory from a backup; CURRENT comes last, when all is verified.

    Raises StoreError if the directory is not empty or the file is not a whole backup.
    """
    if data.is_dir() and any(data.iterdir()):
        raise StoreError(f"{data} is not empty: empty it, or restore into another directory.")
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=data, prefix=".restoring-") as name:
            scratch = Path(name)
            _unpack(file, scratch)
            about = _about(scratch / ABOUT)
            manifest = generations.load(scratch, about.generation)
            if contents.content_hash(generations.folder(scratch, manifest.name)) != about.content:
                raise StoreError(f"{file} does not hold what it says. Use another backup.")
            for part in PARTS:
                if (scratch / part).exists():
                    (scratch / part).rename(data / part)
            disk.sync(data)
            generations.point(data, manifest)
    except (OSError, tarfile.TarError) as error:
        raise StoreError(f"{file} cannot be restored into {data}: {error}.") from error
    return about


def _collected(
    data: Path, scratch: Path, now: datetime, stack: ExitStack
) -> tuple[About, dict[str, BinaryIO]]:
    """Open or copy all parts, as of one moment: what is open survives being pruned."""
    for _ in range(TRIES):
        pointer = generations.pointer(data)
        selected = generations.select(data)
        if selected is None:
            raise StoreError(generations.NO_INDEX.format(data=data))
        manifest = selected.manifest
        folder = f"generations/{manifest.name}"
        names = [*manifest.files, generations.MANIFEST, generations.CHECKSUM]
        try:
            members: dict[str, BinaryIO] = {
                f"{folder}/{name}": stack.enter_context((data / folder / name).open("rb"))
                for name in names
            }
            content = contents.content_hash(data / folder)
        except (OSError, RuntimeError, sqlite3.Error):  # pruned since; RuntimeError: FAISS
            continue
        _copy_live(data / LIVE, scratch / LIVE)
        if generations.pointer(data) == pointer:
            break
    else:
        raise StoreError(f"{data} was published {TRIES} times meanwhile: run the backup again.")
    about = About(
        FORMAT,
        now.isoformat(),
        manifest.name,
        manifest.documents,
        manifest.chunks,
        content,
    )
    members[ABOUT] = io.BytesIO(json.dumps(asdict(about), indent=1).encode())
    if (scratch / LIVE).exists():
        members[LIVE] = stack.enter_context((scratch / LIVE).open("rb"))
    return about, members


def _copy_live(live: Path, copy: Path) -> None:
    """Copy a database that others may be writing, once what a crash left half done is undone."""
    copy.unlink(missing_ok=True)
    if not live.exists():
        return
    with (
        closing(sqlite3.connect(f"{live.resolve().as_uri()}?mode=rw", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def _pack(members: Mapping[str, BinaryIO], file: Path) -> None:
    sums = ""
    with file.open("wb") as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        for name, body in sorted(members.items()):
            sums += f"{disk.sha256_of(body)}  {name}\n"
            _add(tar, name, body)
        _add(tar, SUMS, io.BytesIO(sums.encode()))
    disk.sync(file)


def _add(tar: tarfile.TarFile, name: str, body: BinaryIO) -> None:
    member = tarfile.TarInfo(name)
    member.size = body.seek(0, io.SEEK_END)
    body.seek(0)
    tar.addfile(member, body)


def _unpack(file: Path, folder: Path) -> None:
    """Write the members of a backup under a folder. Raises StoreError unless every byte is right.

    Only names that a backup has are written, so nothing can land elsewhere.
    """
    sums: dict[str, str] = {}
    listed = ""
    with tarfile.open(file) as tar:
        for member in tar:
            body = tar.extractfile(member) if member.isreg() else None
            if body is None or not (member.name == SUMS or _MEMBER.fullmatch(member.name)):
                raise StoreError(f"{file} holds {member.name!r}, which no backup of Footnote does.")
            if member.name == SUMS:
                listed = body.read().decode("ascii", "replace")
                continue
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as stream:
                shutil.copyfileobj(body, stream)
            disk.sync(target)
            sums[member.name] = disk.sha256(target)
    for place in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        disk.sync(place)
    if not sums or listed != "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)):
        raise StoreError(f"{file} is damaged: its checksums do not match. Use another backup.")


def _about(file: Path) -> About:
    facts = json.loads(file.read_bytes())
    if facts["format"] != FORMAT:
        raise StoreError(
            f"The backup has format {facts['format']}, this version reads {FORMAT}: "
            "restore it with the version of Footnote that wrote it."
        )
    return About(**facts)
