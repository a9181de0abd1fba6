"""Which page of a git wiki is which: a branch's changes in turn → pages that keep their ids.

Decides only; git finds the renames.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit did to one path."""

    path: str
    gone: bool = False
    was: str | None = None  # the path before, where git finds that it was renamed


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of a branch."""

    commit: str
    time_s: int  # since 1970
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What the history says of a file that is there now."""

    key: str  # the path that it had first
    changed_s: int  # when a commit last touched it, since 1970


def steps(records: Sequence[bytes]) -> Iterator[Step]:
    """Yield the commits of `git log --raw -z` in the form that `git.Copy.log` asks for."""
    at = 0
    while at < len(records):
        commit, time = records[at][1:].decode().split()
        at += 1
        changes = []
        while at < len(records) and not records[at].startswith(b"\x01"):
            status = records[at].rpartition(b" ")[2][:1]
            length = 3 if status == b"R" else 2
            paths = [os.fsdecode(path) for path in records[at + 1 : at + length]]
            was = paths[0] if status == b"R" else None
            changes.append(Change(paths[-1], status == b"D", was))
            at += length
        yield Step(commit, int(time), tuple(changes))


def pages_after(history: Iterable[Step]) -> dict[str, Page]:
    """Return the files after all commits, by path.

    A file's key is the path it began with; where a renamed file still holds that, the commit is
    added. So the same history always makes the same keys, and no key ever names another file
    while its own is there.
    """
    pages: dict[str, Page] = {}
    taken: set[str] = set()
    for step in history:
        moved = {c.path: pages.pop(c.was).key for c in step.changes if c.was is not None}
        for change in step.changes:
            if change.gone:
                taken.discard(pages.pop(change.path).key)
        for change in step.changes:
            if not change.gone:
                key = moved.get(change.path) or _key(change.path, step.commit, pages, taken)
                pages[change.path] = Page(key, step.time_s)
                taken.add(key)
    return pages


def kept(
    pages: Mapping[str, Page], then: Mapping[str, Page], known: Mapping[str, str], commit: str
) -> dict[str, Page]:
    """Return the pages with the keys that they were listed with before, whatever history says now.

    then: the pages when they were listed before; where that commit is gone from the history, the
    pages now. known: key by path as it was listed then. commit: the last one now.
    """
    listed = {page.key: known[path] for path, page in then.items() if path in known}
    keys = {path: listed[page.key] for path, page in pages.items() if page.key in listed}
    taken = set(keys.values())
    for path, page in pages.items():
        if path not in keys:
            keys[path] = page.key if page.key not in taken else f"{path}@{commit[:12]}"
            taken.add(keys[path])
    return {path: Page(keys[path], page.changed_s) for path, page in pages.items()}


def _key(path: str, commit: str, pages: Mapping[str, Page], taken: set[str]) -> str:
    if path in pages:
        return pages[path].key
    return path if path not in taken else f"{path}@{commit[:12]}"
