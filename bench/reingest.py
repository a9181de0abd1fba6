"""The first and the second `footnote ingest` of an unchanged folder, as whole processes.

    python -m bench.reingest demo/documents

Start-up, loading and listing are in both times. Each repetition starts from an empty data
directory; everyone gets two cores.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.conditions import describe, pin, spread

TIMEOUT_S = 3600


@dataclass(frozen=True, slots=True)
class Run:
    """One process of `footnote ingest`."""

    seconds: float
    documents: int
    embedded_windows: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="documents to ingest")
    parser.add_argument("--repetitions", type=int, default=3)
    args = parser.parse_args()
    pin()
    pairs = [twice(args.folder.resolve()) for _ in range(args.repetitions)]
    print(describe("footnote", "openvino"))
    print(f"input     {args.folder}; {args.repetitions} repetitions\n")
    print("| run | documents | chunks embedded | seconds |\n| --- | --: | --: | --: |")
    for name, runs in zip(("first", "second"), zip(*pairs, strict=True), strict=True):
        chunks = max(run.embedded_windows for run in runs)
        seconds = spread([run.seconds for run in runs])
        print(f"| {name} | {runs[0].documents} | {chunks} | {seconds} |")
    ratio = statistics.median(first.seconds / second.seconds for first, second in pairs)
    print(f"\nThe second run is {ratio:.1f} times as fast as the first.")


def twice(folder: Path) -> tuple[Run, Run]:
    """Ingest a folder into an empty data directory, then once more."""
    with tempfile.TemporaryDirectory() as empty:
        settings = Path(empty) / "settings.toml"
        path = json.dumps(str(folder), ensure_ascii=False)
        settings.write_text(
            f'[[sources]]\ntype = "files"\nname = "bench"\npath = {path}\nreaders = ["everyone"]\n',
            encoding="utf-8",
        )
        return ingest(settings), ingest(settings)


def ingest(settings: Path) -> Run:
    """Run the command once and read its report."""
    command = [str(Path(sys.executable).with_name("footnote")), "--settings", str(settings)]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "ingest", "--json"], capture_output=True, text=True, timeout=TIMEOUT_S
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"footnote ingest failed:\n{done.stderr}")
    report = json.loads(done.stdout)
    counts = ("added", "changed", "unchanged")
    documents = sum(source[key] for source in report["sources"] for key in counts)
    return Run(seconds, documents, report["embedded_windows"])


if __name__ == "__main__":
    main()
