"""The command line: help is instant, mistakes are named with the way out."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from rag.base import Question
from tests.ui.fake_answers import answered
from ui import settings, wiring
from ui.cli import main

VERBS = (
    "approve ask backup doctor eval forget forget-user ingest receipt restore retry revoke rollback"
    " scheduler serve slack sources status tune"
).split()


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


def test_every_verb_is_there_and_shows_an_example() -> None:
    assert sorted(main.commands) == VERBS
    for verb in set(VERBS) - {"tune"}:
        code, output = run(verb, "--help")
        assert code == 0
        assert "Example:" in output


def test_help_imports_nothing_heavy() -> None:
    heavy = ("torch", "faiss", "gradio", "slack_bolt", "openvino", "transformers", "unstructured")
    script = f"import sys, ui.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_group_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[groups]\neng = ["ann@x.org", "group:opps"]\nops = ["group:eng"]\n')
    code, output = run("--settings", str(file), "status")
    assert code == 1
    assert "[groups] eng names 'group:opps', which is not defined" in output


def test_a_persons_rows_go_only_when_that_is_confirmed(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("")
    asked = Question("How many?", frozenset({"user:ann@x.org"}))
    wiring.journal(settings.load(file)).record(asked, answered("25.", []), datetime.now(UTC))
    _, preview = run("--settings", str(file), "forget-user", "ann@x.org")
    assert "1 rows of ann@x.org would go" in preview
    for rows in (1, 0):
        code, output = run("--settings", str(file), "forget-user", "Ann@X.org", "--yes")
        assert (code, output) == (0, f"{rows} rows of Ann@X.org are removed.\n")


def test_a_missing_settings_file_is_named(tmp_path: Path) -> None:
    code, output = run("--settings", str(tmp_path / "none.toml"), "status")
    assert code == 1
    assert "There is no settings file" in output
    assert "none.toml" in output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data_dir = ", "not valid TOML"),
        ("sauces = []", "sauces: Extra inputs are not permitted"),
        ('[[sources]]\ntype = "files"\nname = "w"\npath = "x"', "readers: Field required"),
        ('[schedule]\nat = "25:00"', "schedule.at"),
        (
            '[[sources]]\ntype = "files"\nname = "w:x"\npath = "x"\nreaders = ["everyone"]',
            "sources.0.files.name",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    code, output = run("--settings", str(file), "status")
    assert code == 1
    assert message in output


def test_status_before_the_first_run_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("")
    code, output = run("--settings", str(file), "status")
    assert code == 0
    assert "Run `footnote ingest`" in output


def test_an_empty_question_is_wrong_usage(tmp_path: Path) -> None:
    code, output = run("ask", "  ")
    assert code == 2
    assert "empty" in output


def test_the_page_is_not_opened_to_the_network(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("")
    code, output = run("--settings", str(file), "serve", "--host", "0.0.0.0")
    assert code == 1
    assert "no sign-in" in output
