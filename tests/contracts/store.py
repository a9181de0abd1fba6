"""What every index must do, whatever it is made of. Subclass and give `build` and `store`."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from index.access import EVERYONE, Access, may_read
from index.base import Build, Chunk, DocumentInfo, Place, Store
from tests.fake_models import HashEmbedder

ANYONE = frozenset({EVERYONE})
WORDS = "leave travel budget gateway firmware probe invoice holiday contract sensor pump".split()


def document(
    id: str,
    *,
    readers: frozenset[str] = ANYONE,
    denied: frozenset[str] = frozenset(),
    version: str = "1",
    title: str = "A page",
) -> DocumentInfo:
    """Return a document's facts."""
    return DocumentInfo(
        id, version, title, f"https://wiki.example/{id}", "wiki", datetime(2026, 1, 2, tzinfo=UTC),
        readers, denied,
    )  # fmt: skip


def chunks(info: DocumentInfo, texts: Sequence[str]) -> list[Chunk]:
    """Return one chunk a text, one after the other in the document."""
    made, start = [], 0
    for position, text in enumerate(texts):
        end = start + len(text)
        place = Place(start, end, ("Top", f"Part {position}"), None, f"{info.url}#p{position}")
        made.append(
            Chunk(
                f"{info.id}/{position}/{text}", info, position, text, start, end, (place,), "About"
            )
        )
        start = end + 1
    return made


class StoreContract:
    """The tests. A subclass says how a build begins and how the published index is opened."""

    embedder = HashEmbedder()

    def build(self, *, rebuild: bool = False) -> Build:
        """Begin the next generation."""
        raise NotImplementedError

    def store(self) -> Store:
        """Open what is published."""
        raise NotImplementedError

    def put(self, build: Build, info: DocumentInfo, texts: Sequence[str]) -> None:
        """Add a document whose chunks are the texts."""
        made = chunks(info, texts)
        passages = [f"{c.context}\n{c.text}" for c in made]
        build.upsert(info, made, [self.embedder.embed_passages([p]) for p in passages])

    def found(self, store: Store, text: str, principals: frozenset[str], k: int = 5) -> list[str]:
        """Search, and return the texts."""
        vector = self.embedder.embed_query(text)
        return [hit.chunk.text for hit in store.search(text, vector, k, principals)]

    def test_a_chunk_comes_back_as_it_went_in(self) -> None:
        build = self.build()
        info = document("wiki:leave", readers=frozenset({"group:hr", "user:ann@x.org"}))
        self.put(build, info, ["Parental leave is 20 weeks.", "Sick leave needs a note."])
        build.publish({})
        store = self.store()
        expected = chunks(info, ["Parental leave is 20 weeks.", "Sick leave needs a note."])
        assert store.read("wiki:leave", frozenset({"group:hr"})) == expected
        hits = store.search(
            "parental", self.embedder.embed_query("parental"), 1, frozenset({"user:ann@x.org"})
        )
        assert [hit.chunk for hit in hits] == expected[:1]
        assert hits[0].cosine is not None
        assert hits[0].bm25 is not None
        assert hits[0].bm25 > 0

    def test_a_chunk_is_as_near_as_its_nearest_window(self) -> None:
        build = self.build()
        for number in range(12):
            info = document(f"wiki:{number}")
            far = [f"window {n} of page {number}" for n in range(9)]
            near = ["the canteen opens at noon"] if number == 7 else []
            vectors = self.embedder.embed_passages([*far, *near])
            (chunk,) = chunks(info, [f"page {number}, of many windows"])
            chunk = replace(chunk, windows=tuple(range(len(vectors))))
            build.upsert(info, [chunk], [vectors])
        build.publish({})
        vector = self.embedder.embed_query("the canteen opens at noon")
        hits = self.store().search("zzz", vector, 12, ANYONE)
        assert len({hit.chunk.id for hit in hits}) == 12
        assert hits[0].chunk.document.id == "wiki:7"
        assert hits[0].cosine is not None
        assert abs(hits[0].cosine - 1) < 1e-3
        assert [len(hit.near) for hit in hits] == [10, *[9] * 11]
        assert abs(hits[0].near[9] - 1) < 1e-3
        assert all(abs(max(hit.near) - (hit.cosine or 0)) < 1e-6 for hit in hits)

    def test_a_chunk_that_only_the_words_find_is_as_near_as_it_is(self) -> None:
        build = self.build()
        for number in range(70):
            self.put(build, document(f"wiki:{number}"), [f"leave leave leave {number}"])
        self.put(build, document("wiki:far"), ["gateway " + "sensor " * 40])
        build.publish({})
        vector = self.embedder.embed_query("leave leave leave")
        hits = self.store().search("gateway leave", vector, 10, ANYONE)
        (far,) = (hit for hit in hits if hit.chunk.document.id == "wiki:far")
        assert far.cosine is None
        own = self.embedder.embed_passages([f"{far.chunk.context}\n{far.chunk.text}"])[0]
        assert abs(far.near[0] - float(own @ vector)) < 1e-3

    def test_a_forbidden_chunk_never_takes_a_place(self) -> None:
        build = self.build()
        for number in range(60):
            hidden = document(f"wiki:secret{number}", readers=frozenset({"group:hr"}))
            self.put(build, hidden, [f"salary bands salary bands number {number}"])
        self.put(build, document("wiki:open"), ["canteen opening hours and salary"])
        build.publish({})
        store = self.store()
        assert self.found(store, "salary bands", ANYONE) == ["canteen opening hours and salary"]
        assert len(self.found(store, "salary bands", frozenset({"group:hr"}))) == 5
        assert store.read("wiki:secret1", ANYONE) == []

    def test_who_is_denied_reads_nothing_although_a_reader(self) -> None:
        build = self.build()
        closed = document("wiki:a", denied=frozenset({"group:interns"}))
        self.put(build, closed, ["a page"])
        build.publish({})
        store, intern = self.store(), ANYONE | {"group:interns"}
        ann = ANYONE | {"user:ann@x.org"}
        assert self.found(store, "page", ann) == ["a page"]
        assert store.read("wiki:a", ann)[0].document == closed
        for who in (intern, ANYONE):  # without an address it may be an intern who asks
            assert self.found(store, "page", who) == []
            assert store.read("wiki:a", who) == []
        build = self.build()
        build.set_readers({"wiki:a": Access(ANYONE)})
        build.publish({})
        assert self.found(self.store(), "page", intern) == ["a page"]

    def test_what_is_readable_exists_and_is_allowed(self) -> None:
        build = self.build()
        self.put(build, document("wiki:open"), ["a page"])
        self.put(build, document("wiki:hr", readers=frozenset({"group:hr"})), ["a page"])
        build.publish({})
        store, asked = self.store(), ("wiki:open", "wiki:hr", "wiki:never")
        assert store.readable(asked, ANYONE) == {"wiki:open"}
        assert store.readable(asked, frozenset({"group:hr"})) == {"wiki:hr"}
        assert store.readable((), ANYONE) == frozenset()

    def test_nobody_reads_what_has_no_readers(self) -> None:
        build = self.build()
        self.put(build, document("wiki:orphan", readers=frozenset()), ["lost page"])
        build.publish({})
        assert self.found(self.store(), "lost page", frozenset({EVERYONE, "user:a@x.org"})) == []

    def test_filtered_search_is_brute_force_over_what_is_readable(self) -> None:
        dice = random.Random(5)
        build = self.build()
        readers, texts = {}, {}
        for number in range(80):
            id = f"wiki:{number}"
            readers[id] = frozenset(dice.sample(["a", "b", "c", EVERYONE], dice.randint(0, 2)))
            texts[id] = f"{number} " + " ".join(dice.choices(WORDS, k=6))
            self.put(build, document(id, readers=readers[id]), [texts[id]])
        build.publish({})
        store = self.store()
        for _ in range(100):
            principals = frozenset(dice.sample(["a", "b", "c", EVERYONE], dice.randint(1, 3)))
            query = " ".join(dice.choices(WORDS, k=2))
            hits = store.search(query, self.embedder.embed_query(query), 80, principals)
            found = {hit.chunk.document.id for hit in hits}
            assert found == {id for id in texts if may_read(Access(readers[id]), principals)}

    def test_a_copy_takes_no_place_from_another_page(self) -> None:
        build = self.build()
        for name in "ab":
            self.put(build, document(f"wiki:{name}"), ["the canteen opens at noon"])
        self.put(build, document("wiki:c"), ["the canteen is closed on Friday"])
        build.publish({})
        store = self.store()
        opens, closed = "the canteen opens at noon", "the canteen is closed on Friday"
        assert self.found(store, "when does the canteen open", ANYONE, k=2) == [opens, closed]
        assert self.found(store, "when does the canteen open", ANYONE) == [opens, closed, opens]

    def test_an_update_replaces_every_chunk_of_the_document(self) -> None:
        build = self.build()
        self.put(build, document("wiki:a"), ["old text one", "old text two"])
        self.put(build, document("wiki:b"), ["other page"])
        build.publish({})
        build = self.build()
        self.put(build, document("wiki:a", version="2"), ["new words"])
        assert build.documents("wiki")["wiki:a"].version == "2"
        build.publish({})
        assert set(self.found(self.store(), "old text", ANYONE)) == {"new words", "other page"}

    def test_a_deleted_document_is_gone_and_the_others_keep_their_vectors(self) -> None:
        build = self.build()
        for name in "abc":
            self.put(build, document(f"wiki:{name}"), [f"page {name} {name * 3}"])
        build.publish({})
        build = self.build()
        assert build.delete(["wiki:a", "wiki:never"]) == 1
        build.publish({})
        store = self.store()
        assert store.read("wiki:a", ANYONE) == []
        for name in "bc":
            text = f"page {name} {name * 3}"
            vector = self.embedder.embed_query(f"About\n{text}")
            (hit,) = store.search("zzz", vector, 1, ANYONE)
            assert hit.chunk.text == text
            assert hit.cosine is not None
            assert abs(hit.cosine - 1) < 1e-3

    def test_readers_change_without_touching_the_text(self) -> None:
        build = self.build()
        self.put(build, document("wiki:a"), ["a page"])
        build.publish({})
        build = self.build()
        build.set_readers({"wiki:a": Access(frozenset({"group:hr"})), "wiki:never": Access(ANYONE)})
        build.publish({})
        store = self.store()
        assert self.found(store, "page", ANYONE) == []
        assert self.found(store, "page", frozenset({"group:hr"})) == ["a page"]

    def test_a_document_is_stale_until_it_is_read_again(self) -> None:
        build = self.build()
        self.put(build, document("wiki:a"), ["a page"])
        build.publish({})
        build = self.build()
        build.set_stale({"wiki:a": True, "wiki:never": True})
        assert build.documents("wiki")["wiki:a"].stale
        build.publish({})
        (chunk,) = self.store().read("wiki:a", ANYONE)
        assert chunk.document.stale
        build = self.build()
        self.put(build, document("wiki:a", version="2"), ["a new page"])
        assert not build.documents("wiki")["wiki:a"].stale
        build.publish({})

    def test_documents_are_listed_by_source(self) -> None:
        build = self.build()
        one, other = document("wiki:a"), document("drive:a")
        self.put(build, one, ["a page"])
        self.put(build, other, ["a file"])
        assert build.documents("wiki") == {"wiki:a": one}

    def test_a_rebuild_starts_from_nothing(self) -> None:
        build = self.build()
        self.put(build, document("wiki:a"), ["a page"])
        build.publish({})
        build = self.build(rebuild=True)
        assert build.documents("wiki") == {}
        self.put(build, document("wiki:b"), ["b page"])
        build.publish({})
        assert self.found(self.store(), "page", ANYONE) == ["b page"]

    def test_an_empty_index_answers_nothing(self) -> None:
        self.build().publish({})
        assert self.found(self.store(), "anything", ANYONE) == []

    def test_what_a_user_types_is_never_syntax(self) -> None:
        build = self.build()
        self.put(build, document("wiki:a"), ["a page"])
        build.publish({})
        store = self.store()
        for text in ('"', "NEAR(", "a AND", "page*", "-page", "text:page", "'; --", "", "🙂", "\0"):
            vector = self.embedder.embed_query("page")
            assert [h.chunk.text for h in store.search(text, vector, 3, ANYONE)] == ["a page"]
