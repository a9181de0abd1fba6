"""A thousand answers of a model that lies: every citation is true by construction.

Index, overlay and engine are the real ones; who may read what is told by a plain oracle.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from index.live import Live
from index.overlay import Overlay
from rag.base import Answer, Citation, Draft, Found, ModelError, Partial, Question, Token
from rag.confidence import SIGNALS, Calibration
from rag.correct import Policy
from rag.engine import Engine, Limits, Models
from rag.evidence import Weights
from tests.company import NOW, WORDS, Company, Page
from tests.fake_models import OVERLAP, HashEmbedder
from tests.rag.corpus import RANKING
from ui.auth import principals_of

pytestmark = pytest.mark.slow

SURE = Weights(np.zeros(len(SIGNALS)), np.ones(len(SIGNALS)), np.zeros(len(SIGNALS)), 5.0)
NAME = re.compile(r"\bPump\d{3}\b")  # stands in every sentence of one page, and in no other
MARKED = re.compile(r"(.*?)\[(\d+)\]", re.DOTALL)
FAILS = "\0"  # where the model breaks off
FRENCH = "La pompe de la salle demande 4711 boulons par an, et Marie en commande 12 de plus."

# A true sentence of the prompt, and one of a page that is not in it -> what the model makes of it.
Trick = Callable[[str, str], str]
TRICKS: dict[str, Trick] = {
    "tells the truth": lambda true, other: f"{true} [1]",
    "cites none": lambda true, other: true,
    "cites 99": lambda true, other: f"{true} [99]",
    "cites 0 and all": lambda true, other: f"[0] {true} [1][2][3, 4, 5] [-1]",
    "cites within": lambda true, other: true.replace(" needs ", " [2] needs [[3]1] "),
    "cites in other signs": lambda true, other: f"{true} 【1】 [1-3] [^2] &#91;2&#93; [a]",
    "tells of another page": lambda true, other: f"{other} [1]",
    "adds another page": lambda true, other: f"{true} [1] {other} [2]",
    "glues two pages": lambda true, other: f"{true[:-1]} and {other} [1]",
    "changes a number": lambda true, other: re.sub(r"\b(\d)(\d\d\d)\b", r"9\2\1", true) + " [1]",
    "adds a number": lambda true, other: f"{true[:-1]} and 98765 nuts. [1]",
    "writes a number out": lambda true, other: re.sub(r"\d{4}", "seven thousand", true) + " [1]",
    "changes the name": lambda true, other: NAME.sub(NAME.findall(other)[0], true) + " [1]",
    "negates": lambda true, other: true.replace("needs", "does not need") + " [1]",
    "says no": lambda true, other: f"No, {true} [1]",
    "says nothing": lambda true, other: "",
    "says blanks": lambda true, other: " \n\t ",
    "says a marker": lambda true, other: "[1]",
    "says marks": lambda true, other: ". . ! [1]. ?",
    "repeats itself": lambda true, other: f"{true} [1] " * 50,
    "repeats a word": lambda true, other: "bolts " * 500,
    "speaks French": lambda true, other: f"{FRENCH} [1]",
    "mixes languages": lambda true, other: f"{true[:-1]}, et la salle aussi. {FRENCH} [1]",
    "cuts a sentence": lambda true, other: true[: len(true) // 2],
    "starts within": lambda true, other: true[len(true) // 3 :],
    "fails at once": lambda true, other: FAILS,
    "fails within": lambda true, other: f"{true} [1] {true[:30]} {FAILS}",
}


@dataclass
class Wiki:
    """A company whose pages state numbers, and what is taken back from whom at the moment."""

    company: Company
    overlay: Overlay
    forgotten: set[str] = field(default_factory=set)
    denied: set[tuple[str, str]] = field(default_factory=set)  # principal, document

    def may_read(self, who: str | None, page: Page) -> bool:
        own = principals_of(who, self.company.groups)
        taken = page.id in self.forgotten or any((each, page.id) in self.denied for each in own)
        return self.company.may_read(who, page) and not taken

    def take_back(self, page: Page, who: str | None, dice: random.Random) -> None:
        """Forget a page, or deny it to a person or to everyone."""
        if dice.random() < 0.5:
            self.forgotten.add(page.id)
            self.overlay.forget([page.id], NOW)
        else:
            principal = f"user:{who}" if who and dice.random() < 0.5 else "everyone"
            self.denied.add((principal, page.id))
            self.overlay.deny(principal, page.id, NOW)

    def give_back(self) -> None:
        if self.forgotten:
            self.overlay.recall(self.forgotten)
        for principal, id in self.denied:
            self.overlay.allow(principal, id)
        self.forgotten.clear()
        self.denied.clear()


class LyingModel:
    """Reads its prompt and plays tricks on it, drawn from a seed; takes pages back meanwhile."""

    name = "lying"
    context_tokens = 2048

    def __init__(self, wiki: Wiki, dice: random.Random) -> None:
        self.wiki = wiki
        self.dice = dice
        self.who: str | None = None
        self.found: set[str] = set()  # documents, of which its prompt holds a part
        self.played: Counter[str] = Counter()
        self.taken = 0

    def count_tokens(self, text: str) -> int:
        """Count words."""
        return len(text.split())

    def generate(self, system: str, user: str, *, max_tokens: int) -> Iterator[Token]:
        """Stream one to three tricks; heed no limit."""
        pages = self.wiki.company.pages
        passages, _, asked = user.partition("Question: ")
        read = set(NAME.findall(passages))
        mine = [page for page in pages if page.title in read]
        rest = [page for page in pages if page.title not in read]
        near = [page for page in rest if page.id in self.found] or rest
        best = [page for page in mine if page.title in asked] or mine
        words: list[str] = []
        for trick in self.dice.choices(list(TRICKS), k=self.dice.randint(1, 3)):
            self.played[trick] += 1
            true, other = (self.dice.choice(self.dice.choice(some).texts) for some in (best, near))
            words += re.findall(r"\s*\S+\s*", TRICKS[trick](true, other) + " ")
        taken_at = self.dice.randrange(12) if self.dice.random() < 0.3 else -1
        for number, word in enumerate(words):
            if number == taken_at:
                self.taken += 1
                self.wiki.take_back(self.dice.choice(mine), self.who, self.dice)
            if FAILS in word:
                raise ModelError("broken", retryable=True)
            yield Token(word, None)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> "Told":
    return Told(tmp_path_factory.mktemp("wiki"))


class Told:
    """The thousand answers, each judged at the moment it was given."""

    def __init__(self, data: Path) -> None:
        dice = random.Random(11)
        company = Company(seed=12)
        for number, page in enumerate(company.pages):
            page.title = f"Pump{number:03d}"
            page.texts = [sentence(page.title, part, dice) for part in range(len(page.texts))]
        store = company.publish(data, company.pages)
        self.wiki = Wiki(company, Overlay(Live(data)))
        self.model = LyingModel(self.wiki, dice)
        engine = Engine(
            store,
            Models(HashEmbedder(), OVERLAP, self.model),
            Calibration(RANKING, SURE),
            policy=Policy(accept=0.3, kept=0),
            limits=Limits(prompt=60, reply=60),
        )
        self.pages = {page.id: page for page in company.pages}
        self.faults: list[str] = []
        self.answers: list[Answer] = []
        for _ in range(1000):
            self.model.who = who = dice.choice([None, *company.people])
            page, topic = dice.choice(company.pages), dice.choice(WORDS)
            text = dice.choice([f"How many bolts does {page.title} need?", f"What of the {topic}?"])
            question = Question(text, principals_of(who, company.groups))
            for event in engine.stream(question):
                match event:
                    case Found(hits):
                        self.model.found = {hit.chunk.document.id for hit in hits}
                    case Partial(said):
                        self.faults += self.named(said, who)
                    case Answer():
                        self.answers.append(event)
                        self.faults += self.judged(event, who, engine)
            self.wiki.give_back()

    def judged(self, answer: Answer, who: str | None, engine: Engine) -> list[str]:
        """Return what is wrong with an answer."""
        faults = self.named(repr(replace(answer, trace=None)), who)
        if answer.status == "abstained":
            return faults + ["cites"] * bool(answer.citations)
        said = [(claim, int(marker)) for claim, marker in MARKED.findall(answer.text)]
        cited = {citation.marker: citation for citation in answer.citations}
        if {marker for _, marker in said} != set(cited) or list(cited) != [
            *range(1, len(cited) + 1)
        ]:
            faults.append(f"markers and citations differ: {answer.text!r}")
        (draft,) = (each for each in answer.attempts if each.text == answer.text)
        principals = principals_of(who, self.wiki.company.groups)
        for citation in answer.citations:
            chunks = engine._store.read(citation.document_id, principals)
            if citation.chunk_id not in {chunk.id for chunk in chunks}:
                faults.append(f"{citation.chunk_id} is not there, or not to be read")
            faults += self.quoted(citation, draft)
        faults += [
            f"{claim!r} is not what {cited[marker].quotes} say"
            for claim, marker in said
            if marker in cited and not is_told_by(claim, cited[marker])
        ]
        return faults

    def named(self, shown: str, who: str | None) -> list[str]:
        """Return the pages that are named to somebody who may not read them now."""
        pages = {page.title: page for page in self.pages.values()}
        return [
            f"{name} is shown to {who}"
            for name in set(NAME.findall(shown))
            if not self.wiki.may_read(who, pages[name])
        ]

    def quoted(self, citation: Citation, draft: Draft) -> list[str]:
        """Return what is wrong with a citation's place, quotes and passage."""
        page = self.pages[citation.document_id]
        source = "\n".join(page.texts)
        quotes = [*citation.quotes, citation.passage]
        read = draft.prompted or tuple(hit.chunk.id for hit in draft.shown)
        right = (
            citation.quotes
            and citation.title == page.title
            and citation.url.startswith(f"https://wiki.example/{page.id}#")
            and all(each.text == source[each.start : each.end] for each in quotes)
            and citation.chunk_id in read
        )
        return [] if right else [f"{citation} of {draft.model}"]


def sentence(name: str, part: int, dice: random.Random) -> str:
    topic, use = dice.sample(WORDS, 2)
    own = dice.choice(["", "", f" [{dice.randint(1, 5)}]"])  # a footnote of the page's own
    number = dice.randint(1000, 8999)
    return f"The {topic} {name} of hall {part} needs {number} bolts a year{own} for the {use}."


def is_told_by(claim: str, citation: Citation) -> bool:
    """Whether a sentence has no number and no name that its quotes lack, and no negation."""
    quotes = " ".join(quote.text for quote in citation.quotes)
    told = re.sub(r"^(?: ?Two sources disagree\.)? ?Updated \d{4}-\d\d-\d\d:", "", claim)
    facts = re.findall(r"\d+|Pump\d+", told)
    return set(facts) <= set(re.findall(r"\d+|Pump\d+", quotes)) and " not " not in claim


def test_every_citation_of_a_thousand_answers_is_true(told: Told) -> None:
    assert len(told.answers) == 1000
    assert told.faults == []


def test_the_lies_were_told_and_the_answers_given(told: Told) -> None:
    answered = [answer for answer in told.answers if answer.status == "answered"]
    by_model = [answer for answer in answered if answer.attempts[-1].model == "small"]
    assert min(told.model.played[trick] for trick in TRICKS) >= 20
    assert told.model.taken >= 100
    assert len(answered) >= 450
    assert len(by_model) >= 100
