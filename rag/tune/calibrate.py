"""Fits the sentence ranking and the confidence to questions with known answers.

Logistic regressions, so that what they learned can be read: `footnote tune calibrate`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from index.base import Hit
from rag import confidence, evidence, extract, words
from rag.base import Reader
from rag.cite import cited
from rag.eval.answers import is_evidence
from rag.eval.calibration import auroc, ece
from rag.eval.questions import EvalQuestion, names
from rag.eval.rows import RIGHT_F1, worded
from rag.evidence import COMPARED, FEATURES, JUDGED, Ranking, Readers, Sentence, Weights

FOLDS = 5

Rows = NDArray[np.float64]  # (n, features)
Labels = NDArray[np.bool_]  # (n,)
Places = NDArray[np.intp]  # (n,)


@dataclass(frozen=True, slots=True)
class Example:
    """One question and what retrieval found for it."""

    question: EvalQuestion
    query: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The numbers to ship, and how well they did on questions they were not fitted to."""

    table: dict[str, object]
    figures: str


@dataclass(frozen=True, slots=True)
class _Split:
    """One example with its sentences read one by one, and which of them answer."""

    example: Example
    found: tuple[Sentence, ...]
    answers: Labels


class _Remembering:
    """A reader that is asked the same for every fold, and reads once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[tuple[str, ...], NDArray[np.float32]] = {}
        self.name = reader.name

    def scores(self, question: str, sentences: Sequence[str]) -> NDArray[np.float32]:
        key = (question, *sentences)
        if key not in self._known:
            self._known[key] = self._reader.scores(question, sentences)
        return self._known[key]


def fit(examples: Sequence[Example], unanswered: Sequence[Example], readers: Readers) -> Fitted:
    """Fit the four regressions; the figures are of questions that were held out.

    The examples must be unknown to the readers: on what they were tuned with they are too sure.
    unanswered: with nothing that answers them. The confidence learns its directions from both, how
    sure to be from the examples alone, which are mixed as people ask.
    """
    pointwise, listwise = readers.pointwise, _Remembering(readers.listwise)
    splits = [split for example in examples if (split := _split(example, pointwise)).found]
    wrong = [split for example in unanswered if (split := _split(example, pointwise)).found]
    asked = np.arange(len(splits) + len(wrong)) < len(splits)
    signals, right, first = _out_of_fold([*splits, *wrong], asked, listwise)
    answer, chance = _cross_fitted(signals, right, asked, _groups([*splits, *wrong]))
    refused = chance[~asked]
    chance, right, first = chance[asked], right[asked], first[asked]
    answerable = np.array([split.example.question.answerable for split in splits])
    reachable = np.array([bool(split.answers.any()) for split in splits])
    figures = [
        f"{len(splits)} questions, {int(answerable.sum())} answerable, "
        f"{int(reachable.sum())} with an answering sentence in the chunks found",
        f"best sentence answers: {first.mean():.3f} of all, {first[reachable].mean():.3f} where "
        "one is there",
        f"confidence: AUROC {auroc(chance, right):.3f}, ECE {ece(chance, right):.3f}",
        f"{len(wrong)} questions with nothing that answers them",
        *_operating_points(chance, right, answerable, refused),
    ]
    ranking = _ranking(splits, listwise)
    table: dict[str, object] = {
        "questions": len(splits),
        "reader": pointwise.name,
        "list_reader": listwise.name,
        "likely": _facts(ranking.likely, FEATURES),
        "judged": _facts(ranking.judged, JUDGED),
        "compared": _facts(ranking.compared, COMPARED),
        "answer": _facts(answer, confidence.SIGNALS),
    }
    return Fitted(table, "\n".join(figures))


def _split(example: Example, reader: Reader) -> _Split:
    found = evidence.read(example.query, evidence.candidates(example.query, example.hits), reader)
    labels = [answers(sentence, example) for sentence in found]
    return _Split(example, tuple(found), np.array(labels, np.bool_))


def _ranking(splits: Sequence[_Split], listwise: Reader) -> Ranking:
    """Fit the three sentence regressions, each on what the one before lets through."""
    features = [np.stack([sentence.features for sentence in split.found]) for split in splits]
    likely = _fit(np.concatenate(features), np.concatenate([split.answers for split in splits]))
    kept = [evidence.shortlist(split.found, likely) for split in splits]
    judged = _fit(
        np.concatenate([evidence.judgements(found, likely) for found in kept]),
        np.concatenate([_labels(s, found) for s, found in zip(splits, kept, strict=True)]),
    )
    ranking = Ranking(likely, judged, judged)
    rows, labels = [], []
    for split, found in zip(splits, kept, strict=True):
        best = evidence.judged(found, ranking)[: evidence.LISTED]
        listed = evidence.listed(split.example.query, best, listwise)
        rows.append(evidence.comparisons(listed))
        labels.append(_labels(split, listed))
    return Ranking(likely, judged, _fit(np.concatenate(rows), np.concatenate(labels)))


def _labels(split: _Split, found: Sequence[Sentence]) -> Labels:
    """Return which of some of a split's sentences answer."""
    known = {(s.hit, s.start): answer for s, answer in zip(split.found, split.answers, strict=True)}
    return np.array([known[sentence.hit, sentence.start] for sentence in found], np.bool_)


def answers(sentence: Sentence, example: Example) -> bool:
    """Whether a sentence is the evidence: of a gold document, and holding the short answer."""
    question = example.question
    document = example.hits[sentence.hit].chunk.document.id
    if not question.answerable or not any(names(gold, document) for gold in question.gold):
        return False
    if question.evidence and not is_evidence(document, [sentence.text], question):
        return False
    short = " ".join(words.stems(question.short))
    return short in " ".join(words.stems(f"{sentence.lead} {sentence.text}"))


def _out_of_fold(
    splits: Sequence[_Split], asked: Labels, listwise: Reader
) -> tuple[Rows, Labels, Labels]:
    """Return signals, whether the answer was right, whether the best sentence answered.

    asked: which splits the ranking is fitted to.
    """
    signals = np.zeros((len(splits), len(confidence.SIGNALS)))
    right = np.zeros(len(splits), np.bool_)
    first = np.zeros(len(splits), np.bool_)
    for train, test in _folds(_groups(splits), seed=0):
        ranking = _ranking([splits[i] for i in train if asked[i]], listwise)
        for i in test:
            signals[i], right[i], first[i] = _judged(splits[i], ranking, listwise)
    return signals, right, first


def _groups(splits: Sequence[_Split]) -> list[str]:
    """Return the questions: one that comes again is not judged by what was learned from it."""
    return [split.example.query for split in splits]


def _folds(groups: Sequence[str], seed: int) -> Iterator[tuple[Places, Places]]:
    folds = GroupKFold(FOLDS, shuffle=True, random_state=seed)
    yield from folds.split(np.zeros(len(groups)), groups=groups)


def _judged(
    split: _Split, ranking: Ranking, listwise: Reader
) -> tuple[NDArray[np.float32], bool, bool]:
    example = split.example
    ranked = evidence.judged(evidence.shortlist(split.found, ranking.likely), ranking)
    ranked = evidence.compared(example.query, ranked, listwise, ranking)
    signals = confidence.signals(example.query, example.hits, ranked)
    text, _ = cited(extract.claims(ranked), example.hits)
    first = answers(ranked[0], example)
    scores = worded(example.question, text)
    said = bool(scores.contains) or scores.f1 >= RIGHT_F1
    return signals, example.question.answerable and (first or said), first


def _cross_fitted(
    rows: Rows, labels: Labels, asked: Labels, groups: Sequence[str]
) -> tuple[Weights, NDArray[np.float64]]:
    """Return weights fitted to all, and (n,) probabilities from weights that never saw the row."""
    chance = np.zeros(len(rows))
    for train, test in _folds(groups, seed=1):
        weights = _fit_as_asked(rows[train], labels[train], asked[train])
        chance[test] = weights.probability(rows[test].astype(np.float32))
    return _fit_as_asked(rows, labels, asked), chance


def _fit_as_asked(rows: Rows, labels: Labels, asked: Labels) -> Weights:
    """Return weights fitted to all, their size and bias to the rows asked (Platt, 1999)."""
    weights = _fit(rows, labels)
    logits = weights.logit(rows[asked].astype(np.float32))
    scaled = LogisticRegression(C=1e3, max_iter=1000).fit(logits[:, np.newaxis], labels[asked])
    slope, bias = float(scaled.coef_[0, 0]), float(scaled.intercept_[0])
    return replace(weights, weight=slope * weights.weight, bias=slope * weights.bias + bias)


def _operating_points(
    chance: NDArray[np.float64], right: Labels, answerable: Labels, unanswered: NDArray[np.float64]
) -> list[str]:
    lines = ["accept  answerable accepted  unanswerable refused  right of accepted  nothing there"]
    for accept in (0.1, 0.2, 0.3, 0.33, 0.35, 0.37, 0.4, 0.45, 0.5, 0.6, 0.7):
        taken = chance >= accept
        lines.append(
            f"{accept:6.2f}  {taken[answerable].mean():19.3f}  "
            f"{(~taken[~answerable]).mean():20.3f}  {right[taken].mean():17.3f}  "
            f"{(unanswered < accept).mean():13.3f}"
        )
    return lines


def _fit(rows: Rows, labels: Labels) -> Weights:
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    model = LogisticRegression(C=1.0, max_iter=1000).fit((rows - mean) / scale, labels)
    return Weights(mean, scale, model.coef_[0], float(model.intercept_[0]))


def _facts(weights: Weights, names_: Sequence[str]) -> dict[str, object]:
    return {
        "names": list(names_),
        "mean": [round(float(x), 6) for x in weights.mean],
        "scale": [round(float(x), 6) for x in weights.scale],
        "weight": [round(float(x), 6) for x in weights.weight],
        "bias": round(weights.bias, 6),
    }
