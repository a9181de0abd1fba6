"""Questions, hits and answers with only what a test is about; the rest is filled in."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from index.base import Chunk, DocumentInfo, Hit, Place
from rag.base import Answer, Citation, Draft, Event, Question, Quote, Timings
from rag.eval.questions import EvalQuestion

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
TIMINGS = Timings(retrieved_s=0.01, first_token_s=0.1, complete_s=0.5)

BARE = EvalQuestion("q", "How many?", (), "", "", "", (), (), (), answerable=True)


def question(**given: object) -> EvalQuestion:
    return replace(BARE, **given)  # type: ignore[arg-type]


def hit(document_id: str, text: str = "…") -> Hit:
    document = DocumentInfo(document_id, "1", "Title", "url", "wiki", WHEN, frozenset())
    place = Place(0, len(text), (), None, "url")
    return Hit(Chunk("id", document, 0, text, 0, len(text), (place,), "Title"), 1.0, None, None)


def citation(document_id: str, *quotes: Quote) -> Citation:
    passage = Quote("…", 0, 1)
    return Citation(1, document_id, "c", "T", "", None, "url", "wiki", WHEN, quotes, passage)


def draft(text: str, confidence: float, model: str) -> Draft:
    return Draft(
        text,
        passages=5,
        shown=(),
        citations=(),
        confidence=confidence,
        weakness="none",
        model=model,
    )


def answer(
    text: str,
    *citations: Citation,
    confidence: float = 0.9,
    model: str = "small",
    timings: Timings = TIMINGS,
) -> Answer:
    tried = (draft(text, confidence, model),)
    return Answer("a", text, citations, (), confidence, "answered", tried, "1", timings)


def abstention(withheld: str = "", *, confidence: float = 0.1) -> Answer:
    tried = (draft(withheld, confidence, "small"), draft("", 0.0, "small"))
    return Answer("a", "Not found.", (), (), confidence, "abstained", tried, "1", TIMINGS)


class ListAnswerer:
    """Gives each question its answer, or raises it, and remembers what was asked."""

    def __init__(self, answers: Mapping[str, Answer | Exception]) -> None:
        self.asked: list[Question] = []
        self._answers = answers

    def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        given = self._answers[question.text]
        if isinstance(given, Exception):
            raise given
        return given

    def stream(self, question: Question) -> Iterator[Event]:
        yield self.ask(question)
