"""The engines of [model] that are not the default: a server, transformers, a larger model."""

import importlib.util
from pathlib import Path

from rag.base import LanguageModel
from ui.settings import LargeSection, ModelSection, SettingsError, secret


def server(section: ModelSection) -> LanguageModel:
    """Return the model that a server answers with; it is asked only when a question comes."""
    from rag.models.server import ServerModel

    if section.address is None or section.name is None:
        raise SettingsError("[model] engine 'server' needs 'address' and 'name'.")
    return ServerModel(
        section.address,
        name=section.name,
        context_tokens=section.context_tokens,
        api_key=secret(section.api_key_env) if section.api_key_env else None,
        timeout_s=section.timeout_s,
    )


def larger(section: LargeSection) -> LanguageModel:
    """Return the larger model; it is asked only when a question needs it."""
    from rag.models.server import ServerModel

    return ServerModel(
        section.address,
        name=section.name,
        context_tokens=section.context_tokens,
        api_key=secret(section.api_key_env) if section.api_key_env else None,
        timeout_s=section.timeout_s,
    )


def transformers(section: ModelSection, packaged: Path, shipped: Path) -> LanguageModel:
    """Load a model through transformers; without a path the packaged one and its adapter."""
    if importlib.util.find_spec("peft") is None:
        raise SettingsError(
            "[model] engine 'transformers' needs peft. Run `pip install 'footnote[tune]'`."
        )
    from rag.models.transformers import TransformersModel

    base = section.path or packaged
    adapter = section.adapter or (shipped if section.path is None else None)
    return TransformersModel(base, name=base.name.removesuffix(".gguf"), adapter=adapter)
