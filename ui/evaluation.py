"""`footnote eval`: folders of questions, indexed privately, asked and measured."""

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from index.access import EVERYONE
from index.base import Embedder, Hit, Store, StoreError
from rag.base import Question
from rag.eval import questions as question_files
from rag.eval.questions import EvalQuestion
from rag.retrieve import standalone
from ui import cascade, ingestion, ingestion_text, reranking, settings, wiring
from ui.progress import progress_bar
from ui.settings import IngestSection, Settings, SettingsError
from ui.source_settings import FilesSource, JsonLinesSource

PRIVATE = Path("data") / "eval"  # indexes made for evaluation, one a folder
ANY_LOSS = IngestSection(max_lost_percent=100, max_lost_documents=1_000_000_000)
RANKED = 10  # hits that the retrieval figures look at
READERS = frozenset({EVERYONE})


@dataclass(frozen=True, slots=True)
class How:
    """What of a folder is asked, and of what."""

    limit: int | None = None  # questions; None: all
    retrieval_only: bool = False
    reranker: str | None = None  # instead of the settings' own


def run(folder: Path, json_file: Path | None, how: How) -> str:
    """Return the table of one folder's questions; also write JSON if asked to."""
    from rag.eval import report
    from rag.eval.run import run as run_all
    from rag.eval.run import run_retrieval

    asked = questions_of(folder)[: how.limit]
    private = _reranked(indexed(folder), how.reranker)
    if how.retrieval_only:
        encoder = wiring.embedder(private.embedder)
        store = wiring.store(private, encoder)
        with progress_bar() as progress:
            result = run_retrieval(
                asked,
                lambda question: _search(question, store, encoder),
                progress=lambda done, total: progress("questions", done, total),
            )
    else:
        made = wiring.answering(private, PRIVATE / wiring.MODELS)  # merged once for all folders
        store = made.store
        made.engine.ask(Question("What is this about?", READERS))  # the first one warms up
        with progress_bar() as progress:
            result = run_all(
                asked,
                made.engine,
                lambda question: _search(question, store, made.embedder),
                principals=READERS,
                progress=lambda done, total: progress("questions", done, total),
                text_of=lambda document_id: _text(store, document_id),
            )
    cost = reranking.cost(store)
    if json_file is not None:
        conditions = {**_conditions(folder, how.limit), "reranker": cost or None}
        facts = report.to_json(result, conditions=conditions)
        json_file.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")
    return "\n\n".join([report.table(result), *([f"reranker: {cost}"] if cost else [])])


def questions_of(folder: Path, file: Path | None = None) -> list[EvalQuestion]:
    """Read a folder's questions, its own or those of a file that refers to its documents.

    Raises SettingsError naming the line that cannot be used.
    """
    try:
        return question_files.load(file or folder / "questions.jsonl", folder / "documents")
    except question_files.QuestionsError as error:
        raise SettingsError(str(error)) from error


def indexed(folder: Path) -> Settings:
    """Index a folder where only evaluation reads it; fast when nothing in it changed."""
    name = f"{folder.resolve().name}-{hashlib.sha256(bytes(folder.resolve())).hexdigest()[:8]}"
    own = {"data_dir": PRIVATE / name, "ingest": ANY_LOSS}
    private = settings_of(folder).model_copy(update=own)
    try:
        report = ingestion.run(private, rebuild=False)
    except StoreError:  # made by another version, or damaged: it is only a cache
        report = ingestion.run(private, rebuild=True)
    if report["withheld"]:  # all of its documents are others now
        shutil.rmtree(private.data_dir)
        report = ingestion.run(private, rebuild=False)
    if ingestion.needs_a_person(report):
        raise SettingsError(ingestion_text.report(report))
    return private


def _reranked(settings: Settings, model: str | None) -> Settings:
    if model is None:
        return settings
    retrieval = settings.retrieval.model_copy(update={"reranker": model})
    return settings.model_copy(update={"retrieval": retrieval})


def settings_of(folder: Path) -> Settings:
    """Return settings whose sources are a folder's documents; SettingsError if it has none."""
    if (folder / "corpus.jsonl").is_file():
        corpus = JsonLinesSource(
            type="jsonl", name="corpus", path=folder.resolve() / "corpus.jsonl", readers=READERS
        )
        return Settings(sources=(corpus,))
    if (folder / "documents").is_dir():
        documents = FilesSource(
            type="files", name="documents", path=folder.resolve() / "documents", readers=READERS
        )
        return Settings(sources=(documents,))
    if (folder / "settings.toml").is_file():
        return cascade.without(settings.load(folder / "settings.toml"))
    raise SettingsError(
        f"{folder} holds none of corpus.jsonl, documents/ and settings.toml: "
        "there is nothing to ask about."
    )


def _search(question: EvalQuestion, store: Store, encoder: Embedder) -> list[Hit]:
    query = standalone(Question(question.text, READERS, question.history))
    return store.search(query, encoder.embed_query(query), RANKED, READERS)


def _text(store: Store, document_id: str) -> str | None:
    """Return a document's text as indexed, blank where no chunk is; None if it is not there."""
    text = ""
    for chunk in store.read(document_id, READERS):
        text = text.ljust(chunk.start) + chunk.text
    return text or None


def _conditions(folder: Path, limit: int | None) -> dict[str, object]:
    packages = ("footnote", "faiss-cpu", "openvino", "openvino-genai", "tokenizers")
    return {
        "folder": folder.name,
        "limit": limit,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {name: importlib.metadata.version(name) for name in packages},
    }
