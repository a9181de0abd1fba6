"""Full-text search: BM25 over the words that SQLite FTS5 keeps, for one person's chunks at a time.

FTS5's own bm25() counts how rare a word is over all rows: a page that somebody may not read would
move the ranking of those that they may, and so tell of itself. Here every count (rows, rows with
the word, average length) is taken over the readable chunks alone.
"""

import math
import re
import sqlite3
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TOKENIZER = "porter unicode61 remove_diacritics 2"
SCHEMA = f"""
CREATE VIRTUAL TABLE words USING fts5(context, text, content='', tokenize='{TOKENIZER}');
"""
COMMON = 256  # chunks with a word, from which it is also kept as arrays: FTS5 gives row by row
K1, B = 1.2, 0.75  # as in FTS5
LEAST_IDF = 1e-6  # as in FTS5: of a word that more than half of the chunks have
FREQUENT = 0.2  # share of the readable chunks: a word that more have is left out if others are left
PRUNED_FROM = 10_000  # readable chunks; of fewer, every word is counted fast enough

_ARRAYS = (
    "CREATE TABLE common_words (word TEXT PRIMARY KEY, rows BLOB NOT NULL, times BLOB NOT NULL)"
)
_COUNTED = "CREATE VIRTUAL TABLE temp.counted USING fts5vocab('main', 'words', 'row')"
_TEMPORARY = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.asked USING fts5(word, tokenize='{TOKENIZER}')",
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.asked_tokens"
    " USING fts5vocab('temp', 'asked', 'instance')",
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.postings USING fts5vocab('main', 'words', 'instance')",
)

# Words of a question that say nothing about its subject.
STOP_WORDS = frozenset(
    """a about an and any are as at be been being but by can could did do does doing for from get
    had has have having he her hers him his how i if in into is it its just me my no nor not of on
    or our ours out over own same she should so some such than that the their theirs them then
    there these they this those to too under until up us very was we were what when where which
    while who whom whose why will with would you your yours""".split()
)

_WORD = re.compile(r"\w+")
_COLUMN = 1 << 24  # positions of a column; a chunk has fewer
_ROW = 2 * _COLUMN

Ints = NDArray[np.int64]


class LexicalIndex:
    """The words of one generation; read-only, threads may share it."""

    def __init__(
        self, database: sqlite3.Connection, chunks: int, *, pruned_from: int = PRUNED_FROM
    ) -> None:
        """Read how long every chunk is. database: the generation's, needed again for a search."""
        self._lengths: Ints = np.zeros(chunks, np.int64)
        # FTS5 documents this table: for each row its columns' token counts, as varints.
        for row, sizes in database.execute("SELECT id, sz FROM words_docsize"):
            self._lengths[row] = sum(_varints(sizes))
        self._pruned_from = pruned_from
        named = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'common_words'")
        self._has_arrays = named.fetchone() is not None  # of older generations only FTS5 knows

    def search(
        self, database: sqlite3.Connection, text: str, n: int, readable: NDArray[np.bool_]
    ) -> list[tuple[int, float]]:
        """Return at most n (row, BM25 score), best first, of chunks where `readable` is true.

        database: a connection of the caller's own. readable: (chunks,).
        """
        words = terms(text)
        chunks = int(readable.sum())
        if not words or not chunks:
            return []
        found = []
        for tokens in _tokens(database, words):
            rows, times = self._postings(database, tokens)
            mine = readable[rows]
            found.append((rows[mine], times[mine]))
        if chunks >= self._pruned_from:
            found = [one for one in found if len(one[0]) <= FREQUENT * chunks] or found
        scores = np.zeros(len(readable))
        scale = K1 * (1 - B + B * self._lengths / max(self._lengths[readable].mean(), 1.0))
        for rows, times in found:
            scores[rows] += _idf(chunks, len(rows)) * times * (K1 + 1) / (times + scale[rows])
        best = _best(scores, n)
        return [(int(row), float(scores[row])) for row in best]

    def _postings(self, database: sqlite3.Connection, tokens: Sequence[str]) -> tuple[Ints, Ints]:
        if self._has_arrays and len(tokens) == 1:
            query = "SELECT rows, times FROM common_words WHERE word = ?"
            for rows, times in database.execute(query, tokens):
                return np.frombuffer(rows, np.int32), np.frombuffer(times, np.int32)
        return _phrase(database, tokens)


def write(database: sqlite3.Connection, *, common: int = COMMON) -> None:
    """Index the words of every chunk anew, in place of what was indexed before.

    database: a generation's, open for writing. common: as COMMON, which says why.
    """
    database.execute("DROP TABLE IF EXISTS words")
    database.execute("DROP TABLE IF EXISTS common_words")
    database.execute(SCHEMA)
    database.execute(
        "INSERT INTO words (rowid, context, text) SELECT row, context, text FROM chunks"
    )
    database.execute("INSERT INTO words (words) VALUES ('optimize')")
    _write_common(database, common)


def _write_common(database: sqlite3.Connection, common: int) -> None:
    for statement in (_ARRAYS, _COUNTED, *_TEMPORARY):
        database.execute(statement)
    counted = database.execute("SELECT term FROM temp.counted WHERE doc >= ?", (common,))
    for (word,) in counted.fetchall():
        rows, times = (one.astype(np.int32).tobytes() for one in _phrase(database, [word]))
        database.execute("INSERT INTO common_words VALUES (?, ?, ?)", (word, rows, times))
    for table in ("counted", "postings", "asked_tokens", "asked"):
        database.execute(f"DROP TABLE temp.{table}")


def terms(text: str) -> list[str]:
    """Return the words of a question worth searching, lower case, each once, in order."""
    words = list(dict.fromkeys(_WORD.findall(text.lower())))
    return [word for word in words if word not in STOP_WORDS] or words


def _best(scores: NDArray[np.float64], n: int) -> Ints:
    """Return the rows of the n best scores above 0, best first, of equal ones the first row."""
    held = np.flatnonzero(scores > 0)  # apart: among many equal ones numpy's partition is slow
    if n < len(held):  # sorting all takes longer
        held = held[scores[held] >= np.partition(scores[held], -n)[-n]]
    return held[np.lexsort((held, -scores[held]))][:n]


def _idf(chunks: int, with_word: int) -> float:
    return max(math.log((chunks - with_word + 0.5) / (with_word + 0.5)), LEAST_IDF)


def _tokens(database: sqlite3.Connection, words: Sequence[str]) -> list[list[str]]:
    """Return the tokens of each word, as FTS5 makes them: "snake_case" has two."""
    found: dict[int, list[str]] = {}
    with database:
        for statement in _TEMPORARY:
            database.execute(statement)
        database.executemany("INSERT INTO asked (rowid, word) VALUES (?, ?)", enumerate(words))
        rows = database.execute('SELECT doc, term FROM asked_tokens ORDER BY doc, "offset"')
        for word, token in rows:
            found.setdefault(word, []).append(token)
        database.execute("DELETE FROM asked")
    return list(found.values())


def _phrase(database: sqlite3.Connection, tokens: Sequence[str]) -> tuple[Ints, Ints]:
    """Return the rows where the tokens follow each other, ascending, and how often they do."""
    if len(tokens) == 1:
        counted = database.execute(
            "SELECT doc, count(*) FROM postings WHERE term = ? GROUP BY doc", (tokens[0],)
        )
        pairs = np.array(counted.fetchall(), np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]
    places = _places(database, tokens[0])
    for distance, token in enumerate(tokens[1:], start=1):
        places = np.intersect1d(places, _places(database, token) - distance)
    return np.unique(places // _ROW, return_counts=True)


def _places(database: sqlite3.Connection, token: str) -> Ints:
    """Return every place of a token as one number: row, column, position."""
    found = database.execute(
        """SELECT doc * ? + (col = 'text') * ? + "offset" FROM postings WHERE term = ?""",
        (_ROW, _COLUMN, token),
    )
    return np.array([place for (place,) in found], np.int64)


def _varints(blob: bytes) -> list[int]:
    """Return SQLite's variable-length integers: seven bits a byte, the high bit says go on."""
    numbers, value = [], 0
    for byte in blob:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    return numbers
