"""Which documents are taken of a corpus, and in what order the systems take turns."""

import pytest

from bench.peers import plan, sample

IDS = [f"wiki:{n:02}" for n in range(40)]


def test_documents_that_answer_a_question_come_first() -> None:
    taken = sample.order(IDS, {"07", "wiki:31"})
    assert taken[:2] == ["wiki:07", "wiki:31"]
    assert sorted(taken) == IDS


def test_a_sample_does_not_depend_on_the_order_of_the_listing() -> None:
    assert sample.order(IDS, {"07"}) == sample.order(IDS[::-1], {"07"})
    assert sample.order(IDS, ()) != IDS


@pytest.mark.parametrize(("documents", "changed"), [(1, 1), (40, 1), (150, 2), (400, 4)])
def test_one_document_in_a_hundred_changes_and_at_least_one(documents: int, changed: int) -> None:
    ids = [f"wiki:{n}" for n in range(documents)]
    assert len(set(sample.changing(ids))) == changed
    assert sample.changing(ids) == sample.changing(ids[::-1])


def test_a_gold_document_that_is_not_there_is_named() -> None:
    assert sample.missing({"07", "wiki:31", "99"}, IDS) == ["99"]


def test_our_rows_stay_when_only_one_peer_is_asked_for() -> None:
    assert [row.name for row in plan.rows(["script"])] == ["footnote", "script", "script, tuned"]


def test_systems_take_turns_within_every_repetition() -> None:
    jobs = list(plan.speed_jobs(plan.rows(["txtai"]), "wiki", 2))
    turns = [(build.repetition, build.row.name) for build, *_ in jobs]
    assert turns == [(n, name) for n in (0, 1) for name in ("footnote", "txtai", "txtai, tuned")]


def test_an_index_is_served_after_it_was_built_and_the_first_is_checked() -> None:
    first, second = plan.speed_jobs((plan.Row("script"),), "wiki", 2)
    assert [(job.phase, job.repetition) for job in first] == [
        ("build", 0),
        ("serve", 0),
        ("check", 0),
    ]
    assert [(job.phase, job.repetition) for job in second] == [("build", 1), ("serve", 1)]


def test_every_job_has_a_result_of_its_own() -> None:
    rows = plan.rows(())
    jobs = [job for group in plan.speed_jobs(rows, "wiki", 3) for job in group]
    jobs += [job for group in plan.rank_jobs(rows, ["wiki", "faq"]) for job in group]
    assert len({job.name for job in jobs}) == len(jobs) == 9 * (3 * 2 + 1) + 8 * 2
