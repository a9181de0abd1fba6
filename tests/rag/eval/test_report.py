import json

from rag.base import Quote
from rag.eval.calibration import Point
from rag.eval.report import table, to_json
from rag.eval.rows import Row, failure, ranked, reply
from rag.eval.run import Result
from rag.eval.summary import Rate, Spread, Summary
from tests.rag.eval.examples import answer, citation, hit, question

ASKED = question(
    qid="q7",
    text="How many days?",
    answer="30 days",
    gold=("a",),
    evidence=(("a", "SECRET evidence"),),
    history=(("SECRET before", "SECRET reply"),),
)
GIVEN = answer("30 days [1].", citation("w:a", Quote("SECRET quote", 0, 12)))
RESULT = Result(
    rows=(
        Row(ASKED, 0.02, ranked(ASKED, [hit("w:a", "SECRET chunk")]), reply(ASKED, GIVEN, str)),
        Row(ASKED, None, None, failure(ASKED)),
        Row(ASKED, 0.03, None, None),
    ),
    summary=Summary(
        questions=3,
        answerable=3,
        failed=1,
        rates=(Rate("hit@1", 0.5, 0.25, 1.0, 2), Rate("ECE", 0.1234, None, None, 1)),
        seconds=(Spread("retrieval", 0.0101, 0.02, 2),),
        curve=(Point(0.9, 0.5, 0.0), Point(0.8, 0.55, 0.05), Point(0.2, 1.0, 0.5)),
        peak_rss_bytes=3 * 2**20,
    ),
)


def test_the_table_is_aligned_markdown() -> None:
    assert table(RESULT) == (
        "3 questions, 3 answerable, 1 failed; peak memory 3 MiB\n"
        "\n"
        "| measure | value | 95 % interval |  n |\n"
        "| ------- | ----: | ------------: | -: |\n"
        "| hit@1   | 0.500 |   0.250–1.000 |  2 |\n"
        "| ECE     | 0.123 |               |  1 |\n"
        "\n"
        "| accepted from | coverage |  risk |\n"
        "| ------------- | -------: | ----: |\n"
        "| 0.900         |    0.500 | 0.000 |\n"
        "| 0.200         |    1.000 | 0.500 |\n"
        "\n"
        "| seconds   | median |   p95 |  n |\n"
        "| --------- | -----: | ----: | -: |\n"
        "| retrieval |  0.010 | 0.020 |  2 |"
    )


def test_an_empty_part_has_no_table() -> None:
    bare = Result((), Summary(0, 0, 0, (), (), (), 0))
    assert table(bare) == "0 questions, 0 answerable; peak memory 0 MiB"


def test_json_has_conditions_figures_and_a_row_per_question() -> None:
    found = json.loads(json.dumps(to_json(RESULT, conditions={"limit": 3}), allow_nan=False))
    assert found["conditions"] == {"limit": 3}
    assert found["summary"]["rates"]["hit@1"] == {"value": 0.5, "low": 0.25, "high": 1.0, "n": 2}
    assert found["summary"]["seconds"]["retrieval"] == {"median": 0.0101, "p95": 0.02, "n": 2}
    assert found["summary"]["risk_coverage"][1] == {
        "threshold": 0.8,
        "coverage": 0.55,
        "risk": 0.05,
    }
    first, failed, searched = found["rows"]
    assert (first["qid"], first["question"], first["expected"]) == (
        "q7",
        "How many days?",
        "30 days",
    )
    assert (first["answer"]["text"], first["answer"]["contains"]) == ("30 days [1].", 1.0)
    assert first["retrieval"]["hit_1"] == 1.0
    assert failed["answer"]["status"] == "failed"
    assert searched["answer"] is None


def test_json_holds_no_document_and_no_history() -> None:
    assert "SECRET" not in json.dumps(to_json(RESULT, conditions={}))
