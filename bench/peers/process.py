"""One fresh process of a measurement: reads what to do, writes what it saw.

    python -m bench.peers.process task.json

Runs in the product's environment or in the peers'; knows no system but by name.
"""

import importlib
import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.peers.base import Material, Setting, System
from bench.peers.prepared import Prepared

WARM_UP = 10  # questions
TIMED = 150  # questions
COMPARED = 100  # questions whose dense ranking is compared with exact search
SHOWN, RANKED = 5, 10


@dataclass(frozen=True, slots=True)
class Task:
    """A job with its places."""

    phase: str
    system: str
    corpus: Path
    result: Path
    setting: Setting


def main() -> None:
    for row in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        task = _task(row)
        task.setting.state.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        # Its imports are part of its start.
        system: System = importlib.import_module(f"bench.peers.systems.{task.system}").load(
            task.setting
        )
        load_s = time.perf_counter() - start
        seen = PHASES[task.phase](system, Prepared(task.corpus))
        task.result.write_text(json.dumps({"load_s": load_s} | seen), encoding="utf-8")


def build(system: System, corpus: Prepared) -> dict[str, object]:
    """Ingest, ingest again, and once more with one document in a hundred changed.

    What notices no change does the same work in every night: the second one stands for the third.
    """
    first, unchanged = (_night(system, corpus.material()) for _ in range(2))
    changed = _night(system, corpus.material(changed=True)) if system.notices else unchanged
    return {"first": first, "unchanged": unchanged, "changed": changed}


def check(system: System, corpus: Prepared) -> dict[str, object]:
    """Compare the index that an earlier process built with exact search."""
    system.open()
    return {"exactness": system.exactness(_asked(corpus)[:COMPARED])}


def serve(system: System, corpus: Prepared) -> dict[str, object]:
    """Answer questions from what an earlier process built, and see how much memory that took."""
    start = time.perf_counter()
    system.open()
    open_s = time.perf_counter() - start
    asked = _asked(corpus)
    for question in asked[-WARM_UP:]:
        system.search(question, SHOWN)
    seconds = [_seconds(system, question) for question in asked[:TIMED]]
    return {
        "open_s": open_s,
        "p50_s": statistics.median(seconds),
        "p95_s": statistics.quantiles(seconds, n=20)[-1],
        "questions": len(seconds),
        "peak_rss_bytes": peak_rss_bytes(),
    }


def rank(system: System, corpus: Prepared) -> dict[str, object]:
    """Index the passages as they are and keep what every question finds."""
    system.ingest(corpus.material(passages=True))
    tokens = system.tokens_read()
    system.open()
    owners = corpus.owners()
    found = {
        each.qid: [owners.get(id, id) for id in system.search(each.question, RANKED)]
        for each in corpus.questions()
    }
    return {"tokens": tokens, "found": found}


PHASES: dict[str, Callable[[System, Prepared], dict[str, object]]] = {
    "build": build,
    "serve": serve,
    "check": check,
    "rank": rank,
}


def peak_rss_bytes() -> int:
    """Return this program's peak; `getrusage` would begin with that of the one it comes from."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def task_row(
    phase: str, system: str, corpus: Path, result: Path, setting: Setting
) -> dict[str, object]:
    """Return a task as JSON-serialisable facts."""
    return {
        "phase": phase,
        "system": system,
        "corpus": str(corpus),
        "result": str(result),
        "state": str(setting.state),
        "model": str(setting.model),
        "tuned": setting.tuned,
        "threads": setting.threads,
        "vectors": str(setting.vectors) if setting.vectors else None,
    }


def _task(row: dict[str, object]) -> Task:
    vectors = row["vectors"]
    setting = Setting(
        Path(str(row["state"])),
        Path(str(row["model"])),
        bool(row["tuned"]),
        int(str(row["threads"])),
        Path(str(vectors)) if vectors else None,
    )
    corpus, result = Path(str(row["corpus"])), Path(str(row["result"]))
    return Task(str(row["phase"]), str(row["system"]), corpus, result, setting)


def _asked(corpus: Prepared) -> list[str]:
    """Return the questions in an order that mixes the corpora."""
    asked = [question.question for question in corpus.questions()]
    random.Random(0).shuffle(asked)
    return asked


def _night(system: System, material: Material) -> dict[str, float]:
    start = time.perf_counter()
    system.ingest(material)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "tokens": system.tokens_read()}


def _seconds(system: System, question: str) -> float:
    start = time.perf_counter()
    system.search(question, SHOWN)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
