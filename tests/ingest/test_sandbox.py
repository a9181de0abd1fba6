"""What a parser may do to the process that ingests: nothing. The processes here are real."""

import os
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import THREAD, Document, Message, write_thread
from ingest import parse, wire
from ingest.base import Parsed, ParseError, ParserError
from ingest.history import Past
from ingest.sandbox import MAX_BYTES, Limits, Sandbox
from tests.ingest import hostile_parser
from tests.ingest.job import Job, pages
from tests.ingest.test_parse import document

HOSTILE = "tests.ingest.hostile_parser:parse"
GOOD = document("# Leave\n\nTwelve days.\n\n## Sick leave\n\nAsk Ann.", "text/markdown")

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can refuse system calls")


@pytest.fixture(scope="module")
def hostile() -> Iterator[Sandbox]:
    with Sandbox(HOSTILE) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def impatient() -> Iterator[Sandbox]:
    with Sandbox(HOSTILE, Limits(wall_s=1.5)) as sandbox:
        yield sandbox


def refusal(sandbox: Sandbox, words: str) -> ParseError:
    with pytest.raises(ParseError) as caught:
        sandbox.parse(document(words))
    return caught.value


def peak_kib(sandbox: Sandbox) -> int:
    """Return the most memory that the process now parsing ever had resident."""
    status = Path(f"/proc/{sandbox.pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def thread() -> Document:
    return document(
        write_thread(
            [Message("Ann", datetime(2026, 3, 1, tzinfo=UTC), "Hi\n there", "https://s/1")]
        ),
        THREAD,
    )


@pytest.mark.parametrize("good", [GOOD, thread(), document("größer \U0001f600")])
def test_a_text_from_the_sandbox_is_the_text_of_the_parser(
    hostile: Sandbox, good: Document
) -> None:
    assert hostile.parse(good) == parse.parse(good)


def test_a_refusal_from_the_sandbox_is_the_refusal_of_the_parser(hostile: Sandbox) -> None:
    with pytest.raises(ParseError) as caught:
        parse.parse(document(b"\x89PNG"))
    with pytest.raises(ParseError) as inside:
        hostile.parse(document(b"\x89PNG"))
    assert (inside.value.code, str(inside.value)) == (caught.value.code, str(caught.value))


HANGS = ("hang", "ignore-signals", "spin", "stop")


@pytest.mark.parametrize("word", sorted(set(hostile_parser.KILLS) - set(HANGS)))
def test_a_parser_that_crashes_costs_one_document(hostile: Sandbox, word: str) -> None:
    error = refusal(hostile, f"{word} and be gone")
    assert error.code == "crashed"
    assert str(error).startswith("'Time off' (wiki:7) ")
    assert hostile.parse(GOOD) == parse.parse(GOOD)


@pytest.mark.parametrize("word", HANGS)
def test_a_parser_that_hangs_costs_one_document(impatient: Sandbox, word: str) -> None:
    error = refusal(impatient, f"{word} and be gone")
    assert error.code == "timeout"
    assert str(error).startswith("'Time off' (wiki:7) ")
    assert impatient.parse(GOOD) == parse.parse(GOOD)


def test_a_parser_that_takes_all_memory_gets_a_gibibyte() -> None:
    with Sandbox(HOSTILE, Limits(retire_kib=2**30)) as sandbox:
        sandbox.parse(GOOD)
        assert refusal(sandbox, "exhaust all").code == "memory"
        assert 2**19 < peak_kib(sandbox) <= 2**20
        assert sandbox.parse(GOOD) == parse.parse(GOOD)


@linux
@pytest.mark.parametrize("word", hostile_parser.REFUSED)
def test_the_system_refuses_what_parsing_does_not_need(hostile: Sandbox, word: str) -> None:
    assert str(refusal(hostile, f"{word} please")).startswith("refused: ")


def test_no_secret_of_the_environment_reaches_the_parser(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    with Sandbox(HOSTILE) as sandbox:
        assert "SLACK_BOT_TOKEN" not in sandbox.parse(document("environment please")).text


def test_the_process_says_which_limits_hold(hostile: Sandbox) -> None:
    networkless = platform.system() == "Linux" and platform.machine() in ("x86_64", "aarch64")
    assert ("no-network" in hostile.missing()) == (not networkless)
    assert not hostile.missing() & {"memory", "core", "files"}


def test_a_machine_that_cannot_confine_is_warned_of_once_a_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Sandbox("tests.ingest.unconfined:parse") as sandbox:
        for _ in range(3):
            sandbox.parse(GOOD)
        assert sandbox.missing() == {"no-network", "no-writing", "no-processes"}
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "missing=no-network,no-processes,no-writing" in warnings[0]


def test_one_process_parses_many_documents(hostile: Sandbox) -> None:
    hostile.parse(GOOD)
    first = hostile.pid
    for _ in range(20):
        hostile.parse(GOOD)
    assert hostile.pid == first


def test_a_parser_is_not_taken_for_as_large_as_what_started_it() -> None:
    held = b"x" * (Limits().retire_kib * 1024)
    with Sandbox(HOSTILE) as sandbox:
        first = sandbox.pid
        for _ in range(2):
            sandbox.parse(GOOD)
        assert sandbox.pid == first
    assert len(held)


def test_a_process_that_has_grown_is_replaced() -> None:
    with Sandbox(HOSTILE, Limits(retire_kib=1)) as sandbox:
        first = sandbox.pid
        assert sandbox.parse(GOOD) == parse.parse(GOOD)
        assert sandbox.pid != first


def test_a_process_that_was_killed_between_two_documents_is_replaced(hostile: Sandbox) -> None:
    hostile.parse(GOOD)
    os.kill(hostile.pid, 9)
    os.waitid(os.P_PID, hostile.pid, os.WEXITED | os.WNOWAIT)
    assert hostile.parse(GOOD) == parse.parse(GOOD)


NO_PARSER = "ingest.no_such_module:parse"
WHY = "The parser cannot start: ModuleNotFoundError: No module named 'ingest.no_such_module'"


def test_a_parser_that_cannot_start_is_no_document_s_fault() -> None:
    with Sandbox(NO_PARSER) as sandbox, pytest.raises(ParserError) as caught:
        sandbox.parse(GOOD)
    assert str(caught.value) == WHY


def test_a_run_whose_parser_cannot_start_ends_and_blames_no_document(tmp_path: Path) -> None:
    with Sandbox(NO_PARSER) as sandbox:
        job = Job(tmp_path, sandbox.parse)
        for _ in range(4):
            with pytest.raises(ParserError):
                job(*pages(2))
    assert job.past() == Past()
    ended = job.runs.ended()
    assert ended is not None
    assert (ended.state, ended.error) == ("failed", WHY)
    job.parser = parse.parse
    assert job(*pages(2)).sources[0].added == 2


def test_a_parser_that_this_machine_has_no_process_for_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(ParserError, match="The parser cannot start: .*No such file"):
        Sandbox(HOSTILE)


def test_the_process_ends_with_the_sandbox() -> None:
    with Sandbox(HOSTILE) as sandbox:
        pid = sandbox.pid
    assert not Path(f"/proc/{pid}").exists()


def test_a_file_over_the_limit_is_refused_unread(hostile: Sandbox) -> None:
    with pytest.raises(ParseError, match="larger than 50 MiB") as caught:
        hostile.parse(document(bytes(MAX_BYTES + 1)))
    assert caught.value.code == "too-large"


# --- what an answer may say ---


def frame(facts: bytes, text: bytes = b"") -> bytes:
    return wire.HEAD.pack(len(facts), len(text)) + facts + text


@pytest.mark.parametrize(
    "facts",
    [
        b"",
        b"[]",
        b"{}",
        b'{"peak_kib": 1}',
        b'{"peak_kib": 1, "code": "hacked", "message": "x"}',
        b'{"peak_kib": 1, "code": "empty", "message": 7}',
        b'{"peak_kib": 1, "code": ["empty"], "message": "x"}',
        b'{"peak_kib": 1, "title": null, "places": []}',
        b'{"peak_kib": 1, "title": null, "places": [[0, 2, [], null, "https://wiki.fernhill.example/time-off"]]}',
        b'{"peak_kib": 1, "title": null, "places": [[1, 3, [], null, "https://wiki.fernhill.example/time-off"]]}',
        b'{"peak_kib": 1, "title": null, "places": [[0, 3, [], null, "https://evil.example/7"]]}',
        b'{"peak_kib": 1, "title": null, "places": [[0, 3, "a", null, "https://wiki.fernhill.example/time-off"]]}',
        b'{"peak_kib": 1, "title": 3, "places": [[0, 3, [], null, "https://wiki.fernhill.example/time-off"]]}',
        b'{"peak_kib": 1, "title": "\\ud800", "places": [[0, 3, [], null, "https://wiki.fernhill.example/time-off"]]}',
        b'{"peak_kib": 1e999, "title": null, "places": [[0, 3, [], 1, "https://wiki.fernhill.example/time-off"]]}',
        b"[" * 100_000,
    ],
)
def test_an_answer_that_no_parser_gives_is_not_believed(facts: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.read_reply(frame(facts, b"abc"), document("abc"))


def test_an_answer_longer_than_any_can_be_is_not_waited_for() -> None:
    assert not wire.is_whole(frame(b"{}", b"abc")[:-1])
    with pytest.raises(wire.WireError):
        wire.is_whole(wire.HEAD.pack(wire.MAX_FACTS + 1, 0))
    with pytest.raises(wire.WireError):
        wire.is_whole(frame(b"{}") + b"x")


def test_what_is_sent_arrives() -> None:
    parsed = parse.parse(GOOD)
    received = wire.reply(parsed, peak_kib=3)
    assert wire.is_whole(received)
    assert wire.read_reply(received, GOOD) == (parsed, 3)
    assert isinstance(parsed, Parsed)
