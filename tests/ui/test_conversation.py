"""What a browser keeps of conversations, and what of it may be shown again."""

import json
from dataclasses import replace

from rag.base import Quote
from tests.ui.fake_answers import abstained, answered, chunks, citation, document, replied
from ui.conversation import (
    MAX_BYTES,
    MAX_TURNS,
    WITHDRAWN,
    Conversation,
    Shelf,
    Turn,
    authorised,
    dump,
    kept,
    load,
)

PAGE = chunks(document("wiki:leave", "Leave"), [("Annual", "Everyone has 25 days. " * 30)])
OTHER = chunks(document("wiki:pay", "Pay"), [("", "Salaries are paid on the 25th.")])
CITED = citation(PAGE[0], "Everyone has 25 days.")
CLOSE = citation(OTHER[0], "")
TURN = Turn("How many days?", kept(answered("25 days. [1]", [CITED], [CLOSE])))


def talk(identity: str, *turns: Turn) -> Conversation:
    return Conversation(identity, turns)


def test_a_shelf_survives_the_journey_through_json() -> None:
    shelf = Shelf((talk("1", TURN, Turn("And now?", failure="It broke.")),), "1")
    assert load(json.loads(json.dumps(dump(shelf)))) == shelf


def test_what_is_none_of_ours_is_an_empty_shelf() -> None:
    assert load(None) == Shelf()
    assert load("x") == Shelf()
    assert load({"conversations": [{"id": "1", "turns": [{"question": 3}]}]}) == Shelf()
    assert load({"conversations": [], "open_id": {"a": 1}}) == Shelf()


def test_an_answer_is_kept_without_attempts_and_distant_passages() -> None:
    long = citation(PAGE[0], "")
    answer = kept(answered("25 days. [1]", [CITED], [long]))
    assert answer.attempts == ()
    assert answer.citations == (CITED,)
    assert answer.closest[0].passage == Quote(PAGE[0].text[:220], 0, 220)


def test_the_oldest_conversations_make_room() -> None:
    big = Turn("x" * (MAX_BYTES // 3), failure="y")
    shelf = Shelf((talk("3", big), talk("2", big), talk("1", big)), "3")
    assert [each.id for each in load(dump(shelf)).conversations] == ["3", "2"]


def test_one_conversation_is_kept_however_large() -> None:
    shelf = Shelf((talk("1", Turn("x" * MAX_BYTES, failure="y")),), "1")
    assert [each.id for each in load(dump(shelf)).conversations] == ["1"]


def test_a_new_conversation_has_no_id_before_its_first_turn() -> None:
    assert Shelf().current == Conversation("")
    assert Shelf((talk("7", TURN), talk("x", TURN))).current == Conversation("")


def test_the_current_conversation_moves_to_the_front() -> None:
    shelf = Shelf((talk("2", TURN), talk("1", TURN)), "1")
    longer = replace(shelf.current, turns=(TURN, TURN))
    assert shelf.with_current(longer) == Shelf((longer, talk("2", TURN)), "1")


def test_a_deleted_conversation_is_gone_and_a_new_one_open() -> None:
    shelf = Shelf((talk("2", TURN), talk("1", TURN)), "2").without_current()
    assert shelf == Shelf((talk("1", TURN),), "")
    assert shelf.current.turns == ()


def test_a_very_long_conversation_goes_on_without_its_beginning() -> None:
    turns = tuple(Turn(str(number), failure="x") for number in range(MAX_TURNS + 2))
    kept_turns = Shelf().with_current(talk("1", *turns)).current.turns
    assert [turn.question for turn in kept_turns] == [str(n) for n in range(2, MAX_TURNS + 2)]


def test_a_conversation_is_called_after_its_first_question() -> None:
    assert talk("1", Turn("How\n many  days?")).title == "How many days?"
    assert talk("1", Turn("x" * 61)).title == "x" * 59 + "…"
    assert talk("1").title == "New conversation"


def test_only_answers_of_the_last_four_turns_travel_with_a_question() -> None:
    turns = [replace(TURN, question=str(number)) for number in range(6)]
    history = talk("1", *turns, Turn("broken", failure="x")).history
    assert history == tuple((str(n), "25 days. [1]") for n in (2, 3, 4, 5))


def test_an_answer_is_withdrawn_with_the_page_it_cites() -> None:
    seen = authorised(talk("1", TURN), lambda ids: ids - {"wiki:leave"})
    assert seen.turns == (Turn("How many days?", failure=WITHDRAWN),)
    assert seen.history == ()


def test_a_close_page_that_may_not_be_read_is_left_out() -> None:
    seen = authorised(talk("1", TURN), lambda ids: ids - {"wiki:pay"})
    assert seen.turns[0].answer is not None
    assert seen.turns[0].answer.citations == (CITED,)
    assert seen.turns[0].answer.closest == ()


def test_an_abstention_keeps_its_words() -> None:
    turn = Turn("Why?", abstained("I did not find it.", [CLOSE]))
    (seen,) = authorised(talk("1", turn), lambda ids: frozenset()).turns
    assert seen.answer is not None
    assert (seen.answer.text, seen.answer.closest) == ("I did not find it.", ())


def test_a_refusal_leaves_its_question_to_the_next_one_and_small_talk_nothing() -> None:
    talk = Conversation(
        "1",
        (
            Turn("Hi", replied("Hello!")),
            Turn("How many days?", answered("25 days. [1]", [])),
            Turn("And on Mars?", abstained("I could not find an answer to that.")),
            Turn("thanks", replied()),
        ),
    )
    assert talk.history == (("How many days?", "25 days. [1]"), ("And on Mars?", ""))
