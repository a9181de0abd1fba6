"""Tuning the reader: what is saved is what OpenVINO runs, and it goes on where it stopped."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from rag.models.reader import OpenVinoReader, merged
from rag.tune.reader import Candidate, Recipe, Row, average, drawn, load, low_rank, train
from tests.rag.tune.opening_hours import ROWS
from ui.wiring import EMBEDDER_PACKAGE, packaged

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]

RECIPE = Recipe(rank=32, rate=3e-4, head_rate=3e-3, epochs=12, questions=4, candidates=4)


def right(reader: OpenVinoReader) -> int:
    """Count the questions whose answer scores best."""
    return sum(
        row.candidates[int(reader.scores(row.question, [c.text for c in row.candidates]).argmax())]
        .answers
        for row in ROWS
    )  # fmt: skip


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("adapter")
    train(packaged(EMBEDDER_PACKAGE) / "model", ROWS, out, RECIPE)
    return out


def test_a_few_rows_are_learned_and_what_is_saved_runs(adapter: Path) -> None:
    reader = OpenVinoReader(packaged(EMBEDDER_PACKAGE) / "model", adapter, threads=2)
    assert right(reader) == len(ROWS)


def test_training_goes_on_from_an_adapter(adapter: Path, tmp_path: Path) -> None:
    folder = packaged(EMBEDDER_PACKAGE) / "model"
    still = replace(RECIPE, rank=384, rate=1e-9, head_rate=1e-9, epochs=1)
    train(folder, ROWS, tmp_path, still, start=adapter)
    texts = [candidate.text for candidate in ROWS[0].candidates]
    before, after = (
        OpenVinoReader(folder, path, threads=2).scores(ROWS[0].question, texts)
        for path in (adapter, tmp_path)
    )
    assert np.abs(before - after).max() < 0.05


def test_the_mean_of_two_readers_lies_between_them(adapter: Path, tmp_path: Path) -> None:
    folder = packaged(EMBEDDER_PACKAGE) / "model"
    other, same, mean = (tmp_path / name for name in ("other", "same", "mean"))
    train(folder, ROWS, other, replace(RECIPE, rank=384, epochs=4, seed=5), start=adapter)
    average(folder, [adapter, adapter], same, rank=384)
    average(folder, [adapter, other], mean, rank=384)
    name = "encoder.layer.3.output.dense.weight"
    base = load_file(folder / "model.safetensors")
    first, second, equal, middle = (
        np.asarray(merged(base, load_file(path / "adapter.safetensors"))[name], np.float32)
        for path in (adapter, other, same, mean)
    )
    apart = np.abs(first - second).max()
    assert apart > 1e-4
    assert np.abs(first - equal).max() < apart / 10
    assert np.abs((first + second) / 2 - middle).max() < apart / 10
    assert right(OpenVinoReader(folder, mean, threads=2)) == len(ROWS)


def test_rows_are_read_from_a_file_and_those_without_candidates_left_out(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '{"question": "Who?", "candidates": [{"text": "Ann.", "answers": true}]}\n'
        '{"question": "When?", "candidates": []}\n'
    )
    assert load(file) == [Row("Who?", (Candidate("Ann.", True),))]


def test_a_matrix_of_low_rank_is_saved_without_loss_and_any_other_as_near_as_can_be() -> None:
    torch.manual_seed(0)
    thin = torch.randn(12, 3) @ torch.randn(3, 20)
    down, up = low_rank(thin, 3)
    assert (down.shape, up.shape) == ((3, 20), (12, 3))
    assert torch.allclose(up @ down, thin, atol=1e-4)
    full = torch.randn(12, 20)
    down, up = low_rank(full, 5)
    lost = torch.linalg.svdvals(full)[5:].square().sum().sqrt()
    assert torch.isclose((full - up @ down).norm(), lost, rtol=1e-4)


def test_likelier_wrong_candidates_are_drawn_sooner_and_none_twice() -> None:
    dice = random.Random(0)
    wrong = [Candidate(str(place), answers=False) for place in range(20)]
    times = Counter(each.text for _ in range(4000) for each in drawn(wrong, 1, dice))
    assert times["0"] / times["4"] == pytest.approx(2.0, rel=0.15)  # 1 / 4 and 1 / 8
    assert times["0"] > times["9"] > times["19"] > 0
    some = drawn(wrong, 7, dice)
    assert len(set(some)) == 7
    assert sorted(drawn(wrong, 30, dice), key=wrong.index) == wrong
