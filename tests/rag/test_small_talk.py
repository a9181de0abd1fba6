"""Small talk is told from questions, whatever little a question says."""

import pytest

from rag.small_talk import ABLE, BYE, HELLO, SOURCES, THANKS, WHO, WORDLESS, reply


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hi", HELLO),
        ("Good morning, Footnote!", HELLO),
        ("How's it going?", HELLO),
        ("thanks", THANKS),
        ("Thank you so much for your help!", THANKS),
        ("ok, great", THANKS),
        ("bye", BYE),
        ("See you tomorrow", BYE),
        ("What can you do?", ABLE),
        ("hey, how can you help me?", ABLE),
        ("what can I ask you?", ABLE),
        ("help", ABLE),
        ("Who are you?", WHO),
        ("Can you tell me about yourself?", WHO),
        ("hi, do you know who made you", WHO),
        ("are you a bot or a human?", WHO),
        ("What's your name?", WHO),
        ("Which sources do you know?", SOURCES),
        ("what documents do you have access to?", SOURCES),
        ("Where do your answers come from?", SOURCES),
    ],
)
def test_greetings_and_questions_about_footnote_get_one_sentence(text: str, said: str) -> None:
    assert reply(text) == said
    assert said.count(".") + said.count("!") <= 2
    assert "[" not in said


@pytest.mark.parametrize(
    "text",
    [
        "Hi, how many days off do I get?",
        "Do you know who is responsible for this?",
        "Can you tell me the company name?",
        "can you tell me about the features",
        "what can you tell me about the developer program",
        "thanks, and for contractors?",
        "Who can help me?",
        "How do you do that?",  # follows up what was said
        "What do you do with it?",
        "What about you and me?",
        "Is that ok?",
        "What is it?",
        "And then?",
        "Why?",
        "How old do you have to be?",
        "Which channel do you post in?",
        "How do you access the wiki?",
        "Who made the logo?",
        "Who do I thank?",
        "Is there a real person I can ask?",
        "good morning meeting",
        "What can I ask HR about?",
        "help desk",
        "bot",
        "hello " * 20,
    ],
)
def test_a_question_is_never_small_talk(text: str) -> None:
    assert reply(text) is None


@pytest.mark.parametrize("text", ["", "???", " \n", "😀😀", "\x00", "— … _", "[]()"])
def test_what_has_no_word_is_asked_for_one(text: str) -> None:
    assert reply(text) == WORDLESS


@pytest.mark.parametrize("text", ["42", "休暇", "отпуск?", "[1]", "ü"])
def test_a_number_or_a_word_of_any_script_is_a_question(text: str) -> None:
    assert reply(text) is None
