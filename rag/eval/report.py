"""A run's result for people and for machines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rag.eval.calibration import Point
from rag.eval.rows import Reply, Row
from rag.eval.run import Result
from rag.eval.summary import Rate, Summary


def table(result: Result) -> str:
    """Return the figures as aligned Markdown tables."""
    summary = result.summary
    rates = [("measure", "value", "95 % interval", "n")]
    rates += [(rate.name, f"{rate.value:.3f}", _range(rate), str(rate.n)) for rate in summary.rates]
    seconds = [("seconds", "median", "p95", "n")]
    seconds += [
        (one.name, f"{one.median:.3f}", f"{one.p95:.3f}", str(one.n)) for one in summary.seconds
    ]
    curve = [("accepted from", "coverage", "risk")]
    curve += [
        (f"{one.threshold:.3f}", f"{one.coverage:.3f}", f"{one.risk:.3f}")
        for one in _thinned(summary.curve)
    ]
    parts = [_headline(summary), _aligned(rates), _aligned(curve), _aligned(seconds)]
    return "\n\n".join(part for part in parts if part)


def to_json(result: Result, *, conditions: Mapping[str, object]) -> dict[str, object]:
    """Return the figures and a row per question, JSON-serialisable.

    conditions: what the figures hold for: limits, versions, models. No passage or history text
    is in it, only each question, the expected answer and the given one.
    """
    summary = result.summary
    return {
        "conditions": dict(conditions),
        "summary": {
            "questions": summary.questions,
            "answerable": summary.answerable,
            "failed": summary.failed,
            "rates": {rate.name: _without_name(asdict(rate)) for rate in summary.rates},
            "seconds": {one.name: _without_name(asdict(one)) for one in summary.seconds},
            "risk_coverage": [asdict(point) for point in summary.curve],
            "peak_rss_bytes": summary.peak_rss_bytes,
        },
        "rows": [_row(row) for row in result.rows],
    }


def _headline(summary: Summary) -> str:
    failed = f", {summary.failed} failed" if summary.failed else ""
    return (
        f"{summary.questions} questions, {summary.answerable} answerable{failed}; "
        f"peak memory {summary.peak_rss_bytes / 2**20:.0f} MiB"
    )


def _range(rate: Rate) -> str:
    return "" if rate.low is None else f"{rate.low:.3f}–{rate.high:.3f}"


def _thinned(curve: Sequence[Point]) -> list[Point]:
    """Return of a curve the first point at or after every tenth of the coverage."""
    tenths = [tenth / 10 for tenth in range(1, 11)]
    wanted = [
        next((one for one in curve if one.coverage >= tenth - 1e-9), None) for tenth in tenths
    ]
    return list(dict.fromkeys(one for one in wanted if one))


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Return a Markdown table, its first row the header; none if that is all there is.

    The first column is names, the others are numbers.
    """
    if len(rows) == 1:
        return ""
    widths = [max(2, *map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows]
    lines = [padded[0], rule, *padded[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(row: Row) -> dict[str, object]:
    question = row.question
    return {
        "qid": question.qid,
        "question": question.text,
        "expected": question.answer,
        "answerable": question.answerable,
        "search_s": row.search_s,
        "retrieval": asdict(row.ranked) if row.ranked else None,
        "answer": _reply(row.reply) if row.reply else None,
    }


def _reply(reply: Reply) -> dict[str, object]:
    return {
        "text": reply.text,
        "status": reply.status,
        "model": reply.model,
        "confidence": reply.confidence,
        "right": reply.right,
        **asdict(reply.worded),
        "cited": asdict(reply.cited),
        "timings": asdict(reply.timings) if reply.timings else None,
    }


def _without_name(fields: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if key != "name"}
