"""What pyproject.toml asks for is what is imported, and every version is pinned."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
OURS = frozenset({"connectors", "index", "ingest", "rag", "ui"})
LOADED_BY_OTHERS = frozenset({"openvino-tokenizers"})  # by openvino-genai, from a file


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][e] for e in extras)]
    return {normal(re.split(r"[\[<>=]", line)[0]) for lines in lists for line in lines}


def imported() -> set[str]:
    """Return the distributions whose modules the product imports, wherever in a file."""
    names = set()
    for file in (file for room in OURS for file in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    of = packages_distributions()
    # A namespace that several share ("google") is told by what is asked for.
    found = {name: {normal(each) for each in of.get(name, [name])} for name in names}
    foreign = [dists for name, dists in found.items() if name not in OURS | sys.stdlib_module_names]
    asked = asked_for("tune")
    return {next(iter(dists & asked), min(dists)) for dists in foreign}


def test_what_is_imported_is_asked_for_and_what_is_asked_for_is_imported() -> None:
    assert imported() | LOADED_BY_OTHERS == asked_for("tune")


def test_every_version_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {normal(line.partition("==")[0]) for line in lines if "==" in line}
    assert asked_for("tune", "dev") - {"torch"} <= pinned
