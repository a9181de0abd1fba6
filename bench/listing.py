"""List a large wiki: entries a second, memory, and what a second night fetches.

    python -m bench.listing --pages 10000

Installs a real MediaWiki (`make test-servers` unpacks it) into a temporary folder and reads it
over HTTP on this machine, so the server's own time counts. Its pages are copies of one, written
into its database: MediaWiki's import script makes 15 a second.
"""

import argparse
import sqlite3
import tempfile
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

from bench.conditions import describe, pin, spread
from connectors.base import Entry
from connectors.mediawiki import MediaWikiConnector, Wiki, polite
from index.base import DocumentInfo
from ingest.guard import Guarded
from ingest.history import Past
from ingest.nightly import plan
from ingest.sync import Limits, Plan
from tests.servers.mediawiki import READER, MediaWiki, mediawiki
from tests.servers.php import PACKAGES

NOW = datetime(2026, 11, 1, tzinfo=UTC)
READERS = frozenset({"everyone"})
TEXT = "Pumps are checked every Monday.\n\n== Valves ==\nValves are checked on Fridays."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pages", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--repetitions", type=int, default=3)
    args = parser.parse_args()
    if not (PACKAGES / "ready").exists():
        raise SystemExit("Run tests/servers/install.sh first.")
    pin()
    print(describe("footnote", "mwclient", "requests"))
    print(f"input     MediaWiki 1.39 on SQLite, PHP's own server; {args.repetitions} repetitions\n")
    print("| pages | entries/s | memory of the listing alone | fetched the second night |")
    print("| --: | --: | --: | --: |")
    for pages in args.pages:
        with tempfile.TemporaryDirectory() as folder, mediawiki(Path(folder)) as wiki:
            fill(wiki, pages)
            print(row(wiki, pages, args.repetitions))


def row(wiki: MediaWiki, pages: int, repetitions: int) -> str:
    """Return one line of the table."""
    rates = [pages / seconds(wiki, pages) for _ in range(repetitions)]
    again = second_night(wiki)
    fetched = len(again.to_fetch())
    *_, last = connector(wiki).entries()
    assert b"checked on Fridays" in connector(wiki).fetch(last).body
    assert (again.unchanged, again.error) == (pages, None)
    return f"| {pages} | {spread(rates)} | {peak_memory(wiki) / 2**20:.1f} MiB | {fetched} |"


def seconds(wiki: MediaWiki, pages: int) -> float:
    """Return how long a listing takes, signing in included."""
    start = time.perf_counter()
    assert sum(1 for _ in connector(wiki).entries()) == pages
    return time.perf_counter() - start


def peak_memory(wiki: MediaWiki) -> int:
    """Return the most bytes that Python held more at any time of a listing that keeps nothing."""
    source = connector(wiki)
    next(source.entries())  # modules, and the session
    tracemalloc.start()
    for _ in source.entries():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def second_night(wiki: MediaWiki) -> Plan:
    """Return what a night needs after one that took everything in."""
    known = {entry.id: taken_in(entry) for entry in connector(wiki).entries()}
    source = Guarded(connector(wiki))
    return plan(source, known, Past(), limits=Limits(), now=NOW, progress=lambda *_: None)


def fill(wiki: MediaWiki, pages: int) -> None:
    """Bring the wiki to so many pages; it has its main page already."""
    model = wiki.save("Model", TEXT)
    with sqlite3.connect(wiki.folder / "state/db/my_wiki.sqlite") as database:
        last = database.execute("SELECT max(rev_id) FROM revision").fetchone()[0]
        (latest,) = database.execute(
            "SELECT page_latest FROM page WHERE page_id = ?", (model,)
        ).fetchone()
        for number in range(1, pages - 1):
            page, revision = model + number, last + number
            title = f"Page_{number:06d}"
            copy(database, "page", model, page_id=page, page_title=title, page_latest=revision)
            copy(database, "revision", latest, rev_id=revision, rev_page=page)
            copy(database, "revision_comment_temp", latest, revcomment_rev=revision)
            copy(database, "slots", latest, slot_revision_id=revision, slot_origin=revision)


def copy(database: sqlite3.Connection, table: str, key: int, **changes: int | str) -> None:
    """Insert a copy of a row with some columns changed, the first of them its key."""
    columns = [column[1] for column in database.execute(f"PRAGMA table_info({table})")]
    chosen = ", ".join(f":{name}" if name in changes else name for name in columns)
    database.execute(
        f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE {next(iter(changes))} = :of",  # noqa: S608
        {**changes, "of": key},
    )


def taken_in(entry: Entry) -> DocumentInfo:
    """Return what the index knows of a document that it took in."""
    return DocumentInfo(entry.id, entry.version, "", "", "wiki", NOW, entry.readers)


def connector(wiki: MediaWiki) -> MediaWikiConnector:
    """Return a connector that knows nothing yet."""
    source = Wiki(wiki.api_url, READER, namespaces=(0,))
    return MediaWikiConnector("wiki", source, polite(wiki.api_url, "-"), readers=READERS)


if __name__ == "__main__":
    main()
