"""Whether a question is for the larger model: what is looked at, and the rule fitted to outcomes.

Pure. Knows no model and no money; `rag.correct` decides with it.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag import words
from rag.base import Draft
from rag.evidence import Weights

FEATURES = (
    "likely",  # that the passages answer, whatever is written
    "confidence",  # of the draft
    "verified",  # whether every sentence of the draft stands in the sources
    "words",  # content words of the question
    "asked",  # things it asks for
    "compares",
    "conditions",
)
LONG = 14  # content words: a question with as many holds more than one thing

_ASKS = re.compile(
    r"\?+|\b(?:and|or|also)\s+(?:how|what|when|where|who|which|why|can|do|does|is|are|should)\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:compare[ds]?|comparison|difference|differ|versus|vs|rather than|instead of|"
    r"(?:more|less|better|cheaper|longer|shorter|faster|higher|lower) than)\b",
    re.IGNORECASE,
)
_CONDITIONS = re.compile(
    r"\b(?:if|unless|in case|provided that|depending on|except|assuming)\b", re.IGNORECASE
)


class RouterError(Exception):
    """A router cannot be read or fitted; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Router:
    """Fitted by `footnote tune router` to what calls were worth."""

    weights: Weights  # over FEATURES
    worth: float  # probability from which a call is made
    data: str  # SHA-256 of what it was fitted to


def features(question: str, draft: Draft) -> tuple[float, ...]:
    """Return (len(FEATURES),) of a question and the last draft of its answer."""
    return (
        draft.likely,
        draft.confidence,
        float(bool(draft.text)),
        float(len(words.content_stems(question))),
        float(_asked(question)),
        float(bool(_COMPARES.search(question))),
        float(bool(_CONDITIONS.search(question))),
    )


def is_complex(question: str) -> bool:
    """Whether a question asks two things, compares, sets a condition, or is long."""
    return bool(
        _asked(question) > 1
        or _COMPARES.search(question)
        or _CONDITIONS.search(question)
        or len(words.content_stems(question)) >= LONG
    )


def is_worth_it(router: Router, row: Sequence[float]) -> bool:
    """Return what a fitted router says of one row of FEATURES."""
    chance = router.weights.probability(np.array([row], np.float32))
    return float(chance[0]) >= router.worth


def load(file: Path) -> Router:
    """Read a router that `footnote tune router` wrote. Raises RouterError."""
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
        fitted_to = table["names"]
        mean, scale, weight = (np.array(table[key], float) for key in ("mean", "scale", "weight"))
        weights = Weights(mean, scale, weight, float(table["bias"]))
        router = Router(weights, float(table["worth"]), str(table["data"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RouterError(
            f"{file} is no router: {error!r}. Run `footnote tune router`, or leave "
            "[model.large] router out."
        ) from error
    if fitted_to != list(FEATURES):
        raise RouterError(
            f"{file} was fitted on {fitted_to}, this version computes {list(FEATURES)}. "
            "Run `footnote tune router` again."
        )
    return router


def digest(rows: Sequence[Sequence[float]]) -> str:
    """Return the SHA-256 of rows of numbers, in their order."""
    return hashlib.sha256(json.dumps([list(row) for row in rows]).encode()).hexdigest()


def _asked(question: str) -> int:
    """Return how many things are asked for: question marks, and "and how …" without one."""
    return max(1, len(_ASKS.findall(question)))
