"""The plan: what a source needs and why, which loss is believed, when a source is closed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Entry
from index.access import Access
from index.base import DocumentInfo
from ingest.base import Failure
from ingest.history import Loss, Past, Trouble
from ingest.sync import Limits, Plan, plan, plan_without_listing, remembered, stale

ALL, HR, NONE = frozenset({"everyone"}), frozenset({"group:hr"}), frozenset[str]()
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(days=1)


def known(entries: Iterable[Entry]) -> dict[str, DocumentInfo]:
    return {e.id: DocumentInfo(e.id, e.version, "t", "u", "wiki", NOW, e.readers) for e in entries}


def entries(count: int) -> list[Entry]:
    return [Entry(f"w:{number:04d}", "1", ALL) for number in range(count)]


def planned(listing: Iterable[Entry], index: Iterable[Entry], past: Past | None = None) -> Plan:
    return plan("w", listing, known(index), past or Past(), limits=Limits(), parser="p1")


def trouble(id: str, *, version: str = "2", attempts: int = 3, stage: str = "parse") -> Trouble:
    failure = Failure(id, stage, "damaged", "it is damaged")  # type: ignore[arg-type]  # a stage
    return Trouble(failure, version, "p1", attempts, BEFORE, BEFORE)


def steps(made: Plan) -> list[tuple[str, str]]:
    return [(step.action, step.id) for step in made.steps]


def test_what_is_new_changed_gone_and_repermissioned_has_its_reason() -> None:
    same = Entry("w:same", "1", ALL)
    listing = [
        same,
        Entry("w:new", "1", ALL),
        Entry("w:edited", "2", ALL),
        Entry("w:shut", "1", HR),
    ]
    index = [same, *(Entry(f"w:{name}", "1", ALL) for name in ("edited", "shut", "gone"))]
    made = planned(listing, index)
    assert [(step.action, step.id, step.reason) for step in made.steps] == [
        ("add", "w:new", "not in the index yet"),
        ("change", "w:edited", "version 1 is now 2"),
        ("readers", "w:shut", "readers were everyone, are group:hr"),
        ("hide", "w:gone", "not listed for the first time"),
    ]
    assert made.unchanged == 1
    assert [entry.id for entry in made.to_fetch()] == ["w:new", "w:edited"]
    assert made.readers() == {"w:shut": Access(HR), "w:gone": Access(NONE)}


def test_an_edited_document_is_closed_even_if_its_new_text_cannot_be_read() -> None:
    made = planned([Entry("w:a", "2", HR)], [Entry("w:a", "1", ALL)])
    assert made.readers() == {"w:a": Access(HR)}


def test_an_id_listed_twice_is_one_document() -> None:
    made = planned([Entry("w:a", "1", ALL), Entry("w:a", "1", HR)], [])
    assert made.to_fetch() == [Entry("w:a", "1", HR)]


@pytest.mark.parametrize(
    ("count", "lost", "held"),
    [
        (100, 5, False),
        (100, 15, False),
        (100, 16, True),
        (10_000, 500, False),
        (10_000, 501, True),
        (20, 3, False),
        (20, 4, True),
        (4, 3, False),  # a small source may lose three documents,
        (1, 1, True),  # but never all of them
        (3, 3, True),
    ],
)
def test_a_loss_is_held_above_15_percent_or_500_documents(
    count: int, lost: int, held: bool
) -> None:
    made = planned(entries(count)[lost:], entries(count))
    assert {action for action, _ in steps(made)} == ({"hold"} if held else {"hide"})
    assert len(made.steps) == lost
    assert (made.held is not None) == held


def test_the_one_page_of_a_source_may_be_replaced() -> None:
    made = planned([Entry("w:new", "1", ALL)], [Entry("w:old", "1", ALL)])
    assert steps(made) == [("add", "w:new"), ("hide", "w:old")]


def test_additions_changes_and_readers_go_on_while_a_loss_is_held() -> None:
    index = entries(100)
    listing = [
        Entry("w:new", "1", ALL),
        replace(index[99], version="2"),
        replace(index[98], readers=HR),
    ]
    made = planned(listing, index)
    assert made.held == "98 of 100 documents are no longer listed, more than 15%"
    assert steps(made)[:3] == [("add", "w:new"), ("change", "w:0099"), ("readers", "w:0098")]
    assert {action for action, _ in steps(made)[3:]} == {"hold"}


def test_the_second_complete_listing_without_a_document_purges_it() -> None:
    made = planned(entries(9)[1:], entries(9), Past(missed={"w:0000": BEFORE}))
    assert [(s.action, s.reason) for s in made.steps] == [
        ("purge", "not listed for the second time, first 2026-03-01 02:00 UTC")
    ]


def test_a_held_run_purges_nothing_either() -> None:
    made = planned(entries(100)[50:], entries(100), Past(missed={"w:0000": BEFORE}))
    assert set(steps(made)) == {("hold", entry.id) for entry in entries(50)}


def test_an_empty_listing_is_held_even_when_all_was_hidden_before() -> None:
    missed = {entry.id: BEFORE for entry in entries(2)}
    assert planned([], entries(2), Past(missed=missed)).ids("hold") == ("w:0000", "w:0001")
    assert planned([], []).held is None


def test_a_held_loss_stays_held_however_much_the_source_grows() -> None:
    loss = Loss(7, BEFORE, frozenset(e.id for e in entries(10)), "10 of 20")
    index = entries(1000)
    assert planned(index[10:], index).held is None
    made = planned(index[10:], index, Past(loss=loss))
    assert (made.held, len(made.ids("hold"))) == ("10 of 20", 10)
    assert planned(index[9:], index, Past(loss=loss)).ids("hold") == tuple(e.id for e in entries(9))


def test_an_approval_lets_exactly_the_held_loss_through() -> None:
    loss = Loss(7, BEFORE, frozenset(e.id for e in entries(40)), "40 of 100", approved=True)
    made = planned(entries(100)[40:], entries(100), Past(loss=loss))
    assert made.held is None
    assert made.ids("purge") == tuple(e.id for e in entries(40))
    more = planned(entries(100)[70:], entries(100), Past(loss=loss))
    assert more.ids("purge") == tuple(e.id for e in entries(40))
    assert more.ids("hold") == tuple(e.id for e in entries(70)[40:])
    assert more.held == "30 of 60 documents are no longer listed, more than 15%"
    back = planned(entries(100)[39:], entries(100), Past(loss=loss))
    assert "w:0039" not in {id for _, id in steps(back)}


def test_an_approval_is_spent_by_the_next_complete_listing() -> None:
    loss = Loss(7, BEFORE, frozenset(e.id for e in entries(40)), "40 of 100", approved=True)
    past = Past(loss=loss)
    failed = plan_without_listing("w", "gone", known(entries(9)), past, limits=Limits(), now=NOW)
    assert remembered(failed, past, [], run=8, now=NOW, parser="p1").loss == loss
    whole = planned(entries(100), entries(100), past)
    assert remembered(whole, past, [], run=8, now=NOW, parser="p1").loss is None


def test_the_same_loss_keeps_the_number_of_the_run_that_held_it_first() -> None:
    first = remembered(planned([], entries(9)), Past(), [], run=4, now=BEFORE, parser="p1")
    again = remembered(planned([], entries(9), first), first, [], run=5, now=NOW, parser="p1")
    assert again.loss == first.loss
    assert again.loss is not None
    assert again.loss.run == 4
    other = remembered(planned([], entries(8), first), first, [], run=5, now=NOW, parser="p1")
    assert other.loss is not None
    assert other.loss.run == 5


def test_what_is_listed_again_is_no_longer_missed() -> None:
    past = Past(missed={"w:0000": BEFORE, "w:0001": BEFORE})
    index = [replace(entry, readers=NONE) for entry in entries(2)] + entries(20)[2:]
    made = planned([entries(2)[1], *entries(20)[2:]], index, past)
    assert [(s.action, s.id, s.reason) for s in made.steps] == [
        ("readers", "w:0001", "listed again; hidden since 2026-03-01 02:00 UTC"),
        ("purge", "w:0000", "not listed for the second time, first 2026-03-01 02:00 UTC"),
    ]
    assert remembered(made, past, [], run=2, now=NOW, parser="p1").missed == {}


def test_a_version_that_failed_three_times_waits_for_another_or_another_parser() -> None:
    past = Past(troubles={"w:0000": trouble("w:0000", version="1")})
    (skip,) = planned(entries(1), [], past).steps
    assert (skip.action, skip.reason) == (
        "skip",
        "this version failed 3 times (damaged); `footnote retry w:0000` tries it again",
    )
    assert planned([Entry("w:0000", "2", ALL)], [], past).ids("add") == ("w:0000",)
    other = plan("w", entries(1), {}, past, limits=Limits(), parser="p2")
    assert other.ids("add") == ("w:0000",)


@pytest.mark.parametrize(("attempts", "stage"), [(2, "parse"), (9, "fetch")])
def test_two_failures_or_failed_fetches_are_tried_again(attempts: int, stage: str) -> None:
    past = Past(troubles={"w:0000": trouble("w:0000", version="1", attempts=attempts, stage=stage)})
    assert planned(entries(1), [], past).ids("add") == ("w:0000",)


def test_failures_of_one_version_are_counted_and_those_of_another_begin_anew() -> None:
    past = Past(troubles={"w:0000": trouble("w:0000", version="1", attempts=1)})
    failure = Failure("w:0000", "parse", "empty", "no text")
    again = remembered(planned(entries(1), []), past, [failure], run=2, now=NOW, parser="p1")
    assert again.troubles["w:0000"] == Trouble(failure, "1", "p1", 2, BEFORE, NOW)
    changed = planned([Entry("w:0000", "2", ALL)], [])
    anew = remembered(changed, past, [failure], run=2, now=NOW, parser="p1")
    assert anew.troubles["w:0000"] == Trouble(failure, "2", "p1", 1, NOW, NOW)
    assert remembered(changed, past, [], run=2, now=NOW, parser="p1").troubles == {}


def test_a_text_is_stale_while_a_newer_version_cannot_be_read() -> None:
    index = known(entries(3))
    listing = [replace(entry, version="2") for entry in entries(2)] + entries(3)[2:]
    past = Past(troubles={"w:0000": trouble("w:0000")})
    made = plan("w", listing, index, past, limits=Limits(), parser="p1")
    assert stale(made, index, {"w:0001"}) == {"w:0000": True, "w:0001": True}
    index = {id: replace(info, stale=True) for id, info in index.items()}
    assert stale(made, index, {"w:0001"}) == {"w:0002": False}


@pytest.mark.parametrize(("hours", "closed"), [(0, False), (22, False), (23, True), (48, True)])
def test_a_source_without_a_listing_is_closed_after_a_day(hours: int, closed: bool) -> None:
    past = Past(failing_since=NOW - timedelta(hours=hours))
    index = known(entries(2))
    made = plan_without_listing("w", "403", index, past, limits=Limits(), now=NOW)
    assert made.error == "403"
    assert made.readers() == (dict.fromkeys(index, Access(NONE)) if closed else {})
    assert made.ids("hide", "purge", "hold") == ()


def test_documents_without_readers_are_counted() -> None:
    made = planned([Entry("w:a", "1", NONE), Entry("w:b", "1", ALL)], [])
    assert made.for_nobody() == 1
