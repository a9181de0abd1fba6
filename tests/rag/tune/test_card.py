"""The command on the adapter's model card makes the recipe that the adapter was made with."""

import json
import re
import shlex
from pathlib import Path

import pytest

from rag.tune.lora import Recipe
from ui.cli_tune import run

ADAPTER = Path(__file__).parents[3] / "rag" / "adapter"


def test_the_command_on_the_card_asks_for_the_recipe_that_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("turns.jsonl", "held_out.jsonl"):
        Path(name).touch()
    Path("earlier").mkdir()
    card = (ADAPTER / "MODEL_CARD.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"footnote tune run (.+)", card.partition("## Commands")[2])
    asked = run.make_context("run", shlex.split(command)).params
    rank = asked["rank"]
    # The card says that the steps between two checkpoints have no option.
    made = Recipe(rank, 2 * rank, asked["rate"], asked["epochs"], checkpoint_steps=100)
    shipped = json.loads((ADAPTER / "run.json").read_text(encoding="utf-8"))
    assert made == Recipe(**shipped["recipe"])
    assert asked["base"] is None
