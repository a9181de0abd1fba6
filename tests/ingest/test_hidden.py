"""What a reader does not see does not reach the index, and what is seen is not lost."""

from dataclasses import replace

import pytest

from ingest.documents import info_of
from ingest.parse import parse
from tests.ingest import hidden, test_parse_office
from tests.ingest.bombs import PDF
from tests.ingest.hidden import HIDDEN, SEEN
from tests.ingest.test_parse import document

Case = tuple[bytes | str, str]


def _cases(*, shown: bool) -> dict[str, Case]:
    html = [page.format(HIDDEN) for page in hidden.SHOWN_HTML] if shown else hidden.HTML
    page = f"<!DOCTYPE html><html><body><p>{SEEN}</p>{{}}</body></html>"
    word = hidden.SHOWN_WORD if shown else hidden.WORD
    slides = hidden.SHOWN_SLIDES if shown else hidden.SLIDES
    sheets = hidden.SHOWN_SHEETS if shown else hidden.SHEETS
    pdf = hidden.SHOWN_PDF if shown else hidden.PDF
    markdown = html if shown else hidden.MARKDOWN
    return {
        **{f"html {text}": (page.format(text), "text/html") for text in html},
        **{f"md {text}": (f"{SEEN}\n\n{text}\n", "text/markdown") for text in markdown},
        **{f"docx {one}": (hidden.word(one), test_parse_office.WORD) for one in word},
        **{f"pptx {one}": (hidden.slides(*one), test_parse_office.SLIDES) for one in slides},
        **{
            f"xlsx {i}": (hidden.sheets(one), test_parse_office.SHEETS)
            for i, one in enumerate(sheets)
        },
        **{f"pdf {one}": (hidden.pdf(one), PDF) for one in pdf},
    }


HIDES, SHOWS = _cases(shown=False), _cases(shown=True)


@pytest.mark.parametrize("case", HIDES)
def test_hidden_text_is_left_out_and_the_rest_stays(case: str) -> None:
    body, media_type = HIDES[case]
    text = parse(document(body, media_type)).text
    assert HIDDEN not in text
    assert SEEN in text


@pytest.mark.parametrize("case", SHOWS)
def test_shown_text_stays(case: str) -> None:
    body, media_type = SHOWS[case]
    text = parse(document(body, media_type)).text
    assert HIDDEN in text
    assert SEEN in text


@pytest.mark.parametrize("text", hidden.CHARACTERS.values(), ids=hidden.CHARACTERS)
@pytest.mark.parametrize("kind", ["text/plain", "text/html", "text/markdown", "text/csv", "docx"])
def test_characters_that_print_nothing_are_left_out(kind: str, text: str) -> None:
    if kind == "docx":
        found = parse(document(hidden.word("", text), test_parse_office.WORD)).text
        assert found == f"{SEEN} {SEEN}"
    else:
        assert parse(document(text, kind)).text == SEEN


@pytest.mark.parametrize("text", hidden.CHARACTERS.values(), ids=hidden.CHARACTERS)
def test_characters_that_print_nothing_are_left_out_of_a_source_s_own_title(text: str) -> None:
    named = replace(document(SEEN, "text/plain"), title=text)
    assert info_of(named, parse(named), "drive").title == SEEN


def test_white_letters_on_a_dark_shape_of_a_slide_are_text() -> None:
    white = '<a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill>'
    body = hidden.slides("", white, ground="1F3864")
    assert HIDDEN in parse(document(body, test_parse_office.SLIDES)).text
