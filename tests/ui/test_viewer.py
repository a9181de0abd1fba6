"""The page a citation without a web address leads to."""

import re
from dataclasses import replace

from tests.ui.fake_answers import NOW, chunks, document
from ui import viewer

INFO = document("wiki:leave", "Leave", url="")
LEAVE = chunks(
    INFO,
    [
        ("Leave", "Leave\n\nEveryone is entitled to leave."),
        ("Leave › Annual", "Annual\n\nEveryone has 25 days.\n\nPart-timers have fewer."),
        ("Leave › Parental", "Parents take 16 weeks."),
    ],
)


def main(body: str) -> str:
    """Return what stands in <main>, sections apart by a space."""
    inside = re.search(r"<main>(.*)</main>", body, re.DOTALL)
    assert inside is not None
    return re.sub(r"</?section>", "", inside[1])


def test_headings_are_said_once_and_in_their_level() -> None:
    assert main(viewer.page(LEAVE, None, NOW).body) == (
        '<header><h1>Leave</h1><p class="facts">Wiki · updated 3 days ago</p></header>'
        "<h2>Leave</h2><p>Everyone is entitled to leave.</p>"
        "<h3>Annual</h3><p>Everyone has 25 days.</p><p>Part-timers have fewer.</p>"
        "<h3>Parental</h3><p>Parents take 16 weeks.</p>"
    )


def test_the_quoted_stretch_is_marked_and_is_the_anchor() -> None:
    start = LEAVE[1].start + LEAVE[1].text.index("25 days")
    body = viewer.page(LEAVE, f"{start}-{start + 7}", NOW).body
    assert '<p>Everyone has <mark id="quote">25 days</mark>.</p>' in body
    assert body.count("<mark") == 1


def test_a_quote_over_two_paragraphs_has_one_anchor() -> None:
    start = LEAVE[1].start + LEAVE[1].text.index("25 days")
    end = LEAVE[1].start + LEAVE[1].text.index(" have fewer")
    body = viewer.page(LEAVE, f"{start}-{end}", NOW).body
    assert '<mark id="quote">25 days.</mark></p><p><mark>Part-timers</mark> have fewer.' in body


def test_a_quoted_heading_stays_in_sight() -> None:
    start = LEAVE[1].start
    body = viewer.page(LEAVE, f"{start}-{start + 6}", NOW).body
    assert '<h3>Annual</h3><p><mark id="quote">Annual</mark></p>' in body


def test_an_empty_stretch_opens_its_section_and_marks_nothing() -> None:
    start = LEAVE[2].start
    body = viewer.page(LEAVE, f"{start}-{start}", NOW).body
    assert '<section id="quote"><h3>Parental</h3>' in body
    assert body.count("quote") == 1
    assert "<mark" not in body


def test_what_is_no_stretch_marks_nothing() -> None:
    plain = viewer.page(LEAVE, None, NOW)
    for at in ("", "5", "9-3", "-1-4", "1-2-3", "a-b", "99999-100000", '0-1"><script>', "٣-٤٤"):
        assert viewer.page(LEAVE, at, NOW) == plain, at


def test_pages_are_named_where_they_begin() -> None:
    paged = [
        replace(
            chunk, places=tuple(replace(place, page=number, heading=()) for place in chunk.places)
        )
        for number, chunk in zip((1, 1, 2), LEAVE, strict=True)
    ]
    body = viewer.page(paged, None, NOW).body
    assert re.findall(r'<p class="page">(.*?)</p>', body) == ["Page 1", "Page 2"]


def test_text_keeps_its_offsets_whatever_lies_between_chunks() -> None:
    text = viewer.document_text([LEAVE[2], LEAVE[0], LEAVE[1]])
    assert [text[chunk.start : chunk.end] for chunk in LEAVE] == [chunk.text for chunk in LEAVE]
    assert text[LEAVE[0].end : LEAVE[1].start] == "\n\n"


def test_overlapping_chunks_are_not_read_twice() -> None:
    first = replace(LEAVE[0], text="one two", start=0, end=7)
    second = replace(LEAVE[0], text="two three", start=4, end=13)
    assert viewer.document_text([first, second]) == "one two three"


def test_one_blank_between_chunks_is_a_line_only_among_lines() -> None:
    row = replace(LEAVE[0], text="a | b\nc | d", start=0, end=11)
    next_row = replace(LEAVE[0], text="e | f", start=12, end=17)
    sentence = replace(LEAVE[0], text="One sentence.", start=0, end=13)
    next_sentence = replace(LEAVE[0], text="Another.", start=14, end=22)
    assert viewer.document_text([row, next_row]) == "a | b\nc | d\ne | f"
    assert viewer.document_text([sentence, next_sentence]) == "One sentence. Another."


def test_markup_of_a_document_is_shown_not_obeyed() -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    info = document("wiki:x", f"T{hostile}", url="javascript:alert(1)", kind="<b>")
    body = viewer.page(chunks(info, [(hostile, f"a {hostile}")]), "0-40", NOW).body
    assert re.findall(r"<(?:script|img|b)\b", body) == []
    assert "javascript:" not in body
    assert "&lt;script&gt;" in body


def test_a_web_page_can_be_opened_at_its_source() -> None:
    info = document("wiki:x", "X", url="https://wiki.fernhill.example/x?a=1&b=2")
    body = viewer.page(chunks(info, [("", "x")]), None, NOW).body
    assert 'href="https://wiki.fernhill.example/x?a=1&amp;b=2" rel="noopener noreferrer"' in body


def test_no_chunks_are_a_404_that_names_nothing() -> None:
    missing = viewer.page([], "1-2", NOW)
    assert missing.status == 404
    assert "no such document, or you may not open it" in missing.body


def test_the_page_may_load_nothing_and_run_nothing() -> None:
    policy = viewer.page(LEAVE, None, NOW).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
