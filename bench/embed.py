"""Tokens really embedded per second: our encoder beside sentence-transformers, on the same chunks.

    python -m bench.embed demo/documents

Everyone gets the same two cores, the same model and the same list of texts at once, after a
warm-up. Repetitions are interleaved. A text that a system truncates counts with what it reads of
it. Loading is not timed.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from bench.conditions import CORES, describe, pin, spread
from index.base import Chunk, Embedder, Vectors
from index.embed import OpenVinoEmbedder
from ingest.base import ParseError
from ingest.chunk import chunks_of
from ingest.documents import info_of
from ingest.parse import parse
from ui.connections import connector
from ui.source_settings import FilesSource
from ui.wiring import EMBEDDER_PACKAGE, packaged

WARM_UP = 16  # texts


@dataclass(frozen=True, slots=True)
class System:
    """One way to embed."""

    name: str
    embed: Callable[[list[str]], Vectors]
    read: Callable[[list[str]], int]  # how many tokens of these texts it reads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="documents to parse and cut into chunks")
    parser.add_argument("--chunks", type=int, default=200, help="at most, evenly spread")
    parser.add_argument("--repetitions", type=int, default=3)
    args = parser.parse_args()
    pin()
    torch.set_num_threads(CORES)
    folder = packaged(EMBEDDER_PACKAGE) / "model"
    ours = OpenVinoEmbedder(folder, threads=CORES)
    texts = passages(args.folder, ours, args.chunks)
    systems = [*peers(folder, ours.max_tokens), footnote(ours)]
    seconds = measure(systems, texts, args.repetitions)
    print(describe("openvino", "sentence-transformers", "torch", "tokenizers"))
    print(f"input     {len(texts)} chunks of {args.folder}; {args.repetitions} repetitions\n")
    print(report(systems, seconds, texts))


def footnote(embedder: Embedder) -> System:
    """Return our encoder."""
    return System(
        "footnote",
        embedder.embed_passages,
        lambda texts: sum(map(embedder.count_tokens, texts)),
    )


def peers(folder: Path, max_tokens: int) -> list[System]:
    """Return sentence-transformers as it comes, and as somebody who measured would set it."""
    default = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    tuned = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    tuned.max_seq_length = max_tokens
    tuned.tokenizer.backend_tokenizer.no_padding()
    tuned.tokenizer.backend_tokenizer.no_truncation()
    systems = [System("sentence-transformers, defaults", default.encode, partial(_read, default))]
    # 64 is what people set, 8 what suits the caches of two cores.
    return systems + [
        System(
            f"sentence-transformers, {max_tokens} tokens, batch {size}",
            partial(tuned.encode, batch_size=size),
            partial(_read, tuned),
        )
        for size in (64, 8)
    ]


def passages(folder: Path, embedder: Embedder, most: int) -> list[str]:
    """Return what ingestion would embed of a folder, or `most` of it, evenly spread."""
    source = FilesSource(type="files", name="bench", path=folder, readers=frozenset({"everyone"}))
    files = connector(source, folder)
    chunks: list[Chunk] = []
    unread = 0
    for entry in files.entries():
        document = files.fetch(entry)
        try:
            parsed = parse(document)
        except ParseError:
            unread += 1
            continue
        chunks += chunks_of(info_of(document, parsed, files.kind), parsed, embedder)
    if not chunks:
        raise SystemExit(f"No document in {folder} could be parsed.")
    if unread:
        print(f"{unread} documents could not be parsed and are left out.")
    chosen = np.linspace(0, len(chunks) - 1, min(most, len(chunks))).round().astype(int)
    return [f"{chunks[index].context}\n{chunks[index].text}" for index in chosen]


def measure(
    systems: Sequence[System], texts: list[str], repetitions: int
) -> dict[str, list[float]]:
    """Return the seconds of every repetition, systems taking turns: A B C, A B C, …"""
    for system in systems:
        system.embed(texts[:WARM_UP])
    seconds: dict[str, list[float]] = {system.name: [] for system in systems}
    for _ in range(repetitions):
        for system in systems:
            start = time.perf_counter()
            system.embed(texts)
            seconds[system.name].append(time.perf_counter() - start)
    return seconds


def report(systems: Sequence[System], seconds: dict[str, list[float]], texts: list[str]) -> str:
    """Return a table. Our rate is the last system's; the cosine says if it is the same work."""
    *_, ours = systems
    mine = ours.embed(texts)
    ours_rate = ours.read(texts) / statistics.median(seconds[ours.name])
    lines = [
        "| system | tokens read | seconds | tokens/s | ours / its | cosine to ours (least) |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    for system in systems:
        read = system.read(texts)
        rate = read / statistics.median(seconds[system.name])
        cosine = _cosine(mine, system.embed(texts))
        lines.append(
            f"| {system.name} | {read} | {spread(seconds[system.name])} | {rate:.0f} "
            f"| {ours_rate / rate:.2f} | {cosine.mean():.4f} ({cosine.min():.4f}) |"
        )
    return "\n".join(lines)


def _read(model: SentenceTransformer, texts: list[str]) -> int:
    """Count what the model reads after its own truncation, padding left out."""
    return int(model.preprocess(texts)["attention_mask"].sum())


def _cosine(first: Vectors, second: Vectors) -> Vectors:
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosine: Vectors = np.sum(first * second, axis=1) / lengths
    return cosine


if __name__ == "__main__":
    main()
