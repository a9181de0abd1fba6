from time import perf_counter

import pytest

from connectors.slack_text import Names, Raw, markup_of, plain, says_nothing

NAMES = Names({"U1": "Ann Lee", "W2": "Bo"}, {"C1": "general"})


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<@U1> and <@W2>: hello", "@Ann Lee and @Bo: hello"),
        ("<@U9> <@U8|zoe>", "@U9 @zoe"),
        ("<#C1|old-name> <#C1> <#C1|> <#C9>", "#old-name #general #general #C9"),
        ("<!here> <!channel> <!everyone|everyone>", "@here @channel @everyone"),
        ("<!subteam^S1|@helpdesk> <!date^1^{date}|1 May>", "@helpdesk 1 May"),
        ("see <https://a.example/x_y_z>", "see https://a.example/x_y_z"),
        ("<https://a.example/form|the form>.", "the form (https://a.example/form)."),
        ("<http://a.example|a.example>", "http://a.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("<tel:+3212345|+3212345>", "+3212345"),
        ("a &lt;b&gt; &amp;amp; &amp;lt;", "a <b> &amp; &lt;"),
        ("x <> y", "x <> y"),
        ("  first  \n\nsecond ", "first\n\nsecond"),
    ],
)
def test_mentions_links_and_entities_become_what_people_see(markup: str, text: str) -> None:
    assert plain(markup, NAMES) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("*bold*, _it_ and *_both_*", "bold, it and both"),
        ("*<https://a.example/_x_|the _plan_>*", "the _plan_ (https://a.example/_x_)"),
        ("2*3*4 and snake_case_name and __init__", "2*3*4 and snake_case_name and __init__"),
        ("* a point\n* another", "* a point\n* another"),
        ("`rm *.o *.a` and ```_x_\n*y*```", "`rm *.o *.a` and ```_x_\n*y*```"),
        ("`curl <https://a.example>`", "`curl https://a.example`"),
        ("~Room 3~ Room 4", "~Room 3~ Room 4"),
    ],
)
def test_emphasis_loses_its_markers_and_nothing_else_does(markup: str, text: str) -> None:
    assert plain(markup, NAMES) == text


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        (":tada: :+1::skin-tone-3:", True),
        ("???", True),
        ("", True),
        ("+1", False),
        ("done :tada:", False),
        ("好的", False),
        ("10:30:45", False),
    ],
)
def test_only_emoji_and_signs_say_nothing(text: str, nothing: bool) -> None:
    assert says_nothing(text) is nothing


def test_blocks_become_the_text_they_show() -> None:
    blocks: list[Raw] = [
        {"type": "header", "text": {"type": "plain_text", "text": "Release 2026.4"}},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*Live* since <!date^1^x|noon>"},
            "fields": [{"type": "mrkdwn", "text": "Owner: <@U1>"}],
        },
        {"type": "divider"},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "user", "user_id": "W2"},
                        {"type": "text", "text": " wrote a < b in "},
                        {"type": "channel", "channel_id": "C1"},
                        {"type": "text", "text": ", see "},
                        {"type": "link", "url": "https://a.example", "text": "notes"},
                    ],
                },
                {
                    "type": "rich_text_list",
                    "elements": [
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "text", "text": "one"}],
                        },
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "emoji", "name": "tada"}],
                        },
                    ],
                },
            ],
        },
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "for <!here>"}]},
    ]
    assert plain(markup_of(blocks), NAMES) == (
        "Release 2026.4\n"
        "Live since noon\n"
        "Owner: @Ann Lee\n"
        "@Bo wrote a < b in #general, see notes (https://a.example)\n"
        "one\n"
        ":tada:\n"
        "for @here"
    )


@pytest.mark.parametrize("unit", ["*a ", " *a", "* ", "*", "*<a", "<", "`", "```", "_*x "])
def test_no_long_message_takes_long(unit: str) -> None:
    started = perf_counter()
    plain(unit * 10_000, NAMES)
    assert perf_counter() - started < 3
