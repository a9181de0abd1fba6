"""List every source that has a server on this machine: entries a second, and what is new then.

    python -m bench.sources

MediaWiki and Slack have measurements of their own, `bench.listing` and `bench.slack_listing`. Of
the servers, Samba, git and DokuWiki are real programs of their own; WsgiDAV, moto and the stand-ins
for Google, Microsoft, Atlassian and Notion run in this process, so their time counts too.
"""

import argparse
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from bench.conditions import describe, pin
from connectors.base import Connector
from connectors.files import FilesConnector
from tests.connectors import (
    test_confluence,
    test_dokuwiki,
    test_drives,
    test_gdrive,
    test_gitwiki,
    test_notion,
    test_sharepoint,
)
from tests.connectors.confluence_server import confluence
from tests.connectors.google_drive import google_drive, person
from tests.connectors.graph import graph
from tests.connectors.notion_server import block, notion
from tests.servers.dokuwiki import dokuwiki
from tests.servers.git import Wiki, wiki

READERS = frozenset({"everyone"})
TEXT = "Pumps are checked every Monday, and valves on Fridays."

Source = AbstractContextManager[Callable[[], Connector]]  # gives what a new process would have


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=SOURCES, nargs="+", default=list(SOURCES))
    parser.add_argument("--entries", type=int, help="default: as many as a server gives quickly")
    parser.add_argument("--repetitions", type=int, default=3)
    args = parser.parse_args()
    pin()
    logging.disable(logging.WARNING)  # moto tells of every request
    print(describe("footnote", "boto3", "smbprotocol"))
    print(f"input     {args.repetitions} repetitions, each a new connector without a memory\n")
    print("| source | server | entries | entries/s | to fetch the second night |")
    print("| --- | --- | --: | --: | --: |")
    for name in args.only:
        server, count, source = SOURCES[name]
        with source(args.entries or count) as connector:
            print(f"| `{name}` | {server} | {row(connector, args.repetitions)} |", flush=True)


def row(connector: Callable[[], Connector], repetitions: int) -> str:
    """Return number, speed and what a second listing has that the first had not."""
    known = {entry.id: entry.version for entry in connector().entries()}
    rates = []
    fetched = 0
    for _ in range(repetitions):
        source = connector()
        start = time.perf_counter()
        entries = list(source.entries())
        rates.append(len(entries) / (time.perf_counter() - start))
        assert len(entries) == len(known)
        fetched += sum(known.get(entry.id) != entry.version for entry in entries)
    return f"{len(known)} | {median(rates):.0f} ({min(rates):.0f}–{max(rates):.0f}) | {fetched}"


def names(count: int) -> Iterator[str]:
    """Yield paths, a hundred in a folder."""
    return (f"folder-{number // 100:03d}/page-{number:06d}.md" for number in range(count))


@contextmanager
def files(count: int) -> Iterator[Callable[[], Connector]]:
    with folder() as root:
        write(root, count)
        make = partial(FilesConnector, "files", root, kind="drive", readers=READERS, base_url=None)
        yield make


@contextmanager
def drive(kind: str, count: int) -> Iterator[Callable[[], Connector]]:
    with test_drives.served(kind, dict.fromkeys(names(count), TEXT)) as server:
        if isinstance(server, test_drives.S3Server):
            server.page = 1000
        if isinstance(server, test_drives.S3Server | test_drives.WebDavServer):
            server.proxy.url = server.proxy.upstream  # directly
        yield lambda: test_drives.connector(server.drive())


@contextmanager
def git(count: int) -> Iterator[Callable[[], Connector]]:
    with folder() as root:
        made = wiki(root, dict.fromkeys(names(count), TEXT))
        yield lambda: fresh(root, made)


def fresh(root: Path, made: Wiki) -> Connector:
    (root / "memory.json").unlink(missing_ok=True)
    return test_gitwiki.connector(made)


@contextmanager
def doku(count: int) -> Iterator[Callable[[], Connector]]:
    with folder() as root, dokuwiki(root) as server:
        write(root / "state/data/pages", count, suffix=".txt")
        yield lambda: test_dokuwiki.connector(server.url)


@contextmanager
def atlassian(count: int, *, cloud: bool) -> Iterator[Callable[[], Connector]]:
    with confluence(cloud=cloud) as server:
        server.page_size = 100
        server.add("1", "Home", f"<p>{TEXT}</p>")
        for number in range(2, count + 1):
            server.add(str(number), f"Page {number}", f"<p>{TEXT}</p>", parent="1")
        yield lambda: test_confluence.connector(server)


@contextmanager
def google(count: int) -> Iterator[Callable[[], Connector]]:
    with google_drive() as server:
        server.folder("top")
        server.share("top", person("ann@acme.example"))
        for name in names(count):
            id = name.partition("/")[2].removesuffix(".md")
            server.put(id, TEXT.encode(), "top", name=f"{id}.md")
        yield test_gdrive.Nights(server).connector


@contextmanager
def microsoft(count: int) -> Iterator[Callable[[], Connector]]:
    with graph() as server:
        for name in names(count):
            id = name.partition("/")[2].removesuffix(".md")
            server.put(id, TEXT.encode(), name=f"{id}.md")
        yield test_sharepoint.Nights(server).connector


@contextmanager
def notions(count: int) -> Iterator[Callable[[], Connector]]:
    with notion() as server:
        for number in range(count):
            server.add(f"p{number}", f"Page {number}", block(f"b{number}", "paragraph", TEXT))
        yield lambda: test_notion.connector(server)


def write(root: Path, count: int, suffix: str = ".md") -> None:
    for name in names(count):
        path = (root / name).with_suffix(suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


SOURCES: dict[str, tuple[str, int, Callable[[int], Source]]] = {
    "files": ("a folder", 10_000, files),
    "smb": ("Samba", 10_000, partial(drive, "smb")),
    "s3": ("moto", 5_000, partial(drive, "s3")),
    "webdav": ("WsgiDAV", 2_000, partial(drive, "webdav")),
    "gitwiki": ("a bare repository", 10_000, git),
    "dokuwiki": ("DokuWiki", 2_000, doku),
    "confluence cloud": ("stand-in", 2_000, partial(atlassian, cloud=True)),
    "confluence server": ("stand-in", 2_000, partial(atlassian, cloud=False)),
    "gdrive": ("stand-in", 5_000, google),
    "sharepoint": ("stand-in", 5_000, microsoft),
    "notion": ("stand-in", 500, notions),
}


if __name__ == "__main__":
    main()
