import pytest

from rag.eval.answers import contains, exact_match, is_evidence, is_gold, normalise, token_f1
from tests.rag.eval.examples import question

PHONE = question(answer="+1-555-101-2020", alternatives=("1(555)101-2020",))
LEAVE = question(answer="You accrue 6 hours of leave per pay period.", short="6 hours")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The  Plan is a Success!", "plan is success"),
        ("Yes [1]. By Friday [2, 3].", "yes by friday"),
        ("alert [alert message] x[0.5]", "alert alert message x 0.5"),
        ("+1-555-101-2020", "1 555 101 2020"),
        ("+1 (555) 101.2020", "1 555 101.2020"),
        ("+1.555.101.2020", "1 555 101 2020"),
        ("$50,000.00, or 1,234,567 €", "$ 50000 or 1234567 €"),
        ("2.5-3 months, 7–10 days", "2.5 3 months 7 10 days"),
        ("from -5 to 100.0", "from -5 to 100"),
        ("75%, 5 percent or 6 per cent", "75 % 5 % or 6 %"),
        ("80+ people", "80 + people"),
        ("C++ and C# at level IC6", "c++ and c# at level ic6"),
        ("10:30am–1 p.m. in the U.S.", "10 30 am 1 pm in us"),
        ("base_type.json of #ask-it, **don’t**", "base type json of ask it dont"),
        ("Version 3.10 is not 3.1", "version 3.10 is not 3.1"),
    ],
)
def test_normalise(text: str, words: str) -> None:
    assert normalise(text) == words


def test_a_phone_number_is_recognised_however_it_is_written() -> None:
    for text in ("+1 555 101 2020", "+1.555.101.2020", "1 (555) 101-2020", "1(555)101-2020 [1]"):
        assert exact_match(text, PHONE)
        assert contains(f"Call the CEO at {text}.", PHONE)
    assert not contains("Call +1-555-101-20201.", PHONE)
    assert not exact_match("Call +1-555-101-2020", PHONE)


def test_contains_looks_at_whole_words() -> None:
    assert contains("It is 6 hours [1].", LEAVE)
    assert not contains("It is 16 hours.", LEAVE)
    assert not contains("It is 6 hourse.", LEAVE)
    assert not contains("", LEAVE)


def test_a_long_answer_alone_is_left_to_f1() -> None:
    long = question(answer="No, calling in by phone is not acceptable at all.")
    assert contains("No, calling in by phone is not acceptable at all.", long) is None
    assert contains("", question(answer="", short="...")) is None
    brief = question(answer="No, never by phone.")
    assert contains("I think no, never by phone!", brief) is True


def test_exact_match_takes_any_spelling() -> None:
    assert exact_match("six hours", question(answer="6 hours", alternatives=("Six hours.",)))
    assert exact_match("6 hours [1]", LEAVE)
    assert not exact_match("", question(answer="...", alternatives=("...",)))


def test_token_f1_by_hand() -> None:
    # 3 of 4 words said are among the 4 expected: precision 3/4, recall 3/4.
    four = question(answer="ten days of vacation")
    assert token_f1("ten days paid vacation [1]", four) == pytest.approx(0.75)
    # Said twice counts once: precision 1/2, recall 1/4.
    assert token_f1("ten ten", four) == pytest.approx(1 / 3)
    assert token_f1("", four) == 0
    assert token_f1("nothing else", four) == 0


def test_token_f1_is_the_best_over_the_alternatives_but_not_the_short_form() -> None:
    assert token_f1("two weeks", question(answer="ten days", alternatives=("two weeks",))) == 1
    # 2 of 7 words, without the article: "you accrue 6 hours of leave per pay period" has 9.
    assert token_f1("6 hours", LEAVE) == pytest.approx(2 * 2 / (2 + 9))
    assert token_f1("6 hours", question(short="6 hours")) == 1


def test_a_citation_is_gold_by_whole_id_or_by_key() -> None:
    asked = question(gold=("kb096", "wiki:kb001"))
    assert is_gold("wiki:kb096", asked)
    assert is_gold("wiki:kb001", asked)
    assert not is_gold("wiki:kb002", asked)


def test_a_quote_with_half_of_the_shorter_s_words_is_evidence() -> None:
    asked = question(evidence=(("leave.md", "Between 3 and 15 years: **6 hours** per pay period"),))
    assert is_evidence("drive:leave.md", ["unrelated", "accrue 6 hours weekly"], asked)  # 2 of 4
    assert not is_evidence("drive:leave.md", ["accrue 6 days weekly"], asked)  # 1 of 4
    assert not is_evidence("drive:other.md", ["6 hours per pay period"], asked)
    assert not is_evidence("drive:leave.md", ["..."], asked)
    assert not is_evidence("drive:leave.md", [], asked)
