"""Writes corpora whose ingestion is to be timed, as one, and the same a day later."""

import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from bench.peers import sample
from bench.peers.base import Text, write_texts
from bench.peers.corpora import Corpus, Taken, copy, read, take
from bench.peers.prepared import Asked, SourceFiles, write_facts, write_questions, write_sources
from bench.peers.systems.footnote import source
from index.base import Embedder
from ui.connections import connector

REVIEWED = "\n\nThis page was read again by the night shift, which found nothing to add.\n"


def write(corpora: Sequence[Corpus], embedder: Embedder, tokens: int, folder: Path) -> None:
    """Write corpora as one, so many tokens of each, and the same with a hundredth changed."""
    taken: list[Taken] = []
    sources, asked, of = [], [], 0

    def size(each: Taken) -> int:
        return embedder.count_tokens(each.text.whole)

    for corpus in corpora:
        some, number = take(corpus, embedder, size, tokens, gold=False)
        sources.append(copy(corpus.files, some, folder))
        taken, of = taken + some, of + number
        asked += [Asked(f"{corpus.name} {q.qid}", q.text, q.gold, "") for q in corpus.questions()]
    write_texts((each.text for each in taken), folder / "documents.jsonl")
    write_sources(sources, folder / "sources.json")
    write_questions(asked, folder / "questions.jsonl")
    changed = sample.changing([each.text.id for each in taken])
    copies = [_changed(each, changed, folder) for each in sources]
    texts = {each.text.id: each.text for each in taken}
    texts |= {text.id: text for each in copies for text in _again(each, changed, embedder)}
    write_texts(texts.values(), folder / "changed.jsonl")
    write_sources(copies, folder / "changed.json")
    chunks = sum(len(each.chunks) for each in taken)
    write_facts(folder, len(taken), of, chunks, len(asked), tokens=sum(map(size, taken)))


def _changed(files: SourceFiles, changed: Collection[str], folder: Path) -> SourceFiles:
    """Copy a source and add a sentence to what changes."""
    name, type, path = files
    if type != "files":
        raise SystemExit(f"{name}: only a folder of files can be timed.")
    to = folder / "changed" / name
    shutil.copytree(path, to)
    for id in changed:
        if id.startswith(f"{name}:"):
            with (to / id.partition(":")[2]).open("a", encoding="utf-8") as file:
                file.write(REVIEWED)
    return name, type, to


def _again(files: SourceFiles, changed: Collection[str], embedder: Embedder) -> Iterator[Text]:
    """Yield what changed, parsed."""
    opened = connector(source(*files), files[2])
    for entry in opened.entries():
        if entry.id in changed:
            for each in read(opened.fetch(entry), opened, embedder):
                yield each.text
