"""Citations: what a sentence needs to count as supported, and what a citation carries."""

from dataclasses import replace

import pytest

from rag.cite import Claim, cited, matched, omits, repaired, resolve, verbatim
from rag.evidence import Sentence
from tests.rag.corpus import EMBEDDER, hit, ranked

LEAVE = hit(
    "Parental leave is 20 weeks at full pay. Sick leave needs a note after 3 days.\n\n"
    "Leave must not be carried over. Ask Marta Figueira for exceptions.",
    heading=("Leave", "Kinds"),
    start=100,
)
SENTENCES = ranked("How long is parental leave?", LEAVE)


def says(text: str) -> str | None:
    found = matched(text, SENTENCES, EMBEDDER).support
    return found.text if found else None


def test_a_claim_that_leaves_out_the_number_that_was_asked_for_is_noticed() -> None:
    question = "How many weeks is parental leave?"
    assert omits(question, [Claim("Parental leave is at full pay.", SENTENCES[0])])
    assert not omits(question, [Claim("Parental leave is 20 weeks.", SENTENCES[0])])
    assert not omits("Is there parental leave?", [Claim("It is at full pay.", SENTENCES[0])])


def test_a_yes_or_no_that_nothing_supports_is_left_off() -> None:
    (claim,) = resolve("No, parental leave is 20 weeks at full pay. [2]", SENTENCES, EMBEDDER)
    assert claim.support is not None
    assert claim.text == "Parental leave is 20 weeks at full pay."


def test_a_sentence_in_the_sources_words_is_supported() -> None:
    assert says("Parental leave is 20 weeks.") == "Parental leave is 20 weeks at full pay."


@pytest.mark.parametrize(
    "claim",
    [
        "Parental leave is 26 weeks at full pay.",  # another number
        "Parental leave is not 20 weeks at full pay.",  # negated
        "Leave must be carried over.",  # the negation is lost
        "Ask Joris De Wael for exceptions.",  # another name
        "The canteen opens at noon.",  # another subject
        "Parental leave, parental leave, parental leave, parental leave.",  # in circles
    ],
)
def test_a_sentence_that_says_something_else_is_not(claim: str) -> None:
    assert says(claim) is None


def test_beside_a_sentence_of_more_tokens_than_the_embedder_reads_a_claim_is_matched() -> None:
    long = "The torque of the lid is 0.6 Nm" + "?!" * 400  # a mark is a token
    found = ranked("torque of the lid", hit(f"{long}\n\nThe torque of the lid is 0.6 Nm."))
    assert len(found) == 2
    support = matched("The torque of the lid is 0.6 Nm.", found, EMBEDDER).support
    assert support is not None
    assert support.text == "The torque of the lid is 0.6 Nm."


def test_the_models_own_numbers_are_not_trusted() -> None:
    claims = resolve("Parental leave is 20 weeks at full pay [7].", SENTENCES, EMBEDDER)
    text, citations = cited(claims, [LEAVE])
    assert text == "Parental leave is 20 weeks at full pay. [1]"
    assert [c.marker for c in citations] == [1]


def test_an_unsupported_sentence_is_dropped_from_the_answer() -> None:
    claims = resolve("Parental leave is 20 weeks. Pigs fly at 9:00.", SENTENCES, EMBEDDER)
    assert [claim.support is not None for claim in claims] == [True, False]
    assert cited(claims, [LEAVE])[0] == "Parental leave is 20 weeks. [1]"


def test_a_sentence_with_a_wrong_number_is_replaced_by_the_one_it_misread() -> None:
    said = "Parental leave is 20 weeks. Sick leave needs a note after 5 days. Pigs fly at 9:00."
    claims = repaired(resolve(said, SENTENCES, EMBEDDER))
    assert [claim.text for claim in claims if claim.support] == [
        "Parental leave is 20 weeks.",
        "Sick leave needs a note after 3 days.",
    ]


def test_where_nothing_is_supported_nothing_is_repaired() -> None:
    claims = resolve("Sick leave needs a note after 5 days.", SENTENCES, EMBEDDER)
    assert repaired(claims) == claims
    assert claims[0].support is None


def test_the_same_sentence_does_not_repair_twice() -> None:
    said = "Sick leave needs a note after 3 days. Sick leave needs a note after 5 days."
    claims = repaired(resolve(said, SENTENCES, EMBEDDER))
    assert [claim.support is not None for claim in claims] == [True, False]


def test_a_quote_is_the_documents_text_at_its_offsets() -> None:
    (citation,) = cited([Claim("…", SENTENCES[0])], [LEAVE])[1]
    text = " " * LEAVE.chunk.start + LEAVE.chunk.text
    assert [quote.text for quote in citation.quotes] == ["Parental leave is 20 weeks at full pay."]
    assert all(text[quote.start : quote.end] == quote.text for quote in citation.quotes)
    assert citation.heading == "Leave › Kinds"
    assert citation.url.endswith("#here")


def test_a_list_item_is_quoted_with_the_line_that_introduces_it() -> None:
    found = hit("Leave accrues so:\n\n- under 3 years: 4 hours\n- above: 6 hours a period")
    sentences = ranked("leave above 3 years hours a period", found)
    item = next(s for s in sentences if s.text.startswith("above"))
    (citation,) = cited([Claim("…", item)], [found])[1]
    assert [q.text for q in citation.quotes] == ["Leave accrues so:", "above: 6 hours a period"]


def test_a_piece_of_a_sentence_is_told_as_the_whole_sentence() -> None:
    found = hit("If you are ill, your manager may submit your timesheet on your behalf.")
    sentences = ranked("submit timesheet when ill", found)
    (claim,) = resolve("Submit your timesheet on your behalf.", sentences, EMBEDDER)
    assert claim.text == found.chunk.text
    assert claim.repaired


def test_an_item_is_told_with_the_line_that_introduces_it() -> None:
    found = hit("Send it ten days ahead for:\n\n- training that costs less than 2,500\n- travel")
    sentences = ranked("training costs less than 2,500", found)
    (claim,) = resolve("Training that costs less than 2,500.", sentences, EMBEDDER)
    assert claim.text == "Send it ten days ahead for: training that costs less than 2,500"


def test_a_table_whose_first_column_has_no_name_is_told_and_quoted_right() -> None:
    found = hit(" | EU | UK\nHotel, a night | €155 | £135")
    (row,) = [s for s in ranked("hotel a night", found) if s.row]
    assert verbatim(row).text == "Hotel, a night; EU: €155; UK: £135"
    (citation,) = cited([verbatim(row)], [found])[1]
    assert [quote.text for quote in citation.quotes] == ["| EU | UK", row.text]


def test_a_row_whose_last_cells_are_empty_is_told_with_the_names_of_the_others() -> None:
    found = hit("Region | Days of leave | Note\nEMEA | 25\nUS | 15 | plus holidays")
    rows = {sentence.text: sentence for sentence in ranked("days of leave", found)}
    assert verbatim(rows["EMEA | 25"]).text == "Region: EMEA; Days of leave: 25"


def test_rows_of_a_table_that_began_in_an_earlier_chunk_keep_its_column_names() -> None:
    begun = hit("Oslo | 23\nBonn | 31\n\nTown | Rooms\nLeeds | 7")
    chunk = replace(begun.chunk, context="Offices › Desks\nOffice | Desks")
    found = replace(begun, chunk=chunk)
    rows = {s.text: s for s in ranked("desks rooms in the office", found) if s.row}
    assert verbatim(rows["Oslo | 23"]).text == "Office: Oslo; Desks: 23"
    assert verbatim(rows["Bonn | 31"]).text == "Office: Bonn; Desks: 31"
    assert verbatim(rows["Leeds | 7"]).text == "Town: Leeds; Rooms: 7"
    (citation,) = cited([verbatim(rows["Bonn | 31"])], [found])[1]
    assert [quote.text for quote in citation.quotes] == ["Bonn | 31"]  # the names are not in it


def test_two_sentences_of_one_place_share_a_number_and_other_places_get_their_own() -> None:
    other = hit("Travel is booked by Finance.", document="wiki:travel")
    sentences: list[Sentence] = ranked("leave travel booked", LEAVE, other)
    of_leave = [s for s in sentences if s.hit == 0][:2]
    of_travel = [s for s in sentences if s.hit == 1][:1]
    text, citations = cited([Claim(s.text, s) for s in [*of_leave, *of_travel]], [LEAVE, other])
    assert text.count("[1]") == 2
    assert text.endswith("[2]")
    assert [c.document_id for c in citations] == ["wiki:leave", "wiki:travel"]
    assert len(citations[0].quotes) == 2


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("The pump is approved [2] by Ann Moor.", "The pump is approved by Ann Moor. [1]"),
        ("The pump is approved [[1]2] by Ann Moor.", "The pump is approved by Ann Moor. [1]"),
        ("The pump is approved [2, 3] by Ann Moor.", "The pump is approved by Ann Moor. [1]"),
    ],
)
def test_a_number_that_a_document_wrote_itself_points_at_none_of_our_sources(
    written: str, told: str
) -> None:
    found = hit(written)
    (sentence,) = ranked("Who approved the pump?", found)
    text, (citation,) = cited([verbatim(sentence)], [found])
    assert text == told
    assert citation.quotes[0].text == written
    (claim,) = resolve(f"{written} [7]", [sentence], EMBEDDER)
    assert cited([claim], [found])[0] == told
