"""Scripted answers and an in-memory index, for everything that shows answers to people."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from index.access import may_read
from index.base import Chunk, DocumentInfo, Hit, Place, StoreError, Vector
from rag.base import Answer, Citation, Draft, Event, Found, Partial, Question, Quote, Timings
from rag.journal import Feedback, JournalError

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EVERYONE = frozenset({"everyone"})


def document(document_id: str, title: str, **changes: object) -> DocumentInfo:
    """Return a wiki page of three days ago that everyone may read."""
    info = DocumentInfo(
        id=document_id,
        version="1",
        title=title,
        url=f"https://wiki.fernhill.example/{document_id.partition(':')[2]}",
        kind="wiki",
        updated_at=datetime(2026, 11, 17, 9, 0, tzinfo=UTC),
        readers=EVERYONE,
    )
    return replace(info, **changes)  # type: ignore[arg-type]  # names are checked by replace


def chunks(info: DocumentInfo, sections: Sequence[tuple[str, str]]) -> list[Chunk]:
    """Return one chunk for each (heading path joined by " › ", text), a blank line apart."""
    made: list[Chunk] = []
    start = 0
    for position, (heading, text) in enumerate(sections):
        path = tuple(part for part in heading.split(" › ") if part)
        end = start + len(text)
        place = Place(start=start, end=end, heading=path, page=None, url=info.url)
        made.append(
            Chunk(
                id=f"{info.id}#{position}",
                document=info,
                position=position,
                text=text,
                start=start,
                end=end,
                places=(place,),
                context=" › ".join([info.title, *path]),
            )
        )
        start = end + 2
    return made


def hit(chunk: Chunk, score: float = 1.0) -> Hit:
    """Return a chunk as search would."""
    return Hit(chunk=chunk, score=score, cosine=score, bm25=None)


def citation(chunk: Chunk, quoted: str, marker: int = 1) -> Citation:
    """Return a citation of words that stand in the chunk; "" for a page that is only close."""
    at = chunk.text.index(quoted) + chunk.start
    found = (Quote(text=quoted, start=at, end=at + len(quoted)),) if quoted else ()
    place = chunk.place_at(at)
    return Citation(
        marker=marker,
        document_id=chunk.document.id,
        chunk_id=chunk.id,
        title=chunk.document.title,
        heading=" › ".join(place.heading),
        page=place.page,
        url=place.url,
        kind=chunk.document.kind,
        updated_at=chunk.document.updated_at,
        quotes=found,
        passage=Quote(text=chunk.text, start=chunk.start, end=chunk.end),
    )


def answered(text: str, citations: Sequence[Citation], closest: Sequence[Citation] = ()) -> Answer:
    """Return a well supported answer."""
    return _answer(text, citations, closest, confidence=0.93, status="answered")


def abstained(text: str, closest: Sequence[Citation] = ()) -> Answer:
    """Return an honest "not found"."""
    return _answer(text, (), closest, confidence=0.12, status="abstained")


def replied(text: str = "You are welcome.") -> Answer:
    """Return a reply to small talk."""
    made = _answer(text, (), (), confidence=1.0, status="replied")
    return replace(made, attempts=(), generation="")


def _answer(
    text: str,
    citations: Sequence[Citation],
    closest: Sequence[Citation],
    *,
    confidence: float,
    status: str,
) -> Answer:
    draft = Draft(
        text=text,
        passages=5,
        shown=(),
        citations=tuple(citations),
        confidence=confidence,
        weakness="none",
        model="small",
    )
    return Answer(
        id="a1",
        text=text,
        citations=tuple(citations),
        closest=tuple(closest),
        confidence=confidence,
        status=status,  # type: ignore[arg-type]  # only the two callers above
        attempts=(draft,),
        generation="000001",
        timings=Timings(retrieved_s=0.02, first_token_s=0.15, complete_s=0.6),
    )


class ScriptedAnswerer:
    """Replays events by question; remembers what it was asked and what was closed early."""

    def __init__(
        self,
        scripts: dict[str, Sequence[Event | Exception]],
        *,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self.scripts = scripts
        self.pause = pause  # called before every event
        self.asked: list[Question] = []
        self.closed_early = 0

    def stream(self, question: Question) -> Iterator[Event]:
        """Yield the script of this question, or of "*"."""
        self.asked.append(question)
        script = self.scripts.get(question.text) or self.scripts["*"]
        try:
            for event in script:
                self.pause()
                if isinstance(event, Exception):
                    raise event
                yield event
        except GeneratorExit:
            self.closed_early += 1
            raise

    def ask(self, question: Question) -> Answer:
        """Return the last event."""
        *_, last = self.stream(question)
        assert isinstance(last, Answer)
        return last


class MemoryStore:
    """Documents in a dictionary, behind the Store seam."""

    generation = "000001"

    def __init__(self, documents: Sequence[Sequence[Chunk]]) -> None:
        self.documents = {each[0].document.id: list(each) for each in documents}

    def pinned(self) -> "MemoryStore":
        return self

    def search(self, text: str, vector: Vector, k: int, principals: frozenset[str]) -> list[Hit]:
        """Return the first k readable chunks; order says nothing here."""
        readable = [
            chunk
            for each in self.documents.values()
            for chunk in each
            if may_read(chunk.document.access, principals)
        ]
        return [hit(chunk) for chunk in readable[:k]]

    def read(self, document_id: str, principals: frozenset[str]) -> list[Chunk]:
        """Return a document's chunks if it exists and may be read."""
        found = self.documents.get(document_id, [])
        return [chunk for chunk in found if may_read(chunk.document.access, principals)]

    def readable(self, document_ids: Iterable[str], principals: frozenset[str]) -> frozenset[str]:
        """Return those that exist and may be read."""
        return frozenset(id for id in document_ids if self.read(id, principals))


class Ratings:
    """Keeps feedback; answers that it does not know cannot be rated."""

    def __init__(self, *answer_ids: str) -> None:
        self.known = set(answer_ids)
        self.given: list[tuple[Feedback, frozenset[str]]] = []
        self.fails: StoreError | None = None

    def __call__(self, feedback: Feedback, principals: frozenset[str], now: datetime) -> None:
        """Keep one."""
        if self.fails is not None:
            raise self.fails
        if feedback.answer_id not in self.known:
            raise JournalError(f"There is no answer {feedback.answer_id!r}")
        self.given.append((feedback, principals))


def streamed(answer: Answer, found: Sequence[Chunk]) -> list[Event | Exception]:
    """Return the events that lead to an answer: the sources, growing words, the answer."""
    words = answer.text.split(" ")
    partials = [Partial(" ".join(words[:count])) for count in range(1, len(words) + 1)]
    return [Found(tuple(hit(chunk) for chunk in found)), *partials, answer]
