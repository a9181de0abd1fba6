from collections.abc import Sequence

import pytest

from ingest.base import Parsed
from ingest.parse import parse
from tests.ingest.test_parse import document, refusal, stretches

LINE = 14  # points from line to line
SIZE = 12

# A picture of one grey dot, drawn over most of the page: what a scan is to a reader.
PICTURE = "q 500 0 0 700 50 50 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q"


def at(x: float, y: float, text: str, *, size: float = SIZE, before: str = "") -> str:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT {before} /F1 {size} Tf {x} {y} Td ({escaped}) Tj ET"


def lines(*texts: str, x: float = 72, top: float = 700) -> str:
    return "\n".join(at(x, top - i * LINE, text) for i, text in enumerate(texts))


def pdf(pages: Sequence[str], *, title: str = "", rotate: int = 0, encrypt: bool = False) -> bytes:
    """Return a minimal PDF file: a content stream for every page, one font, one table."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for i, content in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Rotate {rotate}"
            f" /Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * i} 0 R >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    objects.append(f"<< /Title ({title}) >>")
    trailer = f"/Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R"
    if encrypt:
        trailer += f" /ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'11' * 32}>"
        trailer += f" /U <{'22' * 32}> >>"
    out = "%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    start = out.index("xref\n0")
    return (out + f"trailer << {trailer} >>\nstartxref\n{start}\n%%EOF").encode("latin-1")


def read(*pages: str, title: str = "", rotate: int = 0) -> Parsed:
    return parse(document(pdf(pages, title=title, rotate=rotate), "application/pdf"))


# --- pages ---


def test_a_page_is_a_place_with_its_number_and_address() -> None:
    parsed = read(lines("First page."), "", lines("Third page."))
    assert stretches(parsed) == ["First page.\n\n", "Third page."]
    assert [place.page for place in parsed.places] == [1, 3]
    assert [place.url for place in parsed.places] == [
        "https://wiki.fernhill.example/time-off#page=1",
        "https://wiki.fernhill.example/time-off#page=3",
    ]


def test_a_pdf_served_as_bytes_is_read() -> None:
    body = pdf([lines("Hello there.")])
    assert parse(document(body, "application/octet-stream")).text == "Hello there."


def test_a_sentence_over_the_end_of_a_page_is_one() -> None:
    first = lines("Everyone who works in Ghent or in Leeds has a right to the days that")
    parsed = read(first, lines("were not taken. Ask."))
    assert parsed.text.endswith("the days that were not taken. Ask.")
    assert parsed.text[parsed.places[1].start :] == "were not taken. Ask."


def test_a_page_that_is_shown_turned_is_read_in_order() -> None:
    # A line of text that runs up the sheet runs from left to right once it is turned clockwise.
    turned = "\n".join(
        f"BT /F1 12 Tf 0 1 -1 0 {100 + i * LINE} 100 Tm ({text}) Tj ET"
        for i, text in enumerate(["This is the first line and it is long,", "this is the second."])
    )
    assert read(turned, rotate=90).text == (
        "This is the first line and it is long, this is the second."
    )


def test_the_title_in_the_properties_counts_only_if_it_is_printed() -> None:
    assert read(lines("Leave policy", "for all"), title="Leave Policy").title == "Leave Policy"
    assert read(lines("Leave policy"), title="Microsoft Word - x").title is None
    assert read(lines("leave.docx"), title="leave.docx").title is None


def test_ligatures_of_old_fonts_are_spelt_out() -> None:
    assert read(lines("an o\x1ece")).text == "an office"


# --- paragraphs ---


def test_lines_of_a_paragraph_are_joined_and_short_last_lines_end_it() -> None:
    text = lines(
        "Everyone may take up to thirty two days of leave in a calendar year,",
        "and five of them may be moved to the next year if the lead agrees to",
        "it in time.",
        "Requests go to the lead of the team at least two weeks before the day,",
        "in Paylane.",
    )
    assert read(text).text == (
        "Everyone may take up to thirty two days of leave in a calendar year,"
        " and five of them may be moved to the next year if the lead agrees to it in time.\n\n"
        "Requests go to the lead of the team at least two weeks before the day, in Paylane."
    )


def test_a_heading_in_larger_letters_stands_apart() -> None:
    page = at(72, 720, "Leave", size=20) + "\n" + lines("Everyone has a right to leave.")
    assert read(page).text == "Leave\n\nEveryone has a right to leave."


def test_a_gap_between_lines_parts_paragraphs() -> None:
    page = lines("One line that is long enough,") + "\n" + lines("another one below it", top=660)
    assert read(page).text == "One line that is long enough,\n\nanother one below it"


def test_a_word_cut_at_the_end_of_a_line_is_whole_again() -> None:
    text = lines("The gateway is configured by a respon-", "sible colleague of the cloud team.")
    assert read(text).text == (
        "The gateway is configured by a responsible colleague of the cloud team."
    )


def test_a_hyphen_that_belongs_to_the_word_stays() -> None:
    text = lines("A long-term plan is made for each of the long-", "term goals that we have.")
    assert (
        read(text).text == "A long-term plan is made for each of the long-term goals that we have."
    )


def test_items_of_a_list_stay_on_lines_of_their_own() -> None:
    text = lines("Please bring:", "\x95 a badge", "\x95 a laptop", "1. Sign in.", "2. Sit down.")
    assert read(text).text == "Please bring:\n\n- a badge\n- a laptop\n1. Sign in.\n2. Sit down."


def test_the_cells_of_a_row_are_kept_apart() -> None:
    rows = [("City", "Rate", "Days"), ("Ghent", "140", "3"), ("Porto", "110", "5")]
    page = "\n".join(
        at(72 + 150 * column, 700 - 20 * row, cell)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    )
    assert read(page).text == "City | Rate | Days\nGhent | 140 | 3\nPorto | 110 | 5"


def test_columns_are_read_one_after_the_other() -> None:
    left = lines("The left column begins here and it", "ends here.", x=60)
    right = lines("The right column begins here and it", "ends there.", x=330)
    assert read(left + "\n" + right).text == (
        "The left column begins here and it ends here.\n\n"
        "The right column begins here and it ends there."
    )


def test_running_heads_and_feet_are_dropped_from_four_pages_on() -> None:
    def page(number: int) -> str:
        head, foot = at(72, 760, "Fernhill handbook"), at(300, 30, f"Page {number} of 4")
        return "\n".join([head, lines(f"Chapter {'abcd'[number - 1]} is about something."), foot])

    four = [page(number) for number in range(1, 5)]
    assert read(*four).text == "\n\n".join(
        f"Chapter {letter} is about something." for letter in "abcd"
    )
    assert "Fernhill handbook" in read(*four[:3]).text


# --- what is hidden ---


@pytest.mark.parametrize(
    "hidden",
    [
        at(72, 600, "obey", before="1 g"),
        at(72, 600, "obey", before="3 Tr"),
        at(72, 600, "obey", size=0.5),
        at(700, 600, "obey"),
        at(72, -40, "obey"),
    ],
)
def test_letters_that_cannot_be_seen_are_not_text(hidden: str) -> None:
    assert read(lines("Before.") + "\n" + hidden).text == "Before."


def test_white_letters_on_a_dark_ground_are_text() -> None:
    ground = "0 0 0.5 rg 60 590 200 30 re f"
    page = "\n".join([lines("Before."), ground, at(72, 600, "Seen.", before="1 g")])
    assert read(page).text == "Before.\n\nSeen."


def test_what_ocr_laid_over_a_picture_is_text() -> None:
    page = PICTURE + "\n" + at(72, 600, "This was recognised in the scan.", before="3 Tr")
    assert read(page).text == "This was recognised in the scan."


# --- what is refused ---


def test_a_scan_without_text_needs_ocr() -> None:
    error = refusal(document(pdf([PICTURE, PICTURE + at(300, 30, "2")]), "application/pdf"))
    assert error.code == "needs-ocr"
    assert str(error) == (
        "'Time off' (wiki:7) was left out: its 2 pages hold no text: it looks like a scan."
        " Install OCR or upload a text version."
    )


def test_a_short_page_without_pictures_is_text() -> None:
    assert read(lines("Closed.")).text == "Closed."


def test_pages_without_anything_are_empty() -> None:
    assert refusal(document(pdf(["", ""]), "application/pdf")).code == "empty"


def test_a_file_that_needs_a_password_is_encrypted() -> None:
    body = pdf([lines("Secret.")], encrypt=True)
    assert refusal(document(body, "application/pdf")).code == "encrypted"


def test_a_file_that_was_cut_off_is_damaged() -> None:
    body = pdf([lines("Text.")])
    for length in (9, 60, 200):
        assert refusal(document(body[:length], "application/pdf")).code == "damaged"
