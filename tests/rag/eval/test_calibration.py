import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_auc_score

from rag.eval.calibration import Point, auroc, coverage_at, ece, ece_adaptive, risk_coverage

Sample = tuple[NDArray[np.float64], NDArray[np.bool_]]


def samples() -> list[Sample]:
    generator = np.random.default_rng(11)
    made = []
    for decimals in (17, 17, 17, 1, 1):  # rounded to one decimal, most confidences are ties
        confidence = np.round(generator.random(200), decimals)
        made.append((confidence, generator.random(200) < 0.2 + 0.6 * confidence))
    return made


@pytest.mark.parametrize("sample", samples())
def test_auroc_agrees_with_sklearn(sample: Sample) -> None:
    confidence, correct = sample
    assert auroc(confidence, correct) == pytest.approx(roc_auc_score(correct, confidence))


def test_auroc_by_hand() -> None:
    # Right: .9 and .4; wrong: .4 and .1. Pairs: win, win, tie, win.
    confidence = np.array([0.9, 0.4, 0.4, 0.1])
    assert auroc(confidence, np.array([True, True, False, False])) == 3.5 / 4
    assert math.isnan(auroc(confidence, np.ones(4, np.bool_)))
    assert math.isnan(auroc(confidence, np.zeros(4, np.bool_)))


@pytest.mark.parametrize("sample", samples()[:3])
def test_ece_agrees_with_sklearn_s_bins(sample: Sample) -> None:
    confidence, correct = sample
    accuracy, mean = calibration_curve(correct, confidence, n_bins=10, strategy="uniform")
    sizes, _ = np.histogram(confidence, bins=10, range=(0, 1))
    expected = (sizes[sizes > 0] / len(confidence) * np.abs(accuracy - mean)).sum()
    assert ece(confidence, correct) == pytest.approx(expected)


def test_ece_by_hand() -> None:
    # [.9, 1]: mean .95, half right: gap .45 on half of them; [.2, .3): .2, none right: .2.
    confidence = np.array([0.9, 1.0, 0.2, 0.2])
    correct = np.array([True, False, False, False])
    assert ece(confidence, correct) == pytest.approx(0.5 * 0.45 + 0.5 * 0.2)
    assert ece(np.array([1.0, 0.0]), np.array([True, False])) == 0
    assert math.isnan(ece(np.array([]), np.array([], np.bool_)))


@pytest.mark.parametrize("sample", samples()[:3])
def test_adaptive_ece_agrees_with_sklearn_s_quantiles(sample: Sample) -> None:
    confidence, correct = sample
    accuracy, mean = calibration_curve(correct, confidence, n_bins=10, strategy="quantile")
    assert ece_adaptive(confidence, correct) == pytest.approx(np.abs(accuracy - mean).mean())


def test_adaptive_ece_by_hand() -> None:
    # Two bins of two: .1 and .2, one right: gap .35; .8 and .9, both right: gap .15.
    confidence = np.array([0.9, 0.1, 0.8, 0.2])
    correct = np.array([True, False, True, True])
    assert ece_adaptive(confidence, correct, bins=2) == pytest.approx(0.5 * 0.35 + 0.5 * 0.15)
    same = np.array([0.6, 0.6, 0.6, 0.6])  # all in one bin, three of four right
    assert ece_adaptive(same, correct, bins=2) == pytest.approx(0.15)
    assert math.isnan(ece_adaptive(np.array([]), np.array([], np.bool_)))


@pytest.mark.parametrize("sample", samples())
def test_risk_is_one_minus_sklearn_s_precision(sample: Sample) -> None:
    confidence, correct = sample
    precision, _, thresholds = precision_recall_curve(correct, confidence)
    points = risk_coverage(confidence, correct)
    assert [p.threshold for p in points] == list(thresholds[::-1])
    assert [1 - p.risk for p in points] == pytest.approx(list(precision[:-1][::-1]))
    assert [p.coverage for p in points] == [np.mean(confidence >= p.threshold) for p in points]


def test_coverage_by_hand() -> None:
    confidence = np.array([0.2, 0.9, 0.8, 0.8, 0.1])
    correct = np.array([True, True, True, False, True])
    # Risks from the strictest: 0/1, 1/3, 1/4, 1/5; the two of .8 go together.
    assert risk_coverage(confidence, correct) == (
        Point(0.9, 0.2, 0.0),
        Point(0.8, 0.6, 1 / 3),
        Point(0.2, 0.8, 1 / 4),
        Point(0.1, 1.0, 1 / 5),
    )
    assert coverage_at(confidence, correct, risk=0.05) == 0.2
    assert coverage_at(confidence, correct, risk=0.20) == 1.0
    assert coverage_at(confidence, ~correct, risk=0.10) == 0.0
    assert coverage_at(np.array([]), np.array([], np.bool_), risk=0.05) == 0.0
