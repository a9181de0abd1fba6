"""Tuning the listwise reader: what is saved is what OpenVINO runs, and a stopped run goes on."""

import logging
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from rag.models.list_reader import ListReader
from rag.tune import list_reader
from rag.tune.list_reader import CHECKPOINT, Model, Recipe, average, train
from rag.tune.merge_reader import merge
from tests.rag.tune.opening_hours import ROWS
from ui.wiring import packaged_model

pytestmark = [pytest.mark.model, pytest.mark.filterwarnings("ignore")]

RECIPE = Recipe(
    layers=4, rank=64, rate=3e-4, head_rate=3e-3, epochs=40, questions=2, batches=2, candidates=4
)


class Stopped(Exception):
    """Somebody pulled the plug."""


def tuned(folder: Path) -> ListReader:
    """Load what a run wrote."""
    file = folder / "reader.safetensors"
    merge(packaged_model(), folder, file)
    reader = ListReader(file, threads=2)
    file.unlink()  # it is large
    return reader


def right(reader: ListReader) -> int:
    """Count the questions whose answer scores best, in an order that training did not have."""
    return sum(
        candidates[int(reader.scores(row.question, [c.text for c in candidates]).argmax())].answers
        for row in ROWS
        for candidates in (row.candidates, row.candidates[::-1])
    )


def stopped_at(step: int, folder: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the checkpoint of a run that was stopped."""
    read = list_reader._loss
    read_texts = 0

    def stopping(*given: Any) -> object:
        nonlocal read_texts
        read_texts += 1
        if read_texts == recipe.batches * step:
            raise Stopped
        return read(*given)

    with monkeypatch.context() as changed:
        changed.setattr(list_reader, "SAVED", 10)
        changed.setattr(list_reader, "_loss", stopping)
        with pytest.raises(Stopped):
            train(packaged_model(), ROWS, folder, recipe, compiled=False)
    assert (folder / CHECKPOINT).is_file()


def steps_of(folder: Path, recipe: Recipe, start: Path | None = None) -> int:
    """Train, and count the steps of it."""
    done = 0

    def counted(record: logging.LogRecord) -> bool:
        nonlocal done
        done += record.getMessage().startswith("step=")
        return True

    list_reader.log.addFilter(counted)
    list_reader.log.setLevel("INFO")
    try:
        train(packaged_model(), ROWS, folder, recipe, start=start, compiled=False)
    finally:
        list_reader.log.removeFilter(counted)
    return done


@pytest.fixture(scope="module")
def first_layers() -> Model:
    torch.manual_seed(0)
    return Model(packaged_model(), RECIPE.layers)


@pytest.fixture(autouse=True)
def the_file_is_read_once(first_layers: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare every run the quarter of a minute that reading a GGUF file takes torch."""

    def copied(_: Path, layers: int) -> Model:
        model = deepcopy(first_layers)
        model.model.layers = model.model.layers[:layers]
        model.model.config.num_hidden_layers = layers
        return model

    monkeypatch.setattr(list_reader, "Model", copied)


@pytest.fixture(autouse=True)
def texts_are_padded_to_sixty_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare every step the padding of long texts: none of the rows has more."""
    monkeypatch.setattr(list_reader, "TOKENS", 90)


@pytest.fixture
def every_step_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_reader, "LOGGED", 1)


@pytest.mark.usefixtures("every_step_is_logged")
def test_a_few_rows_are_learned_and_what_is_saved_runs_although_the_run_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_at(15, tmp_path, RECIPE, monkeypatch)
    assert steps_of(tmp_path, RECIPE) == RECIPE.epochs - 10  # the saved ones were not done again
    assert not (tmp_path / CHECKPOINT).exists()
    assert right(tuned(tmp_path)) == 2 * len(ROWS)


@pytest.mark.usefixtures("every_step_is_logged")
def test_a_checkpoint_of_another_recipe_is_not_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(RECIPE, layers=1, epochs=12)
    stopped_at(12, tmp_path, short, monkeypatch)
    assert steps_of(tmp_path, replace(short, rate=1e-4)) == short.epochs


def test_training_begins_with_an_earlier_reader(tmp_path: Path) -> None:
    earlier, later = tmp_path / "earlier", tmp_path / "later"
    short = replace(RECIPE, layers=1, epochs=4)
    train(packaged_model(), ROWS, earlier, short, compiled=False)
    still = replace(short, rank=576, rate=1e-9, head_rate=1e-9, epochs=1)
    train(packaged_model(), ROWS, later, still, start=earlier, compiled=False)
    texts = [candidate.text for candidate in ROWS[0].candidates]
    before, after = (tuned(folder).scores(ROWS[0].question, texts) for folder in (earlier, later))
    assert np.abs(before - after).max() < 0.05


def test_the_mean_of_two_readers_lies_between_them_and_of_one_is_itself(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    short = replace(RECIPE, layers=1, epochs=4)
    train(packaged_model(), ROWS, one, short, compiled=False)
    train(packaged_model(), ROWS, two, replace(short, seed=1), start=one, compiled=False)
    average(packaged_model(), [one, two], tmp_path / "mean")
    mean, first, second = (
        load_file(folder / "adapter.safetensors") for folder in (tmp_path / "mean", one, two)
    )
    assert mean.keys() == first.keys()  # the word vectors stay the base's
    for name in ("head.weight", "norm.weight"):
        assert np.abs(first[name] - second[name]).max() > 1e-3
        half = (first[name].astype(np.float32) + second[name]) / 2
        assert np.abs(mean[name] - half).max() < 1e-3
    average(packaged_model(), [one, one, one], tmp_path / "same")
    texts = [candidate.text for candidate in ROWS[0].candidates]
    before, after = (
        tuned(folder).scores(ROWS[0].question, texts) for folder in (one, tmp_path / "same")
    )
    assert np.abs(before - after).max() < 0.05
