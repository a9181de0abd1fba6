"""Conversations and evidence as HTML: what is marked, linked and escaped."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from rag.base import Quote
from tests.ui.fake_answers import NOW, abstained, answered, chunks, citation, document, hit, replied
from tests.ui.test_render import HOSTILE
from ui import page
from ui.conversation import Turn

LEAVE = chunks(
    document("wiki:leave", "Leave"),
    [("Annual leave", "Annual leave\n\nEveryone has 25 days. They do not expire. Ask Marta.")],
)
PAY = chunks(document("files:pay.pdf", "Pay", kind="drive", url=""), [("", "Paid on the 25th.")])
FIRST = citation(LEAVE[0], "Everyone has 25 days.")
CLOSE = citation(PAY[0], "")
ANSWER = answered("25 days. [1]", [FIRST], [CLOSE])


class Tags(HTMLParser):
    """Collects every tag with its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def without_chips(self) -> list[str]:
        """Return the tags but for line ends and the [n] that a text may hold."""
        own = [(tag, str(attributes.get("class"))) for tag, attributes in self.tags]
        return [tag for tag, kind in own if tag != "br" and not kind.startswith("chip")]

    def values(self, name: str) -> list[str | None]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def test_a_marker_is_a_button_to_its_source() -> None:
    shown = page.turns([Turn("x", failure="y"), Turn("How many?", ANSWER)], NOW)
    assert (
        'days.<button type="button" class="chip" data-turn="2" data-source="1"'
        ' title="Leave › Annual leave" aria-label="Source 1: Leave › Annual leave">1</button>'
    ) in shown
    assert "Well supported" in shown


@pytest.mark.parametrize(
    ("quoted", "mail"),
    [("Mail it@fernhill.example.", "it@fernhill.example"), ("Mail IT.", "(address removed)")],
)
def test_an_address_that_its_source_holds_can_be_read_and_none_is_a_link(
    quoted: str, mail: str
) -> None:
    source = replace(FIRST, quotes=(Quote(quoted, 0, len(quoted)),))
    text = "Mail it@fernhill.example or see https://it.fernhill.example/a. [1]"
    shown = page.turn(Turn("Who?", answered(text, [source])), 1, NOW)
    assert f"<p>Mail {mail} or see it.fernhill.example/a.<button" in shown
    assert "href" not in shown


def test_a_source_is_an_open_fold_with_its_quote_marked() -> None:
    shown = page.evidence([Turn("How many?", ANSWER)], NOW, active=True)
    assert '<section class="sources active" data-turn="1">' in shown
    assert '<details class="source" open data-turn="1" data-source="1">' in shown
    assert (
        "<blockquote><mark>Everyone has 25 days.</mark> They do not expire. Ask Marta.</blockquote>"
    ) in shown
    assert "Wiki · updated 3 days ago" in shown


def test_other_close_sources_are_folded_and_not_confirmed() -> None:
    shown = page.evidence([Turn("How many?", ANSWER)], NOW, active=True)
    assert '<details class="also"><summary>Also found <i>not confirmed</i></summary>' in shown
    assert shown.count("<mark>") == 1


def test_only_the_last_turn_is_in_sight_and_none_while_another_is_answered() -> None:
    turns = [Turn("a", ANSWER), Turn("b", ANSWER)]
    assert page.evidence(turns, NOW, active=True).count("sources active") == 1
    assert 'active" data-turn="2"' in page.evidence(turns, NOW, active=True)
    assert "active" not in page.evidence(turns, NOW, active=False)


def test_an_abstention_shows_three_pages_and_nothing_like_a_citation() -> None:
    answer = abstained("I did not find it [1].", [CLOSE] * 5)
    shown = page.turn(Turn("Why?", answer), 1, NOW)
    assert shown.count('class="card"') == 3
    assert "not confirmed" in shown
    assert re.search(r"\[\d|chip|<mark|blockquote", shown) is None
    assert "No sources" in page.evidence([Turn("Why?", answer)], NOW, active=True)


def test_a_refusal_shows_no_source_whatever_it_holds() -> None:
    refused = abstained("I did not find it.", [CLOSE])
    held = replace(refused, citations=ANSWER.citations)
    assert page.turn(Turn("Why?", held), 1, NOW) == page.turn(Turn("Why?", refused), 1, NOW)
    assert "No sources" in page.evidence([Turn("Why?", held)], NOW, active=True)


def test_small_talk_has_neither_confidence_nor_votes_nor_sources() -> None:
    turn = Turn("thanks", replied("You are <welcome>."))
    assert page.turn(turn, 1, NOW) == (
        '<article class="turn"><h2 class="question">thanks</h2>'
        '<div class="answer"><p>You are ‹welcome›.</p></div></article>'
    )
    assert "No sources" in page.evidence([turn], NOW, active=True)


def test_links_lead_to_the_web_page_or_to_the_viewer() -> None:
    tags = Tags(page.evidence([Turn("How many?", ANSWER)], NOW, active=True))
    assert tags.values("href") == [
        "https://wiki.fernhill.example/leave",
        "/document/files:pay.pdf?at=0-0#quote",
    ]
    assert set(tags.values("rel")) == {"noopener noreferrer"}


def test_a_failure_is_said() -> None:
    shown = page.turn(Turn("Why?", failure="It <broke>."), 1, NOW)
    assert '<div class="failure" role="alert">It &lt;broke&gt;.</div>' in shown


def test_work_is_told_step_by_step() -> None:
    hits = [hit(LEAVE[0]), hit(LEAVE[0]), hit(PAY[0])]
    assert "Searching the pages you may read…" in page.working("q", None, "")
    assert "Reading 2 pages…" in page.working("q", hits, "")
    assert "Reading 1 page…" in page.working("q", hits[:2], "")
    assert "Nothing found yet…" in page.working("q", [], "")
    assert '25 days.<span class="chip waiting">1</span>' in page.working("q", hits, "25 days. [1]")


def test_what_was_found_is_shown_once_a_document_and_without_marks() -> None:
    shown = page.found([hit(LEAVE[0]), hit(LEAVE[0]), hit(PAY[0])], NOW)
    assert shown.count('class="card"') == 2
    assert "<mark" not in shown


def long_citation(quoted: str) -> str:
    words = " ".join(f"w{number}" for number in range(400))
    (chunk,) = chunks(document("wiki:w", "W"), [("", words)])
    return page.excerpt(citation(chunk, quoted))


def test_a_long_passage_is_cut_between_words_around_its_quote() -> None:
    excerpt = long_citation("w200 w201")
    assert excerpt.startswith("… w")
    assert excerpt.endswith(" …")
    assert "<mark>w200 w201</mark>" in excerpt
    inside = re.sub(r"</?mark>", "", excerpt).removeprefix("… ").removesuffix(" …").split()
    assert inside == [f"w{number}" for number in range(int(inside[0][1:]), int(inside[-1][1:]) + 1)]
    assert 600 < len(excerpt) < 700


def test_an_excerpt_at_either_end_is_not_cut_there() -> None:
    assert long_citation("w0 w1").startswith("<mark>w0 w1</mark>")
    assert long_citation("w398 w399").endswith("<mark>w398 w399</mark>")


def test_quotes_that_touch_or_overlap_are_marked_once() -> None:
    passage = Quote("abcdef", 10, 16)
    quotes = [Quote("cd", 12, 14), Quote("bc", 11, 13), Quote("ef", 14, 16)]
    assert page.marked(passage, quotes, 10, 16) == ("a<mark>bc</mark><mark>d</mark><mark>ef</mark>")


def test_a_quoted_heading_is_not_left_out() -> None:
    assert page.excerpt(citation(LEAVE[0], "Annual leave")).startswith("<mark>Annual leave</mark>")


@pytest.mark.parametrize("hostile", [hostile for hostile, _ in HOSTILE])
def test_hostile_text_adds_no_tag_and_no_link(hostile: str) -> None:
    benign = tags_of("harmless")
    shown = tags_of(hostile)
    assert shown.without_chips() == benign.without_chips()
    assert shown.values("href") == benign.values("href")
    assert shown.values("src") == []
    assert [name for _, attributes in shown.tags for name in attributes if name[:2] == "on"] == []


def tags_of(text: str) -> Tags:
    """Return the page with a text in every place that text comes from elsewhere."""
    info = document("wiki:x", f"T{text}", url=f"x:{text}", kind=text)
    (chunk,) = chunks(info, [(f"h{text}", f"a {text} z")])
    source = replace(citation(chunk, "a"), quotes=(Quote(chunk.text, 0, chunk.end),))
    turns = [
        Turn(text, answered(f"{text} a. [1]", [source], [citation(chunk, "")])),
        Turn(text, abstained(text, [citation(chunk, "")])),
        Turn(text, failure=text),
    ]
    whole = page.turns(turns, NOW) + page.evidence(turns, NOW, active=True)
    whole += page.working(text, [hit(chunk)], text + "x") + page.found([hit(chunk)], NOW)
    return Tags(re.sub(r"at=\d+-\d+", "at=3-4", whole))  # offsets differ with the length
