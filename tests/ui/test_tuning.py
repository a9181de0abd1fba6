"""Labelled folders into examples: what retrieval missed is put back, to be learned from."""

from rag.eval.questions import EvalQuestion
from rag.tune.calibrate import Example
from tests.rag.corpus import EMBEDDER, hit
from ui.tuning import _helped, _sentences

OTHERS = [hit(f"The shed of site {n} opens at six.", document=f"wiki:shed-{n}") for n in range(9)]
LEAVE = hit("Unused days lapse on 31 March. " + "The lights stay on all night. " * 10)


def question(*, answerable: bool = True) -> EvalQuestion:
    evidence = (("leave", "Unused days lapse on 31 March."),) if answerable else ()
    return EvalQuestion(
        "q1", "What becomes of my holiday? And the lights?", (), "", "They lapse.", "31 March", (),
        ("leave",), evidence, answerable,
    )  # fmt: skip


def test_a_chunk_that_answers_takes_the_last_place_where_none_was_found() -> None:
    assert _helped([*OTHERS, LEAVE], question()) == [*OTHERS[:4], LEAVE]
    assert _helped([LEAVE, *OTHERS], question()) == [LEAVE, *OTHERS[:4]]
    assert _helped(OTHERS, question()) == OTHERS[:5]
    assert _helped([*OTHERS, LEAVE], question(answerable=False)) == OTHERS[:5]


def test_a_sentence_that_answers_is_among_those_found_though_it_shares_no_word() -> None:
    asked = question()
    shared = [hit("Is it about the lights? " + "My lights. And the holiday lights! " * 20)] * 2
    hits = (*shared, LEAVE)
    example = Example(asked, asked.text, EMBEDDER.embed_query(asked.text), hits)
    found, answers = _sentences(example, EMBEDDER)
    (right,) = (s for s, answer in zip(found, answers, strict=True) if answer)
    assert (right.hit, right.text) == (2, "Unused days lapse on 31 March.")
