"""Runs the jobs that have no result yet, each in a fresh process, and keeps what they saw."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers.base import Setting
from bench.peers.plan import OURS, Job
from bench.peers.process import task_row

TIMEOUT_S = 3600  # of one process
TAIL = 2000  # characters of an error that are kept
ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Runner:
    """Where things are, and what runs them."""

    work: Path  # prepared corpora, results, states
    model: Path
    peers: Path  # the interpreter of their environment
    threads: int

    def timed(self, jobs: Sequence[Job]) -> None:
        """Build an index and use it, a process each; all anew if one has no result."""
        if all(self._result(job).exists() for job in jobs):
            return
        state = self.work / "state"
        shutil.rmtree(state, ignore_errors=True)
        for job in jobs:
            if not self._run([(job, state)], vectors=None):
                break
        shutil.rmtree(state, ignore_errors=True)

    def ranked(self, jobs: Sequence[Job]) -> None:
        """Rank what has not been ranked, in one process: nothing in it is timed."""
        pending = [job for job in jobs if not self._result(job).exists()]
        vectors = self.work / "vectors"
        vectors.mkdir(exist_ok=True)
        states = self.work / "state"
        shutil.rmtree(states, ignore_errors=True)
        if pending:
            self._run([(job, states / job.corpus) for job in pending], vectors=vectors)
        shutil.rmtree(states, ignore_errors=True)

    def _run(self, jobs: Sequence[tuple[Job, Path]], *, vectors: Path | None) -> bool:
        """Return whether the process did all of it; else say why and keep the reason."""
        tasks = [
            task_row(
                job.phase,
                job.row.system,
                self.work / "corpora" / job.corpus,
                self._result(job),
                Setting(state, self.model, job.row.tuned, self.threads, vectors),
            )
            for job, state in jobs
        ]
        first, _ = jobs[0]
        file = self.work / "task.json"
        file.write_text(json.dumps(tasks))
        python = sys.executable if first.row.system == OURS else str(self.peers)
        start = time.perf_counter()
        done = subprocess.run(
            ["env", *self._threads(), python, "-m", "bench.peers.process", str(file)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        seconds = time.perf_counter() - start
        failed = self._result(first).with_suffix(".error")
        failed.unlink(missing_ok=True)
        if done.returncode:
            failed.write_text(done.stderr[-TAIL:], encoding="utf-8")
        outcome = f"FAILED, see {failed}" if done.returncode else "done"
        print(f"{first.name} and {len(jobs) - 1} more: {outcome}, {seconds:.0f} s", file=sys.stderr)
        return not done.returncode

    def _threads(self) -> list[str]:
        return [f"{name}_NUM_THREADS={self.threads}" for name in ("OMP", "MKL", "NUMBA")]

    def _result(self, job: Job) -> Path:
        return self.work / "results" / f"{job.name}.json"
