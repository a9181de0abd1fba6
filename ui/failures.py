"""Errors that an admin can mend, as one line and an exit code."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from connectors.base import ConnectorError
from index.base import StoreError
from ingest.base import LedgerError, ParserError
from rag.base import ModelError
from rag.journal import JournalError
from rag.router import RouterError
from ui.settings import SettingsError

FAILURES = (
    SettingsError,
    StoreError,
    ModelError,
    ConnectorError,
    LedgerError,
    ParserError,
    JournalError,
    RouterError,
)


def reports_failure(command: Callable[..., None]) -> Callable[..., None]:
    """Turn the errors that an admin can mend into one line and exit code 1."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except FAILURES as error:
            raise click.ClickException(str(error)) from error

    return run
