"""Full-text search: SQLite FTS5 over title, headings and text, ranked by BM25.

Knows rows and words; vectors and readers' rights are others' business, apart from the SQL filter.
"""

import re
import sqlite3

SCHEMA = """
CREATE VIRTUAL TABLE words USING fts5(
  context, text, content='', tokenize='porter unicode61 remove_diacritics 2'
);
"""

# bm25() weights of context (title, headings) and text: chosen on development sets, rag/eval/LOG.md.
SEARCH = """
SELECT words.rowid, -bm25(words, 1.0, 1.0) AS score
FROM words JOIN chunks ON chunks.row = words.rowid
WHERE words MATCH :words
  AND (:all OR chunks.document IN (
    SELECT document FROM readers WHERE principal IN (SELECT value FROM json_each(:principals))
  ))
ORDER BY score DESC, words.rowid
LIMIT :n
"""

# Words of a question that say nothing about its subject.
STOP_WORDS = frozenset(
    """a about an and any are as at be been being but by can could did do does doing for from get
    had has have having he her hers him his how i if in into is it its just me my no nor not of on
    or our ours out over own same she should so some such than that the their theirs them then
    there these they this those to too under until up us very was we were what when where which
    while who whom whose why will with would you your yours""".split()
)

_WORD = re.compile(r"\w+")


def terms(text: str) -> list[str]:
    """Return the words of a question worth searching, lower case, each once, in order."""
    words = list(dict.fromkeys(_WORD.findall(text.lower())))
    return [word for word in words if word not in STOP_WORDS] or words


def match_expression(text: str) -> str:
    """Return an FTS5 expression that finds rows with any of the words; "" if there are none.

    Every word is quoted: what a user types is never read as FTS5 syntax.
    """
    return " OR ".join(f'"{word}"' for word in terms(text))


def search(
    database: sqlite3.Connection, text: str, n: int, *, principals_json: str, all_readable: bool
) -> list[tuple[int, float]]:
    """Return at most n (row, BM25 score), best first, of chunks that the principals may read.

    principals_json: a JSON array; not looked at when all_readable.
    """
    expression = match_expression(text)
    if not expression:
        return []
    values = {"words": expression, "n": n, "all": all_readable, "principals": principals_json}
    return [(row, score) for row, score in database.execute(SEARCH, values)]
