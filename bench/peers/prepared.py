"""The files of a prepared corpus, as both environments read them.

corpus.json        name, and what it is in words for the table
sources.json       the documents before parsing: [name, "files" | "jsonl", path] each
changed.json       the same with one document in a hundred changed
documents.jsonl    the same, parsed by Footnote
changed.jsonl      and after the change
passages.jsonl     the documents cut by Footnote, titles in the text
owners.json        id of a passage → id of its document
questions.jsonl    qid, question, gold, kind
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers.base import Material, Text, read_rows, read_texts, write_rows

SourceFiles = tuple[str, str, Path]  # name, "files" or "jsonl", path


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and the documents that answer it."""

    qid: str
    question: str
    gold: tuple[str, ...]
    kind: str  # "" or what the fact in question is, see facts.py


@dataclass(frozen=True, slots=True)
class Prepared:
    """One corpus on disk."""

    folder: Path

    def material(self, *, changed: bool = False, passages: bool = False) -> Material:
        """Return what is to be indexed."""
        name = "changed" if changed else "sources"
        texts = "passages" if passages else "changed" if changed else "documents"
        return Material(
            read_texts(self.folder / f"{texts}.jsonl"), passages, self.folder / f"{name}.json"
        )

    def owners(self) -> dict[str, str]:
        """Return id of a passage → id of its document."""
        owners: dict[str, str] = json.loads((self.folder / "owners.json").read_text())
        return owners

    def questions(self) -> list[Asked]:
        """Return the questions that have something to find."""
        return [
            Asked(str(row["qid"]), str(row["question"]), tuple(map(str, gold)), str(row["kind"]))
            for row in read_rows(self.folder / "questions.jsonl")
            if isinstance(gold := row["gold"], list)
        ]

    def facts(self) -> dict[str, object]:
        """Return what the corpus is."""
        facts: dict[str, object] = json.loads((self.folder / "corpus.json").read_text())
        return facts


def read_sources(file: Path) -> list[SourceFiles]:
    """Read where the documents are before parsing."""
    return [(name, type, Path(path)) for name, type, path in json.loads(file.read_text())]


def write_sources(sources: Sequence[SourceFiles], file: Path) -> None:
    """Write where the documents are before parsing."""
    file.write_text(json.dumps([(name, type, str(path)) for name, type, path in sources]))


def write_questions(questions: Sequence[Asked], file: Path) -> None:
    """Write the questions."""
    write_rows(
        (
            {"qid": q.qid, "question": q.question, "gold": list(q.gold), "kind": q.kind}
            for q in questions
        ),
        file,
    )


def write_passages(passages: Sequence[tuple[str, Text]], folder: Path) -> None:
    """Write passages, (id of the document, passage) each."""
    write_rows(
        ({"id": p.id, "title": p.title, "text": p.text} for _, p in passages),
        folder / "passages.jsonl",
    )
    owners = {passage.id: owner for owner, passage in passages}
    (folder / "owners.json").write_text(json.dumps(owners))


def write_facts(
    folder: Path, documents: int, of: int, passages: int, questions: int, tokens: int = 0
) -> None:
    """Write what the corpus is: the last of its files.

    of: how many documents it has where it comes from.
    """
    facts = {
        "documents": documents,
        "of": of,
        "passages": passages,
        "questions": questions,
        "tokens": tokens,
    }
    (folder / "corpus.json").write_text(json.dumps(facts))
