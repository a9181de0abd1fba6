"""Parsing in the sandbox and in this process, side by side: the same texts, and at what cost.

    python -m bench.sandbox some/folder

Texts and places decide the chunks, so where they are equal the index is. Files that cannot be
parsed count too. The first times hold what is imported at the first file of a kind.
"""

import argparse
import time
from pathlib import Path

from bench.conditions import describe, pin, spread
from bench.parsers import documents
from connectors.base import Document
from ingest import parse
from ingest.base import Parsed, ParseError, Parser
from ingest.sandbox import Sandbox


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="documents to parse")
    parser.add_argument("--repetitions", type=int, default=6)
    args = parser.parse_args()
    pin()
    found = documents(args.folder.resolve())
    with Sandbox() as sandbox:
        sides: dict[str, Parser] = {"this process": parse.parse, "the sandbox": sandbox.parse}
        times: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(args.repetitions):
            outcomes = []
            for name, side in sides.items():
                start = time.perf_counter()
                outcomes.append([_outcome(side, document) for document in found])
                times[name].append(time.perf_counter() - start)
            if outcomes[0] != outcomes[1]:
                raise SystemExit("The two sides differ.")
    print(describe("pypdfium2", "lxml"))
    print(
        f"input     {args.folder}, {len(found)} files; {args.repetitions} repetitions; all equal\n"
    )
    print("| parsing in | first, seconds | then, seconds |\n| --- | --: | --: |")
    for name, seconds in times.items():
        print(f"| {name} | {seconds[0]:.2f} | {spread(seconds[1:])} |")


def _outcome(side: Parser, document: Document) -> Parsed | tuple[str, str]:
    try:
        return side(document)
    except ParseError as error:
        return error.code, str(error)


if __name__ == "__main__":
    main()
