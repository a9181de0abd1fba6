"""What Google Drive's and Microsoft Graph's refusals have in common."""

import json
from collections.abc import Mapping
from typing import Any

from connectors.base import ConnectorError


class Refusal(ConnectorError):
    """A server answered with an error; `reason` is its own word for it, such as "notFound"."""

    def __init__(self, reason: str, status: int | None, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status


def parsed(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object of a body, an empty one if it is none."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
