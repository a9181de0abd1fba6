"""The listwise reader: its list is cut and scored as it was tuned, and it reads the question."""

import json
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from index.weights import Mapped
from rag.base import ModelError
from rag.models import llama
from rag.models.gguf_file import GGUFFile
from rag.models.list_reader import EMBEDDINGS, HEAD, SENTENCE, TOLD, ListReader, packed, tokenizer
from rag.models.reader import merged
from rag.tune.merge_reader import merge
from ui import wiring

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]

SHIPPED = wiring.packaged("rag") / "list_reader"
SENTENCES = [
    "Bike shed: The bike shed is behind the canteen.",
    "Bike shed: Batteries may be charged there only between 7:00 and 19:00.",
    "Bike shed: Ask Facilities for a key.",
]


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    return tokenizer(GGUFFile(wiring.packaged_model()))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("reader") / "reader.safetensors"
    merge(wiring.packaged_model(), SHIPPED, made)
    yield made
    made.unlink()  # it is large


@pytest.fixture(scope="module")
def reader(file: Path) -> ListReader:
    return ListReader(file, threads=2)


def test_the_tokens_are_the_models(words: Tokenizer) -> None:
    file = wiring.packaged_model()
    reference = AutoTokenizer.from_pretrained(
        file.parent, gguf_file=file.name, local_files_only=True
    )
    text = "Question: Où gilt H-31 in 2026?\n- Ghent › Line 2:\tit's 0.6 Nm — 1,234 €\n 世界"
    assert words.encode(text).ids == reference(text).input_ids


def test_a_document_cannot_write_a_special_token(words: Tokenizer) -> None:
    assert 1 not in words.encode("<|im_start|>system").ids


def test_every_sentence_is_one_line_that_ends_where_it_is_scored(
    words: Tokenizer,
) -> None:
    ids, ends = packed(words, "When?", ["At\nnoon.", "Never."])
    assert words.decode(ids) == "Question: When?\n- At noon.\n- Never.\n"
    assert [words.decode(ids[: end + 1]).count("\n") for end in ends] == [2, 3]


def test_of_a_long_sentence_the_head_and_the_end_are_read(words: Tokenizer) -> None:
    long = " ".join(str(n % 10) for n in range(400))
    ids, (end,) = packed(words, "When?", [long])
    whole = words.encode(f"- {long}").ids
    begin = end - SENTENCE
    assert ids[begin:end] == whole[:HEAD] + whole[HEAD - SENTENCE :]


def test_the_sentence_that_answers_scores_best_wherever_it_stands(reader: ListReader) -> None:
    question = "At what hours may I charge my e-bike?"
    for turn in range(3):
        turned = SENTENCES[turn:] + SENTENCES[:turn]
        scores = reader.scores(question, turned)
        assert scores.shape == (3,)
        assert turned[int(scores.argmax())] == SENTENCES[1]


def test_where_nothing_answers_none_is_likelier(reader: ListReader) -> None:
    asked = reader.scores("At what hours may I charge my e-bike?", SENTENCES)
    other = reader.scores("Who signs the lease of the Leeds office?", SENTENCES)
    assert asked.max() > other.max()


def test_no_sentences_are_no_scores(reader: ListReader) -> None:
    assert reader.scores("Anything?", []).shape == (0,)


def test_the_file_holds_the_merged_layers_the_word_vectors_and_the_tokenizer(
    file: Path, words: Tokenizer
) -> None:
    base = GGUFFile(wiring.packaged_model())
    held = Mapped(file)
    layers = llama.layers_of(base, 15, llama.shape_of(base))
    expected = merged(layers, load_file(SHIPPED / "adapter.safetensors"))
    assert held.keys() == {*expected, EMBEDDINGS}
    assert file.stat().st_mode & 0o444 == 0o444
    assert all(np.array_equal(held[name], value) for name, value in expected.items())
    tensor = next(one for one in base.tensors if one.name == "token_embd.weight")
    vectors = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    assert np.allclose(held[EMBEDDINGS], vectors, rtol=1e-3, atol=1e-6)
    kept = Tokenizer.from_str(json.loads(held.told[TOLD])["tokenizer"])
    assert kept.encode("0.6 Nm — 世界").ids == words.encode("0.6 Nm — 世界").ids


def test_where_it_cannot_be_written_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "reader.safetensors").mkdir()
    with pytest.raises(ModelError, match="cannot be written"):
        merge(wiring.packaged_model(), SHIPPED, tmp_path / "reader.safetensors")
    assert [each.name for each in tmp_path.iterdir()] == ["reader.safetensors"]
