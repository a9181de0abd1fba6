"""`footnote tune`: labelled folders into the numbers and weights that ship."""

import importlib.util
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from index.base import Embedder
from rag import confidence, evidence
from rag.base import Question
from rag.retrieve import standalone
from rag.tune import calibrate as fitting
from ui import evaluation, wiring
from ui.evaluation import READERS
from ui.settings import EmbedderSection, SettingsError


def calibrate(folders: Sequence[Path], out: Path) -> str:
    """Fit the sentence ranking and the confidence; write the JSON; return the figures."""
    section = EmbedderSection()
    encoder = wiring.embedder(section)
    examples = list(_examples(folders, encoder))
    fitted = fitting.fit(examples, encoder, wiring.reader(section))
    out.write_text(json.dumps(fitted.table, indent=1) + "\n", encoding="utf-8")
    return fitted.figures


def reader(folders: Sequence[Path], more: Path | None, out: Path, start: Path | None) -> str:
    """Make rows of the folders' questions, add `more` rows, tune the reader on all of them.

    Writes rows.jsonl and the adapter into `out`. start: an adapter to go on from.
    """
    if importlib.util.find_spec("peft") is None:
        raise SettingsError("Tuning needs peft. Run `pip install 'footnote[tune]'`.")
    from rag.tune import reader as tuning

    out.mkdir(parents=True, exist_ok=True)
    file = out / "rows.jsonl"
    with file.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in _rows(folders))
        if more is not None:
            stream.write(more.read_text(encoding="utf-8"))
    rows = tuning.load(file)
    folder = wiring.packaged(wiring.EMBEDDER_PACKAGE) / "model"
    tuning.train(folder, rows, out, tuning.Recipe(), start=start)
    return f"Tuned on {len(rows)} questions: {out}. Now run `footnote tune calibrate`."


def _rows(folders: Sequence[Path]) -> Iterator[str]:
    """Yield a row a question: the sentences the regression lets through, and all that answer."""
    encoder = wiring.embedder(EmbedderSection())
    likely = confidence.load().ranking.likely
    for example in _examples(folders, encoder):
        found = evidence.candidates(example.query, example.vector, example.hits, encoder)
        kept = {(sentence.hit, sentence.start) for sentence in evidence.shortlist(found, likely)}
        candidates = [
            {"text": sentence.in_context, "answers": fitting.answers(sentence, example)}
            for sentence in found
            if (sentence.hit, sentence.start) in kept or fitting.answers(sentence, example)
        ]
        yield json.dumps({"question": example.query, "candidates": candidates})


def _examples(folders: Sequence[Path], encoder: Embedder) -> Iterator[fitting.Example]:
    for folder in folders:
        store = wiring.store(evaluation.indexed(folder), encoder)
        for question in evaluation.questions_of(folder):
            query = standalone(Question(question.text, READERS, question.history))
            vector = encoder.embed_query(query)
            hits = store.search(query, vector, fitting.PASSAGES, READERS)
            yield fitting.Example(question, query, vector, tuple(hits))
