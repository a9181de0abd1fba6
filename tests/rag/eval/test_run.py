import pytest

from index.base import Hit, StoreError
from rag.base import Answer, ModelError, Question
from rag.eval.questions import EvalQuestion
from rag.eval.run import run, run_retrieval
from tests.rag.eval.examples import ListAnswerer, abstention, answer, hit, question

ANN = frozenset({"user:ann@x.org"})
FIRST = question(qid="1", text="A?", answer="1", gold=("a",), history=(("Before?", "Yes."),))
SECOND = question(qid="2", text="B?", answerable=False)


def find_a(asked: EvalQuestion) -> list[Hit]:
    return [hit("w:a")]


def broken(asked: EvalQuestion) -> list[Hit]:
    raise StoreError("no index yet")


def test_every_question_is_asked_with_its_history_and_the_given_eyes() -> None:
    answerer = ListAnswerer({"A?": answer("1"), "B?": abstention()})
    seen: list[tuple[int, int]] = []
    result = run(
        [FIRST, SECOND],
        answerer,
        find_a,
        principals=ANN,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert answerer.asked == [Question("A?", ANN, (("Before?", "Yes."),)), Question("B?", ANN)]
    assert [row.question for row in result.rows] == [FIRST, SECOND]
    assert [row.reply.status for row in result.rows if row.reply] == ["answered", "abstained"]
    assert [row.ranked is not None for row in result.rows] == [True, False]
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert result.summary.peak_rss_bytes > 10 * 2**20  # Python alone takes more


@pytest.mark.parametrize(
    "error", [ModelError("out of memory", retryable=False), StoreError("no index yet")]
)
def test_an_error_is_raised_or_told_and_counted_as_failed(error: Exception) -> None:
    answers: dict[str, Answer | Exception] = {"A?": error, "B?": abstention()}
    with pytest.raises(type(error)):
        run([FIRST], ListAnswerer(answers), find_a, principals=ANN, progress=lambda *_: None)
    told: list[tuple[str, Exception]] = []
    result = run(
        [FIRST, SECOND],
        ListAnswerer(answers),
        find_a,
        principals=ANN,
        progress=lambda *_: None,
        on_error=lambda asked, error: told.append((asked.qid, error)),
    )
    assert told == [("1", error)]
    assert [row.reply.status for row in result.rows if row.reply] == ["failed", "abstained"]
    assert result.summary.failed == 1
    rates = {rate.name: rate.value for rate in result.summary.rates}
    assert (rates["hit@5"], rates["token F1"], rates["refused when answerable"]) == (0, 0, 0)


def test_quotes_are_compared_only_where_texts_are_given() -> None:
    answerer = ListAnswerer({"A?": answer("1")})
    result = run([FIRST], answerer, find_a, principals=ANN, progress=lambda *_: None)
    assert "quotes identical" not in {rate.name for rate in result.summary.rates}


def test_retrieval_alone_leaves_out_what_has_nothing_to_find() -> None:
    seen: list[int] = []
    result = run_retrieval([FIRST, SECOND], find_a, progress=lambda done, _: seen.append(done))
    assert [(row.question, row.reply) for row in result.rows] == [(FIRST, None)]
    assert [rate.name for rate in result.summary.rates] == ["hit@1", "hit@5", "recall@5", "nDCG@10"]
    assert [spread.name for spread in result.summary.seconds] == ["retrieval"]
    assert seen == [0, 1]


def test_a_failed_search_found_nothing() -> None:
    with pytest.raises(StoreError):
        run_retrieval([FIRST], broken, progress=lambda *_: None)
    told: list[str] = []
    result = run_retrieval(
        [FIRST],
        broken,
        progress=lambda *_: None,
        on_error=lambda asked, error: told.append(f"{asked.qid}: {error}"),
    )
    assert told == ["1: no index yet"]
    assert {rate.value for rate in result.summary.rates} == {0.0}
