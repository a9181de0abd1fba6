"""The README's promises that a test can keep: its commands, its tree, its size."""

import re
import tomllib
from pathlib import Path

import click
import pytest

from ui.cli import main
from ui.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^footnote ([\w-]+)((?: +(?:--?[a-z-]+|\w+|\"[^\"]+\"))*)", README, re.M)


@pytest.mark.parametrize(("verb", "rest"), COMMANDS)
def test_a_command_of_the_readme_exists_with_its_options(verb: str, rest: str) -> None:
    command = main.commands[verb]
    known = {name for parameter in command.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z-]+", rest)) <= known
    assert isinstance(command, click.Command)


def test_the_readme_shows_every_verb_of_the_daily_work() -> None:
    assert {verb for verb, _ in COMMANDS} == set(main.commands) - {"tune"}


@pytest.mark.parametrize("target", re.findall(r"`?make (\w+)", README))
def test_a_make_target_of_the_readme_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("path", re.findall(r"`([\w./]+/[\w./]+)`|\]\(([\w./-]+)\)", README))
def test_a_file_of_the_readme_exists(path: tuple[str, str]) -> None:
    assert (ROOT / (path[0] or path[1])).exists()


def test_the_tree_names_every_package() -> None:
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert packages <= set(re.findall(r"\b([a-z]+)/", README))


def test_the_readme_is_short() -> None:
    assert len(README.encode()) < 12_000


def test_the_demo_settings_use_no_unknown_key() -> None:
    table = tomllib.loads((ROOT / "demo" / "settings.toml").read_text())
    assert Settings.model_validate(table).sources
