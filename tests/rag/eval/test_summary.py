from dataclasses import replace

import pytest

from index.base import Hit
from rag.base import Answer, Quote, Timings
from rag.eval.questions import EvalQuestion
from rag.eval.rows import Row, failure, ranked, reply
from rag.eval.summary import Rate, Spread, Summary, summarise
from tests.rag.eval.examples import abstention, answer, citation, hit, question

GOLD = question(answer="30 days", gold=("a",), evidence=(("a", "30 days"),))
UNKNOWN = question(answerable=False)


def row(asked: EvalQuestion, given: Answer | None, *hits: Hit) -> Row:
    scored = reply(asked, given, lambda _: "30 days") if given else failure(asked)
    return Row(asked, 0.02, ranked(asked, hits), scored)


ROWS = [
    # Right, two citations: one of the gold document, quoting the evidence.
    row(
        GOLD,
        answer("30 days", citation("w:a", Quote("30 days", 0, 7)), citation("w:b"), confidence=0.9),
        hit("w:a", "30 days"),
    ),
    # Wrong, by the extractive fallback, one citation of another document, wrongly quoted.
    row(
        GOLD,
        answer("no", citation("w:b", Quote("30 Days", 0, 7)), confidence=0.6, model="extractive"),
        hit("w:b"),
        hit("w:a", "…"),
    ),
    row(GOLD, abstention("30 days", confidence=0.4), hit("w:b")),
    row(GOLD, None),
    row(UNKNOWN, abstention(confidence=0.2)),
    row(UNKNOWN, answer("5", citation("w:b"), confidence=0.5)),
]


@pytest.fixture(scope="module")
def summary() -> Summary:
    return summarise(ROWS, peak_rss_bytes=1)


@pytest.mark.parametrize(
    ("name", "value", "n"),
    [
        ("hit@1", 1 / 4, 4),
        ("hit@5", 2 / 4, 4),
        ("recall@5", 2 / 4, 4),
        ("nDCG@10", (1 + 0.6309298) / 4, 4),  # 1 / log2 3
        ("evidence in top 5", 1 / 4, 4),
        ("exact match", 1 / 4, 4),
        ("contains", 1 / 4, 4),
        ("token F1", 1 / 4, 4),
        ("exact match, answered", 1 / 2, 2),
        ("contains, answered", 1 / 2, 2),
        ("token F1, answered", 1 / 2, 2),
        ("citation precision", 1 / 3, 3),
        ("citation evidence precision", 1 / 3, 3),
        ("citation recall", 1 / 2, 2),
        ("quotes identical", 1 / 2, 2),
        ("refused when unanswerable", 1 / 2, 2),
        ("refused when answerable", 1 / 4, 4),
        ("answered by extractive", 1 / 6, 6),
        ("answered by small", 2 / 6, 6),
        ("refused", 2 / 6, 6),
        # Right .9 and (withheld) .4; wrong .6, .2, .5: .9 wins thrice, .4 once, of 6 pairs.
        ("AUROC", 4 / 6, 5),
        # Each alone in its bin: .1, .6 (.4 is right), .6, .2 and .5, of 5.
        ("ECE", (0.1 + 0.6 + 0.6 + 0.2 + 0.5) / 5, 5),
        ("ECE, adaptive", (0.1 + 0.6 + 0.6 + 0.2 + 0.5) / 5, 5),  # as many bins as answers
        ("coverage at 5% risk", 1 / 6, 6),
        ("coverage at 10% risk", 1 / 6, 6),
        # Answerable .9, .6, .4 and 0 (failed); the others .2, .5: 2 + 2 + 1 + 0 of 8 pairs.
        ("AUROC, answerable", 5 / 8, 6),
        # The third question's first attempt was right and was then refused.
        ("right or refused, first attempt", 3 / 5, 5),
        ("right or refused", 2 / 5, 5),
        ("right, then turned wrong", 1 / 2, 2),
    ],
)
def test_rates_by_hand(summary: Summary, name: str, value: float, n: int) -> None:
    (found,) = (one for one in summary.rates if one.name == name)
    assert found.value == pytest.approx(value)
    assert found.n == n


def test_every_rate_is_listed_above_and_lies_in_its_interval(summary: Summary) -> None:
    assert len(summary.rates) == 29
    for one in summary.rates:
        assert (one.low is None) == (one.name.startswith("ECE") or one.name.startswith("coverage"))
        if one.low is not None and one.high is not None:
            assert 0 <= one.low <= one.value <= one.high <= 1
    assert (summary.questions, summary.answerable, summary.failed) == (6, 4, 1)


def test_what_no_row_tells_is_left_out() -> None:
    summary = summarise([row(UNKNOWN, abstention())], peak_rss_bytes=1)
    assert summary.rates == (
        Rate("refused when unanswerable", 1.0, 1.0, 1.0, 1),
        Rate("refused", 1.0, 1.0, 1.0, 1),
        Rate("right or refused, first attempt", 1.0, 1.0, 1.0, 1),
        Rate("right or refused", 1.0, 1.0, 1.0, 1),
    )


def test_what_self_correction_costs_is_a_ratio_of_medians() -> None:
    slow = answer("30 days", timings=Timings(0.1, None, 3.0))
    first = replace(slow.attempts[0], text="", weakness="evidence", complete_s=2.0)
    slow = replace(slow, attempts=(first, slow.attempts[0]))
    summary = summarise([row(GOLD, slow)], peak_rss_bytes=1)
    found = {one.name: one.value for one in summary.rates}
    assert found["right or refused, first attempt"] == 0.0
    assert found["right or refused"] == 1.0
    assert found["median time, to first attempt's"] == 1.5


def test_the_curve_has_a_point_for_every_confidence(summary: Summary) -> None:
    # .9 right, .6 wrong, .5 wrong, .4 right (withheld), .2 and 0 wrong.
    assert [one.coverage for one in summary.curve] == pytest.approx([n / 6 for n in range(1, 7)])
    assert [one.risk for one in summary.curve] == pytest.approx(
        [0, 1 / 2, 2 / 3, 2 / 4, 3 / 5, 4 / 6]
    )
    assert summarise([], peak_rss_bytes=1).rates == ()


def test_the_interval_of_a_share_of_citations_resamples_answers() -> None:
    # One answer with nine citations, all right; one with one, wrong: .9, but it may be 0.
    nine = answer("30 days", *[citation("w:a")] * 9)
    summary = summarise(
        [row(GOLD, nine), row(GOLD, answer("no", citation("w:b")))], peak_rss_bytes=1
    )
    (precision,) = (one for one in summary.rates if one.name == "citation precision")
    assert (precision.value, precision.low, precision.high) == (0.9, 0.0, 1.0)


def test_seconds_are_of_the_answers_or_else_of_the_searches() -> None:
    timings = [Timings(1.0, None, 10.0), Timings(2.0, 5.0, 20.0), Timings(3.0, None, 30.0)]
    rows = [row(GOLD, answer("x", timings=one)) for one in timings]
    assert summarise(rows, peak_rss_bytes=1).seconds == (
        Spread("retrieval", 2.0, 2.9, 3),  # 90 % of the way from 2 to 3
        Spread("first token", 5.0, 5.0, 1),
        Spread("complete", 20.0, 29.0, 3),
    )
    searched = [Row(GOLD, 0.02, ranked(GOLD, []), None), Row(GOLD, None, ranked(GOLD, []), None)]
    assert summarise(searched, peak_rss_bytes=1).seconds == (Spread("retrieval", 0.02, 0.02, 1),)
