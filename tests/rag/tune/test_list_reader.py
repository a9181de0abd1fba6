"""Tuning the listwise reader: what is saved is what OpenVINO runs, and a stopped run goes on."""

from pathlib import Path

import pytest

from rag.models.list_reader import ListReader
from rag.tune import list_reader
from rag.tune.list_reader import CHECKPOINT, Recipe, train
from rag.tune.reader import Candidate, Row
from ui.wiring import packaged_model

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]

PLACES = ("kitchen", "lab", "garage", "library")
ROWS = [
    Row(
        f"When does the {place} open?",
        tuple(Candidate(f"Hours: The {p} opens at {n}.", p == place) for n, p in enumerate(PLACES)),
    )
    for place in PLACES
]
RECIPE = Recipe(
    layers=4, rank=64, rate=3e-4, head_rate=3e-3, epochs=24, questions=2, batches=2, candidates=4
)


class Stopped(Exception):
    """Somebody pulled the plug."""


def right(reader: ListReader) -> int:
    """Count the questions whose answer scores best, in an order that training did not have."""
    return sum(
        candidates[int(reader.scores(row.question, [c.text for c in candidates]).argmax())].answers
        for row in ROWS
        for candidates in (row.candidates, row.candidates[::-1])
    )


def test_a_few_rows_are_learned_and_what_is_saved_runs_although_the_run_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0
    read = list_reader._loss

    def stopping(*given: object) -> object:
        nonlocal steps
        steps += 1
        if steps == 2 * 15:
            raise Stopped
        return read(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(list_reader, "SAVED", 10)
    monkeypatch.setattr(list_reader, "_loss", stopping)
    with pytest.raises(Stopped):
        train(packaged_model(), ROWS, tmp_path, RECIPE, compiled=False)
    assert (tmp_path / CHECKPOINT).is_file()
    train(packaged_model(), ROWS, tmp_path, RECIPE, compiled=False)
    assert steps == 2 * 15 + 2 * (RECIPE.epochs - 10)  # the ten saved steps were not done again
    assert not (tmp_path / CHECKPOINT).exists()
    assert right(ListReader(packaged_model(), tmp_path, threads=2)) == 2 * len(ROWS)
