"""From what the processes saw to tables and goals; expected figures are worked out by hand."""

import json
import math
from pathlib import Path

import pytest

from bench.peers import goals, report
from bench.peers.measured import Measured, Quality, Speed, quality, read, speed
from bench.peers.plan import Row
from bench.peers.prepared import Asked

NIGHT = {"seconds": 1.0, "tokens": 10}
BUILD = {"load_s": 3.0, "first": NIGHT, "unchanged": NIGHT, "changed": NIGHT}
SERVE = {"load_s": 1.0, "open_s": 1.0, "p50_s": 0.01, "p95_s": 0.02, "peak_rss_bytes": 2**20}
OURS, SCRIPT, LLAMA = Row("footnote"), Row("script"), Row("llamaindex")


def ran(row: Row, *first_s: float, p50_s: float = 0.01, exactness: float | None = 1.0) -> Speed:
    builds = [BUILD | {"first": {"seconds": seconds, "tokens": 1000}} for seconds in first_s]
    serve = SERVE | {"p50_s": p50_s}
    return speed(row, [(build, serve) for build in builds], exactness)


def ranked(row: Row, ndcg10: float) -> Quality:
    return Quality(row, "wiki", ndcg10, 0.5, {})


def test_a_night_has_its_start() -> None:
    assert ran(OURS, 1).figures["night_s"] == [4]


def test_a_ratio_is_of_the_same_repetition() -> None:
    # 2/1, 30/10, 4/1: a minute that was slow for both hides in neither
    assert ran(SCRIPT, 2, 30, 4).ratio(ran(OURS, 1, 10, 1), "first_s") == 3


def test_tokens_a_second_are_of_each_repetition() -> None:
    assert ran(OURS, 2, 4, 5).figures["tokens_per_s"] == [500, 250, 200]


@pytest.mark.parametrize(("exactness", "counts"), [(None, False), (0.979, False), (0.98, True)])
def test_a_speed_counts_if_the_index_finds_what_exact_search_finds(
    exactness: float | None, counts: bool
) -> None:
    assert ran(SCRIPT, 1, exactness=exactness).counts is counts


def test_quality_is_of_documents_ranked_by_their_first_passage() -> None:
    asked = [Asked("1", "?", ("wiki:a", "wiki:b"), "found"), Asked("2", "?", ("c",), "placed")]
    found = {"1": ["wiki:x", "wiki:a", "wiki:a"], "2": ["wiki:c"]}
    got = quality(OURS, "wiki", asked, found)
    dcg, ideal = 1 / math.log2(3), 1 + 1 / math.log2(3)
    assert got.ndcg10 == pytest.approx((dcg / ideal + 1) / 2)
    assert got.recall5 == pytest.approx((0.5 + 1) / 2)
    assert got.recall5_by_kind == {"found": 0.5, "placed": 1.0}


def test_repetitions_are_read_up_to_the_first_that_is_not_complete(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "corpora" / "wiki").mkdir(parents=True)
    (tmp_path / "corpora" / "wiki" / "corpus.json").write_text("{}")
    for phase, repetitions in (("build", (0, 1, 2, 3)), ("serve", (0, 1, 3))):
        for n in repetitions:
            file = tmp_path / "results" / f"{phase}-script-wiki-{n}.json"
            file.write_text(json.dumps(BUILD | {"first": {"seconds": n + 1, "tokens": 8}} | SERVE))
    (seen,) = read(tmp_path, [SCRIPT, OURS], "wiki", []).speeds
    assert seen.figures["first_s"] == [1, 2]
    assert not seen.counts


def test_a_speed_that_does_not_count_is_not_printed() -> None:
    fast = ran(SCRIPT, 0.001, exactness=0.5)
    text = report.markdown(Measured({}, [ran(OURS, 1), fast], []), "somewhere")
    assert "| script | not counted: exact 0.500 |" in text
    assert "1000000" not in text


def test_goals_are_against_the_peer_that_comes_off_best() -> None:
    seen = Measured(
        {},
        [ran(OURS, 1, p50_s=0.01), ran(SCRIPT, 4, p50_s=0.05), ran(Row("txtai"), 5, p50_s=0.02)],
        [ranked(OURS, 0.70), ranked(LLAMA, 0.65), ranked(SCRIPT, 0.71), ranked(Row("txtai"), 0.5)],
    )
    by_name = {goal.what: goal for goal in goals.goals(seen)}
    rate = by_name["tokens/s ÷ default peers'"]
    assert (rate.value, rate.outcome) == (4, "reached")
    query = by_name["hybrid peers' p50 ÷ ours"]
    assert (query.value, query.outcome) == (2, "missed")
    dense = by_name["nDCG@10 over the best dense peer, points"]
    assert dense.outcome == "reached"
    assert dense.value == pytest.approx(5)
    hybrid = by_name["nDCG@10 over the best hybrid peer, points"]
    assert hybrid.outcome == "missed"
    assert hybrid.value == pytest.approx(-1)


def test_a_peer_whose_speed_does_not_count_sets_no_mark() -> None:
    seen = Measured({}, [ran(OURS, 1), ran(SCRIPT, 0.1, exactness=0.5), ran(LLAMA, 3)], [])
    by_name = {goal.what: goal for goal in goals.goals(seen)}
    assert by_name["tokens/s ÷ default peers'"].value == 3


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    assert {goal.outcome for goal in goals.goals(Measured({}, [], []))} == {"not measured"}


def test_the_facts_for_programs_name_every_system() -> None:
    seen = Measured({"wiki": {"documents": 3}}, [ran(OURS, 1)], [ranked(SCRIPT, 0.5)])
    made = report.facts(seen, "somewhere\nload 1")
    assert made["conditions"] == ["somewhere", "load 1"]
    assert [each["system"] for each in made["speed"]] == ["footnote"]  # type: ignore[attr-defined]
