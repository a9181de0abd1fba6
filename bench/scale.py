"""Searching large indexes: time, size, memory, and what is lost against comparing every vector.

    python -m bench.scale some/handbook --chunks 10000 100000

The folder (as `footnote eval` takes it) is indexed; its chunks are repeated until there are enough,
in each copy every tenth word another of the same folder and every vector moved by noise (cosine to
the original about 0.9). Everyone reads all, one group every second document, another every
fiftieth. Asked are the folder's own questions, once with nothing kept and once more.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.conditions import describe, pin
from index import dense, generations, records
from index.access import EVERYONE
from index.base import Chunk, Hit, Store, Vector, Vectors
from index.contents import CHUNKS, OWNERS, VECTORS
from index.lexical import LexicalIndex
from index.local import POOL, LocalBuild, PublishedStore
from ui import evaluation, wiring

READERS = {"all": EVERYONE, "every 2nd": "group:half", "every 50th": "group:few"}
NOISE = 0.5  # length of what is added to a vector of length 1
CHANGED = 0.1  # share of words
SEED = 0

Question = tuple[str, Vector]
Found = list[tuple[int, float]]
Seconds = list[tuple[float, float]]  # for every question: elapsed, of the processor


@dataclass(frozen=True, slots=True)
class Source:
    """The documents that are repeated, and the questions that are asked."""

    documents: list[list[tuple[Chunk, Vectors]]]
    questions: list[Question]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="documents and questions")
    parser.add_argument("--chunks", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--questions", type=int, default=50)
    args = parser.parse_args()
    pin()
    source = _source(args.folder, args.questions)
    print(describe("faiss-cpu", "numpy"))
    print(f"input     {args.folder}, {len(source.questions)} questions\n")
    for chunks in args.chunks:
        with tempfile.TemporaryDirectory() as empty:
            print(measured(source, chunks, Path(empty)), flush=True)


def measured(source: Source, chunks: int, data: Path) -> str:
    """Build an index of so many chunks and return its tables."""
    build = LocalBuild(data, recipe="bench", dim=384, now=datetime.now(UTC), rebuild=True)
    for of_document in _repeated(source.documents, chunks):
        (info, *_) = [chunk.document for chunk, _ in of_document]
        build.upsert(info, [chunk for chunk, _ in of_document], [v for _, v in of_document])
    folder = generations.folder(data, build.publish({}))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        opened = fresh.submit(opened_mib, data, source.questions[0]).result()
    store = PublishedStore(data, recipe="bench")
    lines = [_searches(source, folder, name) for name in READERS]
    for name, principal in READERS.items():
        search = partial(_both, store, frozenset({principal}))
        lines.append(_row(f"both, fused, {name}", _seconds(search, source.questions)))
    size = sum(file.stat().st_size for file in folder.iterdir()) / 2**20
    vectors = (folder / VECTORS).stat().st_size / 2**20
    return "\n".join(
        [
            f"{chunks} chunks: {size:.0f} MiB on disk, of these vectors {vectors:.0f}; "
            f"opening it takes {opened:.0f} MiB of memory\n",
            "| search | median, ms | p95, ms | processor, ms | recall@5 | recall@50 |",
            "| --- | --: | --: | --: | --: | --: |",
            *lines,
            "",
        ]
    )


def _both(store: Store, principals: frozenset[str], question: Question) -> list[Hit]:
    return store.search(*question, 5, principals)


def opened_mib(data: Path, question: Question) -> float:
    """Return what opening an index and one search add to the memory of this process."""
    before = _resident_mib()
    PublishedStore(data, recipe="bench").search(*question, 5, frozenset({EVERYONE}))
    return _resident_mib() - before


def _searches(source: Source, folder: Path, name: str) -> str:
    """Return the rows of the dense search, compared one by one and as served, and of the words."""
    owners = np.load(folder / OWNERS, allow_pickle=False)
    exact = dense.DenseIndex(folder / VECTORS, owners, exact=len(owners))
    served = dense.DenseIndex(folder / VECTORS, owners)
    with closing(records.open_read_only(folder / CHUNKS)) as database:
        documents = records.readable(database, frozenset({READERS[name]}), None)
        readable = np.isin(records.owners(database), list(documents))
        lexical = LexicalIndex(database, len(readable))
        cold = _seconds(lambda q: lexical.search(database, q[0], POOL, readable), source.questions)
        warm = _seconds(lambda q: lexical.search(database, q[0], POOL, readable), source.questions)
    one_by_one = _seconds(lambda q: exact.search(q[1], POOL, readable), source.questions)
    chosen = _seconds(lambda q: served.search(q[1], POOL, readable), source.questions)
    pairs = [
        (exact.search(vector, POOL, readable), served.search(vector, POOL, readable))
        for _, vector in source.questions
    ]
    return "\n".join(
        [
            _row(f"dense, one by one, {name}", one_by_one, "1 | 1"),
            _row(
                f"dense, as served, {name}", chosen, f"{_recall(pairs, 5)} | {_recall(pairs, 50)}"
            ),
            _row(f"words, asked first, {name}", cold),
            _row(f"words, asked again, {name}", warm),
        ]
    )


def _recall(pairs: Sequence[tuple[Found, Found]], n: int) -> str:
    shares = [
        len({row for row, _ in right[:n]} & {row for row, _ in found[:n]}) / len(right[:n])
        for right, found in pairs
        if right
    ]
    return f"{statistics.mean(shares):.3f}"


def _row(name: str, seconds: Seconds, recalls: str = " | ") -> str:
    elapsed, processor = np.array(seconds).T * 1e3
    median, late = np.percentile(elapsed, [50, 95])
    return f"| {name} | {median:.1f} | {late:.1f} | {np.median(processor):.1f} | {recalls} |"


def _seconds(search: Callable[[Question], object], questions: Sequence[Question]) -> Seconds:
    seconds = []
    for question in questions:
        start = time.perf_counter(), time.process_time()
        search(question)
        seconds.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return seconds


def _source(folder: Path, most: int) -> Source:
    settings = evaluation.indexed(folder)
    encoder = wiring.embedder(settings.embedder)
    current = generations.current(settings.data_dir)
    if current is None:
        raise SystemExit(f"{folder} has no index.")
    files = generations.folder(settings.data_dir, current.name)
    owners = np.load(files / OWNERS, allow_pickle=False)
    vectors = dense.DenseIndex(files / VECTORS, owners).of_chunks()
    with closing(records.open_read_only(files / CHUNKS)) as database:
        chunks = records.chunks_of_rows(database, range(len(vectors)))
    documents: dict[str, list[tuple[Chunk, Vectors]]] = {}
    for row, chunk in sorted(chunks.items()):
        documents.setdefault(chunk.document.id, []).append((chunk, vectors[row]))
    asked = [question.text for question in evaluation.questions_of(folder)[:most]]
    return Source(list(documents.values()), [(text, encoder.embed_query(text)) for text in asked])


def _repeated(
    documents: Sequence[list[tuple[Chunk, Vectors]]], most: int
) -> Iterator[list[tuple[Chunk, Vectors]]]:
    """Yield documents, the real ones and then copies, until there are so many chunks."""
    dice, noise = random.Random(SEED), np.random.default_rng(SEED)
    words = [word for of in documents for chunk, _ in of for word in chunk.text.split(" ")]
    made = number = 0
    while made < most:
        copy, which = divmod(number, len(documents))
        of_document = documents[which][: most - made]
        readers = {EVERYONE}
        readers |= {READERS["every 2nd"]} if number % 2 == 0 else set()
        readers |= {READERS["every 50th"]} if number % 50 == 0 else set()
        info = of_document[0][0].document
        info = replace(info, id=f"copy{copy}:{info.id}", readers=frozenset(readers))
        yield [
            (
                replace(
                    chunk,
                    id=f"{copy}/{chunk.id}",
                    document=info,
                    text=_varied(chunk.text, words, dice) if copy else chunk.text,
                ),
                _moved(vectors, noise) if copy else vectors,
            )
            for chunk, vectors in of_document
        ]
        made += len(of_document)
        number += 1


def _varied(text: str, words: Sequence[str], dice: random.Random) -> str:
    return " ".join(
        dice.choice(words) if dice.random() < CHANGED else word for word in text.split(" ")
    )


def _moved(vectors: Vectors, noise: np.random.Generator) -> Vectors:
    step = noise.standard_normal(vectors.shape) * (NOISE / np.sqrt(vectors.shape[1]))
    moved: NDArray[np.float64] = vectors + step
    unit: Vectors = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _resident_mib() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    main()
