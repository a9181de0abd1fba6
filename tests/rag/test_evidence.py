"""Sentences in the context that they are read in, and which of them come first."""

from dataclasses import replace

from rag.evidence import FEATURES, PASSAGES, candidates
from tests.rag.corpus import hit, ranked

THREAD = """Clara Peeters (2026-03-05 05:50): Which torque for the lid? The card says 0.8 Nm.

Luc Hendrickx (2026-03-05 07:15): The card is old. New plastic since January: 0.6 Nm.

Clara Peeters (2026-03-05 07:21): Set on both drivers, and the two lids are scrapped."""


def contexts(text: str) -> dict[str, str]:
    found = ranked("torque of the lid", hit(text, title="#ghent-line"))
    return {sentence.text: sentence.in_context for sentence in found}


def test_in_a_thread_the_next_message_answers_the_question_not_the_asker() -> None:
    read = contexts(THREAD)
    asked = "Which torque for the lid?"
    assert "The card says 0.8 Nm." not in read
    assert asked in read["New plastic since January: 0.6 Nm."]
    assert not any(asked in where for text, where in read.items() if "both drivers" in text)


def test_what_the_asker_of_a_thread_says_is_no_answer_but_an_announcement_is() -> None:
    assert "The card says 0.8 Nm." in contexts(THREAD.replace("lid?", "lid."))
    quoted = contexts(f"Lids break. Who sets the drivers? The line does.\n\n{THREAD}")
    assert {"The line does.", "The card says 0.8 Nm."} <= quoted.keys()
    alone = THREAD.replace("Luc Hendrickx", "Clara Peeters")
    assert "The card says 0.8 Nm." in contexts(alone)
    later = contexts(
        THREAD + "\n\nLuc Hendrickx (2026-03-05 08:00): Really? Scrapped lids cost €2."
    )
    assert any("Scrapped lids cost €2." in text for text in later)


def test_a_promise_to_ask_is_no_answer_once_a_later_message_gives_one() -> None:
    first, rest = THREAD.split("\n\n", 1)
    promise = "Luc Hendrickx (2026-03-05 07:02): Good one, I'll ask Ana."
    read = contexts(f"{first}\n\n{promise}\n\n{rest}")
    assert not any("ask Ana" in text for text in read)
    assert "Which torque" in read["New plastic since January: 0.6 Nm."]
    assert any("ask Ana" in text for text in contexts(f"{first}\n\n{promise}"))
    page = contexts("If a lid breaks, ask Ana. I will check every lid that comes back.")
    assert "I will check every lid that comes back." in page


def test_on_a_page_only_the_sentence_after_a_question_answers_it() -> None:
    read = contexts("Who pays for the train? The company pays for it. Book two weeks before.")
    assert "Who pays for the train?" in read["The company pays for it."]
    assert "Who pays for the train?" not in read["Book two weeks before."]


def test_a_heading_in_capitals_is_no_sentence_but_a_warning_is() -> None:
    read = contexts("ROOF WORKS, 7 TO 18 SEPTEMBER\nDO NOT LIFT THE LID.\nThe lid is loose.")
    assert set(read) == {"DO NOT LIFT THE LID.", "The lid is loose."}


def test_a_value_in_capitals_after_its_name_is_a_sentence() -> None:
    assert "IBAN: BE68 5390 0754 7034" in contexts("- IBAN: BE68 5390 0754 7034\n- Bank: BNP")


def test_the_head_of_a_mail_says_nothing_but_a_list_with_a_date_does() -> None:
    mail = contexts("From: Ann Lee <ann@x.org>\nDate: 1 June 2026\n\nThe lid is torqued twice.")
    assert set(mail) == {"The lid is torqued twice."}
    party = contexts(
        "The details of the party are:\n\n- Date: 12 June 2026\n- Place: Ghent, hall 2"
    )
    assert "Date: 12 June 2026" in party


def test_an_answer_of_one_word_counts_where_its_question_stands_before_it() -> None:
    read = contexts("How many screws has the lid? Four.\n\nThe lid is blue. Agreed.")
    assert "How many screws has the lid?" in read["Four."]
    assert "Agreed." not in read


def test_a_sentence_is_as_near_as_the_window_that_it_stands_in() -> None:
    text = "The lid is blue and has a hinge.\n\nThe torque of every screw is 0.6 Nm."
    second = text.index("The torque")
    one = hit(text, start=1000)
    chunk = replace(one.chunk, windows=(0, second))
    found = candidates("which torque?", [replace(one, chunk=chunk, near=(0.125, 0.75))])
    features = [dict(zip(FEATURES, sentence.features, strict=True)) for sentence in found]
    assert [each["cosine"] for each in features] == [0.125, 0.75]
    assert [each["passage_cosine"] for each in features] == [0.75, 0.75]


def test_an_answer_rests_on_the_five_passages_with_the_likeliest_sentences() -> None:
    hits = [hit(f"The lid of line {n} is blue.", document=f"wiki:{n}") for n in range(9)]
    best = hit("The torque of the lid is 0.6 Nm.", document="wiki:torque")
    found = ranked("torque of the lid", *hits, best)
    assert found[0].document == "wiki:torque"
    assert len({sentence.document for sentence in found}) == PASSAGES
