"""What one process of a measurement does with a system, here one that searches for words."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.peers import process
from bench.peers.base import Material, Text, write_texts
from bench.peers.prepared import (
    Asked,
    Prepared,
    write_passages,
    write_questions,
    write_sources,
)

PAGES = [Text(f"wiki:{n}", "Pumps", f"pump number{n} are red") for n in range(30)]


class Words:
    """Finds texts that share a word with the question; remembers what it was asked to ingest."""

    def __init__(self, *, notices: bool = True) -> None:
        self.notices = notices
        self.ingested: list[Material] = []

    def ingest(self, material: Material) -> None:
        self.ingested.append(material)

    def tokens_read(self) -> int:
        return sum(len(each.whole.split()) for each in self.ingested[-1].texts)

    def open(self) -> None:
        pass

    def search(self, question: str, k: int) -> list[str]:
        words = set(question.split())
        return [each.id for each in self.ingested[-1].texts if words & set(each.text.split())][:k]

    def exactness(self, questions: Sequence[str]) -> float:
        return len(questions) / 100


@pytest.fixture
def corpus(tmp_path: Path) -> Prepared:
    changed = [*PAGES[1:], Text("wiki:0", "Pumps", "pump number0 are blue")]
    write_texts(PAGES, tmp_path / "documents.jsonl")
    write_texts(changed, tmp_path / "changed.jsonl")
    write_passages(
        [(each.id, Text(f"p{n}", "", each.text)) for n, each in enumerate(PAGES)], tmp_path
    )
    for name in ("sources", "changed"):
        write_sources([("wiki", "files", tmp_path / name)], tmp_path / f"{name}.json")
    asked = [Asked(f"q{n}", f"where is number{n}", (f"wiki:{n}",), "") for n in range(30)]
    write_questions(asked, tmp_path / "questions.jsonl")
    return Prepared(tmp_path)


def test_three_nights_are_first_unchanged_and_changed(corpus: Prepared) -> None:
    system = Words()
    seen = process.build(system, corpus)
    assert list(seen) == ["first", "unchanged", "changed"]
    first, unchanged, changed = system.ingested
    assert first == unchanged
    assert {each.id for each in set(changed.texts) - set(first.texts)} == {"wiki:0"}
    assert changed.sources != first.sources


def test_what_notices_no_change_is_not_asked_a_third_time(corpus: Prepared) -> None:
    system = Words(notices=False)
    seen = process.build(system, corpus)
    assert len(system.ingested) == 2
    assert seen["changed"] == seen["unchanged"]


def test_ranking_names_the_documents_that_the_passages_are_of(corpus: Prepared) -> None:
    found = process.rank(Words(), corpus)["found"]
    assert found == {f"q{n}": [f"wiki:{n}"] for n in range(30)}


def test_serving_sees_time_and_memory(corpus: Prepared) -> None:
    system = Words()
    system.ingest(corpus.material())
    seen = process.serve(system, corpus)
    assert seen["questions"] == 30
    assert seen["p50_s"] <= seen["p95_s"]  # type: ignore[operator]
    json.dumps(seen)


def test_checking_compares_every_question(corpus: Prepared) -> None:
    assert process.check(Words(), corpus) == {"exactness": 0.3}


def test_memory_is_the_peak_not_the_present() -> None:
    before = process.peak_rss_bytes()
    held = bytearray(before + 2**26)
    held[::4096] = bytes([1]) * len(held[::4096])
    del held
    assert process.peak_rss_bytes() >= before + 2**26
