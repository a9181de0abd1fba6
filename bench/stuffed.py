"""Seconds to the first word: Footnote, and the usual chain with the same model and passages.

    python -m bench.stuffed demo

The chain searches once and puts the five best chunks whole into the model's prompt; Footnote reads
sentences first and asks the model with few of them. Questions in turns, each of both; two cores.
"""

import argparse
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.conditions import describe, pin, spread
from index.base import Hit
from rag import evidence
from rag.base import LanguageModel, Question, Token
from rag.retrieve import standalone
from ui import evaluation, wiring
from ui.evaluation import PRIVATE, READERS
from ui.settings import ModelSection
from ui.wiring import Answering

REPLY_TOKENS = ModelSection().max_tokens
SYSTEM = "Answer the question from the passages, with the number of the passage in brackets."


@dataclass(frozen=True, slots=True)
class Times:
    """Of one question, in seconds."""

    first_s: float
    complete_s: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="an eval folder: see footnote eval --help")
    parser.add_argument("--limit", type=int, default=40)
    args = parser.parse_args()
    pin()
    private = evaluation.indexed(args.folder)
    made = wiring.answering(private, PRIVATE / wiring.MODELS)
    model = wiring.model(ModelSection(), PRIVATE / wiring.MODELS)
    asked = [
        Question(one.text, READERS, one.history)
        for one in evaluation.questions_of(args.folder)
        if one.answerable
    ][: args.limit]
    made.engine.ask(asked[0])  # the first one warms up
    list(model.generate(SYSTEM, asked[0].text, max_tokens=2))
    pairs = []
    for question in asked:
        ours = _ours(made, question)
        if ours is not None:  # nothing is generated where nothing is found
            pairs.append((ours, _stuffed(made, model, question)))
    if not pairs:
        parser.error(f"no question of {args.folder} reaches the model")
    print(describe("footnote", "openvino-genai"))
    print(f"input     {args.folder.name}; {len(pairs)} of {len(asked)} questions reach the model\n")
    print("| | first token, s | complete, s |\n| --- | --: | --: |")
    for name, times in zip(("Footnote", "stuffed"), zip(*pairs, strict=True), strict=True):
        first, whole = [one.first_s for one in times], [one.complete_s for one in times]
        print(f"| {name} | {spread(first)} | {spread(whole)} |")
    longer = statistics.median(other.first_s / own.first_s for own, other in pairs)
    in_all = statistics.median(other.complete_s / own.complete_s for own, other in pairs)
    print(f"\nStuffed takes {longer:.1f} times as long to the first token, {in_all:.1f} in all.")


def _ours(made: Answering, question: Question) -> Times | None:
    answer = made.engine.ask(question)
    first = answer.timings.first_token_s
    return Times(first, answer.timings.complete_s) if first is not None else None


def _stuffed(made: Answering, model: LanguageModel, question: Question) -> Times:
    started = time.perf_counter()
    query = standalone(question)
    hits = made.store.search(query, made.embedder.embed_query(query), evidence.PASSAGES, READERS)
    user = _prompt(question.text, hits)
    return _timed(model.generate(SYSTEM, user, max_tokens=REPLY_TOKENS), started)


def _prompt(question: str, hits: Iterable[Hit]) -> str:
    passages = [f"[{n}] {hit.chunk.context}\n{hit.chunk.text}" for n, hit in enumerate(hits, 1)]
    return "\n\n".join([*passages, f"Question: {question}"])


def _timed(tokens: Iterable[Token], started: float) -> Times:
    first = None
    for _ in tokens:
        first = first or time.perf_counter() - started
    complete = time.perf_counter() - started
    return Times(first or complete, complete)


if __name__ == "__main__":
    main()
