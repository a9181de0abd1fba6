"""Which layers bear eight bits is told by what they do to the outputs, each alone."""

import random

import numpy as np
import openvino as ov
import openvino.opset13 as op
import pytest

from index import disk, eight_bits
from index.eight_bits import Dense
from rag.models.reader import RANGES
from rag.tune.eight_bits import ADAPTER, JUDGED, MEASURED, MODEL, borne
from ui.wiring import EMBEDDER_PACKAGE, packaged

DICE = np.random.default_rng(0)
TABLE = DICE.normal(size=(50, 16)).astype(np.float32)
WIDE = TABLE.copy()
WIDE[7, :4] = 3000  # one word drives four inputs far beyond what the others do
WEIGHTS = {f"{name}.weight": DICE.normal(size=(16, 16)).astype(np.float32) for name in "ab"}


def graph(dense: Dense) -> ov.Model:
    ids, mask = (op.parameter([-1, -1], np.int64) for _ in range(2))
    seen = op.unsqueeze(op.convert(mask, "f32"), op.constant(2))
    outputs = []
    for layer, table in (("a", TABLE), ("b", WIDE)):
        words = op.gather(op.constant(table), ids, op.constant(0))
        outputs += dense(op.multiply(words, seen), layer)
    return ov.Model([op.concat(outputs, -1)], [ids, mask], "two layers")


@pytest.mark.skipif(not eight_bits.supported(), reason="gains nothing here")
def test_a_layer_whose_other_inputs_drown_beside_a_wide_one_stays_as_it_is() -> None:
    count = MEASURED + JUDGED
    ids = [DICE.integers(8, 50, size=(1, 12)) for _ in range(count)]
    measured_first = random.Random(0).sample(range(count), count)[0]
    ids[measured_first][0, 0] = 7
    ranges, left = borne(WEIGHTS, graph, [(one, np.ones_like(one)) for one in ids])
    assert (list(ranges), left) == (["a"], ["b"])
    assert np.allclose(ranges["a"], [TABLE[7:].min(axis=0), TABLE[7:].max(axis=0)])


def test_what_ships_was_measured_with_the_weights_that_ship(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(eight_bits, "supported", lambda: True)
    reader, encoder = packaged("rag") / "reader", packaged(EMBEDDER_PACKAGE) / "model"
    assert eight_bits.borne(reader / RANGES, disk.sha256(reader / ADAPTER))
    file = packaged("index") / "encoder_ranges.safetensors"
    assert eight_bits.borne(file, disk.sha256(encoder / MODEL))
