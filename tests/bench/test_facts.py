"""Facts in the second half of a passage. The tokenizer here takes a word for a token."""

from dataclasses import replace

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from bench.peers.base import Text
from bench.peers.facts import FACTS, HALF, TOWNS, Tokens, found, placed
from rag.eval.questions import EvalQuestion

PAGE = "Pumps.md"


def words() -> Tokens:
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return Tokens(tokenizer)


def passage(id: str, *, length: int = 450) -> Text:
    return Text(id, "The title", " ".join(f"w{id}{n}." for n in range(length)))


def question(evidence: str) -> EvalQuestion:
    return EvalQuestion(
        "q1", "When?", (), "", "", "", (), (PAGE,), ((PAGE, evidence),), answerable=True
    )


def test_the_halves_are_the_text_and_the_title_counts() -> None:
    text = passage("a")
    first, second = words().halves(text)
    assert first + second == text.text
    assert len(first.split()) == HALF - 2


def test_a_placed_fact_stands_in_the_second_half_of_its_passage() -> None:
    passages = [passage(str(n)) for n in range(100)]
    told, asked = placed(passages, words())
    assert len(asked) == len(FACTS) * len(TOWNS) == len({each.gold for each in asked})
    by_id = {each.id: each for each in told}
    for each in asked:
        _, town, sort = each.qid.split()
        fact = FACTS[int(sort)][0].format(town=town)
        before, _, after = by_id[each.gold[0]].text.partition(fact)
        assert len(before.split()) + 2 >= HALF
        assert len(before.split()) + 2 + len(fact.split()) <= 512
        assert after


def test_a_placed_fact_changes_nothing_else_of_the_text() -> None:
    passages = [passage("a"), passage("short", length=100)]
    told, asked = placed(passages, words())
    fact = FACTS[0][0].format(town=TOWNS[0])
    assert replace(told[0], text=told[0].text.replace(f"{fact} ", "")) == passages[0]
    assert told[1] == passages[1]
    assert [each.gold for each in asked] == [("a",)]


@pytest.mark.parametrize("fact", FACTS)
def test_a_question_shares_the_town_and_no_other_rare_word_with_its_fact(
    fact: tuple[str, str],
) -> None:
    said, asked = (set(form.lower().strip(".?").split()) for form in fact)
    assert said & asked <= set("{town} {town}, the a of in is to for from first on".split())


def test_evidence_in_the_second_half_makes_a_question() -> None:
    text = passage("a")
    evidence = " ".join(text.text.split()[300:310])
    (asked,) = found([(f"wiki:{PAGE}", text)], [question(evidence)], words())
    assert (asked.kind, asked.gold, asked.question) == ("found", ("a",), "When?")


def test_evidence_that_stands_in_a_first_half_too_makes_none() -> None:
    text = passage("a")
    evidence = " ".join(text.text.split()[300:310])
    early = Text("b", "The title", evidence)
    assert not found(
        [(f"wiki:{PAGE}", text), (f"wiki:{PAGE}", early)], [question(evidence)], words()
    )


def test_evidence_in_the_first_half_makes_none() -> None:
    text = passage("a")
    evidence = " ".join(text.text.split()[10:20])
    assert not found([(f"wiki:{PAGE}", text)], [question(evidence)], words())
