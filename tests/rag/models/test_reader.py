"""The reader: its adapter is merged as published, and it tells answers from neighbours."""

import numpy as np
import pytest

from index import eight_bits
from rag.base import ModelError
from rag.models.reader import OpenVinoReader, merged
from ui import wiring

BASE = {"layer.weight": np.arange(6, dtype=np.float32).reshape(2, 3)}


def test_a_zero_adapter_leaves_the_weights_alone() -> None:
    zero = {
        "layer.lora_A": np.ones((1, 3), np.float32),
        "layer.lora_B": np.zeros((2, 1), np.float32),
    }
    assert np.array_equal(merged(BASE, zero)["layer.weight"], BASE["layer.weight"])


def test_the_merged_weight_is_w_plus_b_a() -> None:
    adapter = {
        "layer.lora_A": np.array([[1, 0, 2]], np.float32),
        "layer.lora_B": np.array([[3], [4]], np.float32),
        "head.weight": np.array([[5]], np.float32),
    }
    weights = merged(BASE, adapter)
    expected = BASE["layer.weight"] + np.array([[3, 0, 6], [4, 0, 8]])
    assert np.array_equal(weights["layer.weight"], expected)
    assert np.array_equal(weights["head.weight"], [[5]])


def test_an_adapter_of_another_encoder_is_an_error() -> None:
    with pytest.raises(ModelError, match="other"):
        merged(BASE, {"other.lora_B": np.ones((2, 1), np.float32)})


@pytest.fixture(scope="module")
def reader() -> OpenVinoReader:
    encoder = wiring.packaged(wiring.EMBEDDER_PACKAGE) / "model"
    return OpenVinoReader(encoder, wiring.packaged("rag") / "reader", threads=2)


@pytest.mark.model
def test_the_sentence_that_answers_scores_best(reader: OpenVinoReader) -> None:
    sentences = [
        "Bike shed: The bike shed is behind the canteen.",
        "Bike shed: Batteries may be charged there only between 7:00 and 19:00.",
        "Bike shed: Ask Facilities for a key.",
    ]
    scores = reader.scores("At what hours may I charge my e-bike?", sentences)
    assert scores.shape == (3,)
    assert int(scores.argmax()) == 1


@pytest.mark.model
def test_no_sentences_are_no_scores(reader: OpenVinoReader) -> None:
    assert reader.scores("Anything?", []).shape == (0,)


@pytest.mark.model
@pytest.mark.skipif(not eight_bits.supported(), reason="gains nothing here")
def test_scores_in_eight_bits_are_near_those_without(reader: OpenVinoReader) -> None:
    sentences = [f"Bike shed: Batteries may be charged till {n}:00." for n in range(12)]
    sentences += [f"Leave: {n} days lapse on 31 March." for n in range(12)]
    encoder = wiring.packaged(wiring.EMBEDDER_PACKAGE) / "model"
    folder = wiring.packaged("rag") / "reader"
    rounded = OpenVinoReader(encoder, folder, threads=2, eight_bits=True)
    question = "Until when may I charge my e-bike?"
    found, exact = (each.scores(question, sentences) for each in (rounded, reader))
    assert 0.02 < np.abs(found - exact).mean() < 0.05 * exact.std()
