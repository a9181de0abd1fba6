import math
import random

import ir_measures
import pytest
from ir_measures import Qrel, R, ScoredDoc, Success, nDCG

from rag.eval.retrieval import common_in_order, contains, evidence_share, hit, ndcg, recall


def test_by_hand() -> None:
    found = ["w:a", "w:b", "w:b", "w:c"]
    gold = ["b", "w:c", "d"]
    assert hit(found, gold, k=1) == 0
    assert hit(found, gold, k=2) == 1
    assert recall(found, gold, k=3) == pytest.approx(1 / 3)
    assert recall(found, gold, k=4) == pytest.approx(2 / 3)
    # b is at rank 2, c at rank 4 behind b's second passage; three could fill ranks 1, 2 and 3.
    got = 1 / math.log2(3) + 1 / math.log2(5)
    assert ndcg(found, gold, k=10) == pytest.approx(got / (1 + 1 / math.log2(3) + 1 / 2))
    # With k = 2 only b is seen, and no more than two could be.
    assert ndcg(found, gold, k=2) == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))


def test_nothing_found_is_zero() -> None:
    for score in (hit, recall, ndcg):
        assert score([], ["a"], k=5) == 0


def test_agrees_with_ir_measures_on_random_runs() -> None:
    random_ = random.Random(3)
    for _ in range(50):
        documents = [f"w:{number}" for number in range(8)]
        found = random_.choices(documents, k=12)
        gold = random_.sample(documents, random_.randint(1, 7))
        # A document's later passages keep their places, as documents that are not relevant.
        once = [d if d not in found[:at] else f"again {at}" for at, d in enumerate(found)]
        theirs = ir_measures.calc_aggregate(
            [Success @ 1, Success @ 5, R @ 5, nDCG @ 10],
            [Qrel("q", d, 1) for d in gold],
            [ScoredDoc("q", d, -rank) for rank, d in enumerate(once)],
        )
        bare = [d.partition(":")[2] for d in gold]
        assert hit(found, bare, k=1) == theirs[Success @ 1]
        assert hit(found, bare, k=5) == theirs[Success @ 5]
        assert recall(found, bare, k=5) == pytest.approx(theirs[R @ 5])
        assert ndcg(found, bare, k=10) == pytest.approx(theirs[nDCG @ 10])


@pytest.mark.parametrize(
    "evidence",
    [
        "6 hours per pay period",
        "- Between **3 and 15 years**: 6 hours\n  per pay period",
        'Between [3 and 15 years](leave.md#table "x"): 6 hours',
        "Between 3 and 15 years: [6 hours][hours]",
        "> 2. full-time staff don't accrue “more”",
        "<td>full&#8209;time staff</td>",
        "| Full time | staff |",
        "[!NOTE] Full-time staff",
        # Ten words, one of them other: 90 %.
        "Between 3 and 15 years: work 6 hours per pay",
    ],
)
def test_markup_and_small_differences_do_not_hide_evidence(evidence: str) -> None:
    passage = (
        "Leave\nBetween 3 and 15 years: 6 hours per pay period.\nFull-time staff don’t accrue more."
    )
    assert contains(evidence, passage)


@pytest.mark.parametrize(
    "evidence",
    [
        "8 hours per pay period",
        "pay period per 6 hours",
        # Nine words, one of them other: under 90 %.
        "Between 3 and 15 years: work 6 hours per",
        "Between 3 and staff accrue more",  # all there, but far apart
        "...",
    ],
)
def test_other_words_are_not_the_evidence(evidence: str) -> None:
    passage = "Between 3 and 15 years: 6 hours per pay period. Full-time staff don’t accrue more."
    assert not contains(evidence, passage)


def test_evidence_counts_only_in_its_own_document() -> None:
    passages = [("w:a", "We ship to Cuba."), ("w:b", "Never travel to Malta or Fiji.")]
    assert evidence_share([("b", "- Cuba"), ("b", "Malta")], passages) == 0.5
    assert evidence_share([("", "- Cuba"), ("w:b", "Malta")], passages) == 1
    assert evidence_share([("b", "Malta")], []) == 0


def test_common_in_order_agrees_with_the_table_of_the_textbook() -> None:
    random_ = random.Random(5)
    for _ in range(200):
        first = random_.choices("abcd", k=random_.randint(0, 12))
        second = random_.choices("abcde", k=random_.randint(0, 12))
        table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
        for i, mine in enumerate(first):
            for j, theirs in enumerate(second):
                longest = max(table[i][j + 1], table[i + 1][j])
                table[i + 1][j + 1] = table[i][j] + 1 if mine == theirs else longest
        assert common_in_order(first, second) == table[-1][-1]
