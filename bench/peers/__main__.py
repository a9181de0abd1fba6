"""Footnote beside its peers: speed, memory and quality on the same documents and weights.

    python -m bench.peers --data DIR                       everything, some 30 minutes on two cores
    python -m bench.peers --data DIR --only script txtai --corpora clef 18f --repetitions 1

DIR holds corpora/NAME with documents/ and questions.jsonl, or eval/NAME with corpus.jsonl and
questions.jsonl. What was measured before is not measured again: an interrupted run goes on.
Delete the work folder to begin anew.
"""

import argparse
import json
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.conditions import CORES, describe, pin
from bench.peers import corpora, environment, halves, measured, plan, ranked, report, timed
from bench.peers.runner import Runner
from ui import wiring
from ui.settings import EmbedderSection, stay_offline

QUALITY = (*corpora.HANDBOOKS, *corpora.OTHERS, halves.NAME)


def main() -> None:
    args = _arguments()
    pin()
    stay_offline()
    args.work.mkdir(parents=True, exist_ok=True)
    runner = Runner(
        args.work.resolve(),
        wiring.packaged(wiring.EMBEDDER_PACKAGE) / "model",
        environment.python(),
        CORES,
    )
    _same_sizes(args)
    clock, names = prepare(args, runner)
    (runner.work / "results").mkdir(exist_ok=True)
    rows = plan.rows(args.only)
    if clock:
        for jobs in plan.speed_jobs(rows, clock, args.repetitions):
            runner.timed(jobs)
    for jobs in plan.rank_jobs(rows, names):
        runner.ranked(jobs)
    _report(runner.work, rows, clock, names)


def prepare(args: Namespace, runner: Runner) -> tuple[str | None, list[str]]:
    """Write the corpora that are not there yet; return the timed one's name, and the others'.

    The timed one is None if no corpus that was asked for is a folder of files.
    """
    folder = runner.work / "corpora"
    names = [name for name in args.corpora or QUALITY if name != halves.NAME]
    chosen = {name: corpora.find(args.data, name) for name in names}
    encoder = wiring.embedder(EmbedderSection(threads=CORES))
    together = [chosen[name] for name in corpora.TIMED if name in chosen]
    together = together or [each for each in chosen.values() if each.files[1] == "files"]
    clock = "timed-" + "+".join(corpus.name for corpus in together) if together else None
    if clock:
        _once(folder / clock, partial(timed.write, together, encoder, args.tokens))
    for name, corpus in chosen.items():
        _once(folder / name, partial(ranked.write, corpus, encoder, args.passages))
    books = [(chosen[name], folder / name) for name in corpora.HANDBOOKS if name in chosen]
    if halves.NAME in (args.corpora or QUALITY):
        cut = halves.name([corpus.name for corpus, _ in books])
        _once(folder / cut, partial(halves.write, books, runner.model, args.passages // 2))
        names.append(cut)
    return clock, names


def _report(work: Path, rows: Sequence[plan.Row], clock: str | None, names: Sequence[str]) -> None:
    seen = measured.read(work, rows, clock, names)
    ours = describe("footnote", "openvino", "faiss-cpu", "tokenizers")
    conditions = f"{ours}\npeers     {environment.versions()}"
    (work / "report.json").write_text(json.dumps(report.facts(seen, conditions), indent=1))
    text = report.markdown(seen, conditions)
    (work / "report.md").write_text(text, encoding="utf-8")
    print(text)
    if failed := sorted((work / "results").glob("*.error")):
        sys.exit(f"{len(failed)} processes failed, the first of them: {failed[0]}")


def _once(folder: Path, write: Callable[[Path], None]) -> None:
    """Fill a folder that is not complete yet."""
    if (folder / "corpus.json").exists():  # written last
        return
    print(f"preparing {folder.name}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write(folder)


def _same_sizes(args: Namespace) -> None:
    """Refuse to mix what was measured on other sizes."""
    sizes = {"passages": args.passages, "tokens": args.tokens, "data": str(args.data.resolve())}
    file = args.work / "sizes.json"
    if file.exists() and json.loads(file.read_text()) != sizes:
        sys.exit(
            f"{args.work} holds results of {file.read_text()}, not of {json.dumps(sizes)}. "
            "Delete it, or name another --work."
        )
    file.write_text(json.dumps(sizes))


def _arguments(words: Sequence[str] | None = None) -> Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--work", type=Path, default=Path("data") / "peers")
    parser.add_argument("--only", nargs="+", default=(), choices=plan.SYSTEMS[1:], metavar="PEER")
    parser.add_argument("--corpora", nargs="+", default=(), choices=QUALITY, metavar="NAME")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--passages", type=int, default=600, help="of a corpus that is ranked")
    parser.add_argument("--tokens", type=int, default=25_000, help="of each timed corpus")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
