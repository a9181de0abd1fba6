"""Evaluation questions: what is asked, what is right, and where it is written.

Knows files of questions, not how they are answered.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ANSWERABILITY = {"ANSWERABLE": True, "PARTIAL": True, "UNANSWERABLE": False}
CONVERSATIONAL = "CONVERSATIONAL"  # small talk: neither an answer nor a refusal is right

log = logging.getLogger(__name__)


class QuestionsError(Exception):
    """A file of questions cannot be used; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """One question with what is known of its answer; "" and () stand for what is not given."""

    qid: str
    text: str
    history: tuple[tuple[str, str], ...]  # earlier (question, answer), oldest first
    standalone: str  # the question as it would be asked without the history
    answer: str
    short: str  # the answer in as few words as possible
    alternatives: tuple[str, ...]  # other spellings of the answer
    gold: tuple[str, ...]  # ids of the documents that answer it
    evidence: tuple[tuple[str, str], ...]  # (gold id, the text that answers it, as in its source)
    answerable: bool


def load(path: Path, documents: Path | None = None) -> list[EvalQuestion]:
    """Read a JSON-lines file of questions; small talk is left out, and its count logged.

    Only "question" is required. documents: where evidence is looked up that is given as
    {"doc", "start", "end"}, in characters of a file. Raises QuestionsError naming the file and
    the line.
    """
    questions: list[EvalQuestion] = []
    seen: set[str] = set()
    conversational = 0
    for number, line in _lines(path):
        try:
            row = json.loads(line)
            if _answerability(row) == CONVERSATIONAL:
                conversational += 1
                continue
            question = _question(row, str(number), documents)
            if question.qid in seen:
                raise ValueError(f"qid {question.qid!r} occurs twice")
        except (ValueError, TypeError, KeyError, OSError) as error:
            raise QuestionsError(f"{path}, line {number}: {_reason(error)}") from error
        seen.add(question.qid)
        questions.append(question)
    if conversational:
        log.info("questions left out file=%s conversational=%d", path, conversational)
    return questions


def names(given: str, document_id: str) -> bool:
    """Tell whether an id given in a question means this document.

    It may be given whole ("wiki:kb096") or as the source's own key ("kb096").
    """
    return given in (document_id, document_id.partition(":")[2])


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionsError(f"The questions in {path} cannot be read: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def _question(row: Mapping[str, object], number: str, documents: Path | None) -> EvalQuestion:
    answer, gold = _text(row, "answer"), _texts(row, "gold")
    text = _text(row, "question")
    if not text.strip():
        raise ValueError("there is no question")
    return EvalQuestion(
        qid=_text(row, "qid") or number,
        text=text,
        history=_history(row.get("history") or ()),
        standalone=_text(row, "standalone"),
        answer=answer,
        short=_text(row, "short"),
        alternatives=_texts(row, "alternatives"),
        gold=gold,
        evidence=_evidence(row.get("evidence") or (), documents),
        answerable=_answerable(row, default=bool(answer or gold)),
    )


def _answerability(row: object) -> str:
    if not isinstance(row, dict):
        raise TypeError(f"{row!r} is not an object")
    return _text(row, "answerability").upper()


def _answerable(row: Mapping[str, object], *, default: bool) -> bool:
    if word := _answerability(row):
        if word not in ANSWERABILITY:
            known = ", ".join([*ANSWERABILITY, CONVERSATIONAL])
            raise ValueError(f"answerability is {word!r}, not one of {known}")
        return ANSWERABILITY[word]
    unanswerable = row.get("unanswerable")
    if unanswerable is None:
        return default
    if not isinstance(unanswerable, bool):
        raise TypeError(f"unanswerable is {unanswerable!r}, not true or false")
    return not unanswerable


def _history(turns: object) -> tuple[tuple[str, str], ...]:
    """Pair turns; a turn whose counterpart is missing is paired with ""."""
    pairs: list[tuple[str, str]] = []
    for turn in _objects("history", turns):
        text = _text(turn, "text")
        match _text(turn, "role"):
            case "user":
                pairs.append((text, ""))
            case "assistant" if pairs and not pairs[-1][1]:
                pairs[-1] = (pairs[-1][0], text)
            case "assistant":
                pairs.append(("", text))
            case role:
                raise ValueError(f"history has role {role!r}, not user or assistant")
    return tuple(pairs)


def _evidence(rows: object, documents: Path | None) -> tuple[tuple[str, str], ...]:
    return tuple(
        (_text(row, "doc"), _text(row, "text") or _span(row, documents))
        for row in _objects("evidence", rows)
    )


def _span(row: Mapping[str, object], documents: Path | None) -> str:
    """Return the text that evidence without one refers to."""
    start, end = row.get("start"), row.get("end")
    if documents is None or not isinstance(start, int) or not isinstance(end, int):
        return ""
    file = (documents / _text(row, "doc")).resolve()
    if not file.is_relative_to(documents.resolve()):
        raise ValueError(f"evidence {_text(row, 'doc')!r} is outside {documents}")
    text = file.read_text(encoding="utf-8")[start:end]
    if not text:
        raise ValueError(f"{file} has no characters {start} to {end}: it is another version")
    return text


def _objects(name: str, rows: object) -> Iterable[Mapping[str, object]]:
    if not isinstance(rows, list | tuple) or not all(isinstance(row, dict) for row in rows):
        raise TypeError(f"{name} is {rows!r}, not a list of objects")
    return rows


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}, not a text")
    return value


def _texts(row: Mapping[str, object], name: str) -> tuple[str, ...]:
    values = row.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{name} is {values!r}, not a list of texts")
    return tuple(dict.fromkeys(filter(None, values)))


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at column {error.colno}"
    return str(error)
