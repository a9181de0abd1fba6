"""Why Microsoft refused a request, and what an admin can do about it."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from connectors.base import ConnectorError
from connectors.client import HttpError
from connectors.cloud_errors import Refusal, parsed
from connectors.origin import shown

RIGHT: Final = "the application permission Sites.Read.All"  # all that is ever needed

_PORTAL: Final = "entra.microsoft.com, under App registrations"
_ENOUGH: Final = frozenset(
    "Sites.Read.All Sites.ReadWrite.All Sites.Manage.All Sites.FullControl.All Sites.Selected"
    " Files.Read.All Files.ReadWrite.All".split()
)
_TOKEN_REMEDIES: Final = {
    "invalid_client": f"The secret is wrong or has expired. Make a new one at {_PORTAL} › "
    "Certificates & secrets, and put its value into the environment variable.",
    "unauthorized_client": "That directory knows no such app. Check tenant and client_id.",
    "invalid_request": "Check tenant and client_id: both stand on the app's overview page.",
}


def explained(error: HttpError, path: str) -> Refusal:
    """Return a refusal in an admin's words."""
    code, said = reason(error.body)
    if not code:
        return Refusal("", error.status, str(error))
    return Refusal(code, error.status, refused(path, error.status, code, said))


def refused(path: str, status: int | None, code: str, said: str) -> str:
    """Return the sentence about a refusal."""
    remedy = {
        401: "Check the secret, and that tenant and client_id are those of the app.",
        403: f"Give the app {RIGHT} at {_PORTAL} › API permissions, and grant admin consent.",
        404: "It is gone, or the app may not see it. Mend the settings if it is one of theirs.",
    }.get(status or 0, "Nothing of this source is changed.")
    return f"Microsoft Graph refused {path}: {said or status} ({code}). {remedy}"


def reason(body: bytes) -> tuple[str, str]:
    """Return Graph's word for an error, and its sentence; empty where it gives none."""
    return reason_of(parsed(body))


def reason_of(body: object) -> tuple[str, str]:
    """Return the same of an answer within a batch."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("code") or ""), str(error.get("message") or "")


def token_refused(error: HttpError, url: str) -> ConnectorError:
    """Return why no token was given to the app."""
    answer = parsed(error.body)
    code = str(answer.get("error", ""))
    remedy = _TOKEN_REMEDIES.get(code)
    if remedy is None:
        return error
    said = str(answer.get("error_description") or code).partition("\r\n")[0]
    return ConnectorError(f"{shown(url)} gives the app no token: {said} {remedy}")


def check_roles(token: str) -> None:
    """Raise if a token says that it opens nothing: Graph may answer with empty lists then.

    What is in a token is Microsoft's own affair; one that cannot be read says nothing.
    """
    roles = _claims(token).get("roles", [] if _claims(token) else [*_ENOUGH])
    if isinstance(roles, list) and _ENOUGH.isdisjoint(roles):
        has = ", ".join(map(str, roles)) or "none"
        raise ConnectorError(
            f"The app has none of the permissions to read files (it has: {has}). Add {RIGHT} at "
            f"{_PORTAL} › API permissions › Microsoft Graph, and grant admin consent."
        )


def _claims(token: str) -> Mapping[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        return parsed(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
