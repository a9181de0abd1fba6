"""Jobs run in processes of their own, once; the interpreter here stands for the peers'."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from bench.peers.plan import Job, Row
from bench.peers.runner import Runner

SCRIPT = Row("script")
BUILD, SERVE = Job("build", SCRIPT, "wiki"), Job("serve", SCRIPT, "wiki")
RANK = (Job("rank", SCRIPT, "wiki"), Job("rank", SCRIPT, "faq"))
# Writes what it was told into each result, unless a file "broken" lies beside it.
STAND_IN = """
import json, pathlib, sys
for task in json.loads(pathlib.Path(sys.argv[-1]).read_text()):
    result = pathlib.Path(task["result"])
    if (result.parent.parent / "broken").exists():
        sys.exit("the model is not there")
    result.write_text(json.dumps(task))
    with (result.parent.parent / "log").open("a") as log:
        log.write(result.stem + chr(10))
"""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    (tmp_path / "results").mkdir()
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    python = tmp_path / "python"
    command = shlex.join([sys.executable, str(tmp_path / "stand_in.py")])
    python.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    python.chmod(0o755)
    return Runner(tmp_path, tmp_path / "model", python, 2)


def log(runner: Runner) -> list[str]:
    file = runner.work / "log"
    return file.read_text().split() if file.exists() else []


def test_what_has_a_result_is_not_measured_again(runner: Runner) -> None:
    for _ in range(2):
        runner.timed((BUILD, SERVE))
        runner.ranked(RANK)
    assert log(runner) == [each.name for each in (BUILD, SERVE, *RANK)]


def test_a_build_without_its_serve_is_built_again(runner: Runner) -> None:
    runner.timed((BUILD, SERVE))
    (runner.work / "results" / f"{SERVE.name}.json").unlink()
    runner.timed((BUILD, SERVE))
    assert log(runner) == [BUILD.name, SERVE.name] * 2


def test_only_the_corpora_that_lack_a_result_are_ranked(runner: Runner) -> None:
    runner.ranked(RANK[:1])
    runner.ranked(RANK)
    assert log(runner) == [job.name for job in RANK]


def test_serving_finds_what_was_built_and_nothing_older(runner: Runner) -> None:
    (runner.work / "state").mkdir()
    (runner.work / "state" / "older").touch()
    runner.timed((BUILD, SERVE))
    states = {
        json.loads((runner.work / "results" / f"{job.name}.json").read_text())["state"]
        for job in (BUILD, SERVE)
    }
    assert states == {str(runner.work / "state")}
    assert not (runner.work / "state").exists()


def test_a_failure_is_kept_and_tried_again(runner: Runner) -> None:
    (runner.work / "broken").touch()
    runner.timed((BUILD, SERVE))
    error = runner.work / "results" / f"{BUILD.name}.error"
    assert "the model is not there" in error.read_text()
    assert not log(runner)
    (runner.work / "broken").unlink()
    runner.timed((BUILD, SERVE))
    assert log(runner) == [BUILD.name, SERVE.name]
    assert not error.exists()


def test_known_vectors_are_only_for_what_is_not_timed(runner: Runner) -> None:
    runner.timed((BUILD, SERVE))
    runner.ranked(RANK)
    told = {
        job.phase: json.loads((runner.work / "results" / f"{job.name}.json").read_text())["vectors"]
        for job in (BUILD, SERVE, RANK[0])
    }
    assert told == {"build": None, "serve": None, "rank": str(runner.work / "vectors")}
