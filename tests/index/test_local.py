"""The embedded index: the contract, and what is its own: files, checksums, generations."""

import gc
import weakref
from datetime import UTC, datetime
from pathlib import Path

import pytest

from index import generations
from index.base import Build, Store, StoreError
from index.local import LocalBuild, PublishedStore
from tests.contracts.store import ANYONE, StoreContract, document

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)


class TestLocalIndex(StoreContract):
    @pytest.fixture(autouse=True)
    def _data(self, tmp_path: Path) -> None:
        self.data = tmp_path

    def build(self, *, rebuild: bool = False) -> Build:
        return LocalBuild(self.data, recipe="r", dim=384, now=NOW, rebuild=rebuild)

    def store(self) -> Store:
        return PublishedStore(self.data, recipe="r")

    def publish(self, *texts: str) -> str:
        build = self.build(rebuild=True)
        for number, text in enumerate(texts):
            self.put(build, document(f"wiki:{number}"), [text])
        return build.publish({"note": "x"})

    def test_before_the_first_ingestion_it_says_what_to_do(self) -> None:
        with pytest.raises(StoreError, match="footnote ingest"):
            self.found(self.store(), "page", ANYONE)

    def test_an_open_store_follows_a_new_generation(self) -> None:
        self.publish("first page")
        store = self.store()
        assert self.found(store, "page", ANYONE) == ["first page"]
        name = self.publish("second page")
        assert self.found(store, "page", ANYONE) == ["second page"]
        assert store.generation == name

    def test_a_superseded_generation_leaves_memory_with_its_last_question(self) -> None:
        self.publish("first page")
        store = PublishedStore(self.data, recipe="r")
        self.found(store, "page", ANYONE)
        first = weakref.ref(store.pinned())
        self.publish("second page")
        gc.disable()  # what only a full collection finds stays for hours
        try:
            assert self.found(store, "page", ANYONE) == ["second page"]
            assert first() is None
        finally:
            gc.enable()

    def test_another_recipe_is_an_error_that_names_the_way_out(self) -> None:
        self.publish("a page")
        with pytest.raises(StoreError, match=r"built with 'r'.*'q'.*--rebuild"):
            self.found(PublishedStore(self.data, recipe="q"), "page", ANYONE)
        with pytest.raises(StoreError, match="--rebuild"):
            LocalBuild(self.data, recipe="q", dim=384, now=NOW, rebuild=False)

    @pytest.mark.parametrize(
        "name", ["chunks.sqlite", "vectors.faiss", "owners.npy", "manifest.json"]
    )
    def test_one_flipped_bit_is_detected(self, name: str) -> None:
        generation = self.publish("a page")
        file = generations.folder(self.data, generation) / name
        body = bytearray(file.read_bytes())
        body[len(body) // 2] ^= 1
        file.write_bytes(body)
        with pytest.raises(StoreError, match="damaged"):
            self.found(self.store(), "page", ANYONE)

    def test_three_generations_are_kept(self) -> None:
        names = [self.publish(f"page {number}") for number in range(5)]
        folder = self.data / "generations"
        assert sorted(file.name for file in folder.iterdir()) == names[-3:]

    def test_an_abandoned_build_leaves_the_index_alone(self) -> None:
        self.publish("a page")
        build = LocalBuild(self.data, recipe="r", dim=384, now=NOW, rebuild=False)
        build.delete(["wiki:0"])
        build.abandon()
        assert self.found(self.store(), "page", ANYONE) == ["a page"]
        assert not list(self.data.rglob(".building"))

    def test_a_deleted_text_leaves_no_byte_in_its_generation(self) -> None:
        self.publish("the secret word is xylophone", "a page")
        build = self.build()
        build.delete(["wiki:0"])
        folder = generations.folder(self.data, build.publish({}))
        assert folder.is_dir()
        assert all(b"xylophone" not in file.read_bytes() for file in folder.iterdir())

    def test_the_manifest_tells_what_is_inside(self) -> None:
        self.publish("a page", "b page")
        manifest = generations.current(self.data)
        assert manifest is not None
        assert (manifest.documents, manifest.chunks, manifest.dim) == (2, 2, 384)
        assert manifest.report == {"note": "x"}
        assert set(manifest.files) == {"chunks.sqlite", "vectors.faiss", "owners.npy"}
