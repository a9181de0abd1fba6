"""A store in a reranker's order, and a real CrossEncoder with random weights."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from index.base import Chunk, Hit, Vector
from index.cross_encoder import CrossEncoderReranker
from index.rerank import RerankedStore
from tests.fake_models import OverlapReader
from tests.ui.fake_answers import EVERYONE, MemoryStore, chunks, document

VECTOR = np.zeros(384, np.float32)
WORDS = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] leave pay train travel book weeks how many the is of".split()
)


def tiny_cross_encoder(folder: Path, *, labels: int = 1) -> str:
    """Save a CrossEncoder of two layers whose weights are the same noise every time."""
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    config.num_labels = labels
    torch.manual_seed(0)
    BertForSequenceClassification(config).save_pretrained(folder)
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    return str(folder)


def page(name: str, text: str, *, readers: frozenset[str] = EVERYONE) -> list[Chunk]:
    return chunks(document(f"wiki:{name}", name.title(), readers=readers), [("", text)])


class FadingStore(MemoryStore):
    """Finds its pages in the order they were put in, and says how many were asked for."""

    def __init__(self, documents: Sequence[Sequence[Chunk]]) -> None:
        super().__init__(documents)
        self.wanted: list[int] = []

    def search(self, text: str, vector: Vector, k: int, principals: frozenset[str]) -> list[Hit]:
        self.wanted.append(k)
        found = super().search(text, vector, k, principals)
        return [replace(hit, score=1 / (1 + place)) for place, hit in enumerate(found)]


PAGES = [
    page("travel", "Book the train."),
    page("pay", "Pay day is Friday."),
    page("salaries", "How many weeks of leave Ann has.", readers=frozenset({"group:hr"})),
    page("leave", "How many weeks of leave: six."),
]


def ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.chunk.document.id for hit in hits]


def test_the_reranker_orders_what_was_found_and_scores_fall() -> None:
    store = RerankedStore(FadingStore(PAGES), OverlapReader(), depth=10)
    found = store.search("How many weeks of leave?", VECTOR, 2, EVERYONE)
    assert ids(found) == ["wiki:leave", "wiki:travel"]
    assert found[0].score > found[1].score


def test_it_reads_as_many_as_it_may_even_if_fewer_are_wanted() -> None:
    inner = FadingStore(PAGES)
    RerankedStore(inner, OverlapReader(), depth=3).search("leave", VECTOR, 1, EVERYONE)
    RerankedStore(inner, OverlapReader(), depth=3).search("leave", VECTOR, 7, EVERYONE)
    assert inner.wanted == [3, 7]


def test_a_forbidden_page_is_never_read_by_the_reranker() -> None:
    class Spy(OverlapReader):
        read = ""

        def scores(self, question: str, sentences: Sequence[str]) -> NDArray[np.float32]:
            self.read += " ".join(sentences)
            return super().scores(question, sentences)

    spy = Spy()
    store = RerankedStore(FadingStore(PAGES), spy, depth=10)
    assert "wiki:salaries" not in ids(store.search("leave", VECTOR, 5, EVERYONE))
    assert "Ann" not in spy.read


def test_a_pinned_store_reranks_too_and_nothing_found_needs_no_reranker() -> None:
    pinned = RerankedStore(FadingStore(PAGES), OverlapReader(), depth=10).pinned()
    assert ids(pinned.search("How many weeks of leave?", VECTOR, 1, EVERYONE)) == ["wiki:leave"]
    assert pinned.search("leave", VECTOR, 5, frozenset()) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_cross_encoder(tmp_path_factory.mktemp("models") / "tiny")


def test_a_real_cross_encoder_gives_the_scores_of_its_own_transformers_model(folder: str) -> None:
    passages = ["book the train", "how many weeks of leave", "pay"]
    scores = CrossEncoderReranker(folder).scores("how many weeks is leave", passages)
    model = BertForSequenceClassification.from_pretrained(folder)
    model.train(mode=False)
    tokens = BertTokenizer.from_pretrained(folder)(
        ["how many weeks is leave"] * 3, passages, padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        expected = torch.sigmoid(model(**tokens).logits[:, 0]).numpy()
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


def test_a_passage_over_its_length_loses_its_end_instead_of_failing(folder: str) -> None:
    reranker = CrossEncoderReranker(folder)
    short, long = reranker.scores("leave", ["pay " * 100, "pay " * 100 + "train " * 100])
    assert short == pytest.approx(long, rel=1e-5)
    assert reranker.scores("leave", []).shape == (0,)


def test_a_store_with_a_real_cross_encoder_returns_its_order(folder: str) -> None:
    reranker = CrossEncoderReranker(folder)
    found = RerankedStore(FadingStore(PAGES), reranker, depth=10).search(
        "How many weeks?", VECTOR, 5, EVERYONE
    )
    texts = [f"{hit.chunk.context}\n{hit.chunk.text}" for hit in found]
    scores = reranker.scores("How many weeks?", texts)
    assert list(scores) == sorted(scores, reverse=True)
    assert len({*ids(found)}) == 3


def test_a_model_with_several_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gives 3 scores a passage, not one"):
        CrossEncoderReranker(tiny_cross_encoder(tmp_path / "nli", labels=3))
