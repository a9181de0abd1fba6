"""Asks every question through the whole pipeline, or only searches for it, and adds up.

Knows the seams `Answerer` and search, not what is behind them.
"""

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.base import Hit, StoreError
from rag.base import Answerer, ModelError, Question
from rag.eval.questions import EvalQuestion
from rag.eval.rows import Reply, Row, TextOf, failure, ranked, reply
from rag.eval.summary import Summary, summarise

Search = Callable[[EvalQuestion], Sequence[Hit]]  # the best ten, as the pipeline would find them
Progress = Callable[[int, int], None]  # questions done, questions to do
OnError = Callable[[EvalQuestion, Exception], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run found."""

    rows: tuple[Row, ...]  # in the order of the questions
    summary: Summary


def run(
    questions: Sequence[EvalQuestion],
    answerer: Answerer,
    search: Search,
    *,
    principals: frozenset[str],
    progress: Progress,
    text_of: TextOf = lambda _: None,
    on_error: OnError | None = None,
) -> Result:
    """Ask every question with its history; search for it once more, to see ten hits.

    text_of: a document's parsed text, to compare quotes with; without it they are not compared.
    on_error: told of a StoreError or ModelError, and the question counts as neither answered nor
    refused; without it the error is raised.
    """
    rows = []
    for done, question in enumerate(questions):
        progress(done, len(questions))
        try:
            answer = answerer.ask(Question(question.text, principals, question.history))
            hits, search_s = _timed(search, question)
            row = Row(question, search_s, ranked(question, hits), reply(question, answer, text_of))
        except (StoreError, ModelError) as error:
            row = _failed(question, error, on_error, failure(question))
        rows.append(row)
    progress(len(questions), len(questions))
    return _result(rows)


def run_retrieval(
    questions: Sequence[EvalQuestion],
    search: Search,
    *,
    progress: Progress,
    on_error: OnError | None = None,
) -> Result:
    """Search for every question that names a gold document; the others have nothing to find."""
    findable = [question for question in questions if question.gold]
    rows = []
    for done, question in enumerate(findable):
        progress(done, len(findable))
        try:
            hits, search_s = _timed(search, question)
            row = Row(question, search_s, ranked(question, hits), None)
        except StoreError as error:
            row = _failed(question, error, on_error, None)
        rows.append(row)
    progress(len(findable), len(findable))
    return _result(rows)


def _timed(search: Search, question: EvalQuestion) -> tuple[Sequence[Hit], float]:
    start = time.perf_counter()
    hits = search(question)
    return hits, time.perf_counter() - start


def _failed(
    question: EvalQuestion, error: Exception, on_error: OnError | None, reply: Reply | None
) -> Row:
    """Return the row of a question that raised: nothing found, nothing said."""
    if on_error is None:
        raise error
    on_error(question, error)
    return Row(question, None, ranked(question, ()), reply)


def _result(rows: Sequence[Row]) -> Result:
    return Result(tuple(rows), summarise(rows, peak_rss_bytes=_peak_rss_bytes()))


def _peak_rss_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # KiB everywhere else
