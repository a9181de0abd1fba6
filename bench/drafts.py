"""What language models write by themselves, and what is left of it once it is verified.

    python -m bench.drafts some/handbook --adapter runs/500 --adapter runs/1000

Each answerable question of the SETs, as `footnote tune` takes them, is asked in exactly the
product's prompt, over five passages that retrieval found; where none of them answers, one that does
takes the last place. Beside the adapters named: the packaged model untuned, the one that ships, and
the sources' own sentences, which no model wrote.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from bench.conditions import describe, pin
from index.base import Embedder, Hit
from rag import cite, confidence, evidence, extract, prompt, words
from rag.base import LanguageModel
from rag.eval.answers import is_evidence, is_gold
from rag.eval.bootstrap import interval
from rag.eval.questions import EvalQuestion
from rag.eval.rows import worded
from rag.evidence import Readers, Sentence
from rag.models.openvino import OpenVinoModel
from rag.tune.merge import merge
from ui import tuning, wiring
from ui.evaluation import PRIVATE
from ui.settings import EmbedderSection, ModelSection
from ui.tuning import Labelled

PASSAGES = evidence.PASSAGES
LIMITS = ModelSection()
COLUMNS = ("F1", "value in it", "right [n]", "verified", "F1 then", "value then", "citation right")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the model is asked it."""

    question: EvalQuestion
    hits: tuple[Hit, ...]
    ranked: tuple[Sentence, ...]
    packed: prompt.Prompt

    @property
    def read(self) -> list[Sentence]:
        """What stands in the prompt: only that supports a claim."""
        return [sentence for sentence in self.ranked if sentence.hit in self.packed.shown]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", type=Labelled.parse, nargs="+", metavar="SET")
    parser.add_argument("--adapter", type=Path, action="append", default=[], help="as peft writes")
    parser.add_argument("--limit", type=int, help="questions asked of each set")
    args = parser.parse_args()
    pin()
    encoder = wiring.embedder(EmbedderSection())
    readers = wiring.readers(EmbedderSection(), PRIVATE / wiring.MODELS)
    base = wiring.packaged_model()
    counting = OpenVinoModel(base, name=base.stem)
    asked = [
        one
        for labelled in args.sets
        for one in _asked(labelled, encoder, readers, counting, args.limit)
    ]
    print(describe("openvino-genai"))
    sets = ", ".join(each.folder.name for each in args.sets)
    print(f"input     {sets}; {len(asked)} questions, gold among {PASSAGES} passages\n")
    print(f"| model | {' | '.join(COLUMNS)} | words |\n| --- |{' --: |' * (len(COLUMNS) + 1)}")
    print(_row("the sources' sentences", [_own(one) for one in asked]))
    print(_row("untuned", _drafts(asked, counting, encoder)), flush=True)
    shipped = wiring.model(ModelSection(), PRIVATE / wiring.MODELS)
    print(_row("as it ships", _drafts(asked, shipped, encoder)), flush=True)
    for adapter in args.adapter:
        with tempfile.TemporaryDirectory() as empty:
            file = Path(empty) / "merged.gguf"
            merge(base, adapter, file)
            model = OpenVinoModel(file, name=adapter.name)
            print(_row(adapter.name, _drafts(asked, model, encoder)), flush=True)


def _asked(
    labelled: Labelled, encoder: Embedder, readers: Readers, model: LanguageModel, most: int | None
) -> Iterator[Asked]:
    ranking = confidence.load().ranking
    found = tuning.examples([labelled], encoder, passages=PASSAGES, helped=True)
    for example in list(found)[:most]:
        ranked = evidence.rank(example.query, example.hits, readers, ranking)
        packed = prompt.pack(example.query, example.hits, ranked, model, LIMITS.prompt_tokens)
        if example.question.answerable and packed.shown:
            yield Asked(example.question, example.hits, tuple(ranked), packed)


def _drafts(asked: Sequence[Asked], model: LanguageModel, embedder: Embedder) -> list[list[float]]:
    every = track(asked, model.name, console=Console(stderr=True), transient=True)
    return [_draft(one, model, embedder) for one in every]


def _draft(one: Asked, model: LanguageModel, embedder: Embedder) -> list[float]:
    """Return the columns for what the model writes, and its words."""
    packed = one.packed
    tokens = model.generate(packed.system, packed.user, max_tokens=LIMITS.max_tokens)
    text = "".join(token.text for token in tokens)
    gold = [n for n, hit in enumerate(packed.shown, start=1) if _is_gold(one, hit)]
    marked = any(f"[{n}]" in text for n in gold)
    plain = cite.unmarked(cite.unlisted(text))
    claims = cite.resolve(plain, one.read, embedder)
    return [*_words(one, plain), float(marked), *_verified(one, cite.repaired(claims))]


def _own(one: Asked) -> list[float]:
    """Return the same for the sources' own sentences."""
    claims = extract.claims(one.ranked, in_order=words.asks_how(one.question.text))
    text, _ = cite.cited(claims, one.hits)
    return [*_words(one, cite.unmarked(text)), float("nan"), *_verified(one, claims)]


def _words(one: Asked, text: str) -> tuple[float, float]:
    """Return F1 and, where that can be told, whether the value is in it; else NaN."""
    scores = worded(one.question, text)
    return scores.f1, float("nan") if scores.contains is None else scores.contains


def _verified(one: Asked, claims: Sequence[cite.Claim]) -> list[float]:
    """Return whether anything is supported, its F1, value, right citations, and its words."""
    text, citations = cite.cited(claims, one.hits)
    if not citations:
        return [0.0, *_words(one, ""), float("nan"), float("nan")]
    right = [
        is_gold(each.document_id, one.question)
        or is_evidence(each.document_id, [quote.text for quote in each.quotes], one.question)
        for each in citations
    ]
    plain = cite.unmarked(text)
    return [1.0, *_words(one, plain), sum(right) / len(right), float(len(plain.split()))]


def _is_gold(one: Asked, hit: int) -> bool:
    return is_gold(one.hits[hit].chunk.document.id, one.question)


def _row(name: str, rows: Sequence[Sequence[float]]) -> str:
    """Return the means, with 95 % intervals, over the questions where each can be told."""
    *columns, length = (_mean(np.array(column)) for column in zip(*rows, strict=True))
    return f"| {name} | {' | '.join(columns)} | {length.partition(' ')[0]} |"


def _mean(column: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    known = column[~np.isnan(column)]
    if not len(known):
        return ""
    low, high = interval(lambda places: float(known[places].mean()), len(known))
    return f"{known.mean():.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
