"""How far a confidence can be trusted: does it order answers, does it say how often they are right.

Pure. Everywhere: confidence (n,) in [0, 1], correct (n,) booleans, of the same n answers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Confidences = NDArray[np.float64]  # (n,), in [0, 1]
Correct = NDArray[np.bool_]  # (n,)


@dataclass(frozen=True, slots=True)
class Point:
    """What accepting every answer from one confidence upwards means."""

    threshold: float
    coverage: float  # share of the answers accepted
    risk: float  # share of those that are wrong


def auroc(confidence: Confidences, correct: Correct) -> float:
    """Return the probability that a right answer has more confidence than a wrong one.

    Equal confidence counts half. NaN if all answers are right, or all wrong.
    """
    right, wrong = confidence[correct], confidence[~correct]
    if not len(right) or not len(wrong):
        return float("nan")
    ordered = np.sort(wrong)
    below = np.searchsorted(ordered, right, side="left")
    not_above = np.searchsorted(ordered, right, side="right")
    return float((below + not_above).sum() / (2 * len(right) * len(wrong)))


def ece(confidence: Confidences, correct: Correct, *, bins: int = 10) -> float:
    """Return the expected calibration error: Σ share of the bin · |mean confidence − accuracy|.

    Bins are equally wide, [low, high), the last with its upper end. NaN without answers.

    Source: Naeini, Cooper & Hauskrecht, AAAI 2015.
    """
    if not len(confidence):
        return float("nan")
    member = np.minimum((confidence * bins).astype(np.intp), bins - 1)
    gap = np.bincount(member, weights=confidence - correct, minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))


def ece_adaptive(confidence: Confidences, correct: Correct, *, bins: int = 10) -> float:
    """Return the expected calibration error over bins that hold equally many answers.

    Bins of equal width are mostly empty where confidences crowd together. The edges are the
    quantiles of the confidence; equal confidences share a bin, so there may be fewer than asked
    for. NaN without answers.

    Source: Nguyen & O'Connor, EMNLP 2015.
    """
    if not len(confidence):
        return float("nan")
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, bins + 1)))
    member = np.searchsorted(edges[1:-1], confidence, side="right")
    gap = np.bincount(member, weights=confidence - correct)
    return float(np.abs(gap).sum() / len(confidence))


def risk_coverage(confidence: Confidences, correct: Correct) -> tuple[Point, ...]:
    """Return a point for every confidence there is, the strictest first.

    Answers of equal confidence are accepted together: no threshold parts them.

    Source: El-Yaniv & Wiener, JMLR 2010.
    """
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    wrong = np.cumsum(~correct[order])
    last = np.flatnonzero(np.diff(ordered, append=-np.inf))  # of each run of equal confidence
    return tuple(
        Point(
            threshold=float(ordered[index]),
            coverage=(int(index) + 1) / len(ordered),
            risk=int(wrong[index]) / (int(index) + 1),
        )
        for index in last
    )


def coverage_at(confidence: Confidences, correct: Correct, *, risk: float) -> float:
    """Return the largest share of answers that can be accepted with at most this risk."""
    points = risk_coverage(confidence, correct)
    return max((point.coverage for point in points if point.risk <= risk), default=0.0)
