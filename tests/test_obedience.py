"""A model that obeys every instruction it reads, on documents that hold them: files to surfaces.

Ingestion, index, engine, gate and surfaces are the real ones; only the models are stand-ins.
"""

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from click.testing import CliRunner

from rag.base import Answer, Question, Token
from rag.confidence import SIGNALS, Calibration
from rag.correct import Policy
from rag.engine import Engine, Limits, Models
from rag.evidence import Weights
from tests.fake_models import OVERLAP, HashEmbedder
from tests.rag.corpus import RANKING
from tests.ui.fake_answers import Ratings
from tests.ui.inert import (
    PAGE_TAGS,
    VIEWER_TAGS,
    Markup,
    is_only_words,
    slack_links,
    slack_texts,
    slack_words,
)
from tests.ui.payloads import FORMS, payloads
from ui import settings as settings_file
from ui import slack_blocks, viewer, wiring
from ui.chat import Chat
from ui.cli import main
from ui.conversation import Shelf
from ui.render import to_json, to_terminal

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
EVERYONE = frozenset({"everyone"})
WIKI = "https://wiki.fernhill.example/pages"
SURE = Weights(np.zeros(len(SIGNALS)), np.ones(len(SIGNALS)), np.zeros(len(SIGNALS)), 5.0)
PAYLOADS = list(payloads())


class ObedientModel:
    """Writes what the passages and the question tell it to, to the letter."""

    name = "obedient"
    context_tokens = 4096

    def count_tokens(self, text: str) -> int:
        """Count words."""
        return len(text.split())

    def generate(self, system: str, user: str, *, max_tokens: int) -> Iterator[Token]:
        """Stream the passages, cited as it was told, then the question."""
        lines = user.split("\n")
        told = [re.sub(r"^\[(\d+)\] (?:.*?: )?(.*)$", r"\2 [\1]", line) for line in lines]
        for word in re.findall(r"\s*\S+", " ".join(told))[:max_tokens]:
            yield Token(word, None)


class Company:
    """A wiki with a page a payload, and the web page's chat over its index."""

    def __init__(self, folder: Path) -> None:
        self.wiki = folder / "wiki"
        self.wiki.mkdir()
        self.file = folder / "settings.toml"
        self.file.write_text(
            '[[sources]]\ntype = "files"\nname = "wiki"\npath = "wiki"\nreaders = ["everyone"]\n'
            f'base_url = "{WIKI}"\n'
        )
        self.asked: dict[str, str] = {}  # question -> the form of its page
        for number, payload in enumerate(PAYLOADS):
            word = f"Zq{number:03d}"
            text = f"The form {word} is done when {word} says {payload} to {word}."
            (self.wiki / f"{word}.txt").write_text(text, "utf-8", newline="")
            form = FORMS[number // (len(PAYLOADS) // len(FORMS))]
            self.asked[f"When is the form {word} done?"] = form
        for number, form in enumerate(FORMS):
            word = f"Md{number:03d}"
            text = f"# {form}\n\n## {word} {form}\n\nThe form {word} is done by {form} at noon.\n"
            (self.wiki / f"{word}.md").write_text(text, "utf-8", newline="")
            self.asked[f"The form {word} says {form}"] = form
        self.own = {f"{WIKI}/{quote(file.name)}" for file in self.wiki.iterdir()}

    def chat(self) -> Chat:
        embedder = HashEmbedder()
        engine = Engine(
            wiring.store(settings_file.load(self.file), embedder),
            Models(embedder, OVERLAP, ObedientModel()),
            Calibration(RANKING, SURE),
            policy=Policy(accept=0.01, kept=0),
            limits=Limits(prompt=300, reply=200),
        )
        return Chat(engine, engine._store, lambda: NOW, Ratings())

    def is_own(self, url: str) -> bool:
        return url.partition("#")[0] in self.own


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wiring, "embedder", lambda _section: HashEmbedder())
        made = Company(tmp_path_factory.mktemp("company"))
        result = CliRunner().invoke(main, ["--settings", str(made.file), "ingest"])
        assert result.exit_code == 0, result.output
        yield made


@pytest.fixture(scope="module")
def answers(company: Company) -> list[Answer]:
    engine = company.chat().answerer
    return [engine.ask(Question(question, EVERYONE)) for question in company.asked]


def letters(text: str) -> str:
    """Return what is left of a form when a parser took what nobody sees, and the engine cited."""
    return re.sub(r"[\W\d_]", "", html.unescape(text).casefold())


def test_three_hundred_payloads_and_more_get_into_the_answers(
    company: Company, answers: list[Answer]
) -> None:
    assert {answer.status for answer in answers} == {"answered"}
    forms = company.asked.values()
    said = [letters(form) in letters(a.text) for form, a in zip(forms, answers, strict=True)]
    assert sum(said) >= 373
    assert sum(answer.attempts[-1].model == "small" for answer in answers) >= 363


def test_the_web_page_holds_no_foreign_link_image_or_tag(company: Company) -> None:
    chat = company.chat()
    for question in company.asked:
        for screen in chat.ask(question, Shelf(), EVERYONE):
            parts = (screen.turns, screen.live, screen.evidence, screen.live_evidence)
            found = Markup("".join(part or "" for part in parts))
            assert found.tags <= PAGE_TAGS
            assert all(company.is_own(url) for url in found.links), found.links
            assert found.handlers == set()


def test_the_viewer_shows_a_hostile_document_as_text(company: Company) -> None:
    store = company.chat().store
    for file in company.wiki.iterdir():
        found = Markup(viewer.page(store.read(f"wiki:{file.name}", EVERYONE), "0-9", NOW).body)
        assert found.tags <= VIEWER_TAGS
        assert found.links == {f"{WIKI}/{quote(file.name)}"}
        assert found.handlers == set()


def test_slack_holds_no_foreign_link_or_mention(company: Company, answers: list[Answer]) -> None:
    for answer in answers:
        for text in slack_texts(slack_blocks.post(answer, NOW)):
            assert all(company.is_own(url) for url in slack_links(text)), text
            assert is_only_words(slack_words(text), answer), text


def test_the_terminal_json_and_markdown_hold_only_words(
    company: Company, answers: list[Answer]
) -> None:
    for answer in answers:
        cited = [*answer.citations, *answer.closest]
        printed = to_terminal(answer, NOW)
        for citation in cited:
            printed = printed.replace(citation.url, "")
        assert is_only_words(printed, answer), printed
        shape = json.loads(json.dumps(to_json(answer)))
        told = [*shape["citations"], *shape["closest"]]
        assert all(company.is_own(each["url"]) for each in told)
        for words in [shape["text"], *(each[k] for each in told for k in ("title", "heading"))]:
            assert is_only_words(words, answer), words
