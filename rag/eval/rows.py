"""One question, what came back, and every score of it.

Pure: takes what was found and answered, knows neither the index nor the pipeline.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from index.base import Hit
from rag.base import Answer, Citation, Quote, Timings
from rag.eval import answers, retrieval
from rag.eval.questions import EvalQuestion

RIGHT_F1 = 0.5  # from here on an answer counts as right for calibration

TextOf = Callable[[str], str | None]  # document id -> its parsed text; None if it is not there


@dataclass(frozen=True, slots=True)
class Ranked:
    """Scores of one search; see rag.eval.retrieval."""

    hit_1: float
    hit_5: float
    recall_5: float
    ndcg_10: float
    evidence_5: float | None  # None: the question names no evidence


@dataclass(frozen=True, slots=True)
class Worded:
    """Scores of an answer's words; see rag.eval.answers. An abstention scores as ""."""

    exact: float
    contains: float | None  # None: only F1 can tell
    f1: float


@dataclass(frozen=True, slots=True)
class Cited:
    """How many of an answer's citations hold. An abstention has none."""

    citations: int
    gold: int | None  # of a gold document; None: the question names no document
    evidence: int | None  # quoting the evidence; None: the question names no evidence
    quotes: int  # of documents whose text is known
    identical: int  # of these, equal to the document's text at their offsets


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question: after the first attempt alone, or after all of them."""

    answered: bool
    well: bool  # answered right, or refused where nothing answers
    complete_s: float


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer and its scores."""

    text: str
    status: Literal["answered", "abstained", "replied", "failed"]
    model: str  # of the last attempt; "" if there was none
    confidence: float
    right: bool | None  # what the confidence should predict; None: nothing to judge, see `_right`
    worded: Worded
    cited: Cited
    timings: Timings | None  # None: it failed
    first: Outcome | None = None  # as if there were no second attempt; None: there was none
    final: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One question of a run."""

    question: EvalQuestion
    search_s: float | None  # None: the search failed, or there was none
    ranked: Ranked | None  # None: the question names no document
    reply: Reply | None  # None: nobody was asked to answer


def ranked(question: EvalQuestion, hits: Sequence[Hit]) -> Ranked | None:
    """Score a search for at least ten hits; None if the question names no document."""
    if not question.gold:
        return None
    found = [hit.chunk.document.id for hit in hits]
    shown = [(hit.chunk.document.id, hit.chunk.text) for hit in hits[:5]]
    return Ranked(
        hit_1=retrieval.hit(found, question.gold, k=1),
        hit_5=retrieval.hit(found, question.gold, k=5),
        recall_5=retrieval.recall(found, question.gold, k=5),
        ndcg_10=retrieval.ndcg(found, question.gold, k=10),
        evidence_5=(
            retrieval.evidence_share(question.evidence, shown) if question.evidence else None
        ),
    )


def reply(question: EvalQuestion, answer: Answer, text_of: TextOf) -> Reply:
    """Score an answer, or an abstention."""
    answered = answer.status == "answered"
    return Reply(
        text=answer.text,
        status=answer.status,
        model=answer.attempts[-1].model if answer.attempts else "",
        confidence=answer.confidence,
        right=_right(question, answer),
        worded=worded(question, answer.text if answered else ""),
        cited=cited(question, answer.citations if answered else (), text_of),
        timings=answer.timings,
        first=_first(question, answer),
        final=_outcome(question, answer.text if answered else None, answer.timings.complete_s),
    )


def _first(question: EvalQuestion, answer: Answer) -> Outcome | None:
    if not answer.attempts:
        return None
    first = answer.attempts[0]
    shown = bool(first.text) and first.weakness != "evidence"
    return _outcome(question, first.text if shown else None, first.complete_s)


def _outcome(question: EvalQuestion, text: str | None, complete_s: float) -> Outcome:
    """Judge a text; None stands for a refusal."""
    if text is None:
        return Outcome(False, not question.answerable, complete_s)
    return Outcome(True, question.answerable and _is_right(question, text), complete_s)


def failure(question: EvalQuestion) -> Reply:
    """Score a question whose answering raised: as an empty text, and no refusal either."""
    return Reply(
        text="",
        status="failed",
        model="",
        confidence=0.0,
        right=None,
        worded=worded(question, ""),
        cited=cited(question, (), lambda _: None),
        timings=None,
    )


def worded(question: EvalQuestion, text: str) -> Worded:
    """Score a text against the answers of a question."""
    within = answers.contains(text, question)
    return Worded(
        exact=float(answers.exact_match(text, question)),
        contains=None if within is None else float(within),
        f1=answers.token_f1(text, question),
    )


def cited(question: EvalQuestion, citations: Sequence[Citation], text_of: TextOf) -> Cited:
    """Count the citations that hold."""
    same = [
        _is_verbatim(quote, text)
        for citation in citations
        if (text := text_of(citation.document_id)) is not None
        for quote in citation.quotes
    ]
    gold = [answers.is_gold(one.document_id, question) for one in citations]
    evidence = [
        answers.is_evidence(one.document_id, [quote.text for quote in one.quotes], question)
        for one in citations
    ]
    return Cited(
        citations=len(citations),
        gold=sum(gold) if question.gold else None,
        evidence=sum(evidence) if question.evidence else None,
        quotes=len(same),
        identical=sum(same),
    )


def _right(question: EvalQuestion, answer: Answer) -> bool | None:
    """Tell whether what was said, or withheld, contains the answer or has an F1 of 0.5.

    An abstention is judged by its likeliest draft: judged by its own text, every refusal would
    prove the confidence right. One without a draft says nothing about an answerable question.
    """
    if not question.answerable:
        return False
    if answer.status == "answered":
        text = answer.text
    else:
        drafts = [draft for draft in answer.attempts if draft.text]
        if not drafts:
            return None
        text = max(drafts, key=lambda draft: draft.confidence).text
    return _is_right(question, text)


def _is_right(question: EvalQuestion, text: str) -> bool:
    scores = worded(question, text)
    return bool(scores.contains) or scores.f1 >= RIGHT_F1


def _is_verbatim(quote: Quote, text: str) -> bool:
    within = 0 <= quote.start < quote.end <= len(text)
    return within and text[quote.start : quote.end] == quote.text
