"""What the doctor says of the process that parses."""

import sys
from functools import partial

import pytest

from ingest.sandbox import Sandbox
from ui import doctor


def marked(monkeypatch: pytest.MonkeyPatch, target: str) -> tuple[str, str]:
    monkeypatch.setattr(doctor, "Sandbox", partial(Sandbox, target))
    check = doctor.parser()
    return check.mark, check.detail


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can refuse system calls")
def test_a_parser_that_is_confined_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    mark, detail = marked(monkeypatch, "ingest.parse:parse")
    assert (mark == "ok  ") == detail.startswith("confined: core, files, memory, no-network")
    assert (mark == "warn") == detail.startswith("not confined")


def test_a_parser_that_this_machine_does_not_confine_is_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mark, detail = marked(monkeypatch, "tests.ingest.unconfined:parse")
    assert mark == "warn"
    assert "do not hold here: no-network, no-processes, no-writing; Linux 5.13" in detail


def test_a_parser_that_cannot_start_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    mark, detail = marked(monkeypatch, "ingest.no_such_module:parse")
    assert mark == "FAIL"
    assert detail.startswith("The parser cannot start: ModuleNotFoundError")
