"""Generations: which are kept, which answers, what is never published, going back."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from index import contents, disk, generations, rollback
from index.base import StoreError
from index.local import LocalBuild, PublishedStore
from tests.contracts.store import chunks, document
from tests.crash import job
from tests.fake_models import HashEmbedder

EMBEDDER = HashEmbedder()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data directory after three nights."""
    return job.grown(tmp_path / "data", 3)


def texts(store: PublishedStore) -> set[str]:
    vector = EMBEDDER.embed_query("meeting")
    return {hit.chunk.text for hit in store.pinned().search("meeting", vector, 9, job.ALL)}


def build(data: Path, recipe: str = job.RECIPE) -> LocalBuild:
    return LocalBuild(data, recipe=recipe, dim=384, now=job.NOW, rebuild=False)


def test_a_pinned_generation_answers_after_it_was_pruned(data: Path) -> None:
    store = PublishedStore(data, recipe=job.RECIPE)
    pinned = store.pinned()
    before = pinned.search("meeting", EMBEDDER.embed_query("meeting"), 9, job.ALL)
    job.nights(data, range(3, 8), 0)
    assert pinned.generation not in generations.names(data)
    assert pinned.search("meeting", EMBEDDER.embed_query("meeting"), 9, job.ALL) == before
    assert pinned.search("meeting", EMBEDDER.embed_query("meeting"), 9, frozenset()) == []
    assert pinned.read("wiki:changed", job.ALL)[0].text.endswith("firmware 2.")
    assert store.read("wiki:changed", job.ALL)[0].text.endswith("firmware 7.")


def test_going_back_takes_the_generation_before_and_readers_follow(data: Path) -> None:
    store = PublishedStore(data, recipe=job.RECIPE)
    new = texts(store)
    generations.point(data, rollback.target(data, None))
    assert store.generation == "000002"
    assert store.degraded is None
    assert texts(store) != new


def test_after_going_back_the_next_run_goes_on_from_there_under_a_name_of_its_own(
    data: Path,
) -> None:
    generations.point(data, rollback.target(data, "1"))
    job.ingest(data, job.night(5))
    manifest = generations.current(data)
    assert manifest is not None
    assert (manifest.name, manifest.parent) == ("000004", "000001")
    assert generations.names(data) == ["000001", "000003", "000004"]
    assert rollback.target(data, None).name == "000001"


def test_a_name_is_not_used_again_even_if_its_folder_was_removed(data: Path) -> None:
    shutil.rmtree(generations.folder(data, "000003"))
    assert generations.next_name(data) == "000004"


@pytest.mark.parametrize("to", ["7", "x", "../generations/000001", ""])
def test_going_to_what_is_not_there_names_what_is(data: Path, to: str) -> None:
    with pytest.raises(StoreError, match=r"There are: 000001, 000002, 000003\."):
        rollback.target(data, to)


def test_going_to_a_damaged_generation_is_refused(data: Path) -> None:
    (generations.folder(data, "000001") / "owners.npy").write_bytes(b"")
    with pytest.raises(StoreError, match=r"owners\.npy is damaged.*--to"):
        rollback.target(data, "1")


def test_there_is_nothing_before_the_first(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no index in .* yet"):
        rollback.target(tmp_path, None)
    with pytest.raises(StoreError, match="no generation before 000001"):
        rollback.target(job.grown(tmp_path / "data", 1), None)


def test_the_checksum_is_one_that_sha256sum_reads(data: Path) -> None:
    folder = generations.folder(data, "000001")
    digest, name = (folder / "manifest.sha256").read_text().split("  ")
    assert name == "manifest.json\n"
    assert disk.sha256(folder / "manifest.json") == digest


@pytest.mark.parametrize(
    ("vector", "fault"),
    [
        (np.full((1, 384), np.nan, np.float32), "not finite"),
        (np.full((1, 384), np.inf, np.float32), "not finite"),
        (np.full((1, 384), 0.5, np.float32), "not of length 1: 9.798"),
        (np.zeros((1, 384), np.float32), "not of length 1: 0.000"),
    ],
)
def test_a_vector_that_is_no_unit_vector_is_never_published(
    data: Path, vector: np.ndarray, fault: str
) -> None:
    old = job.content(data)
    made = build(data)
    info = document("wiki:x")
    made.upsert(info, chunks(info, ["text"]), [vector])
    with pytest.raises(StoreError, match=rf"not published.*{fault}.*footnote"):
        made.publish({})
    made.abandon()
    assert job.content(data) == old
    assert generations.names(data) == ["000001", "000002", "000003"]


def test_what_does_not_belong_together_is_seen(data: Path, tmp_path: Path) -> None:
    one, other = (generations.folder(data, name) for name in ("000001", "000002"))
    assert contents.faults(one, dim=384) == []
    assert contents.faults(one, dim=383) == ["vectors of 384 dimensions, not 383"]
    shutil.copytree(one, tmp_path / "mixed")
    fewer = LocalBuild(tmp_path / "small", recipe="r", dim=384, now=job.NOW, rebuild=False)
    fewer.publish({})
    shutil.copy(tmp_path / "small/generations/000001/owners.npy", tmp_path / "mixed")
    assert contents.faults(tmp_path / "mixed", dim=384) == ["4 vectors with 0 owners for 4 chunks"]
    assert contents.content_hash(one) != contents.content_hash(other)


def test_equal_content_has_one_hash_whatever_the_way_to_it(data: Path, tmp_path: Path) -> None:
    job.ingest(data, job.night(2))  # purges what is no longer listed
    job.ingest(tmp_path / "direct", list(reversed(job.night(2))))
    assert job.content(tmp_path / "direct") == job.content(data)


def test_another_recipe_is_an_error_even_of_the_generation_fallen_back_to(data: Path) -> None:
    shutil.rmtree(generations.folder(data, "000003"))
    with pytest.raises(StoreError, match=r"000002 was built with 'crash-test'.*--rebuild"):
        PublishedStore(data, recipe="other").pinned()
    with pytest.raises(StoreError, match="--rebuild"):
        build(data, "other")
