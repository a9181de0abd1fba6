"""Votes in Slack: what a press of a button writes down, and what the person is told."""

import json
import threading
from collections.abc import Iterator

import pytest

from index.base import StoreError
from rag.journal import REASONS, Feedback
from tests.ui.fake_answers import ScriptedAnswerer
from tests.ui.slack_workspace import DAYS, Workspace, opened
from ui import ratings, slack


@pytest.fixture(scope="module")
def everyone() -> Iterator[Workspace]:
    with opened() as made:
        yield made


@pytest.fixture
def workspace(everyone: Workspace) -> Workspace:
    everyone.start()
    return everyone


def whispered(workspace: Workspace) -> list[str]:
    calls = workspace.server.calls
    return [call.arguments["text"] for call in calls if call.method == "chat.postEphemeral"]


def test_a_vote_is_written_down_with_who_gave_it(workspace: Workspace) -> None:
    reply = workspace.reply(workspace.mention("how many days off?"))
    workspace.press(reply, "vote", "a1")
    workspace.server.until(lambda: whispered(workspace) == [ratings.RATED])
    ((feedback, principals),) = workspace.ratings.given
    assert feedback == Feedback("a1", "up")
    assert "user:ann@fernhill.example" in principals


def test_who_did_not_like_an_answer_is_asked_why(workspace: Workspace) -> None:
    reply = workspace.reply(workspace.mention("how many days off?"))
    workspace.press(reply, "vote", "a1:down", user="UBOB")
    workspace.server.until(lambda: len(whispered(workspace)) == 1)
    (asked,) = [c for c in workspace.server.calls if c.method == "chat.postEphemeral"]
    assert (asked.arguments["user"], asked.arguments["channel"]) == ("UBOB", workspace.channel)
    blocks = asked.arguments["blocks"]
    buttons = (json.loads(blocks) if isinstance(blocks, str) else blocks)[1]["elements"]
    assert [each["action_id"] for each in buttons] == [f"vote:{each}" for each in REASONS]
    workspace.press(reply, buttons[2]["action_id"], buttons[2]["value"], user="UBOB")
    workspace.server.until(lambda: len(whispered(workspace)) == 2)
    given = [feedback for feedback, _ in workspace.ratings.given]
    assert given == [Feedback("a1", "down"), Feedback("a1", "down", "wrong source")]


def test_a_vote_is_acknowledged_while_every_worker_answers(workspace: Workspace) -> None:
    reply = workspace.reply(workspace.mention("how many days off?"))
    finish = threading.Event()

    def pause() -> None:
        finish.wait(20)

    workspace.answerer.real = ScriptedAnswerer({"*": [DAYS]}, pause=pause)
    try:
        questions = [workspace.mention(f"question {n}?") for n in range(slack.WORKERS)]
        workspace.server.until(lambda: len(workspace.asked) == slack.WORKERS)
        envelope = workspace.press(reply, "vote", "a1")
        workspace.server.until(lambda: workspace.server.acks[envelope] == 1, timeout_s=3)
        assert workspace.ratings.given == []
    finally:
        finish.set()
    for question in questions:
        assert workspace.reply(question)["text"].startswith("You have 25 days.")
    workspace.server.until(lambda: whispered(workspace) == [ratings.RATED])


def test_a_guest_rates_nothing(workspace: Workspace) -> None:
    reply = workspace.reply(workspace.mention("how many days off?"))
    workspace.press(reply, "vote", "a1", user="UGUEST")
    workspace.settled()
    assert workspace.ratings.given == []


def test_a_vote_that_is_lost_is_said_to_be(workspace: Workspace) -> None:
    reply = workspace.reply(workspace.mention("how many days off?"))
    workspace.ratings.fails = StoreError("data/live.sqlite is full")
    try:
        workspace.press(reply, "vote", "a1")
        workspace.server.until(lambda: whispered(workspace) == [ratings.NOT_WRITTEN])
    finally:
        workspace.ratings.fails = None
