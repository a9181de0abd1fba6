"""PHP programs from Debian's packages, run by PHP's own web server on this machine."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[2] / ".servers"  # filled by install.sh
TIMEOUT_S = 60


def require_packages() -> None:
    """Skip the test where the wikis are not installed."""
    if not (PACKAGES / "ready").exists() or shutil.which("php") is None:
        pytest.skip("The wikis are not installed: run `make test-servers` (Debian, as root).")


def keep(folder: Path) -> None:
    """Remember what a server in this folder holds now."""
    shutil.copytree(folder / "state", folder / "kept")


def reset(folder: Path) -> None:
    """Put back what was kept."""
    shutil.rmtree(folder / "state")
    shutil.copytree(folder / "kept", folder / "state")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_php(*arguments: str, cwd: Path, env: Mapping[str, str]) -> str:
    """Run a PHP script and return what it printed."""
    command = [*_with(env), "php", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"php {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def served(
    root: Path, port: int, log: Path, *options: str, env: Mapping[str, str]
) -> Iterator[None]:
    """Serve a folder of PHP on a port of 127.0.0.1."""
    fresh = ("-d", "opcache.revalidate_freq=0")  # tests change configurations
    command = [*_with(env), "php", *fresh, *options, "-S", f"127.0.0.1:{port}", "-t", str(root)]
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            _wait_for(port, server, log)
            yield
        finally:
            server.terminate()
            server.wait(TIMEOUT_S)


def _with(env: Mapping[str, str]) -> list[str]:
    return ["env", *(f"{name}={value}" for name, value in env.items())]


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"PHP's server did not start:\n{log.read_text()}")
