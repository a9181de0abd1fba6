"""The tables: what was measured in, Markdown or JSON-serialisable facts out. Pure.

A ratio is the median of the ratios within the same repetition, and above 1 is in our favour.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from bench.conditions import spread
from bench.peers.goals import Goal, goals
from bench.peers.measured import Measured, Speed

NOTES = """\
- Everyone has the same two cores and threads, the same sentence encoder and the same text as
  Footnote parsed it. One process a repetition and system, in turns (A B C, A B C, …).
- Footnote's ingestion includes listing, parsing in the sandbox and loading its encoder; the
  others begin with parsed text and a loaded encoder; "with start" counts imports and loading for
  all, as a nightly job has them. Its tokens count the title before each window.
- Tokens are those the encoder really reads, padding and what it cuts off left out. "tuned" is a
  batch of 64 and a maximum of 512 tokens; the script's BM25 with numba, LangChain's
  BM25 over lower-case words instead of its default, txtai's FAISS exact.
- script and txtai keep no record of what they indexed: every ingestion begins anew, whatever
  changed, and was measured once more for both.
- LangChain is FAISS and its BM25 retriever in its ensemble, with `index()`; LlamaIndex is FAISS
  with a map and the docstore's refresh, by meaning alone; txtai and the script are hybrid.
- For quality, everyone indexes the passages that Footnote cuts, titles in the text; a corpus that
  is larger than the sample is all documents that answer a question and a seeded rest.
- Memory is the peak of a process that only answers, questions to passages, no language model.
- "exact" is the share of exact fp32 search's top 5 that a system's own dense search finds; ours is
  compared with sentence-transformers in fp32. Below 0.98 no speed of it counts."""


def markdown(seen: Measured, conditions: str) -> str:
    """Return everything for a person to read."""
    parts = [
        "# Footnote beside its peers",
        f"```\n{conditions}\n```",
        NOTES,
        *_part("Corpora", _corpora(seen.corpora)),
        *_part("Goals", _goals(goals(seen))),
        *_part("Ingestion", _speeds(seen, INGESTION, _ingestion)),
        *_part("Ingestion again", _speeds(seen, AGAIN, _again)),
        *_part("Questions", _speeds(seen, QUESTIONS, _questions)),
        *_part("nDCG@10", _qualities(seen, "ndcg10")),
        *_part("Recall@5", _qualities(seen, "recall5")),
        *_part("Recall@5 of facts in tokens 257 to 512", _halves(seen)),
    ]
    return "\n\n".join(parts) + "\n"


def facts(seen: Measured, conditions: str) -> dict[str, object]:
    """Return everything for a program to read."""
    return {
        "conditions": conditions.splitlines(),
        "corpora": seen.corpora,
        "goals": [asdict(goal) for goal in goals(seen)],
        "speed": [
            {
                "system": s.row.name,
                "counts": s.counts,
                "exactness": s.exactness,
                "figures": s.figures,
            }
            for s in seen.speeds
        ],
        "quality": [asdict(q) | {"row": q.row.name} for q in seen.qualities],
    }


INGESTION = ("system", "tokens read", "seconds", "tokens/s", "ours ÷ its", "its seconds ÷ ours")
AGAIN = (
    "system",
    *("unchanged, s", "tokens", "÷ ours"),
    *("with start, s", "÷ ours"),
    *("1 % changed, s", "tokens", "÷ ours"),
)
QUESTIONS = ("system", "p50, ms", "p95, ms", "p50 ÷ ours", "memory, MiB", "÷ ours", "exact")


def _ingestion(speed: Speed, seen: Measured) -> list[str]:
    return [
        f"{speed.median('tokens'):.0f}",
        spread(speed.figures["first_s"]),
        f"{speed.median('tokens_per_s'):.0f}",
        _ratio(seen.ours(), speed, "tokens_per_s"),
        _ratio(speed, seen.ours(), "first_s"),
    ]


def _again(speed: Speed, seen: Measured) -> list[str]:
    return [
        spread(speed.figures["unchanged_s"]),
        f"{speed.median('unchanged_tokens'):.0f}",
        _ratio(speed, seen.ours(), "unchanged_s"),
        spread(speed.figures["night_s"]),
        _ratio(speed, seen.ours(), "night_s"),
        spread(speed.figures["changed_s"]),
        f"{speed.median('changed_tokens'):.0f}",
        _ratio(speed, seen.ours(), "changed_s"),
    ]


def _questions(speed: Speed, seen: Measured) -> list[str]:
    return [
        spread(speed.figures["p50_ms"]),
        spread(speed.figures["p95_ms"]),
        _ratio(speed, seen.ours(), "p50_ms"),
        f"{speed.median('memory_mib'):.0f}",
        _ratio(speed, seen.ours(), "memory_mib"),
        _share(speed.exactness),
    ]


def _speeds(
    seen: Measured, head: Sequence[str], cells: Callable[[Speed, Measured], list[str]]
) -> str:
    rows = []
    for speed in seen.speeds:
        if speed.counts:
            rows.append([speed.row.name, *cells(speed, seen)])
        else:
            reason = f"not counted: exact {_share(speed.exactness)}"
            rows.append([speed.row.name, reason, *["–"] * (len(head) - 2)])
    return _table(head, rows)


def _qualities(seen: Measured, figure: str) -> str:
    corpora = seen.ranked()
    rows = []
    for row in seen.rows():
        of_corpora = [seen.mean(row, [corpus], figure) for corpus in corpora]
        cells = [_share(value) for value in (*of_corpora, seen.mean(row, corpora, figure))]
        rows.append([row.name, *cells])
    return _table(["system", *corpora, "mean"], rows)


def _halves(seen: Measured) -> str:
    mine = [q for q in seen.qualities if q.recall5_by_kind]
    kinds = sorted({kind for q in mine for kind in q.recall5_by_kind})
    rows = [
        [q.row.name, *(_share(q.recall5_by_kind.get(kind)) for kind in kinds), _share(q.recall5)]
        for q in mine
    ]
    return _table(["system", *kinds, "all"], rows)


def _corpora(corpora: Mapping[str, Mapping[str, object]]) -> str:
    head = ("corpus", "documents", "of", "passages", "questions")
    return _table(
        head, [[n, *(str(facts[key]) for key in head[1:])] for n, facts in corpora.items()]
    )


def _goals(found: Sequence[Goal]) -> str:
    rows = [
        [each.what, each.wanted, "–" if each.value is None else f"{each.value:.2f}", each.outcome]
        for each in found
    ]
    return _table(("what", "goal", "reached", ""), rows)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _ratio(first: Speed | None, second: Speed | None, figure: str) -> str:
    if first is None or second is None:
        return "–"
    return f"{first.ratio(second, figure):.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " --: |" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _part(title: str, body: str) -> list[str]:
    return [f"## {title}", body]
