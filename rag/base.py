"""Questions, drafts, answers, citations, and the seam in front of every language model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from index.base import Hit


class ModelError(Exception):
    """The model failed; `retryable` says whether the same call may work in a moment."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, and with whose eyes the index is read."""

    text: str
    principals: frozenset[str]
    history: tuple[tuple[str, str], ...] = ()  # earlier (question, answer), oldest first

    def __post_init__(self) -> None:
        """Turn what no encoding holds, as a terminal passes on bytes that are no text, into "?"."""
        object.__setattr__(self, "text", self.text.encode("utf-8", "replace").decode())


@dataclass(frozen=True, slots=True)
class Quote:
    """A stretch of a document's parsed text, verbatim."""

    text: str
    start: int  # [start, end) in the document's parsed text, in characters
    end: int


@dataclass(frozen=True, slots=True)
class Citation:
    """One resolved "[n]" of an answer: one place of one document, and what it says there."""

    marker: int  # n; counts from 1 in the order of first mention
    document_id: str
    chunk_id: str
    title: str
    heading: str  # "Leave › Parental leave"; "" where the place has no heading
    page: int | None
    url: str  # opens the document at the place
    kind: str  # "wiki", "slack", "drive"
    updated_at: datetime
    quotes: tuple[Quote, ...]  # at least one, in order; none where the page is only "closest"
    passage: Quote  # the text around the quotes, as it was retrieved


Outcome = Literal["supported", "repaired", "dropped"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one sentence that was written for an answer."""

    outcome: Outcome
    words: int  # of the sentence
    support: str | None  # id of the chunk that says so; None: nothing does
    document_id: str | None
    start: int  # [start, end) of what supports it, in the document's parsed text; 0 without
    end: int


@dataclass(frozen=True, slots=True)
class Draft:
    """One attempt at an answer, with what is needed to judge it."""

    text: str  # with [n] after every sentence; "" when nothing could be said
    passages: int  # how many were asked for
    shown: tuple[Hit, ...]  # the passages it was made from, best first
    citations: tuple[Citation, ...]
    confidence: float  # calibrated probability in [0, 1] that it answers and is supported
    weakness: Literal["none", "evidence", "grounding", "conflict"]  # what the weakest signal says
    model: str  # "small", "extractive", "comparing", or the larger model's name
    complete_s: float = 0.0  # seconds from the question's arrival to the end of this attempt
    likely: float = 0.0  # calibrated probability that the passages answer, whatever is written
    prompt: str = ""  # version of the model's prompt; "" when no model was asked
    prompted: tuple[str, ...] = ()  # ids of the chunks in that prompt, [1] first
    written: str = ""  # by the model, unverified: for another model's eyes, never for people's
    verdicts: tuple[Verdict, ...] = ()  # a sentence each, in the order they were written


@dataclass(frozen=True, slots=True)
class Timings:
    """Wall-clock seconds from the question's arrival."""

    retrieved_s: float  # the passages are known
    first_token_s: float | None  # the model's first token; None when no model was asked
    complete_s: float


Why = Literal[
    "low",  # confidence is low, but not hopeless
    "complex",  # the question asks for several things, compares or sets conditions
    "learned",  # the router fitted to outcomes says so
    "sure",  # it is not needed
    "hopeless",  # even a verified answer would not be sure enough
    "local-only",  # what it would have to see may not leave
    "budget",  # the month's is used up
    "attempts",  # no attempt was left
]


@dataclass(frozen=True, slots=True)
class Route:
    """Whether a question was for the larger model."""

    model: str
    call: bool
    why: Why
    features: tuple[float, ...]  # what a router is fitted to: numbers, no words


@dataclass(frozen=True, slots=True)
class Trace:
    """How an answer came about, besides its attempts: for its receipt, never for people."""

    query: str  # the question as it was searched for: it stands by itself
    versions: tuple[tuple[str, str], ...]  # (part, version) of what made the answer
    route: Route | None  # None where there is no larger model


@dataclass(frozen=True, slots=True)
class Answer:
    """What the user gets. An abstention has no citations and says where one might look.

    A reply to small talk rests on nothing: no citations, no closest pages, no confidence to show.
    """

    id: str
    text: str
    citations: tuple[Citation, ...]
    closest: tuple[Citation, ...]  # unconfirmed, best first: other passages that were found
    confidence: float
    status: Literal["answered", "abstained", "replied"]  # replied: to small talk
    attempts: tuple[Draft, ...]
    generation: str  # of the index; "" when it was not asked
    timings: Timings
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The best passages are known; sent before the first word."""

    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Partial:
    """The answer so far, not yet final; each replaces the one before."""

    text: str


Event = Found | Partial | Answer  # what `Engine.stream` yields; the Answer comes last, once


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a reply as it is generated."""

    text: str
    logprob: float | None  # natural log; None when the server does not report it


class LanguageModel(Protocol):
    """Prompt in, tokens out."""

    name: str
    context_tokens: int

    def count_tokens(self, text: str) -> int:
        """Count as this model does; every model counts differently."""
        ...

    def generate(self, system: str, user: str, *, max_tokens: int) -> Iterator[Token]:
        """Stream the reply. Raises ModelError; the caller drops what came before it.

        Closing the iterator stops the generation.
        """
        ...


class Reader(Protocol):
    """Question and sentences in, scores out: how well each answers."""

    name: str

    def scores(self, question: str, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Return (len(sentences),) scores, higher is better; 0 is as good as no answer."""
        ...


class Answerer(Protocol):
    """Question in, events out: what every surface talks to. `rag.engine.Engine` is the real one."""

    def stream(self, question: Question) -> Iterator[Event]:
        """Yield Found, then Partial as words come, then one Answer; small talk gets it at once.

        Closing the iterator stops the work. A failing model is not an error here: the answer
        then quotes or abstains. Raises StoreError if the index cannot be used.
        """
        ...

    def ask(self, question: Question) -> Answer:
        """Return the Answer that `stream` ends with."""
        ...
