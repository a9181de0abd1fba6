"""What becomes of every file of a folder: text or an error row, how fast, and how much of it.

    python -m bench.parsers some/folder

Beside "report.docx" may lie "report.docx.md", what a reader should find in it, as Markdown; the
overlap is the F1 of the two multisets of words. Files are parsed as in ingestion, in the sandbox.
"""

import argparse
import re
import statistics
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from bench.conditions import describe, pin
from connectors.base import Document, Entry
from connectors.files import MEDIA_TYPES, UNKNOWN
from ingest.base import ParseError
from ingest.sandbox import Sandbox

_NO_WORDS = re.compile(
    r"<!--.*?-->|<[^>]+>|(?<=\])\([^)\s]*(?:\s+\"[^\"]*\")?\)|https?://\S+", re.S
)
_WORD = re.compile(r"\w+")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="documents to parse")
    folder = parser.parse_args().folder.resolve()
    pin()
    print(describe("pypdfium2", "lxml", "openpyxl", "python-docx", "python-pptx", "unstructured"))
    print("\n| file | seconds | outcome | letters | words as in the reference |")
    print("| --- | --: | --- | --: | --: |")
    overlaps: list[float] = []
    with Sandbox() as sandbox:
        for document in documents(folder):
            path = document.entry.id.partition(":")[2]
            start = time.perf_counter()
            outcome, text = parsed(sandbox, document)
            seconds = time.perf_counter() - start
            reference = folder / f"{path}.md"
            score = (
                overlap(reference.read_text(encoding="utf-8"), text) if reference.exists() else None
            )
            if score is not None:
                overlaps.append(score)
            shown = "" if score is None else f"{score:.3f}"
            print(f"| {path} | {seconds:.2f} | {outcome} | {len(text)} | {shown} |", flush=True)
    if overlaps:
        print(
            f"\nWords as in the reference: median {statistics.median(overlaps):.3f},"
            f" least {min(overlaps):.3f}, {len(overlaps)} files."
        )


def documents(folder: Path) -> list[Document]:
    """Return every file of a folder but the references, whatever its format, by name."""
    folder = folder.resolve()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [_document(folder, path) for path in paths if not path.with_suffix("").is_file()]


def _document(folder: Path, path: Path) -> Document:
    name = path.relative_to(folder).as_posix()
    return Document(
        entry=Entry(f"bench:{name}", "1", frozenset()),
        title=path.stem,
        url=path.as_uri(),
        body=path.read_bytes(),
        media_type=MEDIA_TYPES.get(path.suffix.lower(), UNKNOWN),
        updated_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
    )


def parsed(sandbox: Sandbox, document: Document) -> tuple[str, str]:
    """Return "text" and the text, or the error's code and nothing."""
    try:
        return "text", sandbox.parse(document).text
    except ParseError as error:
        return error.code, ""


def overlap(reference: str, text: str) -> float:
    """Return the F1 of two texts' words as multisets; 1.0 if neither has any."""
    wanted = Counter(_WORD.findall(_NO_WORDS.sub(" ", reference).lower()))
    found = Counter(_WORD.findall(text.lower()))
    shared = (wanted & found).total()
    total = wanted.total() + found.total()
    return 2 * shared / total if total else 1.0


if __name__ == "__main__":
    main()
