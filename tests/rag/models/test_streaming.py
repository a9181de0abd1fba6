"""What a thread generates arrives piece by piece, and its end always does."""

import threading
from collections.abc import Callable, Iterator

import pytest

from rag.base import ModelError
from rag.models.streaming import streamed
from tests.rag.models.in_process import THREAD

FAILURES = (
    MemoryError("std::bad_alloc"),
    UnicodeDecodeError("utf-8", b"\xf0", 0, 1, "unexpected end of data"),
    RuntimeError("the device is lost"),
    StopIteration(),
    AssertionError(),
)


def read(pieces: Iterator[str]) -> list[object]:
    """Read to the end, and no longer than five seconds."""
    seen: list[object] = []

    def go() -> None:
        try:
            seen.extend(pieces)
        except ModelError as error:
            seen.append(error)
        seen.append("ended")

    reader = threading.Thread(target=go, daemon=True)
    reader.start()
    reader.join(5)
    return seen


@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: type(each).__name__)
def test_whatever_a_generation_dies_of_ends_the_reply_as_a_model_error(failure: Exception) -> None:
    def work(hand_on: Callable[[str], bool]) -> None:
        hand_on("Everyone")
        raise failure

    first, error, ended = read(streamed("small", work))
    assert (first, ended) == ("Everyone", "ended")
    assert isinstance(error, ModelError)
    assert error.retryable
    assert str(error).startswith("small failed: ")
    assert str(failure) or type(failure).__name__ in str(error)
    assert error.__cause__ is failure


def test_a_generation_that_ends_ends_the_reply() -> None:
    def work(hand_on: Callable[[str], bool]) -> None:
        for piece in ("a", "", "b"):
            hand_on(piece)

    assert read(streamed("small", work)) == ["a", "", "b", "ended"]


def test_who_leaves_ends_the_generation_within_a_piece() -> None:
    handed = threading.Event()
    after: list[bool] = []

    def work(hand_on: Callable[[str], bool]) -> None:
        after.append(hand_on("a"))
        handed.wait(5)
        while not hand_on("b"):
            pass
        after.append(True)

    pieces = streamed("small", work)
    assert next(pieces) == "a"
    handed.set()
    pieces.close()
    assert after == [False, True]
    assert not any(thread.name.startswith(THREAD) for thread in threading.enumerate())
