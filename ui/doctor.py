"""Checks of one installation: what is there, what works, and that nothing needs the network."""

import importlib.metadata
import ipaddress
import math
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from index import generations
from index.access import EVERYONE
from index.base import StoreError
from ingest.base import ParserError
from ingest.confine import ALL_LIMITS
from ingest.sandbox import CONFINED_ON, Sandbox
from rag.base import ModelError, Question
from rag.prompt import Prompt
from rag.router import RouterError
from ui import cascade, reranking, wiring
from ui.settings import Settings, SettingsError, secret
from ui.source_settings import LocalSource

PACKAGES = ("faiss-cpu", "openvino-genai", "gradio", "slack-bolt", "unstructured", "pypdfium2")
PROBE = "What is this about?"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str  # what was found, or what is wrong and how to mend it
    warns: bool = False  # it works, but an admin should know

    @property
    def mark(self) -> str:
        """Four letters to begin its line with."""
        return "FAIL" if not self.ok else "warn" if self.warns else "ok  "


def run(settings: Settings, *, offline: bool) -> list[Check]:
    """Look at everything. `offline`: ask a question with every outside connection forbidden."""
    checks = [
        _check("python", _python),
        _check("packages", _packages),
        _check("embedder", lambda: _embedder(settings)),
        _check("readers", lambda: _readers(settings)),
        _check("model", lambda: _model(settings)),
        *([_check("larger model", lambda: _larger(settings))] if settings.model.large else []),
        _check("sources", lambda: _sources(settings)),
        parser(),
        _check("reranker", lambda: reranking.probed(settings.retrieval)),
        _check("index", lambda: _index(settings)),
    ]
    if offline:
        with _no_network() as attempts:
            checks.append(_check("question", lambda: _question(settings)))
        listed = ", ".join(sorted(set(attempts))) or "none"
        checks.append(Check("offline", not attempts, f"outside connections attempted: {listed}"))
    return checks


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except (SettingsError, StoreError, ModelError, RouterError, OSError, ValueError) as error:
        return Check(name, False, str(error))
    except importlib.metadata.PackageNotFoundError as error:
        return Check(name, False, f"{error}. Run `make setup`.")


def _python() -> str:
    return sys.version.split()[0]


def _packages() -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)


def _embedder(settings: Settings) -> str:
    encoder = wiring.embedder(settings.embedder)
    length = float((encoder.embed_query(PROBE) ** 2).sum() ** 0.5)
    if abs(length - 1) > 1e-2:
        raise ValueError(f"{encoder.name} makes vectors of length {length:.3f}, not 1.")
    return f"{encoder.name}, {encoder.dim} dimensions, {encoder.max_tokens} tokens"


def _readers(settings: Settings) -> str:
    readers = wiring.readers(settings.embedder, settings.data_dir / wiring.MODELS)
    both = (readers.pointwise, readers.listwise)
    for reader in both:
        if not math.isfinite(reader.scores(PROBE, [PROBE])[0]):
            raise ValueError(f"{reader.name} makes a score that is no number.")
    return ", ".join(reader.name for reader in both)


def _model(settings: Settings) -> str:
    model = wiring.model(settings.model, settings.data_dir / wiring.MODELS)
    list(model.generate("", PROBE, max_tokens=1))  # a server is asked only now
    return f"{model.name}, {model.context_tokens} tokens of context"


def _larger(settings: Settings) -> str:
    made = cascade.larger(settings)
    if made is None:
        raise SettingsError("There is no [model.large] table in the settings.")
    for _ in made.generate(Prompt("", PROBE, ()), "doctor"):  # charged like any other call
        break
    open_ = ", ".join(sorted(made.terms.may_leave)) or "none"
    return f"{made.model.name}; sources that it may see: {open_}"


def _sources(settings: Settings) -> str:
    if not settings.sources:
        raise SettingsError("There is no [[sources]] table in the settings: nothing to ingest.")
    local = [source for source in settings.sources if isinstance(source, LocalSource)]
    missing = [source for source in local if not source.path.exists()]
    if missing:
        raise SettingsError(f"source {missing[0].name!r}: {missing[0].path} does not exist.")
    for source in settings.sources:
        for variable in source.secrets():
            secret(variable)
    return ", ".join(f"{source.name} ({source.type})" for source in settings.sources)


def parser() -> Check:
    """Start what parses documents, and say what this machine cannot keep it from."""
    try:
        with Sandbox() as sandbox:
            missing = sandbox.missing()
    except ParserError as error:
        return Check("parser", False, str(error))
    if missing:
        listed = ", ".join(sorted(missing))
        detail = f"not confined, these limits do not hold here: {listed}; {CONFINED_ON}"
        return Check("parser", True, detail, warns=True)
    return Check("parser", True, f"confined: {', '.join(sorted(ALL_LIMITS))}")


def _index(settings: Settings) -> str:
    selected = generations.select(settings.data_dir)
    if selected is None:
        raise StoreError(generations.NO_INDEX.format(data=settings.data_dir))
    if selected.degraded:
        raise StoreError(f"degraded: {selected.degraded}")
    manifest = selected.manifest
    return (
        f"generation {manifest.name}, {manifest.documents} documents, {manifest.chunks} chunks, "
        "checksums hold"
    )


def _question(settings: Settings) -> str:
    answer = wiring.answering(settings).engine.ask(Question(PROBE, frozenset({EVERYONE})))
    return f"{answer.status} in {answer.timings.complete_s:.2f} s"


@contextmanager
def _no_network() -> Iterator[list[str]]:
    """Forbid connections that leave this machine; give the list of those that were attempted."""
    attempts: list[str] = []

    def forbid(host: str) -> None:
        if not _is_local(host):
            attempts.append(host)
            raise OSError(f"doctor --offline forbids a connection to {host}")

    class Guarded(socket.socket):
        """A socket that stays on this machine."""

        def connect(self, address: Any) -> None:
            forbid(_host(self, address))
            super().connect(address)

        def connect_ex(self, address: Any) -> int:
            forbid(_host(self, address))
            return super().connect_ex(address)

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        forbid("" if host is None else host if isinstance(host, str) else host.decode())
        return plain_look_up(host, *args, **kwargs)

    plain_look_up = socket.getaddrinfo
    with (
        patch.object(socket, "socket", Guarded),
        patch.object(socket, "getaddrinfo", look_up),
    ):
        yield attempts


def _host(connection: socket.socket, address: Any) -> str:
    if connection.family == socket.AF_UNIX:
        return "localhost"
    return str(address[0] if isinstance(address, tuple) else address)


def _is_local(host: str) -> bool:
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
