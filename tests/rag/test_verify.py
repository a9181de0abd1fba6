"""What a claim may not say of its source: another number, name, date, or the contrary."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.facts import facts
from rag.verify import known_names, negated, says

DEMO = Path(__file__).parents[2] / "demo" / "wiki"

# (claim, source); each differs in one thing that changes what is said
FLIPPED = [
    ("You must carry it over.", "You must not carry it over."),
    ("You may not carry it over.", "You may carry it over."),
    ("Renewals are automatic, without an answer we cancel.",
     "Renewals are not automatic, without an answer we cancel."),
    ("The form isn't needed.", "The form is needed."),
    ("You can't renew it from outside.", "You can renew it from outside."),
    ("Everyone may enter.", "Everyone may enter unless the alarm is on."),
    ("Ask before you book.", "Ask after you book."),
    ("You must book by train.", "You may book by train."),
    ("At least five people.", "At most five people."),
    ("Overtime is paid.", "Overtime is unpaid."),
    ("More than ten need a yes.", "Fewer and less than ten need a yes."),
    ("Meals are included.", "Meals are excluded."),
    ("It is optional.", "It is mandatory."),
    ("Reports go out once a week.", "Reports go out twice a week."),
    ("Joris approves the trip.", "Marta approves the trip."),
    ("ask joris for the key.", "ask marta for the key."),
    ("The key is with Joris.", "The key is with Marta."),
    ("Write to hr@fernhill.example.", "Write to it@fernhill.example."),
    ("Post in #it-help.", "Post in #it-duty."),
    ("Open portal.fernhill.example.", "Open wiki.fernhill.example."),
    ("Error H-38 means a certificate.", "Error H-31 means a certificate."),
    ("Order the BP-30 pack.", "Order the BP-3 pack."),
    ("The desk opens on Mondays.", "The desk opens on Tuesdays."),
    ("It costs €65 a head.", "It costs £65 a head."),
    ("Return it within 10 days.", "Return it within 10 weeks."),
]  # fmt: skip

# (claim, source): said otherwise, and still the same
REWORDED = [
    ("Carrying over is not allowed.", "It is not allowed to carry days over."),
    ("You have two weeks.", "Everyone has 2 weeks."),
    ("Claims close on 31 March.", "Claims for 2025 close on March 31st, 2026."),
    ("Marta approves it.", "Approved by Marta Figueira"),
    ("The desk closes at 5 pm.", "The desk closes at 17:00 on weekdays."),
    ("It costs 65 euros.", "Price: €65"),
    ("Call ext. 4357.", "Come to an office, or call ext. 4357 and ask for a code."),
    ("A 30-day notice is needed.", "A notice of 30 days is needed."),
]


@pytest.mark.parametrize(("claim", "source"), FLIPPED)
def test_a_claim_that_turns_its_source_around_fails(claim: str, source: str) -> None:
    assert not says(claim, source, known_names([source, "Then Joris came.", "Now Marta went."]))


@pytest.mark.parametrize(("claim", "source"), REWORDED)
def test_a_claim_in_other_words_passes(claim: str, source: str) -> None:
    assert says(claim, source, known_names([source]))


def test_a_name_that_nothing_read_is_a_name_only_with_a_capital_or_when_asked_for() -> None:
    assert not says("The key is with Quill.", "The key is with Marta.")
    assert not says("ask quill for it.", "ask marta for it.")
    assert not says("The key is with quill.", "The key is with Marta.", frozenset({"quill"}))


def test_a_negation_belongs_to_the_words_behind_it() -> None:
    assert negated("Renewals are not automatic, without an answer we cancel") >= {"automatic"}
    assert "cancel" not in negated("Renewals are not automatic, and we cancel")


def test_names_are_the_words_that_never_stand_small() -> None:
    assert known_names(["The Keyring is small.", "Ask Marta about the keyring"]) == {"ask", "marta"}


# Each takes one fact of a sentence and makes another of it.
Mutation = Callable[[str], str]
MUTATIONS: dict[str, Mutation] = {
    "number": lambda text: re.sub(r"\d+", lambda m: str(int(m[0]) + 7), text, count=1),
    "last digit": lambda text: re.sub(r"\d(?!.*\d)", lambda m: str((int(m[0]) + 3) % 10), text),
    "currency": lambda text: text.translate(str.maketrans("€£", "£€")),
    "percent": lambda text: re.sub(r"(\d) ?%", r"\1 kg", text),
    "days": lambda text: re.sub(r"(?<=\d )((?:working )?)days", r"\1weeks", text, count=1),
    "minutes": lambda text: re.sub(r"(?<=\d )minutes", "hours", text, count=1),
    "month": lambda text: re.sub(r"\b(March|April|June)\b", "October", text, count=1),
    "weekday": lambda text: re.sub(r"\b(Mon|Tues|Thurs|Fri)day", "Sunday", text, count=1),
    "word": lambda text: re.sub(r"\b(two|three|five|six)(?= \w)", "eleven", text, count=1),
    "name": lambda text: re.sub(r"(?<=[a-z] )(?:Marta|Joris|Nadia|Kofi|Tom)\b", "Wilbur", text),
    "not": lambda text: re.sub(r"\bnot ", "", text, count=1),
    "may": lambda text: re.sub(r"\b(may|must|is|are) (?!not|no)", r"\1 not ", text, count=1),
    "mail": lambda text: re.sub(r"\b\w+@", "wilbur@", text, count=1),
    "channel": lambda text: re.sub(r"#[a-z]+", "#wilbur", text, count=1),
}


def sentences() -> Iterator[str]:
    for page in sorted(DEMO.rglob("*.md")):
        for line in page.read_text(encoding="utf-8").splitlines():
            if line and line[0] not in "#|->":
                yield from re.split(r"(?<=[.;]) ", line)


@pytest.mark.parametrize("kind", MUTATIONS)
def test_no_sentence_of_the_demo_supports_itself_with_one_fact_changed(kind: str) -> None:
    changed = 0
    for sentence in sentences():
        mutant = MUTATIONS[kind](sentence)
        if mutant == sentence:
            continue
        changed += 1
        assert not says(mutant, sentence), (sentence, mutant)
    assert changed >= 4


def test_every_sentence_of_the_demo_supports_itself() -> None:
    assert all(says(sentence, sentence) for sentence in sentences())
    assert sum(bool(facts(sentence).quantities) for sentence in sentences()) > 150
