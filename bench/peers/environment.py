"""The peers' own environment, made once beside the product's."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = Path(".venv-peers")  # below the checkout, ignored by git
TORCH = "torch==2.13.0"  # first and pinned: any other request brings gigabytes of GPU packages
TIMEOUT_S = 3600
TOLD = """bm25s faiss-cpu langchain-classic langchain-community llama-index-core
sentence-transformers torch transformers txtai""".split()


def python() -> Path:
    """Return the interpreter of the environment, made if it is not there or out of date."""
    folder = HERE.parent.parent / FOLDER
    interpreter, mark = folder / "bin" / "python", folder / "installed"
    wanted = (HERE / "constraints.txt").read_text() + (HERE / "requirements.txt").read_text()
    if mark.exists() and mark.read_text() == wanted:
        return interpreter
    print(f"Making {folder}: 2 GB, some minutes.", file=sys.stderr)
    _run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--constraint", str(HERE / "constraints.txt")]
    _run([*pip, TORCH])
    _run([*pip, "--requirement", str(HERE / "requirements.txt")])
    mark.write_text(wanted)
    return interpreter


def versions() -> str:
    """Return the versions of what is compared."""
    pins = (HERE / "constraints.txt").read_text().split()
    return ", ".join(pin.replace("==", " ") for pin in pins if pin.partition("==")[0] in TOLD)


def _run(command: list[str]) -> None:
    if subprocess.run(command, timeout=TIMEOUT_S).returncode:
        raise SystemExit(f"{' '.join(command)} failed; delete {FOLDER} and try again.")
