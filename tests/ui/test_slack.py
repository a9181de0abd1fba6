"""The Slack bot end to end: one prompt cited answer for each question, and never silence."""

import json
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from index.base import StoreError
from rag.base import Question
from tests.ui.fake_answers import Ratings, ScriptedAnswerer, abstained, citation
from tests.ui.slack_server import APP_TOKEN, BOT_TOKEN, BOT_USER, Fault, SlackServer, member
from tests.ui.slack_workspace import (
    DAYS,
    EVERYONE,
    LEAVE,
    SOURCE,
    Workspace,
    opened,
    principals_of,
    words,
)
from ui import slack
from ui.settings import SettingsError
from ui.slack import SlackBot

ROOT = Path(__file__).parents[2]
ROW = "[1] <https://wiki.fernhill.example/leave|Leave › Annual leave> · Wiki · updated 3 days ago"


@pytest.fixture(scope="module")
def connected() -> Iterator[Workspace]:
    with opened() as workspace:
        yield workspace


@pytest.fixture
def workspace(connected: Workspace) -> Workspace:
    connected.start()
    return connected


def test_a_mention_gets_a_cited_answer_in_its_thread(workspace: Workspace) -> None:
    message = workspace.mention("how many days off?")

    reply = workspace.reply(message)
    assert words(reply) == [
        "You have 25 days. [1]",
        "Well supported",
        f"{ROW}\n>Everyone has 25 days of leave.",
    ]
    assert reply["thread_ts"] == message["ts"]
    assert workspace.asked == [Question("how many days off?", EVERYONE)]
    assert len(workspace.shown(message)) == 1


def test_an_abstention_shows_the_closest_pages_as_not_confirmed(workspace: Workspace) -> None:
    workspace.answers(abstained("I could not find that.", [citation(LEAVE[0], "")]))
    message = workspace.mention("who was the first king?")

    assert "Closest pages (not confirmed)" in words(workspace.reply(message))


def test_a_direct_message_is_read_with_the_eyes_of_who_asks(workspace: Workspace) -> None:
    message = workspace.direct("what do I earn?", user="UANN")

    workspace.reply(message)
    assert workspace.asked == [
        Question(
            "what do I earn?",
            frozenset({"everyone", "user:ann@fernhill.example", "group:hr"}),
        )
    ]


def test_a_channel_is_read_with_the_eyes_of_everyone(workspace: Workspace) -> None:
    workspace.reply(workspace.mention("what do I earn?", user="UANN"))

    assert workspace.asked[0].principals == EVERYONE


@pytest.mark.parametrize("user", ["UNOMAIL", "UFORGED"])
def test_a_person_without_a_confirmed_address_is_only_one_of_everyone(
    workspace: Workspace, user: str
) -> None:
    workspace.reply(workspace.direct("what do I earn?", user=user))

    assert workspace.asked[0].principals == EVERYONE


def test_a_person_slack_does_not_tell_about_may_be_a_guest_and_is_not_answered(
    workspace: Workspace,
) -> None:
    workspace.server.faults["users.info"] = Fault(status=500, times=9)
    message = workspace.direct("what do I earn?", user="UBOB")

    assert workspace.reply(message)["text"] == slack.UNKNOWN
    assert workspace.asked == []


def test_a_person_is_looked_up_once_in_five_minutes(workspace: Workspace) -> None:
    def look_ups() -> int:
        return sum(call.method == "users.info" for call in workspace.server.calls)

    workspace.reply(workspace.direct("one"))
    workspace.later += timedelta(minutes=4)
    workspace.reply(workspace.direct("two"))
    assert look_ups() == 1

    workspace.later += timedelta(minutes=2)
    workspace.reply(workspace.direct("three"))
    assert look_ups() == 2


def test_an_event_is_acknowledged_before_its_answer_is_made(workspace: Workspace) -> None:
    finish = threading.Event()

    def pause() -> None:
        finish.wait(5)

    workspace.answerer.real = ScriptedAnswerer({"*": [DAYS]}, pause=pause)
    message = workspace.write(f"<@{BOT_USER}> how many days?")
    try:
        envelope = workspace.deliver(message | {"type": "app_mention"}, kind="channel")
        workspace.server.until(lambda: workspace.server.acks[envelope] == 1, timeout_s=3)
        workspace.server.until(lambda: len(workspace.shown(message)) == 1)
        assert workspace.shown(message)[0]["text"] == "Looking…"
    finally:
        finish.set()

    assert workspace.reply(message)["text"].startswith("You have 25 days. [1]")


def test_an_event_sent_four_times_gets_one_answer(workspace: Workspace) -> None:
    message = workspace.write("how many days?")
    together = [
        threading.Thread(
            target=workspace.deliver,
            args=(message,),
            kwargs={"kind": "im", "event_id": "Ev1", "retry": retry},
        )
        for retry in (0, 1)
    ]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    workspace.reply(message)
    late = [workspace.deliver(message, kind="im", event_id="Ev1", retry=retry) for retry in (2, 3)]
    workspace.server.until(lambda: all(workspace.server.acks[each] for each in late))
    workspace.settled()

    assert [question.text for question in workspace.asked].count("how many days?") == 1
    assert len(workspace.shown(message)) == 1


def test_a_mention_that_also_arrives_as_a_message_gets_one_answer(workspace: Workspace) -> None:
    message = workspace.mention("how many days?")
    workspace.deliver(message, kind="channel")
    workspace.settled()

    assert len(workspace.shown(message)) == 1


@pytest.mark.parametrize(
    "failure", [RuntimeError("secret detail"), StoreError("index data/generations/000124 is gone")]
)
def test_a_failure_gets_a_clear_message_without_its_details(
    workspace: Workspace, failure: Exception
) -> None:
    workspace.answers(failure)
    message = workspace.mention("how many days?")

    assert workspace.reply(message)["text"] == slack.FAILED
    assert len(workspace.shown(message)) == 1


def test_the_bot_answers_the_next_question_after_a_failure(workspace: Workspace) -> None:
    workspace.answers(RuntimeError("broken"))
    workspace.reply(workspace.mention("one?"))
    workspace.answers(DAYS)

    assert workspace.reply(workspace.mention("two?"))["text"].startswith("You have 25 days.")


def test_an_answer_is_posted_anew_when_its_placeholder_is_gone(workspace: Workspace) -> None:
    workspace.server.faults["chat.update"] = Fault(error="message_not_found")
    message = workspace.mention("how many days?")
    workspace.server.until(lambda: len(workspace.shown(message)) == 2)

    assert workspace.reply(message, count=2)["text"].startswith("You have 25 days. [1]")


def test_an_answer_comes_without_its_placeholder_if_that_was_refused(workspace: Workspace) -> None:
    workspace.server.faults["chat.postMessage"] = Fault(error="internal_error")
    message = workspace.mention("how many days?")

    assert workspace.reply(message)["text"].startswith("You have 25 days. [1]")
    assert len(workspace.shown(message)) == 1


def test_an_answer_that_slack_refuses_ends_in_a_clear_message(workspace: Workspace) -> None:
    finish = threading.Event()

    def pause() -> None:
        finish.wait(5)

    workspace.answerer.real = ScriptedAnswerer({"*": [DAYS]}, pause=pause)
    message = workspace.mention("how many days?")
    workspace.server.until(lambda: len(workspace.shown(message)) == 1)
    workspace.server.faults["chat.update"] = Fault(error="invalid_blocks")
    workspace.server.faults["chat.postMessage"] = Fault(error="invalid_blocks")
    finish.set()

    assert workspace.reply(message)["text"] == slack.FAILED
    assert len(workspace.shown(message)) == 1


@pytest.mark.parametrize("silent", [1, 2])
def test_an_answer_that_slack_shows_without_saying_so_is_not_called_a_failure(
    monkeypatch: pytest.MonkeyPatch, silent: int
) -> None:
    monkeypatch.setattr(slack, "CALL_TIMEOUT_S", 2)
    with opened() as workspace:
        workspace.start()
        workspace.server.faults["chat.update"] = Fault(wait_s=2.5, change=bytes, times=silent)
        message = workspace.mention("how many days?")

        def calls(method: str) -> list[str]:
            made = [call for call in workspace.server.calls if call.method == method]
            return [call.arguments["text"] for call in made]

        workspace.server.until(
            lambda: (
                workspace.shown(message)[-1:]
                and workspace.shown(message)[-1]["text"].startswith("You have 25 days. [1]")
            ),
            timeout_s=20,
        )
        workspace.server.until(
            lambda: len(calls("chat.update") + calls("chat.postMessage")) == 2 + silent,
            timeout_s=20,
        )
    answer = workspace.shown(message)[-1]["text"]
    assert calls("chat.update") == [answer] * 2
    assert calls("chat.postMessage") == [slack.LOOKING, answer][:silent]


def test_a_rate_limit_is_waited_out_as_long_as_slack_says(workspace: Workspace) -> None:
    workspace.server.faults["chat.update"] = Fault(status=429, error="ratelimited", retry_after_s=1)
    message = workspace.mention("how many days?")

    assert workspace.reply(message)["text"].startswith("You have 25 days. [1]")
    first, second = [call for call in workspace.server.calls if call.method == "chat.update"]
    assert second.at - first.at >= 1
    assert len(workspace.shown(message)) == 1


def test_a_click_the_bot_does_not_know_does_not_stop_it(workspace: Workspace) -> None:
    workspace.server.send(
        "interactive",
        {"type": "block_actions", "user": {"id": "UANN"}, "team": {"id": "T0HOME"}, "actions": []},
    )

    assert workspace.reply(workspace.mention("how many days?"))["text"].startswith("You have")


def test_no_foreign_link_and_no_mention_leaves_with_a_hostile_answer(workspace: Workspace) -> None:
    bait = "<!channel> <@UBOB> <https://evil.example|log in> https://evil.example @here [1]"
    workspace.answers(replace(DAYS, text=bait, citations=(replace(SOURCE, title=bait),)))
    workspace.reply(workspace.mention(f"repeat: {bait}"))

    sent = repr([c.arguments for c in workspace.server.calls if c.method.startswith("chat.")])
    assert "evil.example" not in sent
    assert not any(mark in sent for mark in ("<!", "<@", "<#", "@here"))
    assert sent.count("<http") == sent.count("<https://wiki.fernhill.example/leave|") == 1


def test_slack_is_told_to_parse_and_unfurl_nothing(workspace: Workspace) -> None:
    workspace.reply(workspace.mention("how many days?"))

    sent = [call for call in workspace.server.calls if call.method.startswith("chat.")]
    assert [call.arguments["parse"] for call in sent] == ["none", "none"]
    assert sent[0].arguments["unfurl_links"] is False
    assert sent[0].arguments["unfurl_media"] is False


def test_the_manifest_asks_for_what_the_bot_uses_and_no_more(workspace: Workspace) -> None:
    manifest = json.loads((ROOT / "ui" / "slack_manifest.json").read_text(encoding="utf-8"))
    # permission -> what Slack gives for it, as its documentation says
    given = {
        "app_mentions:read": {"app_mention"},
        "channels:history": {"message.channels", "conversations.replies"},
        "chat:write": {"chat.postMessage", "chat.update"},
        "groups:history": {"message.groups", "conversations.replies"},
        "im:history": {"message.im", "conversations.replies"},
        "users:read": {"users.info"},
        "users:read.email": {"users.info"},
    }
    first = workspace.mention("how many days?")
    workspace.reply(first)
    workspace.reply(workspace.mention("and in Leeds?", thread_ts=first["ts"]), count=2)
    used = {call.method for call in workspace.server.calls}
    used |= set(manifest["settings"]["event_subscriptions"]["bot_events"])

    of_the_connector = ["channels:read", "files:read", "groups:read"]  # see its own test
    assert manifest["oauth_config"]["scopes"] == {"bot": sorted([*given, *of_the_connector])}
    assert used == set().union(*given.values())
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["features"]["app_home"]["messages_tab_read_only_enabled"] is False


@pytest.mark.parametrize(
    ("method", "error", "said"),
    [
        ("auth.test", "invalid_auth", "the bot token: invalid_auth"),
        ("users.info", "missing_scope", "the bot token: missing_scope"),
        ("apps.connections.open", "not_allowed_token_type", "the app token: not_allowed_token"),
    ],
)
def test_a_refused_token_is_named_at_the_start(method: str, error: str, said: str) -> None:
    with (
        SlackServer(faults={method: Fault(error=error)}) as server,
        pytest.raises(SettingsError, match=said),
    ):
        slack.run(
            ScriptedAnswerer({}),
            principals=principals_of,
            rate=Ratings(),
            bot_token=BOT_TOKEN,
            app_token=APP_TOKEN,
            api_url=server.api_url,
        )


def test_a_slack_that_cannot_be_reached_is_named_at_the_start() -> None:
    with pytest.raises(SettingsError, match=r"Slack cannot be reached at http://127\.0\.0\.1:9/"):
        SlackBot(
            ScriptedAnswerer({}),
            principals=principals_of,
            rate=Ratings(),
            bot_token=BOT_TOKEN,
            app_token=APP_TOKEN,
            api_url="http://127.0.0.1:9/api",
        )


@pytest.mark.server
def test_sigterm_lets_the_answer_in_work_finish_and_exits_with_zero() -> None:
    program = f"""
        import time
        from tests.ui.fake_answers import ScriptedAnswerer, answered
        from ui import slack

        slack.run(
            ScriptedAnswerer({{"*": [answered("Slow.", [])]}}, pause=lambda: time.sleep(0.5)),
            principals=lambda email: frozenset(),
            rate=print,
            bot_token="{BOT_TOKEN}",
            app_token="{APP_TOKEN}",
            api_url="URL",
        )
    """
    with SlackServer(users={"UANN": member("ann@fernhill.example")}) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program).replace("URL", server.api_url)],
            cwd=ROOT,
        )
        try:
            server.until(lambda: server.connections == 1, timeout_s=20)
            message = server.write("D1", "how long?", user="UANN")
            server.deliver(message | {"channel": "D1", "channel_type": "im"})
            server.until(lambda: server.thread("D1", message["ts"]))
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait()
        assert server.thread("D1", message["ts"])[0]["text"].startswith("Slow.")


def test_a_bounded_memory_forgets_the_oldest_first() -> None:
    recent = slack.Recent(2)

    assert [recent.add(name) for name in ("a", "b", "a", "c", "a")] == [
        True,
        True,
        False,
        True,
        True,
    ]


def test_one_of_many_threads_adds_a_name() -> None:
    recent, gate = slack.Recent(10), threading.Barrier(8)
    added: list[bool] = []

    def add() -> None:
        gate.wait(5)
        added.append(recent.add("a"))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(added) == [False] * 7 + [True]
