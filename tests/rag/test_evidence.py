"""Sentences in the context that they are embedded and read in."""

from rag.evidence import EMBEDDED, candidates
from tests.rag.corpus import EMBEDDER, hit, ranked

THREAD = """Clara Peeters (2026-03-05 05:50): Which torque for the lid? The card says 0.8 Nm.

Luc Hendrickx (2026-03-05 07:15): The card is old. New plastic since January: 0.6 Nm.

Clara Peeters (2026-03-05 07:21): Set on both drivers, and the two lids are scrapped."""


def contexts(text: str) -> dict[str, str]:
    found = ranked("torque of the lid", hit(text, title="#ghent-line"))
    return {sentence.text: sentence.in_context for sentence in found}


def test_in_a_thread_the_next_message_answers_the_question_not_the_asker() -> None:
    read = contexts(THREAD)
    asked = "Which torque for the lid?"
    assert asked not in read["The card says 0.8 Nm."]
    assert asked in read["New plastic since January: 0.6 Nm."]
    assert not any(asked in where for text, where in read.items() if "both drivers" in text)


def test_on_a_page_only_the_sentence_after_a_question_answers_it() -> None:
    read = contexts("Who pays for the train? The company pays for it. Book two weeks before.")
    assert "Who pays for the train?" in read["The company pays for it."]
    assert "Who pays for the train?" not in read["Book two weeks before."]


def test_a_sentence_of_more_tokens_than_the_embedder_reads_is_embedded_as_far_as_it_does() -> None:
    long = "The torque is 0.6 Nm" + "?!" * 400  # a mark is a token
    assert len(contexts(f"{long}\n\nThe lid is blue and has four screws.")) == 2


def test_a_heading_in_capitals_is_no_sentence_but_a_warning_is() -> None:
    read = contexts("ROOF WORKS, 7 TO 18 SEPTEMBER\nDO NOT LIFT THE LID.\nThe lid is loose.")
    assert set(read) == {"DO NOT LIFT THE LID.", "The lid is loose."}


def test_an_answer_of_one_word_counts_where_its_question_stands_before_it() -> None:
    read = contexts("How many screws has the lid? Four.\n\nThe lid is blue. Agreed.")
    assert "How many screws has the lid?" in read["Four."]
    assert "Agreed." not in read


def test_a_sentence_shares_the_words_of_the_question_before_it_by_half() -> None:
    others = " ".join(f"Line {n} has a lid." for n in range(40))
    text = f"{others}\n\nWhich torque for the screws of the lid? Always 0.6 Nm.\n\n{others}"
    question = "torque of the screws of a lid"
    vector = EMBEDDER.embed_query(question)
    found = candidates(question, vector, [hit(text, title="#ghent-line")], EMBEDDER)
    assert len(found) == EMBEDDED
    assert "Always 0.6 Nm." in [sentence.text for sentence in found]
