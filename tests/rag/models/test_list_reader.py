"""The listwise reader: its list is cut and scored as it was tuned, and it reads the question."""

import gguf
import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from rag.models.list_reader import HEAD, SENTENCE, ListReader, packed, tokenizer
from ui import wiring
from ui.settings import EmbedderSection

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]

SENTENCES = [
    "Bike shed: The bike shed is behind the canteen.",
    "Bike shed: Batteries may be charged there only between 7:00 and 19:00.",
    "Bike shed: Ask Facilities for a key.",
]


@pytest.fixture(scope="module")
def words() -> Tokenizer:
    return tokenizer(gguf.GGUFReader(wiring.packaged_model()))


@pytest.fixture(scope="module")
def reader() -> ListReader:
    made = wiring.readers(EmbedderSection()).listwise
    assert isinstance(made, ListReader)
    return made


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
