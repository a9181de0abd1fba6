"""The one reader of settings: a TOML file, and secrets from the environment."""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from rag.correct import COMPARING, EXTRACTIVE, SMALL
from ui.source_settings import Section, Source


class SettingsError(Exception):
    """The settings cannot be used; the message names the file, the value and the way out."""


class EmbedderSection(Section):
    """Which sentence encoder fills the index."""

    engine: Literal["openvino", "sentence-transformers"] = "openvino"
    model: Path | None = None  # folder of a sentence-transformers model; None: the packaged MiniLM
    threads: int = Field(default=0, ge=0)  # 0: as many as OpenVINO finds cores
    # The packaged model and its reader in eight bits: a quarter faster, a little less often right.
    eight_bits: bool = False


# What each engine of [model] is told beside the limits; a key of another engine is a mistake.
ENGINE_KEYS = {
    "openvino": {"path"},
    "transformers": {"path", "adapter"},
    "server": {"address", "name", "api_key_env", "context_tokens", "timeout_s"},
}
ENGINE_NEEDS = {"openvino": (), "transformers": (), "server": ("address", "name")}


Address = Annotated[str, Field(pattern=r"^https?://[^\s@/?#]+(/[^\s@?#]*)?$")]


class LargeSection(Section):
    """A larger model, asked for what the first is not sure of. Texts leave for its address."""

    address: Address  # of an OpenAI-compatible server, up to its version
    name: str  # the model, as the server lists it
    api_key_env: str | None = None  # the environment variable that holds the server's key
    context_tokens: int = Field(default=8192, ge=256)
    timeout_s: float = Field(default=20, gt=0)  # of silence, and of a whole reply
    prompt_tokens: int = Field(default=1500, ge=300)
    max_tokens: int = Field(default=200, ge=16)  # of one answer
    requests_per_month: int | None = Field(default=None, ge=0)
    cost_per_month: float | None = Field(default=None, ge=0)  # in `currency`
    cost_per_1k_prompt_tokens: float = Field(default=0, ge=0)
    cost_per_1k_reply_tokens: float = Field(default=0, ge=0)
    currency: str = "EUR"
    below: float = Field(default=0.6, ge=0, le=1)  # confidence under which it is asked
    router: Path | None = None  # what `footnote tune router` wrote; it decides instead

    @model_validator(mode="after")
    def _has_a_budget_and_a_name(self) -> Self:
        if self.name in ("", SMALL, EXTRACTIVE, COMPARING):
            raise ValueError(f"name {self.name!r} is taken or empty: name the model")
        if self.requests_per_month is None and self.cost_per_month is None:
            raise ValueError("name requests_per_month or cost_per_month: there is no default")
        priced = self.cost_per_1k_prompt_tokens or self.cost_per_1k_reply_tokens
        if self.cost_per_month is not None and not priced:
            raise ValueError("cost_per_month needs cost_per_1k_prompt_tokens and …_reply_tokens")
        return self


class ModelSection(Section):
    """Which language model drafts the answers."""

    engine: Literal["openvino", "transformers", "server"] = "openvino"
    path: Path | None = None  # a GGUF file, or a folder for transformers; None: SmolLM2
    adapter: Path | None = None  # a folder as peft writes it, merged into the model
    # Of an OpenAI-compatible server, up to its version: "http://127.0.0.1:8000/v1".
    address: Address | None = None
    name: str | None = None  # the model, as the server lists it
    api_key_env: str | None = None  # the environment variable that holds the server's key
    context_tokens: int = Field(default=2048, ge=256)  # that the server's model holds
    timeout_s: float = Field(default=60, gt=0)  # the longest silence of the server
    max_tokens: int = 48  # of one answer
    prompt_tokens: int = 140  # more would not leave 250 ms to the first token on two cores
    large: LargeSection | None = None

    @model_validator(mode="after")
    def _fits_the_engine(self) -> Self:
        of_engines = set().union(*ENGINE_KEYS.values())
        strangers = (self.model_fields_set & of_engines) - ENGINE_KEYS[self.engine]
        if strangers:
            key = min(strangers)
            engines = [engine for engine, keys in ENGINE_KEYS.items() if key in keys]
            raise ValueError(
                f"engine {self.engine!r} takes no {key!r}; that is for {' or '.join(engines)}"
            )
        for key in ENGINE_NEEDS[self.engine]:
            if getattr(self, key) is None:
                raise ValueError(f"engine {self.engine!r} needs {key!r}")
        return self


class RetrievalSection(Section):
    """Who puts in order what the search finds."""

    reranker: str | None = None  # folder of a sentence-transformers CrossEncoder; None: nobody
    depth: int = Field(default=20, ge=5, le=100)  # passages that it reads a question


class AnswerSection(Section):
    """When an answer is good enough to be shown."""

    accept: Annotated[float, Field(ge=0, le=1)] = 0.37  # probability of being right and supported
    # Share of the sources' own sentences that a language model's answer must keep, in their order;
    # 0 lets it word freely, for a better model than the packaged one.
    kept: Annotated[float, Field(ge=0, le=1)] = 2 / 3


# "footnote.acme.example": a name or an address, without "https://" and without a port.
HostName = Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+|[0-9A-Fa-f:.]+)$")]


class WebSection(Section):
    """Where the web page listens, and the names it answers under."""

    host: str = "127.0.0.1"
    hosts: frozenset[HostName] = frozenset()  # a proxy's, besides 127.0.0.1, localhost and ::1
    port: int = 7860
    examples: tuple[str, ...] = ()  # questions offered in an empty conversation


class SlackSection(Section):
    """The Slack bot. Tokens come from the environment, under these names."""

    bot_token_env: str = "SLACK_BOT_TOKEN"  # xoxb-…
    app_token_env: str = "SLACK_APP_TOKEN"  # xapp-…, for Socket Mode
    api_url: str = "https://slack.com/api/"


class IngestSection(Section):
    """What a nightly run may not do by itself."""

    max_lost_percent: Annotated[int, Field(ge=0, le=100)] = 15  # of a source; more is held
    max_lost_documents: int = Field(default=500, ge=0)
    fail_closed_h: int = Field(default=24, ge=1)  # a source without a listing is hidden after it


class JournalSection(Section):
    """What is remembered of questions."""

    days: int = Field(default=90, ge=0)  # a question's text and its asker; 0: not written at all


class ScheduleSection(Section):
    """When the nightly ingestion runs."""

    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "02:00"
    timezone: str = "UTC"


class Settings(Section):
    """Everything an admin decides. Paths are relative to the settings file."""

    data_dir: Path = Path("data")
    sources: tuple[Source, ...] = ()
    groups: dict[str, frozenset[str]] = {}  # name -> e-mail addresses, "group:<another name>"
    embedder: EmbedderSection = EmbedderSection()
    model: ModelSection = ModelSection()
    retrieval: RetrievalSection = RetrievalSection()
    answer: AnswerSection = AnswerSection()
    web: WebSection = WebSection()
    slack: SlackSection = SlackSection()
    ingest: IngestSection = IngestSection()
    journal: JournalSection = JournalSection()
    schedule: ScheduleSection = ScheduleSection()


def load(path: Path) -> Settings:
    """Read a settings file. Raises SettingsError with the line to mend."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(
            f"There is no settings file {path}. Name one with --settings FILE; "
            "demo/settings.toml is one to copy."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    try:
        settings = Settings.model_validate(table)
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise SettingsError(f"{path} cannot be used:\n" + "\n".join(lines)) from error
    return _from_folder(settings, path.resolve().parent)


def stay_offline() -> None:
    """Keep every library from the network: no download, no telemetry. Call before importing any."""
    os.environ.update(
        {
            "HF_HUB_OFFLINE": "1",
            "TRANSFORMERS_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "DO_NOT_TRACK": "1",
            "SCARF_NO_ANALYTICS": "true",
            "UNSTRUCTURED_DISABLE_NOTICE": "1",
            "GRADIO_ANALYTICS_ENABLED": "False",
        }
    )


def secret(variable: str) -> str:
    """Return a secret from the environment. Raises SettingsError if it is not set."""
    value = os.environ.get(variable, "")
    if not value:
        raise SettingsError(f"The environment variable {variable} is not set.")
    return value


def _from_folder(settings: Settings, folder: Path) -> Settings:
    """Resolve every path against the folder of the settings file."""
    names = [source.name for source in settings.sources]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SettingsError(f"Two sources are named {doubled[0]!r}; names must differ.")
    for group, members in settings.groups.items():
        for member in sorted(members):
            if member.startswith("group:") and member.removeprefix("group:") not in settings.groups:
                raise SettingsError(f"[groups] {group} names {member!r}, which is not defined.")
    sources = tuple(source.within(folder) for source in settings.sources)
    embedder, model = settings.embedder, settings.model
    if embedder.model is not None:
        embedder = embedder.model_copy(update={"model": folder / embedder.model})
    named = {"path": model.path, "adapter": model.adapter}
    model = model.model_copy(update={key: folder / at for key, at in named.items() if at})
    retrieval = settings.retrieval
    if retrieval.reranker is not None and (folder / retrieval.reranker).exists():
        at = str(folder / retrieval.reranker)
        retrieval = retrieval.model_copy(update={"reranker": at})
    if model.large is not None and model.large.router is not None:
        large = model.large.model_copy(update={"router": folder / model.large.router})
        model = model.model_copy(update={"large": large})
    return settings.model_copy(
        update={
            "data_dir": folder / settings.data_dir,
            "sources": sources,
            "embedder": embedder,
            "model": model,
            "retrieval": retrieval,
        }
    )
