"""The figures of a run: what the rows of all questions add up to.

Pure. A figure that no row can say anything about is left out, never shown as zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.eval import calibration
from rag.eval.bootstrap import interval
from rag.eval.rows import Reply, Row


@dataclass(frozen=True, slots=True)
class Rate:
    """A share or a mean in [0, 1], or a ratio of times; with its 95 % interval."""

    name: str
    value: float
    low: float | None  # None: resampling is no way to tell
    high: float | None
    n: int  # questions, citations, quotes: what it is a share of


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds."""

    name: str
    median: float
    p95: float
    n: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a run, in the order in which they are read."""

    questions: int
    answerable: int
    failed: int
    rates: tuple[Rate, ...]
    seconds: tuple[Spread, ...]
    curve: tuple[calibration.Point, ...]  # risk and coverage at every confidence there is
    peak_rss_bytes: int  # of the process that ran it, everything before the run included


def summarise(rows: Sequence[Row], *, peak_rss_bytes: int) -> Summary:
    """Add up the rows of a run."""
    replies = [row.reply for row in rows if row.reply]
    rates = [*_retrieval(rows), *_wording(rows), *_citations(rows), *_refusals(rows)]
    rates += [*_shares(replies), *_calibration(replies), *_answerability(rows)]
    rates += _correction(replies)
    return Summary(
        questions=len(rows),
        answerable=sum(row.question.answerable for row in rows),
        failed=sum(reply.status == "failed" for reply in replies),
        rates=tuple(rate for rate in rates if rate is not None),
        seconds=tuple(spread for spread in _seconds(rows) if spread is not None),
        curve=calibration.risk_coverage(*_trusted(replies)) if replies else (),
        peak_rss_bytes=peak_rss_bytes,
    )


def _retrieval(rows: Sequence[Row]) -> Sequence[Rate | None]:
    ranked = [row.ranked for row in rows if row.ranked]
    evidence = [one.evidence_5 for one in ranked if one.evidence_5 is not None]
    return [
        _mean("hit@1", [one.hit_1 for one in ranked]),
        _mean("hit@5", [one.hit_5 for one in ranked]),
        _mean("recall@5", [one.recall_5 for one in ranked]),
        _mean("nDCG@10", [one.ndcg_10 for one in ranked]),
        _mean("evidence in top 5", evidence),
    ]


def _wording(rows: Sequence[Row]) -> Sequence[Rate | None]:
    of_all = _answerable(rows)
    of_answered = [reply for reply in of_all if reply.status == "answered"]
    rates: list[Rate | None] = []
    for suffix, replies in (("", of_all), (", answered", of_answered)):
        words = [reply.worded for reply in replies]
        within = [one.contains for one in words if one.contains is not None]
        rates += [
            _mean(f"exact match{suffix}", [one.exact for one in words]),
            _mean(f"contains{suffix}", within),
            _mean(f"token F1{suffix}", [one.f1 for one in words]),
        ]
    return rates


def _citations(rows: Sequence[Row]) -> Sequence[Rate | None]:
    """Precision is a share of citations, recall one of answers, both of answerable questions."""
    cited = [reply.cited for reply in _answerable(rows) if reply.status == "answered"]
    gold = [(one.gold, one.citations) for one in cited if one.gold is not None]
    evidence = [(one.evidence, one.citations) for one in cited if one.evidence is not None]
    quotes = [(row.reply.cited.identical, row.reply.cited.quotes) for row in rows if row.reply]
    return [
        _ratio("citation precision", gold),
        _ratio("citation evidence precision", evidence),
        _mean("citation recall", [float(right > 0) for right, _ in gold]),
        _ratio("quotes identical", quotes),
    ]


def _refusals(rows: Sequence[Row]) -> Sequence[Rate | None]:
    unanswerable = [row.reply for row in rows if row.reply and not row.question.answerable]
    return [
        _mean("refused when unanswerable", _have_status(unanswerable, "abstained")),
        _mean("refused when answerable", _have_status(_answerable(rows), "abstained")),
    ]


def _shares(replies: Sequence[Reply]) -> Sequence[Rate | None]:
    models = dict.fromkeys(one.model for one in replies if one.status == "answered")
    answered = [
        _mean(
            f"answered by {model}",
            [float(one.status == "answered" and one.model == model) for one in replies],
        )
        for model in sorted(models)
    ]
    taken = _have_status(replies, "replied")
    small_talk = [_mean("taken for small talk", taken)] if any(taken) else []
    return [*answered, _mean("refused", _have_status(replies, "abstained")), *small_talk]


def _calibration(replies: Sequence[Reply]) -> Sequence[Rate | None]:
    """AUROC and ECE of the answers that can be judged; coverage of all, the others as wrong."""
    judged = [(reply.confidence, reply.right) for reply in replies if reply.right is not None]
    confidence = np.array([one for one, _ in judged], np.float64)
    right = np.array([one for _, one in judged], np.bool_)
    if not right.any() or right.all():
        return []
    area = calibration.auroc(confidence, right)
    low, high = interval(lambda rows: calibration.auroc(confidence[rows], right[rows]), len(judged))
    # Resampled, a calibration error only grows: its interval would not hold the figure itself.
    error = calibration.ece(confidence, right)
    rates = [
        Rate("AUROC", area, low, high, len(judged)),
        Rate("ECE", error, None, None, len(judged)),
        Rate("ECE, adaptive", calibration.ece_adaptive(confidence, right), None, None, len(judged)),
    ]
    for risk in (0.05, 0.10):
        share = calibration.coverage_at(*_trusted(replies), risk=risk)
        rates.append(Rate(f"coverage at {risk:.0%} risk", share, None, None, len(replies)))
    return rates


def _trusted(replies: Sequence[Reply]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return confidence and whether it was right to have it, of all; what is unknown is wrong."""
    confidence = np.array([reply.confidence for reply in replies], np.float64)
    return confidence, np.array([bool(reply.right) for reply in replies], np.bool_)


def _answerability(rows: Sequence[Row]) -> Sequence[Rate]:
    """Return how well the confidence tells the questions that have an answer from the others."""
    asked = [(row.reply.confidence, row.question.answerable) for row in rows if row.reply]
    confidence = np.array([one for one, _ in asked], np.float64)
    answerable = np.array([one for _, one in asked], np.bool_)
    if not answerable.any() or answerable.all():
        return []
    area = calibration.auroc(confidence, answerable)
    low, high = interval(
        lambda rows: calibration.auroc(confidence[rows], answerable[rows]), len(asked)
    )
    return [Rate("AUROC, answerable", area, low, high, len(asked))]


def _correction(replies: Sequence[Reply]) -> Sequence[Rate | None]:
    """Return what the attempts after the first gain, what they spoil, and what they cost."""
    both = [(one.first, one.final) for one in replies if one.first and one.final]
    right = [(first, final) for first, final in both if first.answered and first.well]
    rates = [
        _mean("right or refused, first attempt", [float(first.well) for first, _ in both]),
        _mean("right or refused", [float(final.well) for _, final in both]),
        _mean("right, then turned wrong", [float(not final.well) for _, final in right]),
    ]
    if any(first.complete_s for first, _ in both):
        before = np.median([first.complete_s for first, _ in both])
        after = np.median([final.complete_s for _, final in both])
        ratio = float(after / before)
        rates.append(Rate("median time, to first attempt's", ratio, None, None, len(both)))
    return rates


def _seconds(rows: Sequence[Row]) -> Sequence[Spread | None]:
    timings = [row.reply.timings for row in rows if row.reply and row.reply.timings]
    first = [one.first_token_s for one in timings if one.first_token_s is not None]
    if not timings:
        return [_spread("retrieval", [row.search_s for row in rows if row.search_s is not None])]
    return [
        _spread("retrieval", [one.retrieved_s for one in timings]),
        _spread("first token", first),
        _spread("complete", [one.complete_s for one in timings]),
    ]


def _answerable(rows: Sequence[Row]) -> list[Reply]:
    return [row.reply for row in rows if row.reply and row.question.answerable]


def _have_status(replies: Sequence[Reply], status: str) -> list[float]:
    return [float(reply.status == status) for reply in replies]


def _mean(name: str, values: Sequence[float]) -> Rate | None:
    return _ratio(name, [(value, 1) for value in values])


def _ratio(name: str, parts: Sequence[tuple[float, int]]) -> Rate | None:
    """Return Σ numerators / Σ denominators of questions; the interval resamples questions."""
    above = np.array([part[0] for part in parts], np.float64)
    below = np.array([part[1] for part in parts], np.float64)
    total = int(below.sum())
    if not total:
        return None

    def share(rows: NDArray[np.intp]) -> float:
        return float(above[rows].sum() / below[rows].sum()) if below[rows].any() else float("nan")

    low, high = interval(share, len(parts))
    return Rate(name, float(above.sum() / total), low, high, total)


def _spread(name: str, values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    median, p95 = np.percentile(values, [50, 95])
    return Spread(name, float(median), float(p95), len(values))
