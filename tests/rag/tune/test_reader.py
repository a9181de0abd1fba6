"""Tuning the reader: what is saved is what OpenVINO runs, and it goes on where it stopped."""

from pathlib import Path

import numpy as np
import pytest

from rag.models.reader import OpenVinoReader
from rag.tune.reader import Candidate, Recipe, Row, load, train
from ui.wiring import EMBEDDER_PACKAGE, packaged

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]

PLACES = ("kitchen", "lab", "garage", "library")
ROWS = [
    Row(
        f"When does the {place} open?",
        tuple(Candidate(f"Hours: The {p} opens at {n}.", p == place) for n, p in enumerate(PLACES)),
    )
    for place in PLACES
]
RECIPE = Recipe(rank=4, alpha=8, first_layer=5, rate=3e-3, epochs=6, questions=4, candidates=4)


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
    still = Recipe(rank=4, alpha=8, first_layer=5, rate=1e-9, epochs=1, questions=4, candidates=4)
    train(folder, ROWS, tmp_path, still, start=adapter)
    texts = [candidate.text for candidate in ROWS[0].candidates]
    before, after = (
        OpenVinoReader(folder, path, threads=2).scores(ROWS[0].question, texts)
        for path in (adapter, tmp_path)
    )
    assert np.abs(before - after).max() < 0.05


def test_rows_are_read_from_a_file_and_those_without_candidates_left_out(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '{"question": "Who?", "candidates": [{"text": "Ann.", "answers": true}]}\n'
        '{"question": "When?", "candidates": []}\n'
    )
    assert load(file) == [Row("Who?", (Candidate("Ann.", True),))]
