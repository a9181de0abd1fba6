"""The corpus of facts.py, made of handbooks that were prepared before."""

from collections.abc import Sequence
from pathlib import Path

from langchain_text_splitters import RecursiveCharacterTextSplitter

from bench.peers import facts, sample
from bench.peers.base import Text, read_texts, write_rows, write_texts
from bench.peers.corpora import HANDBOOKS, Corpus
from bench.peers.prepared import write_facts, write_passages, write_questions, write_sources
from bench.peers.tokens import plain_tokenizer
from ingest.chunk import SEPARATORS
from rag.eval.questions import EvalQuestion

NAME = "second_half"


def name(handbooks: Sequence[str]) -> str:
    """Return the corpus' name, which says of what it was made if not of all."""
    return NAME if set(handbooks) == set(HANDBOOKS) else f"{NAME}-{'-'.join(handbooks)}"


def write(
    handbooks: Sequence[tuple[Corpus, Path]], model: Path, passages: int, folder: Path
) -> None:
    """Write the corpus, its facts last. handbooks: each with the folder that it was prepared in."""
    tokens = facts.Tokens(plain_tokenizer(model))
    cut: list[tuple[str, Text]] = []
    questions: list[EvalQuestion] = []
    for corpus, prepared in handbooks:
        texts = read_texts(prepared / "documents.jsonl")
        cut += [(each.id, piece) for each in texts for piece in pieces(each, tokens)]
        questions += corpus.questions()
    asked = facts.found(cut, questions, tokens)
    gold = {id for question in asked for id in question.gold}
    chosen = set(sample.order([piece.id for _, piece in cut], gold)[: max(passages, len(gold))])
    kept = [piece for _, piece in cut if piece.id in chosen]
    free = [piece for piece in kept if piece.id not in gold]
    told, invented = facts.placed(free, tokens)
    told += [piece for piece in kept if piece.id in gold]
    told.sort(key=lambda piece: piece.id)
    write_passages([(f"{NAME}:{piece.id}", piece) for piece in told], folder)
    write_texts(told, folder / "documents.jsonl")
    lines = ({"id": each.id, "title": each.title, "text": each.text} for each in told)
    write_rows(lines, folder / "source.jsonl")
    write_sources([(NAME, "jsonl", folder / "source.jsonl")], folder / "sources.json")
    write_questions([*asked, *invented], folder / "questions.jsonl")
    write_facts(folder, len(told), len(cut), len(told), len(asked) + len(invented))


def pieces(document: Text, tokens: facts.Tokens) -> list[Text]:
    """Cut a document as everybody does, every PASSAGE_TOKENS tokens."""
    splitter = RecursiveCharacterTextSplitter(
        separators=SEPARATORS,
        is_separator_regex=True,
        keep_separator="end",
        chunk_size=facts.PASSAGE_TOKENS - tokens.count(document.title),
        chunk_overlap=0,
        length_function=tokens.count,
    )
    return [
        Text(f"{document.id}~{number}", document.title, piece)
        for number, piece in enumerate(splitter.split_text(document.text))
    ]
