"""SQLite files of what connectors remember from one listing to the next; safe to lose."""

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from connectors.base import ConnectorError

PATIENCE_S: Final = 5  # with another process that writes


def opened(path: Path | None, tables: str, *, version: int) -> sqlite3.Connection:
    """Open or begin a file with these tables; None: in this process's memory.

    version: of the tables. A file of another, or a damaged one, is begun anew. Raises
    ConnectorError for a file that cannot be used now, but may be sound.
    """
    if path is None:
        return _prepared(":memory:", tables, version)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        try:
            return _prepared(str(path), tables, version)
        except sqlite3.OperationalError:  # locked, forbidden, a full disk: no damage
            raise
        except sqlite3.DatabaseError:
            path.unlink()
            return _prepared(str(path), tables, version)
    except sqlite3.OperationalError as error:
        raise ConnectorError(
            f"{path} cannot be used: {error}. If another ingestion uses it, try again when that "
            "has ended; else look at the disk and at the rights of Footnote's account."
        ) from error


def copy(source: str, folder: Path, into: Path) -> None:
    """Copy what a source remembers to another folder, while an ingestion may be using it.

    What cannot be copied is left out: the connector then asks its server for it again.
    """
    for path in folder.glob(f"{source}.*.sqlite"):
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as kept,
            closing(sqlite3.connect(into / path.name)) as copied,
        ):
            kept.backup(copied, pages=1024)  # in steps, between which the ingestion may write
    for path in folder.glob(f"{source}.*.json"):
        with suppress(OSError):
            shutil.copy(path, into)


def _prepared(path: str, tables: str, version: int) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=PATIENCE_S, check_same_thread=False)
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
