"""`footnote tune`: labelled folders into the numbers and weights that ship."""

import importlib.util
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from textwrap import shorten

import numpy as np

from connectors.slack_conversation import TITLE_CHARACTERS
from index.base import Chunk, Embedder, Hit, Store
from rag import confidence, evidence
from rag.base import Question
from rag.correct import Policy
from rag.eval.questions import EvalQuestion, names
from rag.eval.retrieval import contains
from rag.evidence import MESSAGE, Sentence
from rag.retrieve import standalone
from rag.tune import calibrate as fitting
from rag.tune.unanswered import unanswerable, without_answer
from ui import evaluation, wiring
from ui.evaluation import READERS
from ui.settings import EmbedderSection, ModelSection, SettingsError

PROMPT_TOKENS = ModelSection().prompt_tokens
PASSAGES = Policy().passages  # as the engine looks at
READER = ("adapter.safetensors", "recipe.json")  # what a run of either reader writes
DEEP = 40  # chunks among which one is looked for that answers
STRANGE = 0.5  # of a folder's questions, as many of other folders are asked of it
THREAD = re.compile(r":slack/(?P<name>[^/]+)-\d+\.txt$")  # of `rag/tune/rows/companies`


@dataclass(frozen=True, slots=True)
class Labelled:
    """Documents and questions about them: "FOLDER", or "FOLDER=FILE" with a file of questions."""

    folder: Path
    questions: Path

    @classmethod
    def parse(cls, argument: str) -> "Labelled":
        """Read one argument. Raises SettingsError naming what is not there."""
        folder, _, file = argument.partition("=")
        found = cls(Path(folder), Path(file) if file else Path(folder) / "questions.jsonl")
        if not found.folder.is_dir() or not found.questions.is_file():
            raise SettingsError(
                f"{argument!r} names no folder with questions: {found.folder} must be a folder "
                f"and {found.questions} a file. Write FOLDER, or FOLDER=QUESTIONS.jsonl."
            )
        return found


def calibrate(folders: Sequence[Labelled], out: Path) -> str:
    """Fit the sentence ranking and the confidence; write the JSON; return the figures."""
    section = EmbedderSection()
    encoder = wiring.embedder(section)
    fitted = fitting.fit(
        list(examples(folders, encoder)),
        list(_unanswered(folders, encoder)),
        wiring.readers(section, evaluation.PRIVATE / wiring.MODELS),
    )
    out.write_text(json.dumps(fitted.table, indent=1) + "\n", encoding="utf-8")
    return fitted.figures


def data(folders: Sequence[Labelled], out: Path, refusals: float) -> str:
    """Write training examples for the language model; return what became of the questions."""
    from rag.tune import data as curation

    encoder = wiring.embedder(EmbedderSection())
    likely = confidence.load().ranking.likely
    curated = curation.curate(
        ((e, *_sentences(e)) for e in examples(folders, encoder, helped=True)),
        likely,
        wiring.model(ModelSection(path=wiring.packaged_model()), Path()),
        prompt_tokens=PROMPT_TOKENS,
        refusals=refusals,
        seed=0,
    )
    curation.write(curated.turns, out)
    return f"{curation.table(curated.outcomes)}\n{len(curated.turns)} examples: {out}"


def reader(folders: Sequence[Labelled], more: Path | None, out: Path, start: Path | None) -> str:
    """Make rows of the folders' questions, add `more` rows, tune the reader on all of them.

    Writes rows.jsonl and the adapter into `out`. start: an adapter to go on from.
    """
    _require_peft()
    _require_start(start, *READER)
    from rag.tune import reader as tuning

    rows = tuning.load(_written(folders, more, out))
    folder = wiring.packaged(wiring.EMBEDDER_PACKAGE) / "model"
    tuning.train(folder, rows, out, tuning.Recipe(), start=start)
    return f"Tuned on {len(rows)} questions: {out}. Now run `footnote tune calibrate`."


def average(adapters: Sequence[Path], out: Path) -> str:
    """Write the reader whose weights are the mean of several readers', all of one kind."""
    for adapter in adapters:
        if not all((adapter / file).is_file() for file in READER):
            raise SettingsError(f"{adapter} is no folder that a run of the reader wrote.")
    recipes = [json.loads((each / READER[1]).read_text("utf-8")) for each in adapters]
    listwise = {"layers" in recipe for recipe in recipes}
    if len(listwise) > 1:
        raise SettingsError("Readers and list readers have no mean: name folders of one kind.")
    if listwise == {True}:
        from rag.tune import list_reader as side_by_side

        side_by_side.average(wiring.packaged_model(), adapters, out)
    else:
        from rag.tune import reader as one_by_one

        folder = wiring.packaged(wiring.EMBEDDER_PACKAGE) / "model"
        one_by_one.average(folder, adapters, out, rank=one_by_one.Recipe().rank)
    return f"The mean of {len(adapters)} readers: {out}. Now run `footnote tune calibrate`."


def eight_bits(rows: Path, adapter: Path | None, encoder: Path | None) -> str:
    """Write which layers bear eight bits, of a reader's folder or the encoder; return the rest."""
    if adapter is None and encoder is None:
        raise SettingsError("Nothing to measure: name --reader FOLDER or --encoder FILE.")
    _require_start(adapter, *READER, option="--reader")
    from rag.tune import eight_bits as measuring
    from rag.tune.reader import load

    folder, shown = wiring.packaged(wiring.EMBEDDER_PACKAGE) / "model", load(rows)
    if len(shown) < measuring.ROWS:
        raise SettingsError(
            f"{rows} holds {len(shown)} questions with candidates: {measuring.ROWS} are needed, "
            "some to measure with and others to judge by."
        )
    told = []
    if adapter is not None:
        told.append(("The reader", measuring.reader(folder, adapter, shown)))
    if encoder is not None:
        encoder.parent.mkdir(parents=True, exist_ok=True)
        told.append(("The encoder", measuring.passages(folder, encoder, shown)))
    return "\n".join(f"{who} keeps as they are: {', '.join(left) or 'none'}." for who, left in told)


def list_reader(
    folders: Sequence[Labelled], more: Path | None, out: Path, start: Path | None
) -> str:
    """Make rows as for the reader, tune the listwise one on all of them; go on where it stopped.

    start: an adapter to begin with.
    """
    _require_peft()
    _require_start(start, *READER)
    from rag.tune import list_reader as tuning
    from rag.tune.reader import load

    rows = load(_written(folders, more, out))
    tuning.train(wiring.packaged_model(), rows, out, tuning.Recipe(), start=start)
    return f"Tuned on {len(rows)} questions: {out}. Now run `footnote tune calibrate`."


def lora(
    examples: Path,
    held_out: Path | None,
    base: Path | None,
    out: Path,
    recipe: dict[str, float],
    *,
    start: Path | None = None,
) -> str:
    """Tune the language model; return where the adapter is. start: an adapter to begin with."""
    _require_peft()
    from rag.tune import data as curation
    from rag.tune import lora as tuning

    turns = curation.load(examples)
    judged = curation.load(held_out) if held_out else []
    asked = tuning.Recipe(**recipe)  # type: ignore[arg-type]  # the options carry its field names
    _require_start(start, tuning.ADAPTER, "adapter_config.json")
    if start is not None:
        rank = json.loads((start / "adapter_config.json").read_text(encoding="utf-8"))["r"]
        if rank != asked.rank:
            raise SettingsError(f"{start} has rank {rank}: go on from it with --rank {rank}.")
    tuning.train(base or wiring.packaged_model(), turns, judged, out, asked, start=start)
    return f"Tuned on {len(turns)} examples: {out}. Now run `footnote tune merge`."


def merge(adapter: Path, base: Path | None, out: Path) -> str:
    """Merge base and adapter into one file."""
    from rag.tune import merge as merging

    merging.merge(base or wiring.packaged_model(), adapter, out)
    return f"{out}: {out.stat().st_size / 1e6:.0f} MB. Name it in [model] path to answer with it."


def _require_peft() -> None:
    if importlib.util.find_spec("peft") is None:
        raise SettingsError("Tuning needs peft. Run `pip install 'footnote[tune]'`.")


def _require_start(start: Path | None, *files: str, option: str = "--start") -> None:
    """Refuse a folder that no run has written, before minutes go into what it is needed for."""
    for file in files:
        if start is not None and not (start / file).is_file():
            raise SettingsError(f"{start} holds no {file}: {option} is a folder that a run wrote.")


def _sentences(example: fitting.Example) -> tuple[list[Sentence], list[bool]]:
    """Return the sentences found for a question, and which of them are its evidence."""
    found = evidence.candidates(example.query, example.hits)
    return found, [fitting.answers(sentence, example) for sentence in found]


def _rows(folders: Sequence[Labelled]) -> Iterator[str]:
    """Yield a row a question: sentences that the regression lets through, and all that answer.

    Likeliest first.
    """
    encoder = wiring.embedder(EmbedderSection())
    likely = confidence.load().ranking.likely
    for example in examples(folders, encoder, helped=True):
        found, answers = _sentences(example)
        if not found:
            continue
        kept = {(sentence.hit, sentence.start) for sentence in evidence.shortlist(found, likely)}
        logits = likely.logit(np.stack([sentence.features for sentence in found]))
        candidates = [
            {"text": found[place].in_context, "answers": answers[place]}
            for place in np.argsort(-logits, kind="stable")
            if answers[place] or (found[place].hit, found[place].start) in kept
        ]
        yield json.dumps({"question": example.query, "candidates": candidates})


def _written(folders: Sequence[Labelled], more: Path | None, out: Path) -> Path:
    """Write rows.jsonl into `out`: the folders' rows, then `more` rows; return the file."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "rows.jsonl"
    with file.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in _rows(folders))
        if more is not None:
            stream.write(more.read_text(encoding="utf-8"))
    return file


def examples(
    folders: Sequence[Labelled],
    encoder: Embedder,
    *,
    passages: int = PASSAGES,
    helped: bool = False,
) -> Iterator[fitting.Example]:
    """Yield the folders' questions with so many passages that retrieval found.

    helped: where it missed, a chunk that answers takes the last place, to be learned from.
    """
    for labelled in folders:
        store = wiring.store(evaluation.indexed(labelled.folder), encoder)
        for question in evaluation.questions_of(labelled.folder, labelled.questions):
            query, hits = _found(question, store, encoder, DEEP if helped else passages)
            if helped:
                hits = _helped(hits, question, passages)
            yield fitting.Example(question, query, tuple(_titled(hit, store) for hit in hits))


def _unanswered(folders: Sequence[Labelled], encoder: Embedder) -> Iterator[fitting.Example]:
    """Yield questions with what is found where nothing answers them.

    All that have an answer with the pages taken away that hold it, and some of the other folders.
    """
    chosen = random.Random(0)
    asked = [(each, evaluation.questions_of(each.folder, each.questions)) for each in folders]
    for labelled, own in asked:
        store = wiring.store(evaluation.indexed(labelled.folder), encoder)
        taken = [q for q in own if q.answerable and q.gold]
        here = labelled.folder.resolve()  # may come twice, with other questions
        elsewhere = chain.from_iterable(qs for each, qs in asked if each.folder.resolve() != here)
        others = [q for q in elsewhere if not q.history]
        strange = chosen.sample(others, min(round(STRANGE * len(own)), len(others)))
        strange = [replace(q, gold=()) for q in strange]  # pages of the same name are others
        for question in (*taken, *strange):
            query, hits = _found(question, store, encoder, DEEP)
            left = without_answer(hits, question)[:PASSAGES]
            titled = tuple(_titled(hit, store) for hit in left)
            yield fitting.Example(unanswerable(question), query, titled)


def _found(
    question: EvalQuestion, store: Store, encoder: Embedder, chunks: int
) -> tuple[str, list[Hit]]:
    """Return the question as it is searched for, and so many chunks."""
    query = standalone(Question(question.text, READERS, question.history))
    return query, store.search(query, encoder.embed_query(query), chunks, READERS)


def _titled(hit: Hit, store: Store) -> Hit:
    """Return a hit; a thread that is a text file gets the title that one from Slack has."""
    document = hit.chunk.document
    channel = THREAD.search(document.id)
    if channel is None:
        return hit
    opening, *_ = store.read(document.id, READERS)
    if not MESSAGE.match(opening.text):
        return hit
    message = MESSAGE.sub("", opening.text.partition("\n\n")[0], count=1)
    title = f"#{channel['name']}: {shorten(message, TITLE_CHARACTERS, placeholder='…')}"
    return replace(hit, chunk=replace(hit.chunk, document=replace(document, title=title)))


def _helped(hits: Sequence[Hit], question: EvalQuestion, passages: int) -> list[Hit]:
    """Return the best hits, the last of them one that holds the evidence if none of them does."""
    best = list(hits[:passages])
    holding = [hit for hit in hits if _holds(hit.chunk, question)]
    if holding and not any(hit in best for hit in holding):
        best[-1] = holding[0]
    return best


def _holds(chunk: Chunk, question: EvalQuestion) -> bool:
    return any(
        names(given, chunk.document.id) and contains(words, chunk.text)
        for given, words in question.evidence
    )
