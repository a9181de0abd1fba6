"""SQLite files of what connectors remember from one listing to the next; safe to lose."""

import sqlite3
from contextlib import closing
from pathlib import Path


def opened(path: Path | None, tables: str, *, version: int) -> sqlite3.Connection:
    """Open or begin a file with these tables; None: in this process's memory.

    version: of the tables. A file of another, or a damaged one, is begun anew.
    """
    if path is None:
        return _prepared(":memory:", tables, version)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _prepared(str(path), tables, version)
    except sqlite3.DatabaseError:
        path.unlink()
        return _prepared(str(path), tables, version)


def _prepared(path: str, tables: str, version: int) -> sqlite3.Connection:
    database = sqlite3.connect(path, check_same_thread=False)
    try:
        if database.execute("PRAGMA user_version").fetchone()[0] not in (0, version):
            raise sqlite3.DatabaseError("another format")
        if database.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
        # No fsync: what a crash takes is read again, what it damages is begun anew.
        pragmas = f"PRAGMA synchronous = OFF; PRAGMA user_version = {version};"
        database.executescript(pragmas + tables)
        return database
    except sqlite3.DatabaseError:
        with closing(database):
            raise
