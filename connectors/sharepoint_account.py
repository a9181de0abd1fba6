"""An app in Microsoft's directory, and the tokens that it gets for itself.

By one request to the documented endpoint: MSAL would bring a session of its own, which knows none
of the bounds of our client.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from connectors.bearer import Bearer, Token, secure, token_of
from connectors.client import LIMITS, SYSTEM_CLOCK, Account, Client, Clock, HttpError, Limits
from connectors.sharepoint_errors import RIGHT, check_roles, token_refused

LOGIN: Final = "https://login.microsoftonline.com"
GRAPH: Final = "https://graph.microsoft.com"


@dataclass(frozen=True, slots=True)
class App:
    """An app that signs in as itself, with a secret."""

    tenant: str  # the directory: its id or one of its domains
    client_id: str
    password: str
    secret: str  # where the password comes from, in words


def polite(
    app: App,
    *,
    login: str = LOGIN,
    home: str = GRAPH,
    also: frozenset[str] = frozenset(),
    limits: Limits = LIMITS,
    clock: Clock = SYSTEM_CLOCK,
) -> Client:
    """Return a client that signs in as the app.

    also: the servers that files are downloaded from; they are sent no credentials.
    """
    url = secure(f"{login.rstrip('/')}/{quote(app.tenant)}/oauth2/v2.0/token")
    door = Client(url, Account(secret=app.secret), limits=limits, clock=clock)
    form = {
        "grant_type": "client_credentials",
        "client_id": app.client_id,
        "client_secret": app.password,
        "scope": f"{GRAPH}/.default",
    }

    def renew() -> Token:
        try:
            token = token_of(door.json("POST", url, data=form), url)
        except HttpError as error:
            raise token_refused(error, url) from error
        check_roles(token.text)
        return token

    signed = Account(headers=Bearer(renew, clock.now), secret=app.secret, right=RIGHT)
    return Client(secure(home), signed, also=also, limits=limits, clock=clock)
