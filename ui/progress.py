"""How far a long job is: bars on a terminal, a line per source and tenth elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

OnProgress = Callable[[str, int, int], None]  # what, done, to do; 0 to do: not known yet


@contextmanager
def progress_bar() -> Iterator[OnProgress]:
    """Give what is to be called as the job goes on."""
    if not sys.stderr.isatty():
        yield _log_lines
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield advance


def _log_lines(what: str, done: int, total: int) -> None:
    if total and (done * 10 // total != (done - 1) * 10 // total or done == total):
        sys.stderr.write(f"{what}: {done}/{total}\n")
