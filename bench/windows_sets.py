"""Passages and questions for `bench.windows`: corpora cut down to a size, and facts far inside.

A set's questions are those that name a gold document, asked so that they stand alone. Facts far
inside begin after the 256th token of a chunk: those that the development questions' evidence
happens to hold, and dated ones that are written into chunks here.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from connectors.base import Connector, Entry
from index.access import EVERYONE
from index.base import Chunk, Embedder
from ingest.base import ParseError
from ingest.chunk import chunks_of
from ingest.documents import info_of
from ingest.parse import parse
from rag.eval.questions import EvalQuestion, names
from ui import evaluation
from ui.connections import connector

SEED = 0
FAR = 256  # tokens of a chunk before a fact that counts as far inside
LONG = 330  # tokens of a chunk at least, to write a fact into it
FACTS = 60
THINGS = "boiler,ladder,hoist,server room,fire door,generator,water tank,lift,alarm".split(",")
PLACES = "Aalst,Bergen,Cork,Dundee,Espoo,Fano,Gijon,Horsens,Imola,Jena".split(",")
MONTHS = "January,February,March,April,May,June,July,August".split(",")


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and the ids that answer it: of documents or of chunks, as its set says."""

    question: str
    gold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passages:
    """What is searched and asked together."""

    name: str
    chunks: tuple[Chunk, ...]
    cases: tuple[Case, ...]  # gold: document ids
    far: tuple[Case, ...]  # gold: chunk ids

    def of(self, kind: str) -> tuple[tuple[Case, ...], list[str]]:
        """Return the cases, "all" or "far", and what each chunk counts as there."""
        if kind == "far":
            return self.far, [chunk.id for chunk in self.chunks]
        return self.cases, [chunk.document.id for chunk in self.chunks]


def passages(folder: Path, embedder: Embedder, most: int) -> Passages:
    """Cut a folder into chunks: the gold documents, and a fixed choice of others up to `most`."""
    asked = [question for question in evaluation.questions_of(folder) if question.gold]
    gold = {id for question in asked for id in question.gold}
    chosen: list[Chunk] = []
    for source, entry, is_gold in _entries(folder, gold):
        if not is_gold and len(chosen) >= most:
            break
        chosen += _chunks(source, entry, embedder)
    chosen.sort(key=lambda chunk: (chunk.document.id, chunk.position))
    cases = tuple(Case(q.standalone or q.text, q.gold) for q in asked)
    far = tuple(case for q in asked for case in _far(q, chosen, embedder))
    return Passages(folder.resolve().name, tuple(chosen), cases, far)


def with_facts(sets: Sequence[Passages], embedder: Embedder) -> Passages:
    """Return the chunks of all sets together, dated facts written into some of them."""
    dice = random.Random(SEED)
    chunks = [chunk for one in sets for chunk in one.chunks]
    order = list(range(len(chunks)))
    dice.shuffle(order)
    pairs = [(thing, place) for thing in THINGS for place in PLACES]
    dice.shuffle(pairs)
    cases: list[Case] = []
    for number in order:
        if len(cases) == min(FACTS, len(pairs)):
            break
        if embedder.count_tokens(chunks[number].text) < LONG:
            continue
        thing, place = pairs[len(cases)]
        day = f"{dice.randint(1, 28)} {dice.choice(MONTHS)} {dice.randint(2027, 2029)}"
        fact = f"The {thing} in {place} is inspected again on {day}."
        chunks[number] = _written(chunks[number], fact, embedder)
        question = f"When is the next check of the {thing} in {place}?"
        cases.append(Case(question, (chunks[number].id,)))
    return Passages("written facts", tuple(chunks), (), tuple(cases))


def _entries(folder: Path, gold: set[str]) -> Iterator[tuple[Connector, Entry, bool]]:
    """Yield every document, those of the questions first, the others in a fixed random order."""
    sources = [connector(source, folder) for source in evaluation.settings_of(folder).sources]
    listed = [
        (source, entry)
        for source in sources
        for entry in source.entries()
        if EVERYONE in entry.readers
    ]
    listed.sort(key=lambda pair: pair[1].id)
    random.Random(SEED).shuffle(listed)
    marked = [
        (source, entry, entry.id in gold or entry.id.partition(":")[2] in gold)
        for source, entry in listed
    ]
    yield from sorted(marked, key=lambda one: not one[2])


def _chunks(source: Connector, entry: Entry, embedder: Embedder) -> list[Chunk]:
    document = source.fetch(entry)
    try:
        parsed = parse(document)
    except ParseError:
        return []
    return chunks_of(info_of(document, parsed, source.kind), parsed, embedder)


def _far(question: EvalQuestion, chunks: Sequence[Chunk], embedder: Embedder) -> Iterator[Case]:
    """Yield the question with the chunk that holds its evidence far inside, if one does."""
    for given, text in question.evidence:
        if not text.split():
            continue
        pattern = re.compile(r"\s+".join(map(re.escape, text.split())))
        for chunk in chunks:
            found = names(given, chunk.document.id) and pattern.search(chunk.text)
            if found and embedder.count_tokens(chunk.text[: found.start()]) > FAR:
                yield Case(question.standalone or question.text, (chunk.id,))
                return


def _written(chunk: Chunk, fact: str, embedder: Embedder) -> Chunk:
    """Return the chunk with a fact after its 256th token, no longer than it was before."""
    size = embedder.count_tokens(chunk.text)
    ends = [0, *(found.end() for found in re.finditer(r"\S+\s*", chunk.text))]
    first = next(end for end in ends if embedder.count_tokens(chunk.text[:end]) > FAR)
    head = chunk.text[:first].rstrip()
    text = chunk.text
    for end in reversed(ends):
        text = f"{head}\n\n{fact}\n\n{chunk.text[first:end]}".rstrip()
        if end <= first or embedder.count_tokens(text) <= size:
            break
    return replace(chunk, id=f"{chunk.id} {fact}", text=text)
