"""The output gate on every surface, with a model that writes whatever hidden text demands."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rag.base import Answer, Quote
from tests.ui.fake_answers import NOW, abstained, answered, chunks, citation, document
from tests.ui.inert import (
    PAGE_TAGS,
    VIEWER_TAGS,
    Markup,
    is_only_words,
    slack_links,
    slack_texts,
    slack_words,
)
from tests.ui.payloads import payloads
from ui import page, slack_blocks
from ui.conversation import Turn
from ui.gate import ADDRESS_REMOVED, gated
from ui.render import answer_text, quote_text, to_json, to_terminal
from ui.viewer import page as viewer_page

OWN = "https://wiki.fernhill.example/leave"
LEAVE = chunks(document("wiki:leave", "Leave"), [("Leave", "Everyone has 25 days of leave.")])
SOURCE = citation(LEAVE[0], "Everyone has 25 days of leave.")
PAYLOADS = list(payloads())


def hostile(payload: str) -> Iterator[Answer]:
    """Yield answers whose every word is the payload: the model obeyed, and so did the author."""
    spoiled = replace(
        SOURCE,
        title=payload,
        heading=payload,
        kind=payload,
        quotes=(Quote(payload, 0, len(payload)),),
        passage=Quote(payload, 0, len(payload)),
    )
    yield answered(payload, [replace(spoiled, quotes=SOURCE.quotes)], [spoiled])
    yield answered(payload, [spoiled])  # its mail address stands in its quote, and is but words
    yield abstained(payload, [spoiled])


HOSTILE = [(payload, answer) for payload in PAYLOADS for answer in hostile(payload)]


def test_there_are_three_hundred_payloads() -> None:
    assert len(set(PAYLOADS)) >= 300


def test_the_web_page_holds_no_foreign_link_image_or_tag() -> None:
    for payload, answer in HOSTILE:
        turns = [Turn(payload, answer)]
        shown = page.turns(turns, NOW) + page.evidence(turns, NOW, active=True)
        shown += page.working(payload, None, payload)
        found = Markup(shown)
        assert found.tags <= PAGE_TAGS
        assert found.links <= {OWN}
        assert found.handlers == set()


def test_the_viewer_shows_a_hostile_document_as_text() -> None:
    for payload in PAYLOADS:
        info = document("wiki:leave", payload)
        found = Markup(viewer_page(chunks(info, [(payload, payload)]), "0-9", NOW).body)
        assert found.tags <= VIEWER_TAGS
        assert found.links <= {OWN}
        assert found.handlers == set()


def test_slack_holds_no_foreign_link_or_mention() -> None:
    for _, answer in HOSTILE:
        texts = slack_texts(slack_blocks.post(answer, NOW))
        assert len(texts) >= 3
        for text in texts:
            assert slack_links(text) <= {OWN}
            assert is_only_words(slack_words(text), answer), text


def test_the_terminal_and_json_hold_only_words() -> None:
    for _, answer in HOSTILE:
        printed = to_terminal(answer, NOW).replace(OWN, "")
        assert is_only_words(printed, answer), printed
        shape = json.loads(json.dumps(to_json(answer)))
        cited = [*shape["citations"], *shape["closest"]]
        assert {each["url"] for each in cited} == {OWN}
        for words in [shape["text"], *(each[k] for each in cited for k in ("title", "heading"))]:
            assert is_only_words(words, answer), words


MAIL = chunks(document("wiki:it", "IT"), [("IT", "Write to it-desk@fernhill.example, or call.")])
DESK = citation(MAIL[0], "Write to it-desk@fernhill.example, or call.")


def test_a_mail_address_of_the_quote_is_shown_as_it_is() -> None:
    answer = answered("Write to it-desk@fernhill.example. [1]", [DESK])
    assert answer_text(answer) == "Write to it-desk@fernhill.example. [1]"
    assert "“Write to it-desk@fernhill.example, or call.”" in to_terminal(answer, NOW)
    assert "Write to it-desk@fernhill.example. [1]" in slack_blocks.post(answer, NOW).text


def test_a_mail_address_of_the_quote_is_no_link() -> None:
    answer = answered("Write to it-desk@fernhill.example. [1]", [DESK])
    shown = page.turns([Turn("?", answer)], NOW)
    assert "it-desk@fernhill.example" in shown
    assert Markup(shown).links == set()
    assert "mailto" not in json.dumps([b.to_dict() for b in slack_blocks.post(answer, NOW).blocks])


@pytest.mark.parametrize(
    "address",
    [
        "hr@evil.example",
        "it-desk@fernhill.example.evil.example",
        "it-desk@fernhіll.example",  # a Cyrillic i
        "xit-desk@fernhill.example",
        "IT-DESK@fernhill.example",
        "it-desk＠fernhill.example",
        "it-desk@fernhill",
        "it-desk&#64;evil.example",
        "it-desk@\u200bevil.example",
    ],
)
def test_a_mail_address_that_the_quote_lacks_never_passes(address: str) -> None:
    shown = answer_text(answered(f"Write to {address} now. [1]", [DESK]))
    assert shown == f"Write to {ADDRESS_REMOVED} now. [1]"


def test_an_answer_without_citations_gives_no_address() -> None:
    assert gated("Mail hr@fernhill.example", []) == f"Mail {ADDRESS_REMOVED}"


def test_a_quote_keeps_its_own_addresses_and_no_links() -> None:
    quote = Quote("See [x](https://evil.example) or it@fernhill.example", 0, 9)
    assert quote_text(quote) == "See x or it@fernhill.example"
