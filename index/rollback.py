"""Going back to an earlier generation: which one, and only if it is whole."""

from pathlib import Path

from index import generations
from index.base import StoreError
from index.generations import Manifest


def target(data: Path, to: str | None) -> Manifest:
    """Return the generation to go back to: `to`, or the one that the current was made from.

    Raises StoreError if it is not there or not whole.
    """
    name = _before(data) if to is None else to.zfill(6)
    if name not in generations.names(data):
        raise StoreError(f"There is no generation {name} in {data}. {_listed(data)}")
    try:
        return generations.load(data, name)
    except StoreError as error:
        raise StoreError(f"{error} Go back to another one with --to. {_listed(data)}") from error


def _before(data: Path) -> str:
    """Return the parent of the current generation; the one before it where that is gone."""
    selected = generations.select(data)
    if selected is None:
        raise StoreError(generations.NO_INDEX.format(data=data))
    manifest = selected.manifest
    older = [name for name in generations.names(data) if int(name) < int(manifest.name)]
    if manifest.parent in older:
        return manifest.parent
    if not older:
        raise StoreError(f"There is no generation before {manifest.name} in {data}.")
    return older[-1]


def _listed(data: Path) -> str:
    return f"There are: {', '.join(generations.names(data)) or 'none'}."
