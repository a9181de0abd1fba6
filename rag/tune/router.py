"""Fits the router to what the larger model's calls were worth: `footnote tune router`.

Knows decisions and votes as numbers. A question that was never sent teaches only by its votes, so
what was always kept from the larger model stays unknown to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rag import router
from rag.eval.calibration import auroc
from rag.journal import Feedback
from rag.router import FEATURES, RouterError
from rag.spending import Decision

LEAST = 50  # outcomes: with fewer a fit of seven weights is noise
LEAST_OF_EACH = 10  # calls that were worth it, and that were not
FOLDS = 5
WORTH = 0.5  # probability from which a call is made

Outcome = tuple[tuple[float, ...], bool]  # router.FEATURES, whether a call is worth it


@dataclass(frozen=True, slots=True)
class Fitted:
    """The numbers to write, and how well they did on decisions they were not fitted to."""

    table: dict[str, Any]
    figures: str


def outcomes(
    decisions: Sequence[tuple[str | None, Decision]], votes: Mapping[str, Feedback]
) -> list[Outcome]:
    """Return the decisions whose worth is known.

    votes: answer id -> the last vote on it.
    """
    known = []
    for answer_id, decision in decisions:
        worth = worth_of(decision, votes.get(answer_id or ""))
        if worth is not None and len(decision.features) == len(FEATURES):
            known.append((decision.features, worth))
    return known


def worth_of(decision: Decision, vote: Feedback | None) -> bool | None:
    """Return whether calling the larger model is worth it for such a question; None: not known.

    A vote outweighs the verification: people see what it does not. "outdated" and "wrong source"
    are the documents' fault, whoever reads them.
    """
    answered = decision.outcome == "answered"
    if decision.called:
        if decision.outcome == "failed":
            return None  # the server's day, not the question's
        return answered and (vote is None or vote.vote == "up")
    if vote is None or vote.reason in ("outdated", "wrong source"):
        return None
    return vote.vote == "down"


def fit(known: Sequence[Outcome]) -> Fitted:
    """Fit a logistic regression. Raises RouterError where there is too little to learn from."""
    rows = np.array([row for row, _ in known], np.float64).reshape(-1, len(FEATURES))
    labels = np.array([worth for _, worth in known], np.bool_)
    _require(int(labels.sum()), int((~labels).sum()))
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    chance = cross_val_predict(model, rows, labels, cv=folds, method="predict_proba")[:, 1]
    model.fit(rows, labels)
    scaler, regression = model[0], model[1]
    called = chance >= WORTH
    table = {
        "outcomes": len(known),
        "worth_it": int(labels.sum()),
        "data": router.digest([(*row, float(worth)) for row, worth in known]),
        "worth": WORTH,
        "names": list(FEATURES),
        "mean": _rounded(scaler.mean_),
        "scale": _rounded(scaler.scale_),
        "weight": _rounded(regression.coef_[0]),
        "bias": round(float(regression.intercept_[0]), 6),
    }
    figures = (
        f"{len(known)} outcomes, {int(labels.sum())} worth a call; held out: AUROC "
        f"{auroc(chance, labels):.3f}, calls {called.mean():.2f} of them, "
        f"{called[labels].mean():.2f} of those worth it, {called[~labels].mean():.2f} of the others"
    )
    return Fitted(table, figures)


def _require(worth: int, other: int) -> None:
    if worth + other < LEAST or min(worth, other) < LEAST_OF_EACH:
        raise RouterError(
            f"There are {worth + other} outcomes, {worth} worth a call and {other} not; fitting "
            f"needs {LEAST}, {LEAST_OF_EACH} of each. Until then the rule of [model.large] below "
            "decides; votes and calls make more."
        )


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(float(value), 6) for value in values]
