"""When two sentences contradict each other, and when they only look as if."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from index.base import Hit
from rag.cite import cited
from rag.conflict import Conflict, are_versions, between, claims, dated, find
from rag.evidence import Sentence
from tests.rag.corpus import hit, ranked

OLD, NEW = datetime(2023, 5, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)


def compared(
    one: str, two: str, *, titles: tuple[str, str] = ("Travel", "General")
) -> tuple[Conflict | None, list[Hit]]:
    """Return the conflict of two one-sentence documents, the second of them newer."""
    hits = [
        hit(one, document="wiki:a", title=titles[0], updated_at=OLD),
        hit(two, document="wiki:b", title=titles[1], updated_at=NEW),
    ]
    found: list[Sentence] = sorted(ranked(one, *hits), key=lambda sentence: sentence.hit)
    return between(found[0], found[1], hits), hits


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Travel claims are due within 60 days.", "Travel claims are due within 30 days."),
        ("Travel claims are due within two weeks.", "Travel claims are due within 3 weeks."),
        ("Dinner on a trip is paid up to €38.", "Dinner on a trip is paid up to €46."),
        ("The help desk opens at 9:00.", "The help desk opens at 8 am."),
        ("The canteen closes on 24 December.", "The canteen closes on 22 December."),
        ("The team meeting is on Mondays.", "The team meeting is on Thursdays."),
        ("Claims approved by the 15th are paid.", "Claims approved by the 18th are paid."),
        ("Flexible tickets are allowed on trips.", "Flexible tickets are not allowed on trips."),
    ],
)
def test_two_values_of_one_thing_are_a_conflict(one: str, two: str) -> None:
    found, _ = compared(one, two)
    assert found is not None
    assert (found.newer.text, found.older.text) == (two, one)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Travel claims are due within 30 days.", "Travel claims are due in 30 days."),
        ("The help desk opens at 9:00.", "The help desk opens at 9 am."),
        ("In Leeds leave lapses after 5 days.", "In Ghent leave lapses after 4 days."),
        ("Claims are due within 30 days.", "The mailbox is deleted after 10 days."),
        ("Dinner on a trip is paid up to €38.", "Dinner on a trip lasts two hours."),
        ("Tickets are booked by Finance.", "Tickets are booked by Finance, for 30 days."),
        ("The desk opens at 9:00 for 5 hours.", "The desk opens at 9:00 for 6 hours."),
        ("The desk closes at 6:00 sharp.", "The desk closes at 6 pm sharp."),
        ("The yearly talk takes place in March.", "The yearly talk takes place on 15 March."),
        ("The leave of fathers is 2.5 days.", "The leave of fathers is two and a half days."),
    ],
)
def test_the_same_value_another_scope_or_another_thing_is_none(one: str, two: str) -> None:
    assert compared(one, two)[0] is None


def test_parallel_pages_do_not_contradict_each_other() -> None:
    titles = ("Onboarding checklist: Leeds", "Onboarding checklist: Ghent")
    laptops = (
        "Laptop ordered 15 days before the start.",
        "Laptop ordered 10 days before the start.",
    )
    assert compared(*laptops, titles=titles)[0] is None
    assert compared(*laptops, titles=("Onboarding", "Laptops"))[0] is not None


def test_what_a_title_calls_superseded_is_the_older_one_however_late_it_was_saved() -> None:
    titles = ("Travel", "Travel (superseded)")
    found, _ = compared("Claims are due in 30 days.", "Claims are due in 60 days.", titles=titles)
    assert found is not None
    assert (found.newer.text, found.older.text) == (
        "Claims are due in 30 days.",
        "Claims are due in 60 days.",
    )


def test_only_the_sentence_that_answers_is_held_against_other_sources() -> None:
    leave = "You get 25 days of paid leave a year. Leave requests are due two weeks ahead."
    hits = [
        hit(leave, document="wiki:a", title="Leave"),
        hit("Leave requests are due three weeks ahead.", document="wiki:b", title="Requests"),
    ]
    texts = {sentence.text: sentence for sentence in ranked("How many days of leave?", *hits)}
    days, ahead, other = (texts[text] for text in sorted(texts, key=lambda t: ("25" not in t, t)))
    if "three" in ahead.text:
        ahead, other = other, ahead
    likely = [replace(days, probability=0.9), replace(ahead, probability=0.5)]
    everything = [*likely, replace(other, probability=0.4)]
    assert find(likely[:1], everything, hits) is None
    assert find(likely[1:], everything, hits) is not None


def test_two_figures_for_two_cases_are_no_correction() -> None:
    text = """Luc Dierckx (2026-04-28 09:10): At 5 minutes the battery lasts 14 months.

Luc Dierckx (2026-06-24 13:30): Correction: it lasts 2.6 years at 15 minutes."""
    hits = [hit(text, document="slack:1", title="#rootline")]
    one, two, *_ = ranked("How long does the battery last?", *hits)
    assert between(one, two, hits) is None


THREAD = """Lena Vos (2026-07-07 07:50): When is staging rebuilt?

Emil Strand (2026-07-07 08:05): Staging is rebuilt every Sunday at 03:00.

Emil Strand (2026-08-26 12:40): {later}"""


def thread(later: str) -> tuple[list[Hit], dict[str, Sentence]]:
    """Return a conversation that ends with a message, and its sentences by their text."""
    hits = [hit(THREAD.format(later=later), document="slack:1", title="#cloud")]
    return hits, {each.text: each for each in ranked("When is staging rebuilt?", *hits)}


@pytest.mark.parametrize(
    "later",
    [
        "Note for later readers: the rebuild runs on Saturday at 04:00 instead.",
        "Careful, that was true until July. It runs on Saturdays.",
    ],
)
def test_a_later_message_that_corrects_an_earlier_one_is_told_first(later: str) -> None:
    hits, found_in = thread(later)
    first = next(sentence for text, sentence in found_in.items() if "every Sunday" in text)
    second = next(sentence for text, sentence in found_in.items() if "Saturday" in text)
    found = between(first, second, hits)
    assert found == between(second, first, hits)
    assert found is not None
    assert (found.newer, found.older, found.of) == (second, first, "conversation")
    text, citations = cited(claims(found, hits), hits)
    assert text.startswith("Corrected on 2026-08-26: ")
    assert "Before, on 2026-07-07: Staging is rebuilt every Sunday at 03:00. [1]" in text
    assert all(citation.document_id == "slack:1" for citation in citations)


@pytest.mark.parametrize(
    "later",
    [
        "The backup runs on Saturday at 04:00.",  # corrects nothing
        "We now keep the labels, thanks.",  # says no other value
        "It takes 6 of us now instead of 8.",
        "Now I know: it was Sunday at 03:00, as you said.",
        "Do not call it tidied any longer. It stays so. The Saturday rebuild at 04:00 is manual.",
    ],
)
def test_a_later_message_about_something_else_corrects_nothing(later: str) -> None:
    hits, found = thread(later)
    first = next(sentence for text, sentence in found.items() if "every Sunday" in text)
    assert all(between(first, other, hits) is None for other in found.values())


def test_one_document_does_not_contradict_itself() -> None:
    found = hit("Meals are paid up to €38. Meals are paid up to €46.")
    one, two = ranked("Up to what are meals paid?", found)
    assert between(one, two, [found]) is None


def test_both_sides_are_cited_with_their_dates_newest_first() -> None:
    one, two = "Travel claims are due within 60 days.", "Travel claims are due within 30 days."
    found, hits = compared(one, two)
    assert found is not None
    text, citations = cited(claims(found, hits), hits)
    assert text == (
        f"Two sources disagree. Updated 2025-03-01: {two} [1] Updated 2023-05-01: {one} [2]"
    )
    assert [citation.quotes[0].text for citation in citations] == [two, one]


def test_an_older_version_of_the_page_is_marked_as_one() -> None:
    one, two = "Claims are due within 60 days.", "Claims are due within 30 days."
    found, hits = compared(one, two, titles=("Travel (2024)", "Travel"))
    assert found is not None
    assert found.of == "versions"
    text, _ = cited(claims(found, hits), hits)
    assert text == f"{two} [1] An older version, “Travel (2024)”, says: {one} [2]"


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("Travel and expenses", "Travel and expenses (2024)", True),
        ("Leave policy v2", "Leave policy version 3.1", True),
        ("Superseded: Leave", "Leave", True),
        ("Canteen, March 2025", "Canteen – April 2025", True),
        ("Onboarding: Leeds", "Onboarding: Ghent", False),
        ("2024", "2025", False),
        ("C++ guidelines", "C# guidelines", False),
    ],
)
def test_versions_of_a_page_have_one_title_but_for_when(one: str, two: str, same: bool) -> None:
    assert are_versions(one, two) is same


def test_a_year_in_the_title_says_more_than_when_the_file_was_saved() -> None:
    archived = hit("…", title="Travel (2024)", updated_at=datetime(2026, 11, 2, tzinfo=UTC))
    current = hit("…", title="Travel", updated_at=datetime(2026, 11, 1, tzinfo=UTC))
    assert dated(archived.chunk.document) < dated(current.chunk.document)
