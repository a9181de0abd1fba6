"""What is shown of the candidates of a question, and in which order."""

from dataclasses import replace
from datetime import UTC, datetime

from index.base import DocumentInfo, Hit
from index.collapse import arranged
from tests.contracts.store import chunks, document

OLD = datetime(2024, 1, 1, tzinfo=UTC)


def hits(*found: tuple[DocumentInfo, str, float]) -> list[Hit]:
    made = []
    for number, (info, text, score) in enumerate(found):
        (chunk,) = chunks(info, [text])
        made.append(Hit(replace(chunk, id=str(number)), score, None, None))
    return made


def order(found: list[Hit], question: str = "How long may a claim take?") -> str:
    return "".join(hit.chunk.id for hit in arranged(found, question))


def test_a_third_chunk_of_a_document_waits_for_others_that_are_about_as_good() -> None:
    a, b, c = document("wiki:a"), document("wiki:b"), document("wiki:c")
    texts = "one two three four".split()
    found = hits(
        (a, texts[0], 1.0), (a, texts[1], 0.9), (a, texts[2], 0.8), (b, texts[3], 0.78),
        (c, "five", 0.7),
    )  # fmt: skip
    assert order(found) == "01324"


def test_without_competition_a_document_keeps_its_places() -> None:
    a, b = document("wiki:a"), document("wiki:b")
    found = hits((a, "one", 1.0), (a, "two", 0.9), (a, "three", 0.8), (b, "four", 0.5))
    assert order(found) == "0123"


def test_a_copy_comes_after_everything_that_says_more() -> None:
    text = "Claims are paid within a week, as long as the receipt is there. " * 3
    a, b, c = document("wiki:a"), document("drive:copy"), document("wiki:c")
    found = hits((a, text, 1.0), (b, f"{text}\n", 0.9), (c, "Something else.", 0.1))
    assert order(found) == "021"


def test_texts_that_differ_in_a_number_or_a_name_are_no_copies() -> None:
    text = "the form goes to the desk in {} within {} days " + "and then one waits a little " * 9
    ghent, leeds = text.format("Ghent", 30), text.format("Leeds", 30)
    later = text.format("Ghent", 60)
    infos = [document(f"wiki:{n}", title=f"Page {n}") for n in "abc"]
    found = hits(*zip(infos, (ghent, leeds, later), (1.0, 0.9, 0.8), strict=True))
    other = hits((document("wiki:d"), "other", 0.1))
    assert order([*found, replace(other[0], chunk=replace(other[0].chunk, id="3"))]) == "0123"


def versions(score: float) -> list[Hit]:
    old = replace(document("wiki:old", title="Expenses (2024)"), updated_at=OLD)
    new = document("wiki:new", title="Expenses")
    return hits(
        (old, "Within 60 days.", 1.0),
        (document("wiki:x"), "Other.", 0.95),
        (new, "Within 30 days.", score),
    )


def test_of_two_versions_about_as_good_the_newer_comes_first_and_the_older_says_so() -> None:
    found = arranged(versions(0.9), "How long may a claim take?")
    assert [hit.chunk.document.id for hit in found] == ["wiki:new", "wiki:x", "wiki:old"]
    assert [hit.newer for hit in found] == [None, None, "wiki:new"]


def test_an_older_version_that_fits_far_better_stays_first_but_says_so() -> None:
    found = arranged(versions(0.5), "How long may a claim take?")
    assert [hit.newer for hit in found] == ["wiki:new", None, None]


def test_who_asks_for_the_year_of_the_older_version_gets_it_first() -> None:
    assert order(versions(0.9), "How long could a claim take in 2024?") == "012"


def test_of_two_copies_the_newer_version_is_kept() -> None:
    text = "Claims are paid within a week, as long as the receipt is there. " * 3
    old = replace(document("drive:old", title="Claims"), updated_at=OLD)
    new = document("wiki:new", title="Claims")
    found = hits((old, text, 1.0), (new, text, 0.5), (document("wiki:x"), "Other.", 0.4))
    assert order(found) == "120"
