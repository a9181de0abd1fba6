"""Numbers with what they count, dates, times: read alike however they are spelled."""

import pytest

from rag.facts import facts, holds

SAME = [
    ("two weeks", "2 weeks"),
    ("twenty-five days", "25 days"),
    ("20 working days", "20 consecutive working days"),
    ("3,000 euros", "€3000"),
    ("£40k", "40,000 pounds"),
    ("$1.5m", "1.5 million dollars"),
    ("15 per 2 weeks", "15 per fortnight or 2 weeks"),
    ("50 %", "50 percent"),
    ("17:00", "5 pm"),
    ("9 a.m.", "09:00"),
    ("noon", "12:00"),
    ("2026-03-01", "1 March 2026"),
    ("March 1st, 2026", "1st of March 2026"),
    ("31 Mar", "31 March"),
    ("a 30-day notice", "a notice of 30 days"),
    ("the 2nd Monday", "the second Monday"),
    ("100.0 kg", "100 kilos"),
    ("-10 °C", "−10 °C"),
    ("two and a half days", "2.5 days"),
    ("one and a half million dollars", "$1,500,000"),
    ("two hundred and fifty euros", "€250"),
    ("a hundred and twenty people", "120 people"),
    ("1 000 euros", "€1,000"),
    ("at 02:00:00", "at 02:00"),
    ("the twenty-first", "the 21st"),
    ("the 30th", "the thirtieth"),
]

# (what the claim says, what the source says): never the same, by hand
DIFFERENT = [
    ("2 weeks", "2 days"),
    ("two weeks", "three weeks"),
    ("25 days", "20 days and 25 hours"),
    ("€65 a head", "£65 a head"),
    ("€65", "65 names on the claim"),
    ("$1.5m", "$1.5"),
    ("£40k", "£40"),
    ("50 %", "50 people"),
    ("0.5 %", "5 %"),
    ("1,000 probes", "1.000 probes"),
    ("10 °C", "-10 °C"),
    ("5 devices", "from 5 March"),
    ("5 March", "5 May"),
    ("5 March 2026", "5 March"),
    ("5 March 2026", "5 March 2025"),
    ("in 2026", "in 2025"),
    ("3 April 2026", "03/04/2026"),
    ("03/04/2026", "04/03/2026"),
    ("5 pm", "5:00"),
    ("17:00", "17:30"),
    ("on Monday", "on Tuesday"),
    ("the first Monday", "the second Monday"),
    ("€400 a month", "€400 a year"),
    ("within the day", "within the week"),
    ("gen 3", "gen 2 with 3 blades"),
    ("level 2", "level 3, 2 people"),
    ("4357", "4375"),
    ("half a day", "a day"),
    ("€5 to €5", "€5 to €9"),
    ("9:00 to 9:00", "9:00 to 17:00"),
    ("1 adult", "8 adults"),
    ("2.5 days", "two days and half of them paid"),
    ("the twenty-first", "the first"),
    ("200 people", "between one hundred and two people"),
    ("12300 m", "room 12 300 m away"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_fact_are_equal(one: str, other: str) -> None:
    assert holds(facts(other), facts(one))
    first, second = facts(one), facts(other)
    assert set(first.quantities) <= set(second.quantities) or first.dates == second.dates
    assert first.times == second.times


@pytest.mark.parametrize(("claim", "source"), DIFFERENT)
def test_another_fact_is_not_held(claim: str, source: str) -> None:
    assert not holds(facts(source), facts(claim))
    assert holds(facts(claim), facts(claim))


def test_a_claim_may_leave_out_the_year() -> None:
    assert holds(facts("until 31 March 2026"), facts("until 31 March"))
    assert holds(facts("until 31 March 2026"), facts("in March"))


def test_the_unit_of_a_table_stands_in_its_header() -> None:
    table = "Days of leave | Leeds | 26"
    assert holds(facts(table), facts("26 days"))
    assert not holds(facts(table), facts("26 weeks"))


def test_a_range_counts_one_thing() -> None:
    assert facts("2 to 3 weeks").quantities == (("2", "week"), ("3", "week"))
    assert facts("€5–10").quantities == (("5", "EUR"), ("10", "EUR"))


def test_people_a_week_are_not_weeks() -> None:
    assert facts("5 people a week").quantities == (("5", ""),)


def test_may_is_a_month_only_where_it_cannot_be_a_verb() -> None:
    assert facts("up to 5 may be sent").dates == frozenset()
    assert facts("in May").dates == {(None, 5, None)}
    assert facts("3 May").dates == {(None, 5, 3)}


def test_one_is_a_pronoun_until_it_counts_something() -> None:
    assert holds(facts("ask somebody"), facts("ask one of us"))
    assert not holds(facts("two days"), facts("one day"))
