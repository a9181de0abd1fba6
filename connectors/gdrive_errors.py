"""Why Google refused a request, and what an admin can do about it."""

from typing import Final

from connectors.base import ConnectorError
from connectors.client import Answer, HttpError
from connectors.cloud_errors import Refusal, parsed
from connectors.origin import shown

SCOPE: Final = "https://www.googleapis.com/auth/drive.readonly"  # all that is ever asked for

_SOON: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "sharingRateLimitExceeded"})
_REMEDIES: Final = {
    "accessNotConfigured": "The Google Drive API is switched off in the service account's "
    "project. Switch it on at console.cloud.google.com, under APIs & Services › Library.",
    "insufficientPermissions": f"The account lacks the scope {SCOPE}. Where it acts for a user, "
    "add it at admin.google.com, under Security › API controls › Domain-wide delegation.",
    "domainPolicy": "The company's policy keeps apps out of Drive. Allow this one at "
    "admin.google.com, under Apps › Google Workspace › Drive and Docs.",
    "cannotDownloadFile": "Its owner forbids downloads to those who only read. Let the account "
    "edit it, or take it out of the source.",
    "exportSizeLimitExceeded": "Google exports at most 10 MB of a document. Split it.",
    "dailyLimitExceeded": "The project's daily quota of the Drive API is used up. The next run "
    "goes on; raise the quota at console.cloud.google.com if it lasts.",
}
_GRANT_REMEDIES: Final = {
    "unauthorized_client": "It may not act for that user. Add its client id with the scope "
    f"{SCOPE} at admin.google.com, under Security › API controls › Domain-wide delegation.",
    "invalid_grant": "Its key is deleted or switched off, the user does not exist, or this "
    "machine's clock is wrong. Check them in this order.",
    "invalid_scope": f"The scope {SCOPE} is not allowed for it. Add it at admin.google.com, under "
    "Security › API controls › Domain-wide delegation.",
}


def is_busy(answer: Answer) -> bool:
    """Return whether an error means "later"; Drive says so with 403 as well as with 429."""
    return answer.status_code == 403 and _reason(answer.content)[0] in _SOON


def explained(error: HttpError, path: str, who: str) -> Refusal:
    """Return a refusal in an admin's words. who: the address that files are shared with."""
    reason, said = _reason(error.body)
    if not reason or error.status == 401:
        return Refusal(reason, error.status, str(error))
    remedy = _REMEDIES.get(reason)
    if remedy is None and error.status == 404:
        remedy = f"It is gone, or not shared with {who}. Share it with this address again."
    elif remedy is None and error.status == 403:
        remedy = f"Give {who} the right to read it."
    remedy = remedy or "Nothing of this source is changed."
    return Refusal(
        reason, error.status, f"Google Drive refused {path}: {said} ({reason}). {remedy}"
    )


def token_refused(error: HttpError, url: str, who: str) -> ConnectorError:
    """Return why no token was given to a service account."""
    answer = parsed(error.body)
    code = str(answer.get("error", ""))
    remedy = _GRANT_REMEDIES.get(code)
    if remedy is None:
        return error
    said = answer.get("error_description") or code
    return ConnectorError(f"{shown(url)} gives {who} no token: {said} ({code}). {remedy}")


def _reason(body: bytes) -> tuple[str, str]:
    """Return Drive's word for an error, and its sentence; empty where it gives none."""
    error = parsed(body).get("error")
    if not isinstance(error, dict):
        return "", ""
    errors = error.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else {}
    reason = first.get("reason") if isinstance(first, dict) else None
    return str(reason or error.get("status") or ""), str(error.get("message") or "")
