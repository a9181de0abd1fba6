"""Corpora, read as the product reads them."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers import sample
from bench.peers.base import Text
from bench.peers.prepared import SourceFiles
from bench.peers.systems.footnote import source
from connectors.base import Connector, Document
from index.base import Chunk, Embedder
from ingest.base import ParseError
from ingest.chunk import chunks_of
from ingest.documents import info_of
from ingest.parse import parse
from rag.eval import questions as question_files
from rag.eval.questions import EvalQuestion
from ui.connections import connector

HANDBOOKS = ("sourcegraph", "18f", "clef", "govuk_developer")
OTHERS = ("workarena_kb", "mtrag_clapnq", "mtrag_fiqa")
TIMED = ("sourcegraph", "govuk_developer", "18f")


@dataclass(frozen=True, slots=True)
class Taken:
    """One document of a corpus, as the product reads it."""

    text: Text
    chunks: Sequence[Chunk]
    document: Document


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus as it came."""

    name: str
    folder: Path

    @property
    def files(self) -> SourceFiles:
        """Where its documents are."""
        if (self.folder / "corpus.jsonl").exists():
            return self.name, "jsonl", self.folder / "corpus.jsonl"
        return self.name, "files", self.folder / "documents"

    def questions(self) -> list[EvalQuestion]:
        """Return the questions that its documents answer."""
        path = self.folder / "questions.jsonl"
        asked = question_files.load(path, self.folder / "documents")
        return [question for question in asked if question.gold and question.answerable]


def find(data: Path, name: str) -> Corpus:
    """Return a corpus of the data folder. Raises SystemExit if it is not there."""
    for folder in (data / "corpora" / name, data / "eval" / name):
        if (folder / "questions.jsonl").exists():
            return Corpus(name, folder)
    raise SystemExit(f"{data} holds neither corpora/{name} nor eval/{name} with questions.jsonl.")


def take(
    corpus: Corpus, embedder: Embedder, size: Callable[[Taken], int], most: int, *, gold: bool
) -> tuple[list[Taken], int]:
    """Read documents until their sizes add up to so much; return them, and how many there are.

    gold: all that answer a question are taken, however many.
    """
    opened = connector(source(*corpus.files), corpus.folder)
    entries = {entry.id: entry for entry in opened.entries()}
    answers = {id for question in corpus.questions() for id in question.gold} if gold else set()
    taken: list[Taken] = []
    total = 0
    for id in sample.order(entries, answers):
        if total >= most and not (id in answers or id.partition(":")[2] in answers):
            break
        for each in read(opened.fetch(entries[id]), opened, embedder):
            taken.append(each)
            total += size(each)
    if lost := sample.missing(answers, [each.text.id for each in taken]):
        raise SystemExit(f"{corpus.name}: questions name {lost[:3]}, which cannot be read.")
    return taken, len(entries)


def read(document: Document, connector: Connector, embedder: Embedder) -> Iterator[Taken]:
    """Yield the document, or nothing if there is no text in it."""
    try:
        parsed = parse(document)
    except ParseError:
        return
    info = info_of(document, parsed, connector.kind)
    chunks = chunks_of(info, parsed, embedder)
    yield Taken(Text(info.id, info.title, parsed.text), chunks, document)


def copy(files: SourceFiles, taken: Sequence[Taken], folder: Path) -> SourceFiles:
    """Copy what was taken of a source."""
    name, type, path = files
    keys = [each.text.id.partition(":")[2] for each in taken]
    if type == "files":
        for key in keys:
            to = folder / "source" / name / key
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path / key, to)
        return name, type, folder / "source" / name
    wanted = set(keys)
    lines = path.read_text(encoding="utf-8").split("\n")
    kept = [line for line in lines if line.strip() and json.loads(line)["id"] in wanted]
    (folder / "source.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    return name, type, folder / "source.jsonl"
