"""Parsed documents into chunks of at most the embedder's tokens, verbatim, with their places.

Knows nothing of formats or of the index.
"""

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial

from langchain_text_splitters import RecursiveCharacterTextSplitter

from index.base import Chunk, DocumentInfo, Embedder, Place
from ingest.base import Parsed
from ingest.sections import CODE_INDENT

VERSION = "chunk-4"  # part of the index's recipe: change it when chunks come out different

CONTEXT_TOKENS = 96  # of title, headings and table header together; the rest is for the text
SPECIAL_TOKENS = 2  # the [CLS] and [SEP] around every passage
WINDOW_TOKENS = 128
JOIN_BELOW = 128  # tokens: a section shorter than this shares its chunk with the next one
SEPARATORS = ["\n\n", "\n", r"(?<=[.!?])\s", " ", ""]

Count = Callable[[str], int]
Context = Callable[[tuple[str, ...], str | None], str]  # headings, header row


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
    layout = Layout(parsed)
    context = lru_cache(maxsize=1)(partial(_context, info.title, count))
    return [
        _chunk(info, layout, position, start, end, context, count)
        for position, (start, end) in enumerate(spans)
    ]


def windows_of(chunk: Chunk) -> list[str]:
    """Return what is embedded of a chunk: its context with each window of its text, in turn.

    The encoder was trained on short texts, so one vector for 512 tokens blurs them: by windows
    hit@5 rose from 0.934 to 0.946 on the development sets, see rag/eval/LOG.md.
    """
    ends = (*chunk.windows[1:], len(chunk.text))
    return [
        f"{chunk.context}\n{chunk.text[start:end].rstrip()}"
        for start, end in zip(chunk.windows, ends, strict=True)
    ]


def window_starts(text: str, count: Count, tokens: int = WINDOW_TOKENS) -> tuple[int, ...]:
    """Return where the windows of a chunk's text begin.

    count: as the embedder does, special tokens left out. tokens: of a window at most.
    """
    return tuple(start for start, _ in _pieces(text, 0, len(text), count, tokens))


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
        length_function=count,
    )
    first = last = start
    for piece in splitter.split_text(text[start:end]):
        while not text.startswith(piece, last):  # blanks weigh nothing: the splitter repeats them
            piece = piece[1:]
        # The splitter leaves a short paragraph before a long one alone: join what fits.
        if first < last and count(text[first : last + len(piece)]) > room:
            yield from _trimmed(text, first, last)
            first = last
        last += len(piece)
    yield from _trimmed(text, first, last)
    if last != end:
        raise AssertionError(f"pieces end at {last}, the text at {end}")


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the span without its blank ends, unless it is all blank; code keeps its indent."""
    body = text[start:end].strip()
    if body:
        first = text.index(body, start)
        line = text.rfind("\n", start, first) + 1 or start
        whole_line = text[line - 1 : line] in ("", "\n")
        is_code = whole_line and text.startswith(CODE_INDENT, line, first)
        yield (line if is_code else first), first + len(body)


class Layout:
    """Where the places and tables of a text lie, looked up by bisection.

    A text may have a hundred thousand chunks: none of them may look at all that comes before it.
    """

    def __init__(self, parsed: Parsed) -> None:
        self.text = parsed.text
        self._places = parsed.places
        self._starts = [place.start for place in parsed.places]
        self._ends = [place.end for place in parsed.places]
        self._blocks = [0, *(gap.end() + 1 for gap in re.finditer(r"\n(?=\n)", parsed.text))]
        self.first_row = lru_cache(maxsize=1)(self._first_row)  # chunks come in their order

    def places(self, start: int, end: int) -> tuple[Place, ...]:
        """Return the places that overlap [start, end)."""
        return self._places[bisect_right(self._ends, start) : bisect_left(self._starts, end)]

    def table_header(self, start: int) -> str | None:
        """Return the first row of the table that text[start] is a later row of; None if not."""
        block = self._blocks[bisect_right(self._blocks, start) - 1]
        header = self.first_row(block) if block < start else None
        return header if header and self._has_cells(start, self._line_end(start)) else None

    def _first_row(self, block: int) -> str | None:
        end = self._line_end(block)
        return self.text[block:end] if self._has_cells(block, end) else None

    def _line_end(self, start: int) -> int:
        end = self.text.find("\n", start)
        return len(self.text) if end < 0 else end

    def _has_cells(self, start: int, end: int) -> bool:
        is_code = self.text.startswith(CODE_INDENT, start)
        return not is_code and self.text.find(" | ", start, end) >= 0


def _chunk(
    info: DocumentInfo,
    layout: Layout,
    position: int,
    start: int,
    end: int,
    context: Context,
    count: Count,
) -> Chunk:
    text = layout.text[start:end]
    places = layout.places(start, end)
    path = _shared([place.heading for place in places])
    key = f"{info.id}\0{position}\0{text}".encode()
    return Chunk(
        id=hashlib.blake2b(key, digest_size=16).hexdigest(),
        document=info,
        position=position,
        text=text,
        start=start,
        end=end,
        places=places,
        context=context(path, layout.table_header(start)),
        windows=window_starts(text, count),
    )


def _context(title: str, count: Count, path: tuple[str, ...], header: str | None) -> str:
    """Return "title › heading", and the header row of a table that the chunk begins inside."""
    if path and path[0] == title:
        path = path[1:]
    lines = [" › ".join([title, *path])]
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
