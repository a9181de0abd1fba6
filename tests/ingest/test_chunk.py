"""Chunks: verbatim, within the embedder's tokens, at the right place."""

import random
from datetime import UTC, datetime

import pytest

from index.base import Chunk, DocumentInfo, Place
from ingest.base import Parsed
from ingest.chunk import CONTEXT_TOKENS, WINDOW_TOKENS, Layout, chunks_of, windows_of
from tests.fake_models import HashEmbedder

INFO = DocumentInfo(
    "wiki:leave", "1", "Leave", "u", "wiki", datetime(2026, 1, 2, tzinfo=UTC), frozenset()
)
EMBEDDER = HashEmbedder()


def parsed(*sections: tuple[tuple[str, ...], str]) -> Parsed:
    text = ""
    places: list[Place] = []
    for heading, body in sections:
        start = len(text)
        text += body + "\n\n"
        places.append(Place(start, len(text), heading, None, f"u#{len(places)}"))
    return Parsed(text, tuple(places), None)


def sentence(number: int) -> str:
    return f"Sentence number {number} says that the pump of bay {number * 7} is checked weekly."


def whole(chunk: Chunk) -> str:
    return f"{chunk.context}\n{chunk.text}"


def test_every_chunk_is_verbatim_and_none_is_lost() -> None:
    dice = random.Random(1)
    sections = [
        ((f"Part {n}",), " ".join(sentence(i) for i in range(dice.randint(1, 90))))
        for n in range(12)
    ]
    document = parsed(*sections)
    chunks = chunks_of(INFO, document, EMBEDDER)
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert EMBEDDER.count_tokens(whole(chunk)) <= EMBEDDER.max_tokens
    covered = "".join("".join(chunk.text.split()) for chunk in chunks)
    assert covered == "".join(document.text.split())
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    assert len({chunk.id for chunk in chunks}) == len(chunks)


def test_lines_of_blanks_are_not_doubled() -> None:
    lines = [f"Line {n} of a table that was pasted. \n \n  \n" for n in range(400)]
    document = parsed(((), "".join(lines)))
    chunks = chunks_of(INFO, document, EMBEDDER)
    covered = "".join("".join(chunk.text.split()) for chunk in chunks)
    assert covered == "".join(document.text.split())
    assert all(windows_of(chunk) for chunk in chunks)


def test_a_long_section_is_cut_at_sentence_ends() -> None:
    body = " ".join(sentence(i) for i in range(200))
    chunks = chunks_of(INFO, parsed(((), body)), EMBEDDER)
    assert len(chunks) > 1
    assert all(chunk.text.endswith(".") for chunk in chunks)


def test_a_text_without_any_border_is_still_cut() -> None:
    chunks = chunks_of(INFO, parsed(((), "!" * 3000)), EMBEDDER)
    assert sum(len(chunk.text) for chunk in chunks) == 3000
    assert all(EMBEDDER.count_tokens(whole(chunk)) <= EMBEDDER.max_tokens for chunk in chunks)


def test_small_sections_share_a_chunk_and_keep_their_places() -> None:
    chunks = chunks_of(
        INFO, parsed((("Leave", "A"), "One fact."), (("Leave", "B"), "Another fact.")), EMBEDDER
    )
    (chunk,) = chunks
    assert chunk.context == "Leave"
    assert chunk.place_at(chunk.start + chunk.text.index("Another")).heading == ("Leave", "B")


def test_a_section_long_enough_stands_alone() -> None:
    body = " ".join(sentence(i) for i in range(20))
    chunks = chunks_of(INFO, parsed((("Leave", "A"), body), (("Leave", "B"), body)), EMBEDDER)
    assert [chunk.context for chunk in chunks] == ["Leave › A", "Leave › B"]


def test_a_chunk_that_begins_inside_a_table_carries_its_header() -> None:
    rows = "\n".join(f"Region {n} of the world | {n} days of leave each year" for n in range(100))
    chunks = chunks_of(INFO, parsed(((), f"Intro.\n\nRegion | Days\n{rows}")), EMBEDDER)
    assert len(chunks) > 1
    assert all("Region | Days" in chunk.context for chunk in chunks[1:])
    assert chunks[0].text.startswith("Intro.\n\nRegion | Days")
    assert "Region | Days" not in chunks[0].context


def test_a_chunk_that_begins_inside_code_keeps_its_indent_and_has_no_header() -> None:
    code = "\n".join(f"    kubectl get pods {n} | grep api | tail -50" for n in range(200))
    chunks = chunks_of(INFO, parsed(((), code)), EMBEDDER)
    assert len(chunks) > 1
    assert all(chunk.text.startswith("    kubectl") for chunk in chunks)
    assert all(chunk.context == "Leave" for chunk in chunks)


@pytest.mark.parametrize("title", ["T " * 600, "x" * 5000])
def test_an_endless_title_leaves_room_for_the_text(title: str) -> None:
    info = DocumentInfo("a:b", "1", title, "u", "wiki", INFO.updated_at, frozenset())
    for chunk in chunks_of(info, parsed(((), sentence(1) * 60)), EMBEDDER):
        assert EMBEDDER.count_tokens(whole(chunk)) <= EMBEDDER.max_tokens


def test_an_id_is_equal_in_every_run() -> None:
    document = parsed(((), "One fact."))
    first, second = (chunks_of(INFO, document, EMBEDDER)[0].id for _ in range(2))
    assert first == second


def test_windows_hold_every_word_of_their_chunk_and_stay_short() -> None:
    body = " ".join(sentence(i) for i in range(60))
    for chunk in chunks_of(INFO, parsed((("Pumps",), body)), EMBEDDER):
        windows = windows_of(chunk)
        assert all(window.startswith("Leave › Pumps\n") for window in windows)
        texts = [window.partition("\n")[2] for window in windows]
        assert " ".join(texts).split() == chunk.text.split()
        limit = CONTEXT_TOKENS + WINDOW_TOKENS + 2
        assert all(EMBEDDER.count_tokens(window) <= limit for window in windows)


def test_places_and_headers_are_those_that_a_plain_search_finds() -> None:
    dice = random.Random(3)
    pieces = ["a | b | c\n", "1 | 2\n", "words ", "\n", "\n\n", "A line.\n"]
    for _ in range(200):
        bodies = ["".join(dice.choices(pieces, k=dice.randint(0, 9))) for _ in range(4)]
        document = parsed(*(((), body) for body in bodies))
        layout, text = Layout(document), document.text
        for start in range(len(text)):
            block = text.rfind("\n\n", 0, start) + 2 if "\n\n" in text[:start] else 0
            first, line = text[block:].split("\n")[0], text[start:].split("\n")[0]
            inside = block < start and " | " in first and " | " in line
            assert layout.table_header(start) == (first if inside else None)
            overlapping = [p for p in document.places if p.start < start + 5 and start < p.end]
            assert list(layout.places(start, start + 5)) == overlapping
