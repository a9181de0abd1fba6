"""The pipeline: a question in, passages, words and one grounded answer out."""

import math
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

from index.base import Embedder, Hit, Store
from rag import (
    cascade,
    cite,
    confidence,
    conflict,
    correct,
    evidence,
    extract,
    prompt,
    small_talk,
    steps,
    withhold,
    words,
)
from rag.base import (
    Answer,
    Citation,
    Draft,
    Event,
    Found,
    LanguageModel,
    ModelError,
    Partial,
    Question,
    Timings,
    Token,
    Trace,
)
from rag.cascade import Cascade
from rag.correct import COMPARING, EXTRACTIVE, SMALL, Attempt, Policy
from rag.retrieve import points, standalone
from rag.sentences import sentences

CLOSEST = 3  # unconfirmed pages named beside an answer or instead of one
RELEVANT = 0.5  # a draft must rest on a sentence at least this share as likely as the likeliest
LACKING = 0.3  # times the confidence where a code that was asked, or all of the turn, is missing
NOT_FOUND = "I could not find an answer to that in the documents you can read."


@dataclass(frozen=True, slots=True)
class Limits:
    """Tokens, in the language model's own count."""

    prompt: int = 140
    reply: int = 48


@dataclass(frozen=True, slots=True)
class Models:
    """What reads and writes: the sentence encoder, the readers, the language model."""

    embedder: Embedder
    readers: evidence.Readers
    language: LanguageModel
    large: Cascade | None = None


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What was found for one attempt, and how likely it holds the answer."""

    hits: tuple[Hit, ...]
    ranked: tuple[evidence.Sentence, ...]  # likeliest first
    confidence: float


@dataclass(slots=True)
class _Reply:
    """What a model was asked for, and what it has said so far."""

    tokens: Iterator[Token] = iter(())
    most: int = 0  # tokens that it may have
    until_s: float = math.inf  # after the question came; then it counts as far as it got
    prompt: str = ""  # version
    shown: tuple[int, ...] = ()  # positions of the hits in the prompt: what it may rest on
    kept: float = 0.0  # share of the extractive answer that it must keep; 0: any words
    own: Sequence[cite.Claim] = ()  # the extractive answer
    text: str = ""


@dataclass(slots=True)
class _Watch:
    """When things happened to one question, in seconds since it came."""

    clock: Callable[[], float]
    started: float
    retrieved_s: float = 0.0
    first_token_s: float | None = None
    answer_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def elapsed(self) -> float:
        return self.clock() - self.started


class Engine:
    """Answers questions from one store. Holds no user's state; threads may share it."""

    def __init__(
        self,
        store: Store,
        models: Models,
        calibration: confidence.Calibration,
        *,
        policy: Policy,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._models = models
        self._calibration = calibration
        self._policy = policy
        self._limits = limits
        self._clock = clock

    def over(self, store: Store) -> "Engine":
        """Return an engine with the same models that answers from another store."""
        return Engine(
            store,
            self._models,
            self._calibration,
            policy=self._policy,
            limits=self._limits,
            clock=self._clock,
        )

    def ask(self, question: Question) -> Answer:
        """Return the Answer that `stream` ends with."""
        *_, last = self.stream(question)
        if not isinstance(last, Answer):
            raise TypeError(f"the stream ended with {last!r}")
        return last

    def stream(self, question: Question) -> Iterator[Event]:
        """Yield Found, then Partial as sentences are verified, then one Answer."""
        watch = _Watch(self._clock, self._clock())
        if said := small_talk.reply(question.text):
            yield _replied(said, watch)
            return
        store = self._store.pinned()  # one answer never mixes two generations
        query = standalone(question)
        large = self._models.large
        policy = large.policy(self._policy) if large else self._policy
        tried: list[Draft] = []
        found: dict[tuple[str, int], _Evidence] = {}
        while attempt := correct.next_attempt(query, tried, policy):
            key = (attempt.query, attempt.passages)
            if key not in found:
                vector = self._models.embedder.embed_query(attempt.query)
                hits = store.search(attempt.query, vector, attempt.passages, question.principals)
                if not tried:
                    watch.retrieved_s = watch.elapsed()
                    yield Found(tuple(hits[: evidence.PASSAGES]))
                found[key] = self._judge(attempt.query, question.text, hits)
            tried.append((yield from self._draft(attempt, found[key], question, watch)))
        # Asked of the index as it is now: a document may have been taken back meanwhile.
        readable = self._store.readable(withhold.documents(tried), question.principals)
        answer = self._conclude(withhold.withheld(tried, readable), watch, store.generation)
        route = correct.routed(query, tried, policy)
        yield replace(answer, trace=Trace(query, self._versions(), route))

    def _versions(self) -> tuple[tuple[str, str], ...]:
        models = self._models
        return (
            ("embedder", models.embedder.name),
            ("reader", models.readers.pointwise.name),
            ("list reader", models.readers.listwise.name),
            ("calibration", self._calibration.version),
            ("language", models.language.name),
        )

    def _judge(self, query: str, turn: str, hits: Sequence[Hit]) -> _Evidence:
        """Judge what was found for a query; turn: what was asked now, without what it borrows."""
        ranked = evidence.rank(query, hits, self._models.readers, self._calibration.ranking)
        if not ranked:
            return _Evidence(tuple(hits), (), 0.0)
        signals = confidence.signals(query, hits, ranked)
        chance = confidence.probability(self._calibration, signals)
        best = hits[ranked[0].hit]
        if confidence.lacks_code(query, best) or confidence.lacks_site(query, hits, ranked[0]):
            chance *= LACKING
        borrows = query != turn or not any(map(str.isalpha, turn))  # or is a bare number
        if borrows and confidence.lacks_turn(turn, hits if points(turn) else [best]):
            chance *= LACKING
        return _Evidence(tuple(hits), tuple(ranked), chance)

    def _draft(
        self, attempt: Attempt, found: _Evidence, question: Question, watch: _Watch
    ) -> Generator[Event, None, Draft]:
        reply = _Reply()
        weak = found.confidence < self._policy.accept
        if attempt.model == COMPARING:
            return self._compare(attempt, found, watch)
        whole = steps.claims(attempt.query, found.ranked, found.hits)
        model = EXTRACTIVE if whole and attempt.model == SMALL else attempt.model
        if model == EXTRACTIVE or (weak and model == SMALL):
            claims = whole or _own(attempt, found)  # of a weak attempt, for the record
        else:
            reply = self._asked(attempt, found, question, watch)
            claims = cite.repaired((yield from self._generate(reply, found, question, watch)))
        text, citations = cite.cited(claims, found.hits)
        relevance = _relevance(claims, found.ranked)
        sound = (
            any(claim.support for claim in claims)
            and relevance >= RELEVANT
            and not cite.omits(attempt.query, claims)
            and (not reply.kept or extract.shortens(claims, reply.own, reply.kept))
        )
        chance = found.confidence * relevance
        if sound and attempt.model not in (SMALL, EXTRACTIVE):
            chance = correct.vouched(chance, self._policy)
            weak = chance < self._policy.accept
        return Draft(
            text if sound else "",
            attempt.passages,
            found.hits,
            citations if sound else (),
            chance,
            _weakness(found, weak=weak, sound=sound),
            model,
            watch.elapsed(),
            likely=found.confidence,
            prompt=reply.prompt,
            prompted=tuple(found.hits[position].chunk.id for position in reply.shown),
            written=reply.text,
            verdicts=cite.verdicts(claims, found.hits),
        )

    def _compare(self, attempt: Attempt, found: _Evidence, watch: _Watch) -> Draft:
        """Return both sides of the disagreement that the attempt before came upon."""
        disagreement = _disagreement(found)
        both = conflict.claims(disagreement, found.hits) if disagreement else []
        text, citations = cite.cited(both, found.hits)
        relevance = _relevance(both, found.ranked)
        return Draft(
            text,
            attempt.passages,
            found.hits,
            citations,
            found.confidence * relevance,
            "none",
            attempt.model,
            watch.elapsed(),
            likely=found.confidence,
            verdicts=cite.verdicts(both, found.hits),
        )

    def _asked(
        self, attempt: Attempt, found: _Evidence, question: Question, watch: _Watch
    ) -> _Reply:
        """Return the reply of the model that an attempt names, not yet begun."""
        large = self._models.large
        if large is not None and attempt.model == large.model.name:
            packed = large.pack(question, attempt, found.hits, found.ranked)
            tokens = large.generate(packed, watch.answer_id)
            most = large.terms.reply_tokens
            return _Reply(tokens, most, prompt=cascade.PROMPT, shown=packed.shown)
        model, limits = self._models.language, self._limits
        packed = prompt.pack(attempt.query, found.hits, found.ranked, model, limits.prompt)
        if not packed.shown:  # a question so long that it leaves no room for a passage
            return _Reply()
        tokens = model.generate(packed.system, packed.user, max_tokens=limits.reply)
        until_s, kept = self._policy.deadline_s, self._policy.kept
        own = _own(attempt, found)
        return _Reply(tokens, limits.reply, until_s, prompt.VERSION, packed.shown, kept, own)

    def _generate(
        self, reply: _Reply, found: _Evidence, question: Question, watch: _Watch
    ) -> Generator[Event, None, list[cite.Claim]]:
        """Return the model's claims; the generation ends at the first that cannot be told.

        One that may only leave words out of the sources' own ends at the first word that does
        something else. Only what stood in its prompt supports them.
        """
        text, pieces, told = "", 0, 0  # told: sentences of it that are claims
        claims: list[cite.Claim] = []
        read = [sentence for sentence in found.ranked if sentence.hit in reply.shown]
        try:
            for token in islice(reply.tokens, reply.most):  # a model need not obey
                watch.first_token_s = watch.first_token_s or watch.elapsed()
                text, pieces = text + token.text, pieces + 1
                reply.text = text
                if reply.kept and not extract.may_shorten(text, reply.own):
                    return []
                plain = cite.unlisted(text)
                spans = list(sentences(plain, 0, len(plain)))
                if len(spans) > told + 1:  # the last one may still grow
                    new = self._resolve(plain[slice(*spans[told])], read)
                    claims, told = claims + new, told + 1
                    if (new and not new[-1].support) or _adds(claims, reply):
                        return claims
                    said, citations = cite.cited(claims, found.hits)
                    cited = {citation.document_id for citation in citations}
                    if not cited <= self._store.readable(cited, question.principals):
                        return []
                    yield Partial(said)
                if watch.elapsed() > reply.until_s:
                    return claims
        except ModelError:
            return []
        return claims + self._resolve(_untold(text, told, cut=pieces >= reply.most), read)

    def _resolve(self, text: str, read: Sequence[evidence.Sentence]) -> list[cite.Claim]:
        return cite.resolve(text, read, self._models.embedder)

    def _conclude(self, tried: Sequence[Draft], watch: _Watch, generation: str) -> Answer:
        draft = correct.chosen(tried, self._policy)
        cited = {citation.document_id for citation in draft.citations} if draft else set()
        return Answer(
            id=watch.answer_id,
            text=draft.text if draft else NOT_FOUND,
            citations=draft.citations if draft else (),
            closest=_closest(tried[-1].shown, cited),
            confidence=(draft or max(tried, key=lambda d: d.confidence)).confidence,
            status="answered" if draft else "abstained",
            attempts=tuple(tried),
            generation=generation,
            timings=Timings(watch.retrieved_s, watch.first_token_s, watch.elapsed()),
        )


def _untold(text: str, told: int, *, cut: bool) -> str:
    """Return a reply without its first sentences; of one cut short the last, too, is left out."""
    plain = cite.unlisted(text)
    spans = list(sentences(plain, 0, len(plain)))
    return " ".join(plain[a:b] for a, b in spans[told : len(spans) - cut])


def _adds(claims: Sequence[cite.Claim], reply: _Reply) -> bool:
    """Whether a reply that may only leave words out has done something else."""
    return bool(reply.kept) and not extract.shortens(claims, reply.own, 0)


def _own(attempt: Attempt, found: _Evidence) -> list[cite.Claim]:
    """Return the answer in the sources' own words."""
    return extract.claims(found.ranked, in_order=words.asks_how(attempt.query))


def _replied(said: str, watch: _Watch) -> Answer:
    """Return the answer to small talk: nothing was looked up, so nothing is cited or doubted."""
    return Answer(
        id=uuid.uuid4().hex,
        text=said,
        citations=(),
        closest=(),
        confidence=1.0,
        status="replied",
        attempts=(),
        generation="",
        timings=Timings(0.0, None, watch.elapsed()),
    )


def _weakness(
    found: _Evidence, *, weak: bool, sound: bool
) -> Literal["none", "evidence", "grounding", "conflict"]:
    if weak or not sound:
        return "evidence" if weak else "grounding"
    return "conflict" if _disagreement(found) else "none"


def _disagreement(found: _Evidence) -> conflict.Conflict | None:
    """Return what contradicts the likeliest sentence: what stands beside it was not asked for."""
    return conflict.find(found.ranked[:1], found.ranked, found.hits)


def _relevance(claims: Sequence[cite.Claim], ranked: Sequence[evidence.Sentence]) -> float:
    """Return how likely the claims' best sentence answers, as a share of the likeliest one."""
    likeliest = max((c.support.probability for c in claims if c.support), default=0.0)
    return likeliest / ranked[0].probability if ranked else 0.0


def _closest(hits: Sequence[Hit], cited: set[str]) -> tuple[Citation, ...]:
    """Return the best hit of each document that is not cited, unconfirmed."""
    by_document: dict[str, Hit] = {}
    for hit in hits:
        by_document.setdefault(hit.chunk.document.id, hit)
    others = [hit for id, hit in by_document.items() if id not in cited]
    return tuple(
        cite.citation(hit, (), marker) for marker, hit in enumerate(others[:CLOSEST], start=1)
    )
