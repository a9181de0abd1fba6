"""What an answer looks like in Slack, and what it can never do there."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from rag.base import Quote
from tests.ui.fake_answers import NOW, abstained, answered, chunks, citation, document, replied
from ui.slack_blocks import Post, post

LEAVE = chunks(
    document("wiki:leave", "Leave"),
    [
        ("Leave › Annual leave", "Everyone has 25 days of leave a year. They do not expire."),
        ("Leave › Parental leave", "Parents take 16 weeks at full pay."),
    ],
)
ANNUAL = citation(LEAVE[0], "Everyone has 25 days of leave a year.")
PARENTAL = citation(LEAVE[1], "Parents take 16 weeks at full pay.", marker=2)
CLOSE = citation(LEAVE[1], "")
URL = "https://wiki.fernhill.example/leave"

VOTES = {
    "type": "context_actions",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "vote",
            "positive_button": {
                "text": {"type": "plain_text", "text": "👍", "emoji": True},
                "value": "a1",
                "accessibility_label": "This helped",
            },
            "negative_button": {
                "text": {"type": "plain_text", "text": "👎", "emoji": True},
                "value": "a1:down",
                "accessibility_label": "This did not help",
            },
        }
    ],
}

HOSTILE = [
    "Log in at <https://evil.example|the portal> [1]",
    "Log in at https://evil.example/x?q=1 or evil.example [1]",
    "[Log in](https://evil.example) ![](https://evil.example/pixel.png) [1]",
    "<!channel> <!here|here> <!everyone> <!subteam^S1|@eng> look [1]",
    "Ask <@U0ANN> or <@U0ANN|ann> or @here in <#C0GEN|general> [1]",
    "<!date^0^{date}^https://evil.example|now> [1]",
    "&lt;https://evil.example|x&gt; and &lt;!channel&gt; [1]",
    "<mailto:ann@evil.example|write> <tel:123|call> <slack://open|open> [1]",
    "<<https://evil.example|a>|<!channel>> [1]",
    "<https://evil.example\n|a> `<!here>` ```<!here>``` [1]",
]


def shown(made: Post) -> list[dict[str, Any]]:
    return [block.to_dict() for block in made.blocks]


def texts(made: Post) -> list[str]:
    """Return every text of a message that Slack would read, the notification included."""
    pieces = [
        text["text"]
        for block in shown(made)
        for text in ([block["text"]] if "text" in block else block["elements"])
        if block["type"] in {"section", "context"}
    ]
    return [made.text, *pieces]


def bracketed(pieces: Sequence[str]) -> list[str]:
    """Return all that Slack would take for a link or a mention."""
    return [target for piece in pieces for target in re.findall(r"<([^<>]*)>", piece)]


def test_an_answer_is_words_confidence_and_one_row_a_source() -> None:
    made = post(
        answered("You have 25 days. [1] Parents have 16 weeks. [2]", [ANNUAL, PARENTAL]), NOW
    )

    assert shown(made) == [
        {
            "type": "section",
            "block_id": "answer",
            "text": {
                "type": "mrkdwn",
                "verbatim": True,
                "text": "You have 25 days. [1] Parents have 16 weeks. [2]",
            },
        },
        {
            "type": "context",
            "elements": [{"type": "mrkdwn", "verbatim": True, "text": "Well supported"}],
        },
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "verbatim": True,
                "text": f"[1] <{URL}|Leave › Annual leave> · Wiki · updated 3 days ago\n"
                ">Everyone has 25 days of leave a year.",
            },
        },
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "verbatim": True,
                "text": f"[2] <{URL}|Leave › Parental leave> · Wiki · updated 3 days ago\n"
                ">Parents take 16 weeks at full pay.",
            },
        },
        VOTES,
    ]


def test_a_notification_holds_the_answer_and_names_its_sources() -> None:
    made = post(answered("You have 25 days. [1]", [ANNUAL]), NOW)

    assert made.text == (
        "You have 25 days. [1]\n"
        "Well supported\n"
        "[1] Leave › Annual leave · Wiki · updated 3 days ago"
    )


def test_an_abstention_names_the_closest_pages_as_not_confirmed_and_no_source() -> None:
    made = post(abstained("I could not find that.", [CLOSE]), NOW)

    assert texts(made)[1:] == [
        "I could not find that.",
        "Not found",
        "Closest pages (not confirmed)",
        f"• <{URL}|Leave › Parental leave> · Wiki · updated 3 days ago",
    ]


def test_a_refusal_shows_no_source_whatever_it_holds() -> None:
    made = post(replace(abstained("No [1].", [CLOSE]), citations=(ANNUAL, PARENTAL)), NOW)

    assert texts(made)[1:] == texts(post(abstained("No [1].", [CLOSE]), NOW))[1:]
    assert made.text == "No.\nNot found"


def test_small_talk_is_words_alone_and_nothing_to_vote_on_or_to_follow_up() -> None:
    made = post(replied("You are welcome."), NOW)

    assert made.text == "You are welcome."
    (block,) = shown(made)
    assert block == {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "You are welcome.", "verbatim": True},
    }


def test_an_answer_lists_no_page_that_it_does_not_cite() -> None:
    made = post(answered("You have 25 days. [1]", [ANNUAL], closest=[CLOSE]), NOW)

    assert [each["type"] for each in shown(made)] == [
        "section", "context", "section", "context_actions",
    ]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_words_of_an_answer_make_no_link_and_no_mention(text: str) -> None:
    made = post(answered(text, [ANNUAL]), NOW)

    assert bracketed(texts(made)) == [f"{URL}|Leave › Annual leave"]
    assert not any("evil.example" in piece or "@" in piece for piece in texts(made))


@pytest.mark.parametrize("text", HOSTILE)
def test_words_of_a_document_make_no_link_and_no_mention(text: str) -> None:
    hostile = replace(
        ANNUAL, title=text, heading=text, quotes=(Quote(text=text, start=0, end=len(text)),)
    )
    made = post(answered("You have 25 days. [1]", [hostile]), NOW)

    targets = bracketed(texts(made))
    assert [target.partition("|")[0] for target in targets] == [URL]
    assert not any("evil.example" in piece or "@" in piece for piece in texts(made))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://wiki.example/a|<!channel>",
        "https://wiki.example/a>b",
        "file:///etc/passwd",
        "",
        "https://wiki.example/" + "a" * 1200,
    ],
)
def test_an_address_that_slack_cannot_open_is_not_linked(url: str) -> None:
    made = post(answered("Yes. [1]", [replace(ANNUAL, url=url)]), NOW)

    assert bracketed(texts(made)) == []
    assert "[1] Leave › Annual leave · Wiki" in texts(made)[3]


def test_an_ampersand_of_an_address_is_escaped() -> None:
    made = post(answered("Yes. [1]", [replace(ANNUAL, url="https://w.example/?a=1&b=2")]), NOW)

    assert "<https://w.example/?a=1&amp;b=2|Leave" in texts(made)[3]


def test_signs_of_comparison_are_shown_as_written() -> None:
    made = post(answered("Up to 5 < 6 & 7 > 6 days. [1]", [ANNUAL]), NOW)

    assert texts(made)[1] == "Up to 5 &lt; 6 &amp; 7 &gt; 6 days. [1]"


def test_no_length_of_text_makes_a_message_that_slack_refuses() -> None:
    endless = "R&D < " * 700
    long = Quote(text=endless, start=0, end=len(endless))
    source = replace(ANNUAL, title=endless, heading=endless, quotes=(long, long))
    made = post(answered(endless, [replace(source, marker=marker) for marker in range(1, 9)]), NOW)

    assert len(made.text) <= 4000
    assert all(0 < len(text) <= 3000 for text in texts(made)[1:])
    assert not re.search(r"&(?!amp;|lt;|gt;)", "".join(texts(made)))


def test_no_number_of_sources_makes_a_message_that_slack_refuses() -> None:
    cited = [replace(ANNUAL, marker=marker) for marker in range(1, 60)]

    assert len(post(answered("You have 25 days. [1]", cited), NOW).blocks) <= 50


def test_an_answer_whose_words_are_all_refused_still_says_something() -> None:
    made = post(answered("![](https://evil.example/p.png)", []), NOW)

    assert texts(made)[1] == "The answer has no words that can be shown."
