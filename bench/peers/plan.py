"""Which system does what when: the rows of the table, and the order of the processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Phase = Literal["build", "serve", "check", "rank"]
OURS = "footnote"
SYSTEMS = (OURS, "script", "txtai", "langchain", "llamaindex")
DENSE = ("llamaindex",)  # the others are hybrid


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the tables."""

    system: str
    tuned: bool = False

    @property
    def name(self) -> str:
        """As it is printed."""
        return f"{self.system}, tuned" if self.tuned else self.system


ROWS = (Row(OURS), *(Row(name, tuned) for name in SYSTEMS[1:] for tuned in (False, True)))
# txtai reads 512 tokens and searches exactly below 5,000 rows as it comes.
UNCHANGED_BY_TUNING = Row("txtai", tuned=True)


@dataclass(frozen=True, slots=True)
class Job:
    """What is measured at a time, with a result of its own."""

    phase: Phase
    row: Row
    corpus: str
    repetition: int = 0

    @property
    def name(self) -> str:
        """Name of its result."""
        system = f"{self.row.system}-tuned" if self.row.tuned else self.row.system
        return f"{self.phase}-{system}-{self.corpus}-{self.repetition}"


def rows(only: Sequence[str]) -> tuple[Row, ...]:
    """Return the rows of these systems, ours always; of all if none is named."""
    return tuple(row for row in ROWS if not only or row.system in (OURS, *only))


def speed_jobs(chosen: Sequence[Row], corpus: str, repetitions: int) -> Iterator[tuple[Job, ...]]:
    """Yield what is done with one index, in turns: A B C, A B C, …: a slow minute hits everyone.

    The first index of a system is also checked, in a process of its own: that takes memory.
    """
    for repetition in range(repetitions):
        phases: tuple[Phase, ...] = (
            ("build", "serve") if repetition else ("build", "serve", "check")
        )
        for row in chosen:
            yield tuple(Job(phase, row, corpus, repetition) for phase in phases)


def rank_jobs(chosen: Sequence[Row], corpora: Sequence[str]) -> Iterator[tuple[Job, ...]]:
    """Yield what ranks the passages of the corpora, a row at a time; nothing in it is timed."""
    for row in chosen:
        if row == UNCHANGED_BY_TUNING:
            continue
        yield tuple(Job("rank", row, corpus) for corpus in corpora)
