"""The router: what counts as an outcome, when there is enough, and that it learns."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag import router
from rag.journal import Feedback
from rag.router import FEATURES, RouterError
from rag.spending import Decision
from rag.tune.router import Outcome, fit, outcomes, worth_of

UP, DOWN = Feedback("a", "up"), Feedback("a", "down", "wrong")
KEPT = Decision("big", False, "sure", (0.9, 0.9, 1.0, 3.0, 1.0, 0.0, 0.0), None, 0, 0, 0.0, 0.0)


def called(outcome: str) -> Decision:
    return replace(KEPT, called=True, why="low", outcome=outcome)


@pytest.mark.parametrize(
    ("decision", "vote", "worth"),
    [
        (called("answered"), None, True),
        (called("answered"), UP, True),
        (called("answered"), DOWN, False),
        (called("unsupported"), None, False),
        (called("unsupported"), UP, False),  # the sources' own words were liked
        (called("not chosen"), None, False),
        (called("failed"), None, None),
        (KEPT, None, None),
        (KEPT, UP, False),
        (KEPT, DOWN, True),
        (KEPT, Feedback("a", "down", "incomplete"), True),
        (KEPT, Feedback("a", "down", "outdated"), None),
        (KEPT, Feedback("a", "down", "wrong source"), None),
    ],
)
def test_a_vote_outweighs_the_verification(
    decision: Decision, vote: Feedback | None, worth: bool | None
) -> None:
    assert worth_of(decision, vote) is worth
    known = outcomes([("a", decision), (None, KEPT)], {"a": vote} if vote else {})
    assert known == ([] if worth is None else [(decision.features, worth)])


def planted(many: int) -> list[Outcome]:
    """Return outcomes where a call is worth it below a confidence of 0.5, nine times of ten."""
    dice = random.Random(3)
    made: list[Outcome] = []
    for _ in range(many):
        likely = dice.random()
        row = (likely, likely, 1.0, float(dice.randint(2, 12)), 1.0, 0.0, 0.0)
        made.append((row, (likely < 0.5) != (dice.random() < 0.1)))
    return made


def test_it_learns_what_calls_were_worth(tmp_path: Path) -> None:
    fitted = fit(planted(200))
    file = tmp_path / "router.json"
    file.write_text(json.dumps(fitted.table))
    learned = router.load(file)
    assert router.is_worth_it(learned, (0.2, 0.2, 1.0, 5.0, 1.0, 0.0, 0.0))
    assert not router.is_worth_it(learned, (0.8, 0.8, 1.0, 5.0, 1.0, 0.0, 0.0))
    assert "200 outcomes" in fitted.figures
    assert "held out: AUROC 0.8" in fitted.figures or "AUROC 0.9" in fitted.figures


def test_the_hash_names_the_data() -> None:
    known = planted(60)
    assert fit(known).table == fit(known).table
    other = [(known[0][0], not known[0][1]), *known[1:]]
    assert fit(other).table["data"] != fit(known).table["data"]


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ([], "0 outcomes, 0 worth a call and 0 not; fitting needs 50, 10 of each"),
        (planted(49), "There are 49 outcomes"),
        ([(row, True) for row, _ in planted(90)], "90 worth a call and 0 not"),
        ([(row, n < 9) for n, (row, _) in enumerate(planted(90))], "9 worth a call and 81 not"),
    ],
)
def test_too_few_outcomes_are_refused(known: Any, message: str) -> None:
    with pytest.raises(RouterError, match=message):
        fit(known)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{}", "no router"),
        ("not JSON", "no router"),
        (json.dumps({**fit(planted(60)).table, "names": ["mood"]}), r"was fitted on \['mood'\]"),
    ],
)
def test_what_is_no_router_of_this_version_is_named(
    tmp_path: Path, body: str, message: str
) -> None:
    file = tmp_path / "router.json"
    file.write_text(body)
    with pytest.raises(RouterError, match=message):
        router.load(file)


def test_every_feature_of_a_question_has_a_name() -> None:
    assert len(KEPT.features) == len(FEATURES)
