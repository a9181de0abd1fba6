import math

import numpy as np
import pytest
from numpy.typing import NDArray

from rag.eval.bootstrap import interval


def test_the_interval_of_a_share_is_about_two_standard_errors() -> None:
    right = np.arange(400) % 4 == 0  # a quarter: standard error sqrt(.25 · .75 / 400) = 0.0217
    low, high = interval(lambda rows: float(right[rows].mean()), 400)
    assert low == pytest.approx(0.25 - 1.96 * 0.0217, abs=0.006)
    assert high == pytest.approx(0.25 + 1.96 * 0.0217, abs=0.006)
    assert interval(lambda rows: float(right[rows].mean()), 400) == (low, high)


def test_a_resample_without_a_value_is_left_out() -> None:
    def one_or_nothing(rows: NDArray[np.intp]) -> float:
        return 1.0 if rows[0] else math.nan

    assert interval(one_or_nothing, 2) == (1.0, 1.0)
    assert all(map(math.isnan, interval(lambda _: math.nan, 2)))
