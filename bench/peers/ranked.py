"""Writes a corpus whose documents are to be ranked."""

from dataclasses import replace
from pathlib import Path

from bench.peers.base import Text, write_texts
from bench.peers.corpora import Corpus, copy, take
from bench.peers.prepared import (
    Asked,
    write_facts,
    write_passages,
    write_questions,
    write_sources,
)
from index.base import Embedder


def write(corpus: Corpus, embedder: Embedder, passages: int, folder: Path) -> None:
    """Write a corpus for ranking: all documents that answer, and others up to so many passages."""
    taken, of = take(corpus, embedder, lambda each: len(each.chunks), passages, gold=True)
    cut = [
        (each.text.id, Text("", each.text.title, chunk.text))
        for each in taken
        for chunk in each.chunks
    ]
    numbered = [(owner, replace(text, id=f"passage {n}")) for n, (owner, text) in enumerate(cut)]
    write_passages(numbered, folder)
    write_texts((each.text for each in taken), folder / "documents.jsonl")
    write_sources([copy(corpus.files, taken, folder)], folder / "sources.json")
    asked = [
        Asked(question.qid, question.standalone or question.text, question.gold, "")
        for question in corpus.questions()
    ]
    write_questions(asked, folder / "questions.jsonl")
    write_facts(folder, len(taken), of, len(numbered), len(asked))
