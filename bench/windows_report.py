"""The figures of `bench.windows` as an entry of rag/eval/LOG.md, but for the decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from rag.eval.bootstrap import interval

TODAY = "nearest of 4 × 128"
WORDS = "BM25 alone"  # its index holds title and headings in either case
WRITTEN = "written facts"  # the set whose facts were written into chunks
NDCG = 2  # its column
FAR = "after token 256"

Measured = NDArray[np.float64]  # (questions, 3): hit@1, recall@5, nDCG@10
Figures = dict[tuple[str, str], Measured]  # (way, "dense" or "fused") -> figures
Column = Mapping[bool, Figures]  # with a prefix, without


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured on one set."""

    name: str
    chunks: int
    all: Column  # empty figures: it has no such questions
    far: Column


def entry(results: Sequence[Result], conditions: str, now: datetime) -> str:
    """Return the entry in Markdown."""
    columns = {one.name: one.all for one in results if one.all[True]}
    columns[f"evidence {FAR}"] = _joined(
        [one.far for one in results if one.far[True] and one.name != WRITTEN]
    )
    columns[f"dates written {FAR}"] = _joined(
        [one.far for one in results if one.far[True] and one.name == WRITTEN]
    )
    columns = {name: column for name, column in columns.items() if column[True]}
    sizes = ", ".join(f"{one.name} {one.chunks}" for one in results)
    return "\n\n".join(
        [
            f"## {now:%Y-%m-%d} · The whole chunk, and what stands in front of it",
            "Tried: six ways to embed a chunk of at most 512 tokens, each with and without "
            f'"title › heading" in front, by `python -m bench.windows`. Chunks: {sizes}. '
            "hit@1 / recall@5 / nDCG@10.",
            "Dense alone:\n\n" + _table(columns, "dense"),
            "Fused with BM25:\n\n" + _table(columns, "fused"),
            "nDCG@10 of the fused ranking less today's, with the 95 % interval of the difference:"
            "\n\n" + _differences(columns),
            f"```\n{conditions}\n```",
            "Decision: …",
        ]
    )


def _joined(columns: Sequence[Column]) -> Column:
    """Return several sets' questions as if they were one set's."""
    if not columns:
        return {True: {}, False: {}}
    return {
        prefix: {
            key: np.concatenate([column[prefix][key] for column in columns])
            for key in columns[0][prefix]
        }
        for prefix in (True, False)
    }


def _table(columns: Mapping[str, Column], ranking: str) -> str:
    heads = [f"{name}, {_questions(column)}" for name, column in columns.items()]
    lines = [f"| | {' | '.join(heads)} | mean nDCG@10 |", "|---" * (len(heads) + 2) + "|"]
    for way, prefix in _ways(columns, ranking):
        cells = [column[prefix][way, ranking].mean(axis=0) for column in columns.values()]
        texts = [" / ".join(f"{value:.3f}" for value in cell) for cell in cells]
        mean = np.mean([cell[NDCG] for cell in cells])
        lines.append(f"| {_named(way, prefix)} | {' | '.join(texts)} | {mean:.3f} |")
    return "\n".join(lines)


def _differences(columns: Mapping[str, Column]) -> str:
    """Return a table of two columns: all questions of the sets, and all facts far inside."""
    kinds = {
        "questions": [column for name, column in columns.items() if not name.endswith(FAR)],
        "facts": [column for name, column in columns.items() if name.endswith(FAR)],
    }
    lines = [
        f"| | {' | '.join(f'{name}, {_questions(_joined(of))}' for name, of in kinds.items())} |",
        "|---|---|---|",
    ]
    for way, prefix in _ways(columns, "fused"):
        cells = [_difference(_joined(of), way, prefix) for of in kinds.values()]
        lines.append(f"| {_named(way, prefix)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _difference(column: Column, way: str, prefix: bool) -> str:
    today = column[True][TODAY, "fused"][:, NDCG]
    less = column[prefix][way, "fused"][:, NDCG] - today
    low, high = interval(lambda rows: float(less[rows].mean()), len(less))
    return f"{less.mean():+.4f} ({low:+.4f} to {high:+.4f})"


def _ways(columns: Mapping[str, Column], ranking: str) -> list[tuple[str, bool]]:
    (first, *_) = columns.values()
    ways = [way for way, of in first[True] if of == ranking]
    return [(way, prefix) for way in ways for prefix in (True, False) if prefix or way != WORDS]


def _named(way: str, prefix: bool) -> str:
    return way if prefix else f"{way}, no prefix"


def _questions(column: Column) -> str:
    return f"n = {len(next(iter(column[True].values())))}"
