"""The requests of one compiled graph, kept from call to call: a new one is laid out anew."""

from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any

import openvino as ov
from numpy.typing import NDArray


class Requests:
    """Runs a graph for any number of threads: as many requests as ever ran at once."""

    def __init__(self, graph: ov.CompiledModel) -> None:
        self._graph = graph
        self._idle: SimpleQueue[ov.InferRequest] = SimpleQueue()

    def infer(self, inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return a copy of the graph's first output."""
        try:
            request = self._idle.get_nowait()
        except Empty:
            request = self._graph.create_infer_request()
        try:
            found: NDArray[Any] = request.infer(list(inputs))[0].copy()
            return found
        finally:
            self._idle.put(request)
