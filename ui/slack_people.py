"""Who Slack says its users are: whose eyes a question has, and who may not ask."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Final

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from ui import slack_events
from ui.slack_events import Home, Person

REMEMBERED: Final = 10_000  # people kept in memory
PERSON_LASTS: Final = timedelta(minutes=5)
SLACK_FAILURES: Final = (SlackClientError, OSError, HTTPException)

log = logging.getLogger(__name__)


class People:
    """Who Slack says its users are, remembered for a few minutes."""

    def __init__(self, client: WebClient, home: Home, now: Callable[[], datetime]) -> None:
        self._client = client
        self._home = home
        self._now = now
        self._known: OrderedDict[str, tuple[Person, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, user: str) -> Person | None:
        """Return who a user is; None if Slack does not answer and never did: it may be a guest.

        A user the workspace does not know is an outsider. While Slack does not answer, a known
        person has no address: only what everyone may read, and nothing for a known outsider.
        """
        with self._lock:
            known = self._known.get(user)
        if known is not None and self._now() - known[1] < PERSON_LASTS:
            return known[0]
        try:
            person = self._look_up(user)
        except SLACK_FAILURES as error:
            log.warning("slack_user_unknown user=%s error=%s", user, error)
            return replace(known[0], email=None) if known else None
        with self._lock:
            self._known[user] = (person, self._now())
            self._known.move_to_end(user)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return person

    def _look_up(self, user: str) -> Person:
        try:
            found = self._client.users_info(user=user)
        except SlackApiError as error:
            if error.response["error"] in {"user_not_found", "user_not_visible"}:
                return Person(None, outsider=True)
            raise
        person = slack_events.person(found["user"], self._home)
        if person.email is None and not person.outsider:
            log.warning("slack_no_address user=%s (permission users:read.email?)", user)
        return person
