"""What is forbidden since the last generation: forgotten documents and revoked readers.

Written by an admin's command, seen by every process at its next look at the index.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

import sqlalchemy as sa

from index.access import denies
from index.live import METADATA, Live

TOMBSTONES = sa.Table(
    "tombstones",
    METADATA,
    sa.Column("document", sa.Text, primary_key=True),  # SHA-256 of the id
    sa.Column("id", sa.Text),  # until nothing of the document is left; then no name is kept
    sa.Column("forgotten_at", sa.Text, nullable=False),
)
DENIALS = sa.Table(
    "denials",
    METADATA,
    sa.Column("document_id", sa.Text, primary_key=True),  # SHA-256 of it once it is erased
    sa.Column("principal", sa.Text, primary_key=True),
    sa.Column("denied_at", sa.Text, nullable=False),
)
EPOCH = sa.Table("epoch", METADATA, sa.Column("value", sa.Integer, nullable=False))


@dataclass(frozen=True, slots=True, eq=False)  # compared by identity: one object an epoch
class Forbidden:
    """What no generation's own readers say: one state of the overlay."""

    epoch: int
    tombstones: frozenset[str]  # SHA-256 of document ids
    denials: Mapping[str, frozenset[str]]  # document id -> principals who may not read it

    def forgotten(self, document_id: str) -> bool:
        """Return whether a document is to be as if it had never been."""
        return bool(self.tombstones) and _key(document_id) in self.tombstones

    def hides(
        self, document_id: str, principals: frozenset[str], groups: frozenset[str] | None
    ) -> bool:
        """Return whether a document is forgotten, or denied to one of the principals.

        groups: see `index.access.denies`.
        """
        denied = self.denials.get(document_id)
        return (denied is not None and denies(denied, principals, groups)) or self.forgotten(
            document_id
        )


class Overlay:
    """The overlay of one data directory; threads may share it."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._lock = Lock()
        self._version: object = None
        self._forbidden: Forbidden | None = None

    def now(self) -> Forbidden:
        """Return what is forbidden at this moment; the same object until that changes."""
        with self._lock:
            version = self._live.version()  # before the rows: what changes in between is seen next
            if self._forbidden is None or version != self._version:
                self._forbidden = self._read(self._forbidden)
                self._version = version
            return self._forbidden

    def forget(self, document_ids: Iterable[str], at: datetime) -> None:
        """Let documents be as if they had never been, here or not yet here."""
        rows = [
            {"document": _key(id), "id": id, "forgotten_at": at.isoformat()} for id in document_ids
        ]
        with self._live.writing() as connection:
            connection.execute(sa.insert(TOMBSTONES).prefix_with("OR REPLACE"), rows)
            _next_epoch(connection)

    def recall(self, document_ids: Iterable[str]) -> int:
        """Lift tombstones; return how many there were. What is erased comes with the next run.

        Who was denied a document before it was forgotten still is.
        """
        keys = {_key(id): id for id in document_ids}
        with self._live.writing() as connection:
            lifted = connection.execute(
                sa.delete(TOMBSTONES).where(TOMBSTONES.c.document.in_(keys))
            )
            for key, id in keys.items():
                _rename_denials(connection, key, id)
            _next_epoch(connection)
        return int(lifted.rowcount)

    def deny(self, principal: str, document_id: str, at: datetime) -> None:
        """Take a document from a principal, whoever else lets them read it."""
        key = _key(document_id)
        erased = (TOMBSTONES.c.document == key) & TOMBSTONES.c.id.is_(None)
        with self._live.writing() as connection:
            nameless = connection.execute(sa.select(sa.exists().where(erased))).scalar_one()
            id = key if nameless else document_id
            row = {"document_id": id, "principal": principal, "denied_at": at.isoformat()}
            connection.execute(sa.insert(DENIALS).prefix_with("OR REPLACE"), row)
            _next_epoch(connection)

    def allow(self, principal: str, document_id: str) -> int:
        """Take a denial back; return how many there were."""
        with self._live.writing() as connection:
            names = DENIALS.c.document_id.in_([document_id, _key(document_id)])
            mine = sa.delete(DENIALS).where(names & (DENIALS.c.principal == principal))
            lifted = connection.execute(mine)
            _next_epoch(connection)
        return int(lifted.rowcount)

    def unerased(self) -> frozenset[str]:
        """Return the forgotten documents of which something may still be on the disk."""
        with self._live.reading() as connection:
            ids = sa.select(TOMBSTONES.c.id).where(TOMBSTONES.c.id.is_not(None))
            return frozenset(connection.execute(ids).scalars())

    def erased(self, document_ids: Iterable[str]) -> None:
        """Drop the last trace of documents that are gone from everywhere else: their names.

        Whatever row of the live database has a `document_id` among them goes too, but denials:
        they stay under the hash, for the day the documents are let back in.
        """
        ids = list(document_ids)
        with self._live.writing() as connection:
            for id in ids:
                _rename_denials(connection, id, _key(id))
            for table in _of_documents(connection):
                connection.execute(sa.delete(table).where(table.c.document_id.in_(ids)))
            nameless = sa.update(TOMBSTONES).where(TOMBSTONES.c.id.in_(ids)).values(id=None)
            connection.execute(nameless)
            _next_epoch(connection)
        self._live.erase()

    def _read(self, last: Forbidden | None) -> Forbidden:
        with self._live.reading() as connection:
            epoch = connection.execute(sa.select(EPOCH.c.value)).scalar_one()
            if last is not None and epoch == last.epoch:
                return last
            keys = frozenset(connection.execute(sa.select(TOMBSTONES.c.document)).scalars())
            denials: dict[str, frozenset[str]] = {}
            rows = connection.execute(sa.select(DENIALS.c.document_id, DENIALS.c.principal))
            for document_id, principal in rows:
                denials[document_id] = denials.get(document_id, frozenset()) | {principal}
        return Forbidden(epoch, keys, denials)


def _key(document_id: str) -> str:
    return hashlib.sha256(document_id.encode()).hexdigest()


def _rename_denials(connection: sa.Connection, name: str, new: str) -> None:
    denied = sa.update(DENIALS).prefix_with("OR REPLACE").where(DENIALS.c.document_id == name)
    connection.execute(denied.values(document_id=new))


def _next_epoch(connection: sa.Connection) -> None:
    connection.execute(sa.update(EPOCH).values(value=EPOCH.c.value + 1))


def _of_documents(connection: sa.Connection) -> list[sa.Table]:
    found = sa.MetaData()
    found.reflect(connection)
    return [table for table in found.tables.values() if "document_id" in table.c]
