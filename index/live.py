"""data/live.sqlite: what changes between two generations and takes effect at once.

Knows how to open, migrate and share the file between processes. Tables belong to the modules that
read and write them and hang on METADATA; their history is in `index/migrations/versions`.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from index import disk
from index.base import StoreError

FILE = "live.sqlite"
BUSY_S = 30  # how long a process waits for another one's transaction
MIGRATIONS = Path(__file__).parent / "migrations"
METADATA = sa.MetaData()

# Not WAL: SQLite before 3.51.3 can corrupt a file in WAL mode that several processes write, and a
# rollback journal leaves no copy of erased rows behind. EXTRA is FULL and a synced directory: in
# this mode FULL alone may undo the last commit when the power fails.
_PRAGMAS = (
    "PRAGMA synchronous = EXTRA",
    "PRAGMA secure_delete = ON",
    "PRAGMA foreign_keys = ON",
)


class Live:
    """The live database of one data directory; threads and processes may share it."""

    def __init__(self, data: Path) -> None:
        """Open it, make it and its folder if they are new, and bring its schema up to date.

        Raises StoreError if a newer version of Footnote wrote it, or if it cannot be opened.
        """
        with disk.writing(data):
            data.mkdir(parents=True, exist_ok=True)
        self.file = data / FILE
        self._engine = _engine(self.file)
        self._watch: tuple[int, sqlite3.Connection] | None = None  # inode, a connection of its own
        self._watching = Lock()
        with self.writing() as connection:
            _migrate(connection, self.file)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Yield a connection that sees one state of the file. Keep it short: writers wait."""
        with self._explained(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Yield the one connection that may write now; what it wrote is on disk afterwards.

        Waits up to BUSY_S for another writer. An exception takes everything back.
        """
        with self._explained(), self._engine.connect() as connection:
            connection.execution_options(footnote_writes=True)
            with connection.begin():
                yield connection

    def version(self) -> tuple[int, int]:
        """Return what differs after every change by any process, in microseconds.

        Raises StoreError if the file is gone.
        """
        with self._watching:
            try:
                inode = self.file.stat().st_ino
                if self._watch is None or self._watch[0] != inode:  # a backup was put in its place
                    self._close()
                    self._watch = inode, _watch(self.file)
                (version,) = self._watch[1].execute("PRAGMA data_version").fetchone()
            except (OSError, sqlite3.Error) as error:
                raise StoreError(f"{self.file} cannot be read: {error}.") from error
            return inode, version

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(
                f"{self.file} cannot be used: {error.orig}. Check the disk and who owns the file, "
                "or restore it from a backup."
            ) from error

    def erase(self) -> None:
        """Give freed pages back, so that no byte of a deleted row stays in the file."""
        with closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM")  # not within a transaction

    def close(self) -> None:
        """Close every connection; the next use opens it again."""
        with self._watching:
            self._close()

    def _close(self) -> None:
        self._engine.dispose()
        if self._watch is not None:
            self._watch[1].close()
            self._watch = None


def _engine(file: Path) -> sa.Engine:
    url = sa.URL.create("sqlite", database=str(file))
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_S})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        # Python's driver begins transactions late and ends them around DDL; `begin` does it here.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("footnote_writes", False)
        # A reader that turns writer cannot wait for another one: SQLite fails it at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _watch(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=BUSY_S, isolation_level=None, check_same_thread=False)


def _migrate(connection: sa.Connection, file: Path) -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    have = set(MigrationContext.configure(connection).get_current_heads())
    known = {script.revision for script in scripts.walk_revisions()}
    if unknown := have - known:
        raise StoreError(
            f"{file} has schema {', '.join(sorted(unknown))}, this version of Footnote knows "
            f"{', '.join(scripts.get_heads())}. Install the version that wrote it, "
            "or restore the file from a backup."
        )
    if have == set(scripts.get_heads()):
        return
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "heads")
