"""A graph's requests are kept, never shared by two calls at once, and outlive a call that fails."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import openvino as ov
import openvino.opset13 as op
import pytest

from index.requests import Requests


class Counted:
    """A compiled graph, x -> 2 x, that counts its requests."""

    def __init__(self) -> None:
        given = op.parameter([-1, 2], np.float32)
        model = ov.Model([op.multiply(given, op.constant(np.float32(2)))], [given], "twice")
        self._graph = ov.Core().compile_model(model, "CPU")
        self.made = 0

    def create_infer_request(self) -> ov.InferRequest:
        self.made += 1
        return self._graph.create_infer_request()


def rows(number: int) -> np.ndarray:
    return np.full((number, 2), number, np.float32)


def test_one_call_after_the_other_needs_one_request_whatever_their_lengths() -> None:
    graph = Counted()
    requests = Requests(graph)
    found = [requests.infer([rows(n)]) for n in (3, 1, 5, 3)]
    assert [each.tolist() for each in found] == [(2 * rows(n)).tolist() for n in (3, 1, 5, 3)]
    assert graph.made == 1


def test_calls_at_once_never_share_a_request() -> None:
    graph = Counted()
    requests, together = Requests(graph), Barrier(4)

    def call(number: int) -> bool:
        together.wait()
        return all(
            np.array_equal(requests.infer([rows(number)]), 2 * rows(number)) for _ in range(200)
        )

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(call, (1, 2, 3, 40)))
    assert 1 <= graph.made <= 4


def test_a_call_that_fails_leaves_its_request_to_the_next() -> None:
    graph = Counted()
    requests = Requests(graph)
    with pytest.raises(RuntimeError):
        requests.infer([np.zeros((1, 3), np.float32)])
    assert requests.infer([rows(2)]).tolist() == (2 * rows(2)).tolist()
    assert graph.made == 1
