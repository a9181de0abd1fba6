"""BM25 over readable chunks, against SQLite's own bm25() over an index that holds only those."""

import random
import sqlite3

import numpy as np
import pytest

from index.lexical import COMMON, LexicalIndex, terms, write

WORDS = "leave travel gateway firmware probe_one probe_two invoice holidays contract pump".split()
ODDS = [1 / (n + 1) for n in range(len(WORDS))]


def database(texts: dict[int, tuple[str, str]], *, common: int = COMMON) -> sqlite3.Connection:
    made = sqlite3.connect(":memory:")
    made.execute("CREATE TABLE chunks (row INTEGER PRIMARY KEY, context TEXT, text TEXT)")
    rows = [(row, context, text) for row, (context, text) in texts.items()]
    made.executemany("INSERT INTO chunks (row, context, text) VALUES (?, ?, ?)", rows)
    write(made, common=common)
    return made


def by_sqlite(made: sqlite3.Connection, text: str, n: int) -> list[tuple[int, float]]:
    words = " OR ".join(f'"{word}"' for word in terms(text))
    rows = made.execute(
        "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ? ORDER BY 2 DESC, 1 LIMIT ?",
        (words, n),
    )
    return rows.fetchall()


@pytest.mark.parametrize("common", [1, 30, 1000], ids=["arrays", "some arrays", "no array"])
def test_a_score_is_what_sqlite_gives_where_only_the_readable_exists(common: int) -> None:
    dice = random.Random(3)
    texts = {
        row: (dice.choice(WORDS), " ".join(dice.choices(WORDS, ODDS, k=dice.randint(1, 200))))
        for row in range(300)
    }
    everything = database(texts, common=common)
    index = LexicalIndex(everything, 300)
    for _ in range(50):
        readable = np.array([dice.random() < 0.6 for _ in range(300)])
        alone = database({row: text for row, text in texts.items() if readable[row]})
        query = " ".join(dice.choices([*WORDS, "holiday", "nowhere"], k=3))
        expected = by_sqlite(alone, query, 1000)
        found = index.search(everything, query, 1000, readable)
        assert dict(found) == pytest.approx(dict(expected), rel=1e-9)
        assert [round(score, 9) for _, score in found] == [round(s, 9) for _, s in expected]


def test_the_best_n_come_first_and_equals_in_their_order() -> None:
    made = database({0: ("", "pump"), 1: ("", "pump"), 2: ("", "pump pump"), 3: ("", "leave")})
    index = LexicalIndex(made, 4)
    found = index.search(made, "pump", 2, np.array([True] * 4))
    assert [row for row, _ in found] == [2, 0]


def test_words_that_nobody_asked_before_are_not_kept_for_the_next_question() -> None:
    made = database({0: ("", "pump"), 1: ("", "leave")})
    index = LexicalIndex(made, 2)
    everything = np.array([True, True])
    assert [row for row, _ in index.search(made, "pump", 9, everything)] == [0]
    assert [row for row, _ in index.search(made, "leave", 9, everything)] == [1]


def test_in_a_large_index_a_word_of_every_fifth_chunk_is_left_out_unless_nothing_is_left() -> None:
    texts = {row: ("", "pump pump" if row % 3 else "pump leave") for row in range(30)}
    made = database({**texts, 30: ("", "gateway pump")})
    index = LexicalIndex(made, 31, pruned_from=31)
    everything = np.array([True] * 31)
    assert [row for row, _ in index.search(made, "pump gateway", 99, everything)] == [30]
    assert len(index.search(made, "pump", 99, everything)) == 31
    everything[0] = False  # who reads fewer has a small index: no word is left out
    assert len(index.search(made, "pump gateway", 99, everything)) == 30


def test_words_are_found_in_a_generation_of_before_there_were_arrays() -> None:
    made = database({0: ("", "pump"), 1: ("", "pump pump")}, common=1)
    everything = np.array([True, True])
    now = LexicalIndex(made, 2).search(made, "pump", 9, everything)
    made.execute("DROP TABLE common_words")
    assert LexicalIndex(made, 2).search(made, "pump", 9, everything) == now
    assert [row for row, _ in now] == [1, 0]


def test_writing_anew_forgets_the_words_of_before() -> None:
    made = database({0: ("", "pump"), 1: ("", "leave")}, common=1)
    made.execute("DELETE FROM chunks WHERE row = 1")
    write(made, common=1)
    found = LexicalIndex(made, 1).search(made, "leave", 9, np.array([True]))
    assert found == []
    assert made.execute("SELECT word FROM common_words").fetchall() == [("pump",)]


def test_a_word_that_is_cut_down_to_a_stop_word_is_kept_as_an_array_too() -> None:
    texts = {row: ("", "we used the pump of the team" if row % 2 else "ask us") for row in range(6)}
    made = database(texts, common=3)
    kept = {word for (word,) in made.execute("SELECT word FROM common_words")}
    assert {"us", "pump", "the"} <= kept
    found = LexicalIndex(made, 6).search(made, "use", 9, np.array([True] * 6))
    assert len(found) == 6


def test_of_many_that_are_equally_good_the_first_are_given() -> None:
    made = database({row: ("", "pump" if row % 2 else "leave") for row in range(100)})
    found = LexicalIndex(made, 100).search(made, "pump", 5, np.array([True] * 100))
    assert [row for row, _ in found] == [1, 3, 5, 7, 9]
