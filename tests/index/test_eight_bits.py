"""Layers in eight bits: near the product they stand for, and only those that were measured."""

from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset13 as op
import pytest
from safetensors.numpy import save_file

from index import eight_bits
from index.base import Vectors
from index.compile import on_own_thread
from index.eight_bits import MEASURED_WITH, Ranges

DICE = np.random.default_rng(0)
WEIGHTS = {f"{name}.weight": DICE.normal(size=(24, 16)).astype(np.float32) for name in "abc"}
STATE = DICE.normal(size=(2, 40, 16)).astype(np.float32)
STATE[..., 3] *= 30  # one input far wider than the others, as encoders have them
RANGES = {"a": np.stack([STATE.min(axis=(0, 1)), STATE.max(axis=(0, 1))])}

needs_vnni = pytest.mark.skipif(not eight_bits.supported(), reason="gains nothing here")


def run(ranges: Ranges, *layers: str, state: Vectors = STATE) -> list[Vectors]:
    parameter = op.parameter([-1, -1, 16], np.float32)
    found = eight_bits.dense(WEIGHTS, ranges)(parameter, *layers)
    graph = ov.Model(found, [parameter], "layers")
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = on_own_thread(lambda: ov.Core().compile_model(graph, "CPU", options))
    return [each.copy() for each in compiled([state]).values()]


def test_layers_without_ranges_are_multiplied_as_they_are() -> None:
    for found, name in zip(run({}, "a", "b"), "ab", strict=True):
        assert np.allclose(found, STATE @ WEIGHTS[f"{name}.weight"].T, atol=1e-4)


@needs_vnni
def test_layers_of_one_input_are_near_their_product_although_one_input_is_wide() -> None:
    for found, name in zip(run(RANGES, "a", "b", "c"), "abc", strict=True):
        exact = STATE @ WEIGHTS[f"{name}.weight"].T
        assert 0 < np.abs(found - exact).mean() < 0.01 * exact.std()


@needs_vnni
def test_what_lies_beyond_the_ranges_does_not_wrap_around() -> None:
    (once,), (twice,) = (run(RANGES, "a", state=STATE * times) for times in (1e6, 2e6))
    assert np.allclose(once, twice)


def test_watching_changes_nothing_and_keeps_the_first_layers_input() -> None:
    seen: dict[str, ov.Node] = {}
    parameter = op.parameter([-1, -1, 16], np.float32)
    found = eight_bits.watched(WEIGHTS, seen)(parameter, "b", "c")
    assert len(found) == 2
    assert seen == {"b": parameter}


@pytest.mark.parametrize(
    ("flags", "supported"), [("sse avx512_vnni", True), ("avx_vnni", True), ("avx2 fma", False)]
)
def test_it_is_supported_where_the_processor_multiplies_eight_bits(
    tmp_path: Path, flags: str, supported: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor: 0\nflags: {flags}\n")
    assert eight_bits.supported(tmp_path / "cpuinfo") is supported


def test_where_nothing_tells_the_processors_flags_it_is_not_supported(tmp_path: Path) -> None:
    assert not eight_bits.supported(tmp_path / "missing")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(eight_bits, "supported", lambda: True)
    halves = {name: ends.astype(np.float16) for name, ends in RANGES.items()}
    save_file(halves, tmp_path / "ranges.safetensors", {MEASURED_WITH: "these weights"})
    return tmp_path / "ranges.safetensors"


def test_ranges_are_read_for_the_weights_that_they_were_measured_with(file: Path) -> None:
    assert np.allclose(eight_bits.borne(file, "these weights")["a"], RANGES["a"], rtol=1e-3)
    assert eight_bits.borne(file, "other weights") == {}
    assert eight_bits.borne(file.with_name("missing"), "these weights") == {}


def test_no_ranges_are_read_where_it_is_not_supported(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(eight_bits, "supported", lambda: False)
    assert eight_bits.borne(file, "these weights") == {}
    assert "reason=the processor has no instructions for it" in caplog.text
