"""Which messages the Slack bot answers, whom it refuses, and what it knows of a thread."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from rag.base import Question
from tests.ui.slack_server import BOT_USER, TEAM, Fault, Json
from tests.ui.slack_workspace import DAYS, EVERYONE, Workspace, opened
from ui import slack, slack_events
from ui.slack_events import Home

HOME = Home(bot_user=BOT_USER, team=TEAM, enterprise=None)


@pytest.fixture(scope="module")
def connected() -> Iterator[Workspace]:
    with opened() as workspace:
        yield workspace


@pytest.fixture
def workspace(connected: Workspace) -> Workspace:
    connected.start()
    return connected


@pytest.mark.parametrize(
    "fields",
    [
        {"bot_id": "B0OTHER"},
        {"bot_id": "B0OTHER", "subtype": "bot_message"},
        {"user": BOT_USER},
        {"edited": {"user": "UANN", "ts": "1795255300.000001"}},
        {"subtype": "message_changed", "message": {"text": "how many days?"}},
        {"subtype": "message_deleted"},
        {"subtype": "channel_join"},
    ],
)
def test_bots_and_edits_are_ignored(workspace: Workspace, fields: Json) -> None:
    message = workspace.write("how many days?", user="UANN")
    workspace.deliver(message | fields, kind="im")
    workspace.settled()

    assert workspace.shown(message) == []


def test_talk_in_a_channel_is_not_answered(workspace: Workspace) -> None:
    message = workspace.say("how many days?")
    workspace.settled()

    assert workspace.shown(message) == []


@pytest.mark.parametrize("user", ["UGUEST", "USINGLE", "USTRANGER", "UOTHER", "UNOBODY"])
def test_guests_and_people_of_other_companies_are_refused(workspace: Workspace, user: str) -> None:
    in_channel = workspace.mention("how many days?", user=user)
    in_private = workspace.direct("how many days?", user=user)

    assert workspace.reply(in_channel)["text"] == slack.OUTSIDER
    assert workspace.reply(in_private)["text"] == slack.OUTSIDER
    assert workspace.asked == []


def test_a_guest_stays_refused_while_slack_does_not_tell(workspace: Workspace) -> None:
    workspace.reply(workspace.direct("how many days?", user="UGUEST"))
    workspace.later += timedelta(minutes=6)
    workspace.server.faults["users.info"] = Fault(status=500, times=9)

    message = workspace.direct("and now?", user="UGUEST")
    assert workspace.reply(message)["text"] == slack.OUTSIDER


def test_a_channel_shared_with_another_company_gets_no_answer(workspace: Workspace) -> None:
    message = workspace.write(f"<@{BOT_USER}> how many days?")
    workspace.deliver(message | {"type": "app_mention"}, kind="channel", is_ext_shared_channel=True)

    assert workspace.reply(message)["text"] == slack.SHARED_CHANNEL
    assert workspace.asked == []


def test_a_question_that_is_only_an_image_is_told_so(workspace: Workspace) -> None:
    picture: Json = {"subtype": "file_share", "files": [{"id": "F1", "mimetype": "image/png"}]}
    message = workspace.direct("", **picture)

    assert workspace.reply(message)["text"].startswith("I cannot read images")
    assert workspace.asked == []


def test_a_question_beside_an_image_is_answered(workspace: Workspace) -> None:
    picture: Json = {"subtype": "file_share", "files": [{"id": "F1", "mimetype": "image/png"}]}
    workspace.reply(workspace.direct("how many days?", **picture))

    assert workspace.asked[0].text == "how many days?"


def test_a_mention_without_words_is_invited_to_ask(workspace: Workspace) -> None:
    assert workspace.reply(workspace.mention(""))["text"] == slack.NO_QUESTION


def test_a_follow_up_needs_no_mention_and_knows_what_was_said(workspace: Workspace) -> None:
    first = workspace.mention("how many days off?")
    workspace.reply(first)
    second = workspace.say("and for Leeds &amp; Porto?", thread_ts=first["ts"], user="UBOB")

    workspace.reply(second, count=2)
    assert workspace.asked[1] == Question(
        "and for Leeds & Porto?", EVERYONE, (("how many days off?", ""),)
    )


def test_a_follow_up_in_a_direct_message_knows_what_was_said(workspace: Workspace) -> None:
    first = workspace.direct("how many days off?")
    workspace.reply(first)
    workspace.reply(workspace.direct("and in Leeds?", thread_ts=first["ts"]), count=2)

    assert workspace.asked[1].history == (("how many days off?", ""),)


def test_a_failure_is_no_part_of_what_was_said(workspace: Workspace) -> None:
    workspace.answers(RuntimeError("broken"))
    first = workspace.mention("how many days off?")
    workspace.reply(first)
    workspace.answers(DAYS)
    workspace.reply(workspace.say("how many now?", thread_ts=first["ts"]), count=2)

    assert workspace.asked[0] == Question("how many now?", EVERYONE, ())


def test_a_long_thread_is_read_to_its_end(workspace: Workspace) -> None:
    workspace.server.page_size = 3
    try:
        first = workspace.mention("how many days off?")
        workspace.reply(first)
        for index in range(5):
            workspace.write(f"chat {index}", thread_ts=first["ts"], user="UBOB")
        workspace.reply(workspace.mention("and in Leeds?", thread_ts=first["ts"]), count=2)
        workspace.reply(workspace.mention("and in Porto?", thread_ts=first["ts"]), count=3)
    finally:
        workspace.server.page_size = 200

    assert workspace.asked[2].history == (
        ("how many days off?", ""),
        ("and in Leeds?", ""),
    )


@pytest.mark.parametrize("tag", ["<@UBOB>", "<@UBOB|bob>", "<!here>", "<!subteam^S1|@hr>"])
def test_a_follow_up_that_names_somebody_else_is_left_to_them(
    workspace: Workspace, tag: str
) -> None:
    first = workspace.mention("how many days off?")
    workspace.reply(first)
    workspace.say(f"{tag} is that so?", thread_ts=first["ts"])
    workspace.settled()

    assert len(workspace.shown(first)) == 1


def test_a_thread_without_the_bot_is_read_once_and_left_alone(workspace: Workspace) -> None:
    first = workspace.write("who has the key?", user="UBOB")
    for text in ("me", "thanks", "welcome"):
        workspace.say(text, thread_ts=first["ts"])
        workspace.settled()

    assert workspace.shown(first) == []
    read = [call.arguments["ts"] for call in workspace.server.calls if "replies" in call.method]
    assert read == [first["ts"]]


def test_a_bot_called_into_a_thread_of_others_stays_for_follow_ups(workspace: Workspace) -> None:
    first = workspace.write("how many days do we get?", user="UBOB")
    workspace.say("no idea", thread_ts=first["ts"])
    workspace.settled()
    workspace.reply(workspace.mention("how many days?", thread_ts=first["ts"]))
    workspace.reply(workspace.say("and in Leeds?", thread_ts=first["ts"]), count=2)

    assert [question.text for question in workspace.asked[-2:]] == [
        "how many days?",
        "and in Leeds?",
    ]


def test_a_guest_talking_in_a_thread_is_not_told_off(workspace: Workspace) -> None:
    first = workspace.mention("how many days off?")
    workspace.reply(first)
    workspace.say("lucky you", thread_ts=first["ts"], user="UGUEST")
    workspace.settled()

    assert len(workspace.shown(first)) == 1


def spoken(ts: str, user: str, text: str) -> Json:
    return {"ts": ts, "user": user, "text": text}


def replied(ts: str, text: str) -> Json:
    """Return an answer of the bot, as conversations.replies gives it."""
    section = {"type": "section", "block_id": "answer", "text": {"type": "mrkdwn", "text": text}}
    source = {"type": "section", "text": {"type": "mrkdwn", "text": "[1] a page"}}
    return {"ts": ts, "user": BOT_USER, "text": "…", "blocks": [section, source]}


def test_what_was_said_ends_at_the_question() -> None:
    thread = [
        spoken("1.1", "UANN", "one?"),
        replied("1.2", "First."),
        spoken("1.3", "UANN", "two?"),
        spoken("1.4", "UANN", "three?"),
        replied("1.5", "Third."),
    ]

    assert slack_events.history(thread, "1.3", HOME) == (("one?", ""),)


def test_an_answer_belongs_to_the_last_question_before_it() -> None:
    thread = [
        spoken("1.1", "UBOB", "who knows?"),
        spoken("1.2", "UANN", f"<@{BOT_USER}> do you?"),
        replied("1.3", "I &amp; you. [1]"),
        replied("1.4", "Said to nobody."),
        spoken("1.5", "UBOB", "thanks"),
        {"ts": "1.6", "user": BOT_USER, "text": slack.FAILED, "blocks": []},
    ]

    assert slack_events.history(thread, "1.7", HOME) == (("do you?", ""),)


def test_a_block_that_is_no_answer_is_not_taken_for_one() -> None:
    other = {"type": "section", "block_id": "x1", "text": {"type": "mrkdwn", "text": "Hello."}}
    thread = [spoken("1.1", "UANN", "one?"), {**replied("1.2", ""), "blocks": [other]}]

    assert slack_events.history(thread, "1.3", HOME) == ()


def test_only_the_last_turns_of_a_long_thread_are_remembered() -> None:
    thread = [
        each
        for turn in range(10, 20)
        for each in (spoken(f"{turn}.1", "UANN", f"q{turn}"), replied(f"{turn}.2", f"a{turn}"))
    ]

    assert slack_events.history(thread, "99.1", HOME) == tuple(
        (f"q{turn}", "") for turn in range(16, 20)
    )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (f"<@{BOT_USER}> hello <@{BOT_USER}|footnote>", "hello"),
        ("what does <@UBOB> do? and <@UANN|ann>?", "what does do? and ann?"),
        ("see <#C1|general> and <#C2>", "see general and"),
        ("<https://w.example/a|the page>, <https://w.example/b>", "the page, https://w.example/b"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<!here> <!subteam^S1|@hr> <!date^1^{date}|today>", "@hr today"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2, written &amp;lt;", "1 < 2 && 3 > 2, written &lt;"),
        ("two\nlines", "two lines"),
    ],
)
def test_markup_is_read_as_words(source: str, words: str) -> None:
    assert slack_events.plain(source, BOT_USER) == words


@pytest.mark.parametrize(
    ("user", "outsider"),
    [
        ({"team_id": TEAM}, False),
        ({"team_id": "T0SISTER", "enterprise_user": {"enterprise_id": "E1"}}, False),
        ({"team_id": "T0SISTER", "enterprise_user": {"enterprise_id": "E2"}}, True),
        ({"team_id": "T0SISTER"}, True),
        ({}, True),
        ({"team_id": TEAM, "deleted": True}, True),
    ],
)
def test_a_colleague_is_of_the_workspace_or_of_its_enterprise(user: Json, outsider: bool) -> None:
    home = Home(bot_user=BOT_USER, team=TEAM, enterprise="E1")

    assert slack_events.person(user, home).outsider is outsider
