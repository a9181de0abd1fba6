"""What Footnote is to reach beside its peers, and what it did. Pure.

Every figure is against the peer that comes off best; a missed goal is printed as missed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.peers.measured import Measured, Speed, is_dense
from bench.peers.plan import OURS, Row

TRUNCATING = ("script", "langchain", "llamaindex")  # based on sentence-transformers


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal."""

    what: str
    wanted: str
    value: float | None  # None: not measured
    reached: bool

    @property
    def outcome(self) -> str:
        """In a word."""
        return "not measured" if self.value is None else "reached" if self.reached else "missed"


def goals(seen: Measured) -> list[Goal]:
    """Return every goal with what was reached."""
    return [
        _least("nDCG@10 over the best dense peer, points", 4, _lead(seen, is_dense)),
        _least("nDCG@10 over the best hybrid peer, points", 0, _lead(seen, _is_hybrid)),
        _least("recall of second-half facts ÷ sentence-transformers' peers", 1.5, _halves(seen)),
        _least("tokens/s ÷ default peers'", 3, _worst(seen, _rate, _is_default)),
        _least("tokens/s ÷ tuned script's", 1.3, _worst(seen, _rate, _is_tuned_script)),
        _least("peers' unchanged re-ingestion ÷ ours", 20, _worst(seen, _unchanged)),
        _least("the same with their start", 20, _worst(seen, _night)),
        _least("hybrid peers' p50 ÷ ours", 3, _worst(seen, _p50, _is_hybrid)),
        _most("memory ÷ peers'", 0.5, _inverse(_worst(seen, _memory))),
    ]


def _least(what: str, least: float, value: float | None) -> Goal:
    return Goal(what, f"≥ {least:g}", value, value is not None and value >= least)


def _most(what: str, most: float, value: float | None) -> Goal:
    return Goal(what, f"≤ {most:g}", value, value is not None and value <= most)


def _lead(seen: Measured, among: Callable[[Row], bool]) -> float | None:
    """Return by how many points our mean nDCG@10 leads the best of some peers."""
    corpora = seen.ranked()
    ours = seen.mean(Row(OURS), corpora, "ndcg10")
    theirs = _known(seen.mean(row, corpora, "ndcg10") for row in _peers(seen) if among(row))
    return 100 * (ours - max(theirs)) if ours is not None and theirs else None


def _halves(seen: Measured) -> float | None:
    """Return our recall of facts in second halves over that of the best truncating default."""
    corpora = list(dict.fromkeys(q.corpus for q in seen.qualities if q.recall5_by_kind))
    ours = seen.mean(Row(OURS), corpora, "recall5")
    theirs = _known(
        seen.mean(row, corpora, "recall5")
        for row in _peers(seen)
        if row.system in TRUNCATING and not row.tuned
    )
    return ours / max(theirs) if ours is not None and theirs and max(theirs) else None


def _worst(
    seen: Measured,
    advantage: Callable[[Speed, Speed], float],
    among: Callable[[Row], bool] = lambda _: True,
) -> float | None:
    """Return our advantage over the peer that has most of it; only what counts is compared."""
    ours = seen.ours()
    if ours is None or not ours.counts:
        return None
    peers = (speed for speed in seen.speeds if speed.row.system != OURS and speed.counts)
    return min((advantage(ours, peer) for peer in peers if among(peer.row)), default=None)


def _rate(ours: Speed, peer: Speed) -> float:
    return ours.ratio(peer, "tokens_per_s")


def _unchanged(ours: Speed, peer: Speed) -> float:
    return peer.ratio(ours, "unchanged_s")


def _night(ours: Speed, peer: Speed) -> float:
    return peer.ratio(ours, "night_s")


def _p50(ours: Speed, peer: Speed) -> float:
    return peer.ratio(ours, "p50_ms")


def _memory(ours: Speed, peer: Speed) -> float:
    return peer.ratio(ours, "memory_mib")


def _is_hybrid(row: Row) -> bool:
    return not is_dense(row)


def _is_default(row: Row) -> bool:
    return not row.tuned


def _is_tuned_script(row: Row) -> bool:
    return row == Row("script", tuned=True)


def _peers(seen: Measured) -> list[Row]:
    return [row for row in seen.rows() if row.system != OURS]


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _inverse(value: float | None) -> float | None:
    return 1 / value if value else None
