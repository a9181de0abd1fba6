"""What the processes saw, read back and added up. Decides nothing about its looks."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers.plan import DENSE, OURS, Job, Phase, Row
from bench.peers.prepared import Asked, Prepared
from rag.eval import retrieval

PHASES: tuple[Phase, ...] = ("build", "serve")  # of one repetition
LEAST_EXACT = 0.98  # of exact fp32 search's top 5: below it no speed counts
MIB = 2**20

Result = Mapping[str, Any]
FIGURES: dict[str, Callable[[Result, Result], float]] = {  # of one build and one serve
    "tokens": lambda build, _: build["first"]["tokens"],
    "first_s": lambda build, _: build["first"]["seconds"],
    "tokens_per_s": lambda build, _: build["first"]["tokens"] / build["first"]["seconds"],
    "unchanged_s": lambda build, _: build["unchanged"]["seconds"],
    "unchanged_tokens": lambda build, _: build["unchanged"]["tokens"],
    "night_s": lambda build, _: build["load_s"] + build["unchanged"]["seconds"],
    "changed_s": lambda build, _: build["changed"]["seconds"],
    "changed_tokens": lambda build, _: build["changed"]["tokens"],
    "p50_ms": lambda _, serve: serve["p50_s"] * 1000,
    "p95_ms": lambda _, serve: serve["p95_s"] * 1000,
    "memory_mib": lambda _, serve: serve["peak_rss_bytes"] / MIB,
    "start_s": lambda _, serve: serve["load_s"] + serve["open_s"],
}


@dataclass(frozen=True, slots=True)
class Speed:
    """What one system did with the timed corpus: every figure once a repetition."""

    row: Row
    figures: Mapping[str, Sequence[float]]
    exactness: float | None  # share of exact fp32 search's top 5 that it finds; None: not checked

    @property
    def counts(self) -> bool:
        """Whether its index finds what exact search finds, so that its speed counts."""
        return self.exactness is not None and self.exactness >= LEAST_EXACT

    def median(self, figure: str) -> float:
        """Return the median over the repetitions."""
        return statistics.median(self.figures[figure])

    def ratio(self, other: "Speed", figure: str) -> float:
        """Return the median of this system's figure over the other's in the same repetition."""
        pairs = zip(self.figures[figure], other.figures[figure], strict=False)
        return statistics.median(mine / its for mine, its in pairs)


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one system ranks a corpus' documents."""

    row: Row
    corpus: str
    ndcg10: float
    recall5: float
    recall5_by_kind: Mapping[str, float]  # of the facts in second halves


@dataclass(frozen=True, slots=True)
class Measured:
    """All there is."""

    corpora: Mapping[str, Mapping[str, object]]  # name → what it is; the first is the timed one
    speeds: Sequence[Speed]  # ours first
    qualities: Sequence[Quality]

    def ours(self) -> Speed | None:
        """Return our own speed, if it was measured."""
        return next((speed for speed in self.speeds if speed.row.system == OURS), None)

    def rows(self) -> list[Row]:
        """Return the systems whose quality was measured."""
        return list(dict.fromkeys(q.row for q in self.qualities))

    def ranked(self) -> list[str]:
        """Return the corpora whose questions are people's, not about halves of passages."""
        return list(dict.fromkeys(q.corpus for q in self.qualities if not q.recall5_by_kind))

    def quality(self, row: Row, corpus: str) -> Quality | None:
        """Return one system's quality on one corpus."""
        wanted = (row, corpus)
        return next((q for q in self.qualities if (q.row, q.corpus) == wanted), None)

    def mean(self, row: Row, corpora: Sequence[str], figure: str) -> float | None:
        """Return a quality's mean over corpora; None if one of them is missing."""
        found = [self.quality(row, corpus) for corpus in corpora]
        values = [float(getattr(each, figure)) for each in found if each is not None]
        return statistics.mean(values) if values and len(values) == len(corpora) else None


def read(work: Path, rows: Sequence[Row], timed: str | None, ranked: Sequence[str]) -> Measured:
    """Read what there is of these rows and corpora; what failed is left out."""
    results = work / "results"
    corpora = {name: Prepared(work / "corpora" / name) for name in (timed, *ranked) if name}
    speeds = [each for row in rows if timed and (each := _speed(results, row, timed)) is not None]
    qualities = [
        quality(row, name, corpora[name].questions(), seen["found"])
        for row in rows
        for name in ranked
        if (seen := _read(results, Job("rank", row, name))) is not None
    ]
    return Measured({name: corpus.facts() for name, corpus in corpora.items()}, speeds, qualities)


def speed(row: Row, pairs: Sequence[tuple[Result, Result]], exactness: float | None) -> Speed:
    """Return every figure of every (build, serve)."""
    figures = {name: [of(*pair) for pair in pairs] for name, of in FIGURES.items()}
    return Speed(row, figures, exactness)


def quality(
    row: Row, corpus: str, asked: Sequence[Asked], found: Mapping[str, Sequence[str]]
) -> Quality:
    """Return the means over the questions. found: qid → documents of the best ten passages."""
    recalls = [(q.kind, retrieval.recall(found[q.qid], q.gold, k=5)) for q in asked]
    kinds = sorted({kind for kind, _ in recalls if kind})
    return Quality(
        row,
        corpus,
        statistics.mean(retrieval.ndcg(found[q.qid], q.gold, k=10) for q in asked),
        statistics.mean(value for _, value in recalls),
        {kind: statistics.mean(v for own, v in recalls if own == kind) for kind in kinds},
    )


def is_dense(row: Row) -> bool:
    """Tell whether a system searches by meaning alone."""
    return row.system in DENSE


def _speed(results: Path, row: Row, corpus: str) -> Speed | None:
    """Read the repetitions up to the first that is not complete, so that they pair with others'."""
    pairs: list[tuple[Result, Result]] = []
    while True:
        build, serve = (_read(results, Job(phase, row, corpus, len(pairs))) for phase in PHASES)
        if build is None or serve is None:
            break
        pairs.append((build, serve))
    check = _read(results, Job("check", row, corpus))
    return speed(row, pairs, check["exactness"] if check else None) if pairs else None


def _read(results: Path, job: Job) -> Result | None:
    file = results / f"{job.name}.json"
    if not file.exists():
        return None
    result: Result = json.loads(file.read_text())
    return result
