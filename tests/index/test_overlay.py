"""Forgetting and revoking: effective at once, in stores that are open, without a new generation."""

import multiprocessing
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from index.base import StoreError
from index.live import FILE, Live
from index.local import LocalBuild, PublishedStore
from index.overlay import Overlay
from tests.contracts.store import ANYONE, StoreContract, document

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
ANN = ANYONE | {"user:ann@x.org"}


def forget(data: Path, *document_ids: str) -> None:
    Overlay(Live(data)).forget(document_ids, NOW)


class Index:
    """One data directory with pages about pumps, and a store that stays open."""

    def __init__(self, data: Path, pages: int = 3, denied: frozenset[str] = frozenset()) -> None:
        self.data = data
        build = LocalBuild(data, recipe="r", dim=384, now=NOW, rebuild=True)
        for number in range(pages):
            info = replace(document(f"wiki:{number}"), denied=denied)
            StoreContract().put(build, info, [f"pump page {number}"])
        build.publish({})
        build.abandon()
        groups = frozenset({"group:interns", "group:auditors"})
        self.store = PublishedStore(data, recipe="r", groups=groups)

    def seen(self, principals: frozenset[str] = ANYONE) -> set[str]:
        """Ask every way to look, and hold them to agree."""
        store, ids = self.store, [f"wiki:{number}" for number in range(9)]
        vector = StoreContract.embedder.embed_query("pump")
        hits = store.search("pump", vector, 9, principals)
        found = {hit.chunk.document.id for hit in hits}
        assert found == {id for id in ids if store.read(id, principals)}
        assert found == store.readable(ids, principals)
        return found


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path)


def test_a_document_forgotten_by_another_process_is_gone_from_an_open_store(index: Index) -> None:
    assert index.seen() == {"wiki:0", "wiki:1", "wiki:2"}
    process = multiprocessing.get_context("spawn").Process(
        target=forget, args=(index.data, "wiki:1", "wiki:never")
    )
    process.start()
    process.join()
    started = time.monotonic()
    assert index.seen() == {"wiki:0", "wiki:2"}
    assert time.monotonic() - started < 1


def test_a_forgotten_document_comes_back_when_the_tombstone_is_lifted(index: Index) -> None:
    overlay = Overlay(Live(index.data))
    overlay.forget(["wiki:1"], NOW)
    assert index.seen() == {"wiki:0", "wiki:2"}
    assert overlay.recall(["wiki:1", "wiki:2"]) == 1
    assert index.seen() == {"wiki:0", "wiki:1", "wiki:2"}


def test_a_revoked_reader_stops_reading_and_the_others_go_on(index: Index) -> None:
    intern = ANYONE | {"group:interns"}
    overlay = Overlay(Live(index.data))
    overlay.deny("group:interns", "wiki:1", NOW)
    assert index.seen(intern) == {"wiki:0", "wiki:2"}
    assert index.seen(ANN) == {"wiki:0", "wiki:1", "wiki:2"}
    assert index.seen() == {"wiki:0", "wiki:2"}  # may be an intern
    assert overlay.allow("group:interns", "wiki:1") == 1
    assert index.seen(intern) == index.seen() == {"wiki:0", "wiki:1", "wiki:2"}


def test_what_is_revoked_from_a_group_that_nobody_defined_is_read_by_nobody(index: Index) -> None:
    Overlay(Live(index.data)).deny("group:Interns", "wiki:1", NOW)
    assert index.seen(ANN) == index.seen() == {"wiki:0", "wiki:2"}


def test_a_page_that_its_source_denies_to_some_is_closed_to_whoever_may_be_one(
    tmp_path: Path,
) -> None:
    index = Index(tmp_path, denied=frozenset({"group:interns"}))
    assert index.seen(ANN) == {"wiki:0", "wiki:1", "wiki:2"}
    assert index.seen(ANN | {"group:interns"}) == index.seen() == set()
    index.store = PublishedStore(tmp_path, recipe="r", groups=frozenset({"group:hr"}))
    assert index.seen(ANN) == set()


def test_a_store_that_is_pinned_forgets_too(index: Index) -> None:
    pinned = index.store.pinned()
    forget(index.data, "wiki:0")
    assert pinned.readable(["wiki:0", "wiki:1"], ANYONE) == {"wiki:1"}


def test_the_rows_are_read_again_only_after_the_overlay_changed(index: Index) -> None:
    live = Live(index.data)
    overlay = Overlay(live)
    before = overlay.now()
    assert overlay.now() is before
    with live.writing() as connection:  # something else in the same file, feedback for example
        connection.exec_driver_sql("CREATE TABLE other (a)")
    assert overlay.now() is before
    forget(index.data, "wiki:0")
    assert overlay.now() is not before


def test_a_restored_live_database_counts_although_the_file_was_open(index: Index) -> None:
    forget(index.data, "wiki:0")
    assert index.seen() == {"wiki:1", "wiki:2"}
    backup = index.data / "backup.sqlite"
    backup.write_bytes((index.data / FILE).read_bytes())
    Overlay(Live(index.data)).recall(["wiki:0"])
    assert index.seen() == {"wiki:0", "wiki:1", "wiki:2"}
    backup.replace(index.data / FILE)
    assert index.seen() == {"wiki:1", "wiki:2"}


def test_without_the_live_database_nothing_is_shown(index: Index) -> None:
    assert index.seen() == {"wiki:0", "wiki:1", "wiki:2"}
    (index.data / FILE).unlink()
    with pytest.raises(StoreError, match=r"live\.sqlite cannot be read"):
        index.store.read("wiki:0", ANYONE)


def test_the_name_of_an_erased_document_is_kept_nowhere(index: Index) -> None:
    overlay = Overlay(Live(index.data))
    overlay.forget(["wiki:bluebeard"], NOW)
    overlay.deny("user:ann@x.org", "wiki:bluebeard", NOW)
    assert overlay.unerased() == {"wiki:bluebeard"}
    overlay.erased(["wiki:bluebeard"])
    assert overlay.unerased() == frozenset()
    assert overlay.now().forgotten("wiki:bluebeard")
    assert b"bluebeard" not in (index.data / FILE).read_bytes()


def test_an_erased_document_that_is_let_back_in_stays_taken_from_whom_it_was(index: Index) -> None:
    intern, auditor = ANN | {"group:interns"}, ANN | {"group:auditors"}
    overlay = Overlay(Live(index.data))
    overlay.deny("group:interns", "wiki:1", NOW)
    overlay.forget(["wiki:1"], NOW)
    overlay.erased(["wiki:1"])
    overlay.deny("group:auditors", "wiki:1", NOW)
    overlay.erased(["wiki:1"])
    assert b"wiki:1" not in (index.data / FILE).read_bytes()
    assert overlay.recall(["wiki:1"]) == 1
    assert index.seen(intern) == index.seen(auditor) == {"wiki:0", "wiki:2"}
    assert index.seen(ANN) == {"wiki:0", "wiki:1", "wiki:2"}
    assert overlay.allow("group:interns", "wiki:1") == 1
    assert index.seen(intern) == {"wiki:0", "wiki:1", "wiki:2"}


def test_a_revocation_can_be_taken_back_while_its_document_is_erased(index: Index) -> None:
    overlay = Overlay(Live(index.data))
    overlay.deny("everyone", "wiki:1", NOW)
    overlay.forget(["wiki:1"], NOW)
    overlay.erased(["wiki:1"])
    assert overlay.allow("everyone", "wiki:1") == 1
    overlay.recall(["wiki:1"])
    assert index.seen() == {"wiki:0", "wiki:1", "wiki:2"}
