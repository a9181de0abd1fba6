"""What the page shows after a question, a stop, a reload and another conversation."""

import logging
from collections.abc import Generator
from dataclasses import replace
from itertools import count

import pytest

from index.base import Chunk, StoreError
from rag.base import Partial
from tests.ui.fake_answers import (
    EVERYONE,
    NOW,
    MemoryStore,
    Ratings,
    ScriptedAnswerer,
    abstained,
    answered,
    chunks,
    citation,
    document,
    streamed,
)
from ui.chat import BROKEN, NO_INDEX, Chat, Screen
from ui.conversation import WITHDRAWN, Conversation, Shelf, Turn, kept
from ui.ratings import NOT_RATED, NOT_WRITTEN, RATED

LEAVE = chunks(document("wiki:leave", "Leave"), [("", "Everyone has 25 days.")])
SECRET = chunks(
    document("wiki:bonus", "Bonuses", readers=frozenset({"group:hr"})), [("", "Ann gets 900.")]
)
GOOD = answered("25 days. [1]", [citation(LEAVE[0], "25 days")])
LEAKED = answered("Ann gets 900. [1]", [citation(SECRET[0], "900")])


class BrokenStore(MemoryStore):
    """An index that cannot be read."""

    def read(self, document_id: str, principals: frozenset[str]) -> list[Chunk]:
        raise StoreError("data/generations/000001 is damaged")


def chat(
    answerer: ScriptedAnswerer, store: MemoryStore | None = None, rate: Ratings | None = None
) -> Chat:
    store = store or MemoryStore([LEAVE, SECRET])
    ids = map(str, count(1))
    return Chat(answerer, store, lambda: NOW, rate or Ratings(), lambda: next(ids))


def scripted() -> ScriptedAnswerer:
    return ScriptedAnswerer({"*": streamed(GOOD, [LEAVE[0]])})


def test_sources_come_before_words_and_words_before_the_answer() -> None:
    screens = list(chat(scripted()).ask(" How many? ", Shelf(), EVERYONE))
    lives = [screen.live or "" for screen in screens]
    assert "Searching" in lives[0]
    assert "Reading 1 page" in lives[1]
    assert 'class="card"' in (screens[1].live_evidence or "")
    assert '<p>25<span class="caret">' in lives[2]
    assert '<p>25 days.<span class="caret">' in lives[3]
    assert '<span class="chip waiting">1</span>' in lives[4]
    last = screens[-1]
    assert (last.live, last.live_evidence, last.pending, last.welcome) == ("", "", "", False)
    assert "Well supported" in (last.turns or "")
    assert "<mark>25 days</mark>" in (last.evidence or "")


def test_the_question_leaves_the_box_and_is_pending_until_it_is_answered() -> None:
    first, *_, last = chat(scripted()).ask("How many?", Shelf(), EVERYONE)
    assert (first.box, first.pending, first.welcome) == ("", "How many?", False)
    assert (last.box, last.pending) == (None, "")


def test_the_answer_is_kept_for_the_browser() -> None:
    *_, last = chat(scripted()).ask("How many?", Shelf(), EVERYONE)
    assert last.shelf == Shelf((Conversation("1", (Turn("How many?", kept(GOOD)),)),), "1")


def test_each_new_conversation_has_an_id_of_its_own() -> None:
    page = chat(scripted())

    def asked(shelf: Shelf) -> Shelf:
        *_, last = page.ask("How many?", shelf, EVERYONE)
        assert last.shelf is not None
        return last.shelf

    one, two = asked(Shelf()), asked(Shelf())  # two tabs, which do not know of each other
    assert (one.open_id, two.open_id, asked(two).open_id) == ("1", "2", "2")


def test_a_follow_up_travels_with_what_was_said() -> None:
    answerer = scripted()
    page = chat(answerer)
    *_, first = page.ask("How many?", Shelf(), EVERYONE)
    assert first.shelf is not None
    *_, second = page.ask("Do they expire?", first.shelf, EVERYONE)
    assert answerer.asked[1].history == (("How many?", "25 days. [1]"),)
    assert answerer.asked[1].principals == EVERYONE
    assert (second.turns or "").count('class="turn"') == 2


def test_nothing_is_asked_without_words() -> None:
    answerer = scripted()
    assert list(chat(answerer).ask(" \n", Shelf(), EVERYONE)) == [Screen()]
    assert answerer.asked == []


def test_a_question_is_cut_at_two_thousand_characters() -> None:
    answerer = scripted()
    list(chat(answerer).ask("x" * 5000, Shelf(), EVERYONE))
    assert len(answerer.asked[0].text) == 2000


def test_an_unusable_index_is_said(caplog: pytest.LogCaptureFixture) -> None:
    answerer = ScriptedAnswerer({"*": [StoreError("data/secret-path is damaged")]})
    *_, last = chat(answerer).ask("How many?", Shelf(), EVERYONE)
    assert NO_INDEX in (last.turns or "")
    assert "secret-path" not in (last.turns or "")
    assert "secret-path" in caplog.text


@pytest.mark.parametrize("script", [[ValueError("what is this")], [Partial("25")]])
def test_anything_that_breaks_is_said(
    script: list[ValueError | Partial], caplog: pytest.LogCaptureFixture
) -> None:
    answerer = ScriptedAnswerer({"*": script})
    with caplog.at_level(logging.ERROR):
        *_, last = chat(answerer).ask("How many?", Shelf(), EVERYONE)
    assert BROKEN in (last.turns or "")
    assert last.shelf is not None
    assert last.shelf.current.turns == (Turn("How many?", failure=BROKEN),)
    assert len(caplog.records) == 1


def test_leaving_closes_the_answerers_stream() -> None:
    answerer = scripted()
    screens = chat(answerer).ask("How many?", Shelf(), EVERYONE)
    assert isinstance(screens, Generator)
    for _ in range(3):
        next(screens)
    screens.close()
    assert answerer.closed_early == 1


def test_stopping_gives_the_question_back() -> None:
    screen = chat(scripted()).stopped("How many?")
    assert (screen.box, screen.pending, screen.live) == ("How many?", "", "")
    assert chat(scripted()).stopped("").box is None


def test_a_reload_shows_the_same_citations() -> None:
    page = chat(scripted())
    *_, last = page.ask("How many?", Shelf(), EVERYONE)
    assert last.shelf is not None
    again = page.load(last.shelf, EVERYONE)
    assert (again.turns, again.evidence) == (last.turns, last.evidence)
    assert again.shelf == last.shelf


def test_a_first_visit_is_a_welcome() -> None:
    screen = chat(scripted()).load(Shelf(), EVERYONE)
    assert (screen.turns, screen.evidence, screen.welcome) == ("", "", True)


def test_an_old_answer_is_withdrawn_from_who_may_not_read_its_source() -> None:
    old = Shelf((Conversation("1", (Turn("Who gets what?", kept(LEAKED)),)),), "1")
    seen = chat(scripted()).load(old, EVERYONE)
    assert "900" not in f"{seen.turns}{seen.evidence}{seen.shelf}"
    assert WITHDRAWN in (seen.turns or "")
    allowed = chat(scripted()).load(old, EVERYONE | {"group:hr"})
    assert "900" in (allowed.turns or "")


def test_a_withdrawn_answer_does_not_travel_with_the_next_question() -> None:
    old = Shelf((Conversation("1", (Turn("Who gets what?", kept(LEAKED)),)),), "1")
    answerer = scripted()
    *_, last = chat(answerer).ask("And me?", old, EVERYONE)
    assert answerer.asked[0].history == ()
    assert "900" not in f"{last.turns}{last.evidence}{last.shelf}"


def test_a_shelf_is_not_lost_while_the_index_is_unusable() -> None:
    old = Shelf((Conversation("1", (Turn("How many?", kept(GOOD)),)),), "1")
    screen = chat(scripted(), BrokenStore([])).load(old, EVERYONE)
    assert NO_INDEX in (screen.turns or "")
    assert screen.shelf == old
    *_, last = chat(scripted(), BrokenStore([])).ask("And?", old, EVERYONE)
    assert NO_INDEX in (last.turns or "")
    assert last.shelf is not None
    assert last.shelf.current.turns[0] == Turn("How many?", kept(GOOD))
    assert "25 days" not in f"{last.turns}{last.evidence}"


def test_a_vote_is_said_to_be_written_only_when_it_is() -> None:
    rate = Ratings("a1")
    page = chat(scripted(), rate=rate)
    liked = ("up", "down", "wrong", "outdated", "wrong source", "incomplete")
    assert {page.vote("a1", each, EVERYONE) for each in liked} == {RATED}
    assert [feedback.reason for feedback, _ in rate.given] == [None, None, *liked[2:]]
    assert [feedback.vote for feedback, _ in rate.given] == ["up", *["down"] * 5]
    assert page.vote("never", "up", EVERYONE) == NOT_RATED
    assert page.vote("a1", "<b>", EVERYONE) == NOT_RATED
    assert len(rate.given) == 6


def test_a_vote_that_is_lost_is_said_to_be(caplog: pytest.LogCaptureFixture) -> None:
    rate = Ratings("a1")
    rate.fails = StoreError("data/secret-path is full")
    assert chat(scripted(), rate=rate).vote("a1", "up", EVERYONE) == NOT_WRITTEN
    assert "secret-path" in caplog.text


def test_other_conversations_open_and_the_open_one_can_be_deleted() -> None:
    one = Conversation("1", (Turn("First?", kept(GOOD)),))
    two = Conversation("2", (Turn("Second?", abstained("No.")),))
    page, shelf = chat(scripted()), Shelf((two, one), "2")
    opened = page.open(shelf, "1", EVERYONE)
    assert "First?" in (opened.turns or "")
    assert opened.shelf == replace(shelf, open_id="1")
    assert page.open(shelf, "", EVERYONE).welcome is True
    deleted = page.delete(shelf)
    assert deleted.shelf == Shelf((one,))
    assert (deleted.turns, deleted.welcome) == ("", True)
