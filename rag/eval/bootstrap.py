"""How sure a figure is, given how few questions it comes from.

Pure: the seed is fixed, so the same rows give the same interval.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
SEED = 0


def interval(statistic: Callable[[NDArray[np.intp]], float], n: int) -> tuple[float, float]:
    """Return the 95 % percentile interval of a statistic of n rows.

    statistic: indices (n,) of a resample, drawn with replacement → its value; resamples where it
    is NaN (undefined) are left out, and NaN comes back if it always is. A share of 0 or 1 gets an
    interval without width, however few rows it comes from.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap, 1993.
    """
    generator = np.random.default_rng(SEED)
    values = np.array([statistic(generator.integers(0, n, n)) for _ in range(RESAMPLES)])
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)
