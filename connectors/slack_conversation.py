"""What was said in a channel, as documents: a conversation each.

Knows neither exports nor the Web API: both give it messages, and get the same documents.
"""

import hashlib
import re
import textwrap
from collections.abc import Sequence

from connectors.base import THREAD, Document, Entry, Message, write_thread
from connectors.slack_message import Said
from connectors.slack_text import without_emoji
from connectors.slack_workspace import Channel

PAUSE_S = 2 * 3600  # silence that ends a conversation outside threads
MIN_WORDS = 4  # of a conversation outside threads; "thanks all!" answers nothing
TITLE_CHARACTERS = 60


def conversations(messages: Sequence[Said]) -> dict[str, list[Said]]:
    """Return ts of the first message -> a conversation, oldest first, as are its messages.

    A thread is one, gathered over all days, so that a late reply is where it belongs; if its
    first message is missing or said nothing, it keeps its ts.

    Messages outside threads are parted by pauses: a run of them in one channel without a pause of
    PAUSE_S. One message alone ("yes, room 4") has neither the question nor the words to be found
    by. A calendar day tears apart what was said around midnight UTC, which is afternoon in
    America, and mixes subjects under the title of the first. In a workspace without threads (964
    messages) the next message by another person came within 30 minutes in 47 % of all cases,
    within two hours in 59 %, within a day in 77 %; with two hours, nine of ten conversations have
    fewer than 100 words, so that one chunk holds them.

    A message by an app is kept only at the head of a thread in which a person replied: that is
    the alarm that people talked about. Apps' own replies are left out, Footnote's among them, or
    it would come to quote itself.
    """
    ordered = sorted(messages, key=lambda message: (float(message.ts), message.ts))
    roots = {message.thread_ts for message in messages}
    threads: dict[str, list[Said]] = {}
    loose: list[list[Said]] = []
    for message in ordered:
        if message.thread_ts or message.ts in roots:
            threads.setdefault(message.thread_ts or message.ts, []).append(message)
        elif message.by_bot:
            continue
        elif loose and not is_pause(loose[-1][-1], message):
            loose[-1].append(message)
        else:
            loose.append([message])
    talk = {run[0].ts: run for run in loose if sum(len(m.text.split()) for m in run) >= MIN_WORDS}
    for ts, thread in threads.items():
        if not all(message.by_bot for message in thread):
            talk[ts] = [m for m in thread if not m.by_bot or m.ts == ts]
    return dict(sorted(talk.items(), key=lambda item: (float(item[0]), item[0])))


def is_pause(earlier: Said, later: Said) -> bool:
    """Return whether the silence between two messages outside threads ends a conversation."""
    return float(later.ts) - float(earlier.ts) > PAUSE_S


def key(source: str, channel: Channel, first: str) -> str:
    """Return the id of a conversation. first: ts of its first message, or of its thread.

    A channel is its id, which survives that it is renamed; its name it only has for a while.
    """
    return f"{source}:{channel.id}:{first}"


def document(
    source: str, workspace_url: str, channel: Channel, first: str, talk: Sequence[Said]
) -> Document:
    """Return one conversation. first, talk: an item of `conversations`."""
    messages = [
        Message(s.author, s.at, s.text, _permalink(workspace_url, channel, s)) for s in talk
    ]
    body = write_thread(messages)
    title = f"#{channel.name}: {_headline(talk)}"
    version = hashlib.blake2b(f"{title}\n".encode() + body, digest_size=16).hexdigest()
    return Document(
        entry=Entry(key(source, channel, first), version, channel.readers),
        title=title,
        url=messages[0].url,
        body=body,
        media_type=THREAD,
        updated_at=messages[-1].sent_at,
    )


def _permalink(workspace_url: str, channel: Channel, message: Said) -> str:
    url = f"{workspace_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts in (None, message.ts):
        return url
    return f"{url}?thread_ts={message.thread_ts}&cid={channel.id}"


def _headline(talk: Sequence[Said]) -> str:
    """Return how a conversation begins, on one line, without emoji and addresses of links.

    Outside threads it begins with the first message that says something: not with "hello!".
    """
    root = talk[0].text
    if talk[0].thread_ts is None:
        root = next((said.text for said in talk if len(said.text.split()) >= MIN_WORDS), root)
    line = " ".join(re.sub(r"`{3}| \(https?://\S+\)", "", without_emoji(root)).split())
    cut = textwrap.shorten(line, TITLE_CHARACTERS, placeholder="…", break_on_hyphens=False)
    return cut if len(cut) > 1 else line[:TITLE_CHARACTERS]
