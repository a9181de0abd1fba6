"""The Slack bot, over Socket Mode: a question in, one cited answer in its thread out.

It reads with the asker's eyes in a direct message and with everyone's in a channel. What an event
means is decided in `slack_events`, what an answer looks like in `slack_blocks`.
"""

import logging
import re
import signal
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, Final

from slack_bolt import Ack, App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from index.access import EVERYONE
from index.base import StoreError
from rag.base import Answerer, Question
from rag.journal import JournalError, feedback_of
from ui import slack_events
from ui.ratings import NOT_WRITTEN, RATED, Rate
from ui.settings import SettingsError
from ui.slack_blocks import Post, post, reasons
from ui.slack_events import Home, Json, Message, Person
from ui.slack_people import SLACK_FAILURES, People

LOOKING: Final = "Looking…"
FAILED: Final = (
    "Something went wrong while I looked for an answer. Please ask again in a minute; "
    "if it happens again, tell whoever runs Footnote."
)
NO_IMAGES: Final = "I cannot read images or other attachments. Please write your question in words."
NO_QUESTION: Final = "Ask me something: write the question in the message that mentions me."
OUTSIDER: Final = (
    "Sorry, I answer only employees of this company: guests and people of other companies "
    "cannot ask me."
)
UNKNOWN: Final = "Sorry, Slack does not tell me who you are right now. Please ask again soon."
SHARED_CHANNEL: Final = (
    "People of another company read this channel, so I do not answer here. "
    "Ask me in a direct message."
)

WORKERS: Final = 4  # questions at once; generation is compute-bound
REMEMBERED: Final = 10_000  # messages and threads kept in memory
CALL_TIMEOUT_S: Final = 20
PAGES: Final = 5  # of 200 messages, that a thread is read

Principals = Callable[[str | None], frozenset[str]]  # e-mail address → principals

log = logging.getLogger(__name__)


def run(
    answerer: Answerer,
    *,
    principals: Principals,
    rate: Rate,
    bot_token: str,
    app_token: str,
    api_url: str,
) -> None:
    """Answer in Slack until SIGTERM or SIGINT; questions already taken are still answered.

    principals: who an address is; asked only for direct messages.
    Raises SettingsError if Slack refuses a token or cannot be reached.
    """
    with _told_to_stop() as told:
        bot = SlackBot(
            answerer,
            principals=principals,
            rate=rate,
            bot_token=bot_token,
            app_token=app_token,
            api_url=api_url,
        )
        with bot.connected():
            told.wait()


class SlackBot:
    """One workspace's bot. Everything is acknowledged on receipt; a pool of threads works on it."""

    def __init__(
        self,
        answerer: Answerer,
        *,
        principals: Principals,
        rate: Rate,
        bot_token: str,
        app_token: str,
        api_url: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._answerer = answerer
        self._principals = principals
        self._rate = rate
        self._app_token = app_token
        self._now = now
        self._client = WebClient(
            token=bot_token, base_url=api_url.rstrip("/") + "/", timeout=CALL_TIMEOUT_S
        )
        self._client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=3))
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="slack-answer")
        # Its own thread: Slack waits 3 s for what acknowledges a click, questions take longer.
        self._receiver = ThreadPoolExecutor(1, thread_name_prefix="slack-receive")
        self._seen = Recent(REMEMBERED)
        self._elsewhere = Recent(REMEMBERED)  # threads of others: not worth reading again
        with _explained("bot", self._client.base_url):
            self._home = _home(self._client)
            self._app = App(client=self._client, listener_executor=self._receiver)
        self._people = People(self._client, self._home, self._now)
        self._app.event("app_mention")(self._take_event)
        self._app.event("message")(self._take_event)
        self._app.action(re.compile(f"{slack_events.VOTE}(:.*)?"))(self._take_click)

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Take questions while the block runs; at its end, finish those that were taken."""
        socket = SocketModeHandler(self._app, self._app_token).client
        try:
            with _explained("app", self._client.base_url):
                socket.connect()
            yield
        finally:
            socket.close()
            self._receiver.shutdown(wait=True)
            self._pool.shutdown(wait=True)

    def _take_event(self, body: dict[str, Any]) -> None:
        self._pool.submit(self._work, self._receive, body)  # Bolt has acknowledged it

    def _take_click(self, ack: Ack, body: dict[str, Any]) -> None:
        ack()
        self._pool.submit(self._work, self._vote, body)

    def _work(self, handle: Callable[[dict[str, Any]], None], body: dict[str, Any]) -> None:
        try:
            handle(body)
        except Exception:
            log.exception("slack_failed event=%s", body.get("event_id"))

    def _receive(self, body: dict[str, Any]) -> None:
        """Handle one delivery of an event."""
        message = slack_events.read(body, self._home)
        if message is None or not self._seen.add(message.key):
            return
        replies = self._replies(message)
        if message.addressed or self._is_conversation(message, replies):
            self._respond(message, replies)

    def _respond(self, message: Message, replies: Sequence[Json]) -> None:
        person = self._people.find(message.user)
        notice = _notice(message, person)
        if person is None or notice is not None:
            if message.addressed or notice == NO_IMAGES:
                self._say(message, Post(notice or UNKNOWN))
            return
        placeholder = self._placeholder(message)
        try:
            question = Question(
                message.text,
                self._eyes(message, person),
                slack_events.history(replies, message.ts, self._home),
            )
            answer = self._answerer.ask(question)
            log.info("slack_answered answer=%s status=%s", answer.id, answer.status)
            words = post(answer, self._now())
        except Exception:
            log.exception("slack_failed message=%s", message.key)
            words = Post(FAILED)
        try:
            self._show(message, placeholder, words)
        except SlackApiError:  # the words were refused; after a time-out they may well be shown
            log.exception("slack_refused message=%s", message.key)
            self._show(message, placeholder, Post(FAILED))

    def _vote(self, body: dict[str, Any]) -> None:
        """Write down what somebody thinks of an answer, and ask why where they did not like it."""
        vote = slack_events.vote(body)
        person = self._people.find(vote.user)
        if person is None or person.outsider:
            return
        own = self._principals(person.email)
        try:
            self._rate(feedback_of(vote.answer_id, vote.liked), own, self._now())
        except JournalError as error:
            log.warning("slack_vote_refused answer=%s error=%s", vote.answer_id, error)
            return
        except StoreError:
            log.exception("slack_vote_lost answer=%s", vote.answer_id)
            words = Post(NOT_WRITTEN)
        else:
            words = reasons(vote.answer_id) if vote.liked == "down" else Post(RATED)
        self._client.chat_postEphemeral(
            channel=vote.channel,
            user=vote.user,
            thread_ts=vote.thread,
            text=words.text,
            blocks=words.blocks or None,
        )

    def _eyes(self, message: Message, person: Person) -> frozenset[str]:
        if message.private and person.email is not None:
            return self._principals(person.email)
        return frozenset({EVERYONE})

    def _is_conversation(self, message: Message, replies: Sequence[Json]) -> bool:
        """Whether a reply that names nobody continues a talk with the bot."""
        if slack_events.took_part(replies, self._home):
            return True
        if replies:
            self._elsewhere.add(message.thread_key)
        return False

    def _replies(self, message: Message) -> Sequence[Json]:
        """Return the messages of a reply's thread, oldest first; none where that is not known."""
        known_elsewhere = not message.addressed and message.thread_key in self._elsewhere
        if not message.is_reply or known_elsewhere:
            return ()
        try:
            pages = self._client.conversations_replies(
                channel=message.channel, ts=message.thread, limit=200
            )
            return list(chain.from_iterable(page["messages"] for page in islice(pages, PAGES)))
        except SLACK_FAILURES as error:
            log.warning("slack_thread_unread thread=%s error=%s", message.thread_key, error)
            return ()

    def _placeholder(self, message: Message) -> str | None:
        """Return the ts of a message that says the bot is at work; the answer replaces it."""
        try:
            return self._say(message, Post(LOOKING))
        except SLACK_FAILURES as error:
            log.warning("slack_no_placeholder message=%s error=%s", message.key, error)
            return None

    def _show(self, message: Message, placeholder: str | None, words: Post) -> None:
        """Replace the placeholder; where there is none any more, post a message of its own."""
        if placeholder is None or not self._update(message, placeholder, words):
            self._say(message, words)

    def _update(self, message: Message, placeholder: str, words: Post) -> bool:
        """Replace the placeholder; return whether Slack says that it is done."""
        for _ in range(2):  # who does not answer may have done it: the same again does no harm
            try:
                self._client.chat_update(
                    channel=message.channel,
                    ts=placeholder,
                    text=words.text,
                    blocks=words.blocks,
                    parse="none",  # unlike a new message's, an update's text is parsed by default
                )
            except SLACK_FAILURES as error:
                log.warning("slack_not_updated message=%s error=%s", message.key, error)
                if isinstance(error, SlackApiError):
                    return False
            else:
                return True
        return False

    def _say(self, message: Message, words: Post) -> str:
        """Post into the message's thread; return the new message's ts."""
        sent = self._client.chat_postMessage(
            channel=message.channel,
            thread_ts=message.thread,
            text=words.text,
            blocks=words.blocks or None,
            parse="none",
            unfurl_links=False,
            unfurl_media=False,
        )
        self._elsewhere.discard(message.thread_key)
        return str(sent["ts"])


class Recent:
    """The last few names that were added; threads may share it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._names: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        with self._lock:
            return name in self._names

    def add(self, name: str) -> bool:
        """Add a name; return whether it was new."""
        with self._lock:
            if name in self._names:
                return False
            self._names[name] = None
            if len(self._names) > self._size:
                self._names.popitem(last=False)
            return True

    def discard(self, name: str) -> None:
        """Forget a name."""
        with self._lock:
            self._names.pop(name, None)


def _notice(message: Message, person: Person | None) -> str | None:
    """Return what to say instead of an answer, None if there is a question to answer."""
    if person is None:
        return UNKNOWN
    if person.outsider:
        return OUTSIDER
    if message.shared and not message.private:
        return SHARED_CHANNEL
    if not message.text:
        return NO_IMAGES if message.has_files else NO_QUESTION
    return None


def _home(client: WebClient) -> Home:
    me = client.auth_test()
    client.users_info(user=me["user_id"])  # without this permission guests would pass unnoticed
    return Home(
        bot_user=me["user_id"], team=me["team_id"], enterprise=me.get("enterprise_id") or None
    )


@contextmanager
def _explained(token: str, api_url: str) -> Iterator[None]:
    """Say what an admin can mend when Slack does not let the bot in."""
    try:
        yield
    except SlackApiError as error:
        raise SettingsError(
            f"Slack refused the {token} token: {error.response['error']}. Copy it again from the "
            "app's pages at Slack, and install the app from ui/slack_manifest.json."
        ) from error
    except SLACK_FAILURES as error:
        raise SettingsError(
            f"Slack cannot be reached at {api_url}: {error}. Check the network and [slack] api_url."
        ) from error


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM and SIGINT set."""
    told = threading.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(each, lambda *_: told.set()) for each in signals]
    try:
        yield told
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)
