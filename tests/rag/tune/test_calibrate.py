"""The confidence: its directions from every question, how sure it is from those people asked."""

import json

import numpy as np
import pytest

from rag import confidence
from rag.eval.questions import EvalQuestion
from rag.evidence import COMPARED, FEATURES, JUDGED
from rag.tune.calibrate import Example, _fit_as_asked, _folds, fit
from rag.tune.unanswered import unanswerable
from tests.fake_models import OVERLAP
from tests.rag.corpus import hit

DRAW = np.random.default_rng(5)
ASKED = np.arange(900) < 300  # the others have nothing that answers them
RIGHT = ASKED & (DRAW.random(900) < 0.8)
ROWS = DRAW.normal(size=(900, 3)) + 2.0 * RIGHT[:, np.newaxis]


def test_as_sure_as_the_asked_are_right_however_many_have_no_answer() -> None:
    weights = _fit_as_asked(ROWS, RIGHT, ASKED)
    chance = weights.probability(ROWS[ASKED].astype(np.float32))
    assert chance.mean() == pytest.approx(RIGHT[ASKED].mean(), abs=0.01)
    sure = chance > 0.9
    assert RIGHT[ASKED][sure].mean() == pytest.approx(chance[sure].mean(), abs=0.04)


def test_what_only_the_unanswered_show_is_learned() -> None:
    rows = np.concatenate([ROWS, 3.0 * ~ASKED[:, np.newaxis]], axis=1)  # constant where asked
    assert _fit_as_asked(rows, RIGHT, ASKED).weight[3] < -0.3


def test_a_question_that_comes_again_is_never_on_both_sides() -> None:
    groups = [f"q{n % 20}" for n in range(50)]
    tested = []
    for train, test in _folds(groups, seed=0):
        assert not {groups[i] for i in train} & {groups[i] for i in test}
        tested += [int(i) for i in test]
    assert sorted(tested) == list(range(50))


def test_a_fit_over_a_company_ranks_by_shared_words_and_counts_what_is_refused() -> None:
    fitted = fit([example(n) for n in range(30)], [taken_away(n) for n in range(30)], OVERLAP)
    table = json.loads(json.dumps(fitted.table))
    assert table["questions"] == 30
    for part, names in (
        ("likely", FEATURES), ("judged", JUDGED), ("compared", COMPARED),
        ("answer", confidence.SIGNALS),
    ):  # fmt: skip
        assert table[part]["names"] == list(names)
        assert np.isfinite([table[part]["bias"], *table[part]["weight"]]).all()
    covered = FEATURES.index("covered")
    assert table["likely"]["weight"][covered] > 0
    assert "30 questions, 24 answerable, 24 with an answering sentence" in fitted.figures
    assert "30 questions with nothing that answers them" in fitted.figures
    accepted, _, right, nothing_there = map(float, line(fitted.figures, "0.50").split()[1:])
    assert accepted > 0.8
    assert right > 0.8
    assert nothing_there > 0.8


def line(figures: str, start: str) -> str:
    return next(each for each in figures.splitlines() if each.strip().startswith(start))


def example(n: int) -> Example:
    """Return a question about one of many shops; every fifth is about one that has no page."""
    able = n % 5 > 0
    says = f"The shop of town{n} opens at {n} past seven in the morning."
    pages = [says] * able + [f"The gate of harbour{n + k} is painted blue." for k in (1, 2, 3)]
    asked = EvalQuestion(
        f"q{n}", f"When does the shop of town{n} open?", (), "", f"At {n} past seven.",
        f"{n} past seven", (), (f"wiki:{n}-0",) if able else (),
        ((f"wiki:{n}-0", says),) if able else (), able,
    )  # fmt: skip
    hits = tuple(hit(text, document=f"wiki:{n}-{k}") for k, text in enumerate(pages))
    return Example(asked, asked.text, hits)


def taken_away(n: int) -> Example:
    whole = example(n)
    return Example(unanswerable(whole.question), whole.query, whole.hits[-3:])
