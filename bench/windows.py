"""What of a chunk to embed: six ways, each with and without "title › heading", on real questions.

    python -m bench.windows handbook help_desk demo --cache windows.sqlite

Prints an entry for rag/eval/LOG.md. Vectors are kept by the hash of their text, so a run that was
broken off goes on, and a text that several ways share is embedded once. Corpora are cut down to
`--passages`: the gold documents and a fixed choice of the others.
"""

import argparse
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.conditions import describe
from bench.windows_report import WORDS, Figures, Measured, Result, entry
from bench.windows_sets import Case, Passages, passages, with_facts
from index.base import Chunk, Embedder, Vectors
from index.embed import OpenVinoEmbedder
from index.fuse import fuse
from index.lexical import SCHEMA, LexicalIndex
from index.local import FUSION_K, POOL
from ingest.cache import VectorCache
from ingest.chunk import SPECIAL_TOKENS, window_starts, windows_of
from rag.eval.retrieval import hit, ndcg, recall
from ui.wiring import EMBEDDER_PACKAGE, packaged

SIZES = (512, 256, 128)  # tokens of a window: the whole chunk, two, four
BATCH = 256  # texts embedded before they are on the disk

Scores = NDArray[np.float32]  # (chunks, questions)
Ranking = list[int]  # chunks, best first
Cut = Callable[[Chunk, int, bool], list[str]]  # chunk, window's tokens, with a prefix -> texts


@dataclass(frozen=True, slots=True)
class Windows:
    """The vectors of all chunks, cut one way, in the order of the chunks."""

    vectors: Vectors
    starts: NDArray[np.intp]  # (chunks,) the first vector of each

    def nearest(self, questions: Vectors) -> Scores:
        """Return the cosine of each chunk's nearest window."""
        best: Scores = np.maximum.reduceat(self.vectors @ questions.T, self.starts, axis=0)
        return best

    def first(self, questions: Vectors) -> Scores:
        """Return the cosine of each chunk's first window."""
        scores: Scores = self.vectors[self.starts] @ questions.T
        return scores

    def mean(self, questions: Vectors) -> Scores:
        """Return the cosine of the mean of each chunk's windows."""
        total = np.add.reduceat(self.vectors, self.starts, axis=0)
        scores: Scores = total / np.linalg.norm(total, axis=1, keepdims=True) @ questions.T
        return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", help="as `footnote eval` takes them")
    parser.add_argument("--cache", type=Path, required=True, help="where vectors are kept")
    parser.add_argument("--passages", type=int, default=2000, help="chunks of a corpus, at most")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--count", action="store_true", help="only say how much is to be embedded")
    args = parser.parse_args()
    embedder = OpenVinoEmbedder(packaged(EMBEDDER_PACKAGE) / "model", threads=args.threads)
    sets = [passages(folder, embedder, args.passages) for folder in args.folders]
    sets.append(with_facts(sets, embedder))
    cut = cutter(embedder)
    if args.count:
        tokens = _tokens(sets, cut, embedder)
        print(f"{tokens} tokens; what {args.cache} holds of them is not embedded again.")
        return
    with closing(VectorCache(args.cache, embedder)) as cache:
        results = [_result(one, cut, embedder, cache) for one in sets]
    print(entry(results, describe("openvino", "tokenizers"), datetime.now(UTC)))


def _result(one: Passages, cut: Cut, embedder: Embedder, cache: VectorCache) -> Result:
    both: dict[str, dict[bool, Figures]] = {"all": {}, "far": {}}
    for prefix in (True, False):
        windows = {size: _windows(one, size, prefix, cut, cache) for size in SIZES}
        for kind, found in both.items():
            found[prefix] = figures(one, kind, windows, embedder)
    return Result(one.name, len(one.chunks), both["all"], both["far"])


def ways(windows: Mapping[int, Windows], questions: Vectors) -> dict[str, Scores]:
    """Return the score of every chunk for every question, by each way of embedding."""
    whole, two, four = (windows[size] for size in SIZES)
    near, all_ = four.nearest(questions), whole.nearest(questions)
    return {
        "first 256": two.first(questions),
        "1 × 512": all_,
        "mean of 2 × 256": two.mean(questions),
        "nearest of 2 × 256": two.nearest(questions),
        "nearest of 4 × 128": near,
        f"4 × 128, its best {POOL} again with 1 × 512": rescored(near, all_),
    }


def rescored(near: Scores, whole: Scores) -> Scores:
    """Return the mean of both for the POOL best by the first; the others stay behind them."""
    scores = near - 2  # below any mean of cosines
    for question in range(near.shape[1]):
        pool = np.argsort(-near[:, question], kind="stable")[:POOL]
        scores[pool, question] = (near[pool, question] + whole[pool, question]) / 2
    return scores


def _windows(one: Passages, size: int, prefix: bool, cut: Cut, cache: VectorCache) -> Windows:
    texts = [cut(chunk, size, prefix) for chunk in one.chunks]
    flat = [text for of_chunk in texts for text in of_chunk]
    rows = []
    for start in range(0, len(flat), BATCH):
        named = f"{one.name}, {size} tokens, {'with' if prefix else 'without'} prefix"
        print(f"{named}: {start} of {len(flat)}", file=sys.stderr)
        rows.append(cache.vectors(flat[start : start + BATCH]))
    counts = np.array([len(of_chunk) for of_chunk in texts])
    return Windows(np.concatenate(rows), np.cumsum(counts) - counts)


def cutter(embedder: Embedder) -> Cut:
    """Return what cuts a chunk into the texts to embed, each chunk once a size."""

    def count(text: str) -> int:
        return embedder.count_tokens(text) - SPECIAL_TOKENS

    @cache
    def windows(chunk: Chunk, size: int) -> list[str]:
        return windows_of(replace(chunk, windows=window_starts(chunk.text, count, size)))

    def cut(chunk: Chunk, size: int, prefix: bool) -> list[str]:
        made = windows(chunk, size)
        return made if prefix else [text.removeprefix(f"{chunk.context}\n") for text in made]

    return cut


def _tokens(sets: Sequence[Passages], cut: Cut, embedder: Embedder) -> int:
    texts = {
        text
        for one in sets
        for chunk in one.chunks
        for size in SIZES
        for prefix in (True, False)
        for text in cut(chunk, size, prefix)
    }
    return sum(map(embedder.count_tokens, texts))


def figures(
    one: Passages, kind: str, windows: Mapping[int, Windows], embedder: Embedder
) -> Figures:
    """Return (questions, 3) hit@1, recall@5 and nDCG@10 for every way, dense alone and fused."""
    cases, ids = one.of(kind)
    if not cases:
        return {}
    questions = np.stack([embedder.embed_query(case.question) for case in cases])
    lexical = _lexical(one, cases)
    found = {(WORDS, "fused"): _measured(lexical, cases, ids)}
    for way, scores in ways(windows, questions).items():
        dense = [_best(scores[:, number]) for number in range(len(cases))]
        fused = [
            [row for row, _ in fuse(pair, FUSION_K)] for pair in zip(dense, lexical, strict=True)
        ]
        found[way, "dense"] = _measured(dense, cases, ids)
        found[way, "fused"] = _measured(fused, cases, ids)
    return found


def _best(scores: NDArray[np.float32]) -> Ranking:
    return [int(row) for row in np.argsort(-scores, kind="stable")[:POOL]]


def _lexical(one: Passages, cases: Sequence[Case]) -> list[Ranking]:
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(SCHEMA)
        rows = ((row, chunk.context, chunk.text) for row, chunk in enumerate(one.chunks))
        database.executemany("INSERT INTO words (rowid, context, text) VALUES (?, ?, ?)", rows)
        index = LexicalIndex(database, len(one.chunks))
        everything = np.ones(len(one.chunks), np.bool_)
        return [
            [row for row, _ in index.search(database, case.question, POOL, everything)]
            for case in cases
        ]


def _measured(rankings: Sequence[Ranking], cases: Sequence[Case], ids: Sequence[str]) -> Measured:
    rows = []
    for ranking, case in zip(rankings, cases, strict=True):
        found = [ids[row] for row in ranking]
        rows.append(
            [
                hit(found, case.gold, k=1),
                recall(found, case.gold, k=5),
                ndcg(found, case.gold, k=10),
            ]
        )
    return np.array(rows)


if __name__ == "__main__":
    main()
