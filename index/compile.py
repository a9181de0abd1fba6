"""Compiling OpenVINO models without leaving a trap on the main thread.

OpenVINO gives the compiling thread a signal stack, which on processors with AMX belongs to the
model, and puts back the one before it when the model goes. Models that go in another order than
they came leave the thread with a stack that is freed, and the next signal (SIGTERM, Ctrl+C) ends
the process with a segmentation fault. A thread that ends at once takes its stack along.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Model = TypeVar("Model")


def on_own_thread(make: Callable[[], Model]) -> Model:
    """Return what `make` returns, made on a thread that then ends."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(make).result()
