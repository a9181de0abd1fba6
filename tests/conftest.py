"""What holds for all tests: readable contract failures, --long, no browser tests without one."""

import shutil

import pytest

pytest.register_assert_rewrite(
    "tests.contracts.connector", "tests.contracts.language_model", "tests.contracts.store"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make crash` look at every point where `make test` looks at a share of them."""
    parser.addoption("--long", action="store_true", help="Try every fault, and 1,000 kills.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what drives Chromium where it is not installed; `.ci/run` installs it."""
    if shutil.which("chromium"):
        return
    missing = pytest.mark.skip(reason="Chromium is not installed: apt-get install chromium")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(missing)
