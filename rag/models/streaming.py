"""Generation on a thread of its own, read piece by piece as it comes; knows no engine."""

import queue
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rag.base import ModelError

Piece = TypeVar("Piece")
UNFINISHED = "\N{REPLACEMENT CHARACTER}"  # what a letter decodes to while bytes of it are to come


def streamed(
    name: str, work: Callable[[Callable[[Piece], bool]], None]
) -> Generator[Piece, None, None]:
    """Yield what `work` hands on, and end when it does; it ends within a piece of being left.

    name: the model's, for the message. work: calls what it is given with every piece, and stops
    when that returns true: nobody reads any more. Raises ModelError for whatever `work` raises.
    """
    pieces: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
    left = threading.Event()

    def hand_on(piece: Piece) -> bool:
        pieces.put(piece)
        return left.is_set()

    with ThreadPoolExecutor(1, thread_name_prefix="generate") as thread:
        done = thread.submit(work, hand_on)
        done.add_done_callback(lambda _: pieces.put(None))  # however it ends
        try:
            while (piece := pieces.get()) is not None:
                yield piece
        finally:
            left.set()
        try:
            done.result()
        except Exception as error:
            what = str(error) or type(error).__name__
            raise ModelError(f"{name} failed: {what}", retryable=True) from error
