"""Where the data directories are, and how long to go on."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash import job


@pytest.fixture(scope="session")
def long(pytestconfig: pytest.Config) -> bool:
    """Whether to take the hours that --long allows: `make crash`."""
    return bool(pytestconfig.getoption("--long"))


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """Return a folder in memory, where there is one: waiting for a disk would show nothing more."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def grown(memory: Path) -> Path:
    """Return a data directory after three nights. Copy it before writing."""
    return job.grown(memory / "grown", 3)


@pytest.fixture
def data(memory: Path) -> Path:
    """Return where a test's data directory goes; it is not there yet."""
    return job.copied(memory / "nothing", memory / "data")
