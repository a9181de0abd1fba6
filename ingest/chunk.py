"""Parsed documents into chunks of at most the embedder's tokens, verbatim, with their places.

Knows nothing of formats or of the index.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from langchain_text_splitters import RecursiveCharacterTextSplitter

from index.base import Chunk, DocumentInfo, Embedder, Place
from ingest.base import Parsed

VERSION = "chunk-3"  # part of the index's recipe: change it when chunks come out different

CONTEXT_TOKENS = 96  # of title, headings and table header together; the rest is for the text
SPECIAL_TOKENS = 2  # the [CLS] and [SEP] around every passage
WINDOW_TOKENS = 128
JOIN_BELOW = 128  # tokens: a section shorter than this shares its chunk with the next one
SEPARATORS = ["\n\n", "\n", r"(?<=[.!?])\s", " ", ""]

Count = Callable[[str], int]


def chunks_of(info: DocumentInfo, parsed: Parsed, embedder: Embedder) -> list[Chunk]:
    """Cut a document into chunks that fit the embedder, each together with its context.

    Chunks cover the whole text but for blank ends: text[chunk.start:chunk.end] == chunk.text.
    """
    count = lru_cache(maxsize=65536)(lambda text: embedder.count_tokens(text) - SPECIAL_TOKENS)
    room = embedder.max_tokens - SPECIAL_TOKENS - CONTEXT_TOKENS
    spans = [
        span
        for group in _groups(parsed, count, room)
        for span in _pieces(parsed.text, group[0].start, group[-1].end, count, room)
    ]
    return [
        _chunk(info, parsed, position, start, end, count)
        for position, (start, end) in enumerate(spans)
    ]


def windows_of(chunk: Chunk, embedder: Embedder, tokens: int = WINDOW_TOKENS) -> list[str]:
    """Return what is embedded of a chunk: its context with each window of its text, in turn.

    The encoder was trained on short texts, so one vector for 512 tokens blurs them: by windows
    hit@5 rose from 0.934 to 0.946 on the development sets, see rag/eval/LOG.md.
    tokens: of a window at most, its context not counted.
    """
    count = lru_cache(maxsize=4096)(lambda text: embedder.count_tokens(text) - SPECIAL_TOKENS)
    pieces = _pieces(chunk.text, 0, len(chunk.text), count, tokens)
    return [f"{chunk.context}\n{chunk.text[start:end]}" for start, end in pieces]


def _groups(parsed: Parsed, count: Count, room: int) -> Iterator[Sequence[Place]]:
    """Join small neighbouring sections; one that is long enough stands alone."""
    group: list[Place] = []
    tokens = 0
    for place in parsed.places:
        size = count(parsed.text[place.start : place.end])
        if group and (tokens >= JOIN_BELOW or tokens + size > room):
            yield group
            group, tokens = [], 0
        group.append(place)
        tokens += size
    if group:
        yield group


def _pieces(text: str, start: int, end: int, count: Count, room: int) -> Iterator[tuple[int, int]]:
    """Cut text[start:end] into spans of at most `room` tokens, at paragraph and sentence ends."""
    splitter = RecursiveCharacterTextSplitter(
        separators=SEPARATORS,
        is_separator_regex=True,
        keep_separator="end",
        strip_whitespace=False,  # then the pieces add up to the text, and offsets are certain
        chunk_size=room,
        chunk_overlap=0,
        # A blank counts too: what weighs nothing, the splitter puts into two pieces.
        length_function=lambda piece: max(1, count(piece)),
    )
    first = last = start
    for piece in splitter.split_text(text[start:end]):
        # The splitter leaves a short paragraph before a long one alone: join what fits.
        if first < last and count(text[first : last + len(piece)]) > room:
            yield from _trimmed(text, first, last)
            first = last
        last += len(piece)
    yield from _trimmed(text, first, last)
    if last != end:
        raise AssertionError(f"pieces end at {last}, the text at {end}")


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the span without its blank ends, unless it is all blank."""
    body = text[start:end].strip()
    if body:
        first = text.index(body, start)
        yield first, first + len(body)


def _chunk(
    info: DocumentInfo, parsed: Parsed, position: int, start: int, end: int, count: Count
) -> Chunk:
    text = parsed.text[start:end]
    places = tuple(p for p in parsed.places if p.start < end and start < p.end)
    key = f"{info.id}\0{position}\0{text}".encode()
    return Chunk(
        id=hashlib.blake2b(key, digest_size=16).hexdigest(),
        document=info,
        position=position,
        text=text,
        start=start,
        end=end,
        places=places,
        context=_context(info.title, parsed.text, places, start, count),
    )


def _context(title: str, text: str, places: Sequence[Place], start: int, count: Count) -> str:
    """Return "title › heading", and the header row of a table that the chunk begins inside."""
    path = list(_shared([place.heading for place in places]))
    if path and path[0] == title:
        path = path[1:]
    lines = [" › ".join([title, *path])]
    header = _table_header(text, start)
    if header is not None:
        lines.append(header)
    context = "\n".join(lines)
    while count(context) > CONTEXT_TOKENS:
        context = context[: len(context) * CONTEXT_TOKENS // count(context)].rstrip()
    return context


def _shared(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the beginning that all paths share."""
    shared = paths[0]
    for path in paths[1:]:
        same = 0
        while same < min(len(shared), len(path)) and shared[same] == path[same]:
            same += 1
        shared = shared[:same]
    return shared


def _table_header(text: str, start: int) -> str | None:
    """Return the first row of the table that text[start] is a later row of; None if it is not."""
    block = text.rfind("\n\n", 0, start) + 2 if "\n\n" in text[:start] else 0
    first, _, _ = text[block:].partition("\n")
    inside = block < start and " | " in first and " | " in text[start:].partition("\n")[0]
    return first if inside else None
