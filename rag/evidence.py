"""Hits into sentences, ranked by how likely each answers the question.

Knows no language model. The ranking feeds the prompt, the extractive answer and the confidence.
In three steps, each on fewer sentences than the one before: a regression over FEATURES, which need
no model, chooses those that are read one by one, their scores those that are read side by side.
"""

import math
import re
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.base import Chunk, Hit
from rag import words
from rag.base import Reader
from rag.sentences import Unit, units

READ = 24  # sentences that are read one by one: 110 ms on two cores without AMX
LISTED = 6  # sentences that are read side by side: as long, or half of it with AMX
PASSAGES = 5  # chunks that an answer may rest on
MIN_LETTERS = 12  # shorter units (a lone heading word, a table cell) answer only a question
MAX_LETTERS = 1000  # of a sentence in its context, as it is read
UNLIKE = 0.2  # the cosine of what nothing is known of

# How a message of a conversation begins: "Clara Peeters (2026-03-05 05:50): ".
MESSAGE = re.compile(r"^(?P<by>[^\n]{1,80}?) \((?P<on>\d{4}-\d\d-\d\d) \d\d:\d\d\): ", re.MULTILINE)
# What begins with the promise of an answer, "Good one, I'll ask Marek": no answer once one follows.
_PROMISE = re.compile(
    r"(?:[\w ]{1,16}[,.!:] )?(?:I['’]?ll|I will|I['’]?m|I am|let me) (?:just |quickly |go and )?"
    r"(?:ask|asking|check|checking|find out|look into|looking into|see if|come back|get back)\b",
    re.IGNORECASE,
)
_MAIL_HEADER = re.compile(r"(?:From|To|Cc|Date|Subject|Attachment): ")
_SENDER = re.compile(r"^From: ", re.MULTILINE)

FEATURES = (
    "cosine",  # question and the window that it stands in
    "passage_cosine",  # question and the nearest window of its chunk
    "rank",  # 1 / (1 + place of the chunk among the hits)
    "covered",  # share of the question's words in the sentence, by rarity
    "covered_with_context",  # … or in its headings, its lead-in or its neighbours' chunk title
    "pairs",  # share of the question's neighbouring words that stand together here too
    "kind",  # holds a number, a name, a place … when the question wants one
    "length",  # log of its words
    "row",  # is a table row
    "item",  # has a lead-in line
)


JUDGED = (
    "read",  # the pointwise reader's score
    "share",  # its softmax share among the sentences read and "none of them"
    "likely",  # logit by the regression over FEATURES
)

COMPARED = (
    "listed",  # the listwise reader's score
    "share",  # its softmax share among the sentences listed and "none of them"
    "judged",  # logit by the regression over JUDGED
)

UNREAD = -20.0  # the score of a sentence that was not read
NOT_HERE = -1  # where a lead begins that stands before the chunk


@dataclass(frozen=True, slots=True)
class Sentence:
    """A unit of a retrieved chunk, and how likely it answers the question."""

    hit: int  # position of its chunk among the hits
    document: str  # id of its document
    start: int  # [start, end) in the document's parsed text
    end: int
    text: str  # verbatim
    lead: str  # the line that introduces it, verbatim; "" if there is none
    lead_start: int  # where it begins in the document's parsed text, or NOT_HERE
    row: bool
    heading: str  # of the place it stands in
    in_context: str  # as it is read: title or heading, lead, text
    features: NDArray[np.float32]  # (len(FEATURES),)
    read: float  # the pointwise reader's score
    listed: float  # the listwise reader's score
    probability: float  # in [0, 1]


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic regression, fitted by `footnote tune calibrate`."""

    mean: NDArray[np.float64]  # (n,) subtracted before, so that weights are comparable
    scale: NDArray[np.float64]  # (n,) divided by
    weight: NDArray[np.float64]  # (n,)
    bias: float

    def logit(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (rows,) log-odds for (rows, n) features."""
        result: NDArray[np.float64] = ((rows - self.mean) / self.scale) @ self.weight + self.bias
        return result

    def probability(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (rows,) probabilities for (rows, n) features."""
        result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-self.logit(rows)))
        return result


@dataclass(frozen=True, slots=True)
class Ranking:
    """The three regressions that rank sentences."""

    likely: Weights  # over FEATURES
    judged: Weights  # over JUDGED
    compared: Weights  # over COMPARED


@dataclass(frozen=True, slots=True)
class Readers:
    """What reads sentences: pointwise one by one, listwise each beside those before it."""

    pointwise: Reader
    listwise: Reader


def rank(question: str, hits: Sequence[Hit], readers: Readers, ranking: Ranking) -> list[Sentence]:
    """Return the likeliest sentences of the PASSAGES hits that hold them, likeliest first."""
    found = shortlist(candidates(question, hits), ranking.likely)
    found = judged(read(question, found, readers.pointwise), ranking)
    return compared(question, found, readers.listwise, ranking)


def candidates(question: str, hits: Sequence[Hit]) -> list[Sentence]:
    """Return the sentences of the hits, in reading order, with their features."""
    found = [sentence for position, hit in enumerate(hits) for sentence in _split(position, hit)]
    features = _features(question, found, hits)
    return [replace(s, features=features[i]) for i, s in enumerate(found)]


def shortlist(found: Sequence[Sentence], likely: Weights) -> list[Sentence]:
    """Return the READ likeliest sentences, in the order they came."""
    if not found:
        return []
    logits = likely.logit(np.stack([sentence.features for sentence in found]))
    best = np.argsort(-logits, kind="stable")[:READ]
    return [found[i] for i in sorted(best)]


def read(question: str, found: Sequence[Sentence], reader: Reader) -> list[Sentence]:
    """Return the sentences with the reader's score."""
    scores = reader.scores(question, [sentence.in_context for sentence in found])
    return [replace(s, read=float(score)) for s, score in zip(found, scores, strict=True)]


def judged(found: Sequence[Sentence], ranking: Ranking) -> list[Sentence]:
    """Return the sentences that were read with their probability, likeliest first."""
    if not found:
        return []
    chances = ranking.judged.probability(judgements(found, ranking.likely))
    order = np.argsort(-chances, kind="stable")
    return [replace(found[i], probability=float(chances[i])) for i in order]


def compared(
    question: str, found: Sequence[Sentence], reader: Reader, ranking: Ranking
) -> list[Sentence]:
    """Return the sentences with the first LISTED of them judged again, likeliest first.

    found: likeliest first. None of the others comes before those LISTED. Only those of the first
    PASSAGES hits are returned.
    """
    if not found:
        return []
    best = listed(question, found[:LISTED], reader)
    chances = ranking.compared.probability(comparisons(best))
    order = np.argsort(-chances, kind="stable")
    least = float(chances.min())
    others = [replace(s, probability=min(s.probability, least)) for s in found[LISTED:]]
    ranked = [replace(best[i], probability=float(chances[i])) for i in order] + others
    passages = list(dict.fromkeys(sentence.hit for sentence in ranked))[:PASSAGES]
    return [sentence for sentence in ranked if sentence.hit in passages]


def listed(question: str, found: Sequence[Sentence], reader: Reader) -> list[Sentence]:
    """Return the sentences in the order of their hits and places, read in it."""
    found = sorted(found, key=lambda sentence: (sentence.hit, sentence.start))
    scores = reader.scores(question, [sentence.in_context for sentence in found])
    return [replace(s, listed=float(score)) for s, score in zip(found, scores, strict=True)]


def comparisons(found: Sequence[Sentence]) -> NDArray[np.float32]:
    """Return (len(found), len(COMPARED))."""
    scores = np.array([sentence.listed for sentence in found], np.float64)
    chances = np.clip([sentence.probability for sentence in found], 1e-4, 1 - 1e-4)
    logits = np.log(chances / (1 - chances))
    return np.stack([scores, _shares(scores), logits], axis=1).astype(np.float32)


def _shares(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the softmax over the scores and 0, which is "none of them", without the last."""
    odds: NDArray[np.float64] = np.exp(np.clip(scores, -20, 20))
    return odds / np.float64(1.0 + odds.sum())


def judgements(found: Sequence[Sentence], likely: Weights) -> NDArray[np.float32]:
    """Return (len(found), len(JUDGED))."""
    scores = np.array([sentence.read for sentence in found], np.float64)
    logits = likely.logit(np.stack([sentence.features for sentence in found]))
    return np.stack([scores, _shares(scores), logits], axis=1).astype(np.float32)


def _split(position: int, hit: Hit) -> list[Sentence]:
    chunk = hit.chunk
    none = np.zeros(0, np.float32)  # until `candidates` fills it in
    found = []
    header = _header_above(chunk)  # of the rows until the first line that is none
    cut = units(chunk.text, in_table=bool(header))
    leads = {unit.lead for unit in cut}
    asked, asker = "", -1  # the question that the sentence comes after, and its message
    begun = list(MESSAGE.finditer(chunk.text))
    messages = [match.start() for match in begun]
    opened = _end_of_opening_question(chunk, cut, begun)  # what is before it asks
    in_mail = _SENDER.search(chunk.text) is not None
    for unit in cut:
        text = chunk.text[unit.start : unit.end]
        above = chunk.text[slice(*unit.lead)] if unit.lead else ""
        lead = above.strip()
        introduced = chunk.start + unit.lead[0] + above.index(lead) if unit.lead else NOT_HERE
        header = header if unit.row and not unit.lead else ""
        lead = lead or header
        heading = chunk.place_at(chunk.start + unit.start).heading
        message = bisect(messages, unit.start)
        intro = asked if message == asker + 1 or not messages else ""
        says_nothing = (
            (len(text) < MIN_LETTERS and not lead and not intro)
            or (heading and text == heading[-1])
            or (unit.row and (unit.start, unit.end) in leads)  # the names of the columns
            or (_is_shouted_heading(text) and not unit.row and not lead)
            or (in_mail and not lead and _MAIL_HEADER.match(text))
            or text.endswith("?")
            or unit.start < opened
        )
        if says_nothing:
            if text.endswith("?"):
                asked, asker = text, message
            continue
        if message < len(messages) and _is_promise(text):
            asker = message if message == asker + 1 else asker  # still asked of the next one
            continue
        found.append(
            Sentence(
                hit=position,
                document=chunk.document.id,
                start=chunk.start + unit.start,
                end=chunk.start + unit.end,
                text=text,
                lead=lead,
                lead_start=introduced,
                row=unit.row,
                heading=" › ".join(heading),
                in_context=_in_context(
                    chunk.document.title, heading, f"{intro} {lead} {text}".strip()
                ),
                features=none,
                read=UNREAD,
                listed=UNREAD,
                probability=0.0,
            )
        )
        if not messages:  # of a FAQ, the sentence after it; of a thread, the message after it
            asked = ""
    return found


def _end_of_opening_question(
    chunk: Chunk, cut: Sequence[Unit], begun: Sequence[re.Match[str]]
) -> int:
    """Return where the message ends that opens a thread with a question; 0: none does.

    begun: how each message begins. What only quotes a conversation further down is no thread.

    What it says beside the question is about the question: of 997 sentences that answer questions
    about threads (`rag/tune/rows`) one stands in such a message.
    """
    if chunk.start or len({message["by"] for message in begun}) < 2 or begun[0].start():
        return 0
    end = begun[1].start()
    asks = any(chunk.text[: unit.end].endswith("?") for unit in cut if unit.end <= end)
    return end if asks else 0


def _is_promise(text: str) -> bool:
    begun = MESSAGE.match(text)
    return _PROMISE.match(text, begun.end() if begun else 0) is not None


def _is_shouted_heading(text: str) -> bool:
    """Whether it is A HEADING; "IBAN: BE68 5390 0754" says something."""
    return text.isupper() and text[-1] not in ".!" and ": " not in text


def _header_above(chunk: Chunk) -> str:
    """Return the header row of the table that a chunk begins inside; "" if it does not."""
    _, _, last = chunk.context.rpartition("\n")
    return last if " | " in last and last != chunk.context else ""


def _in_context(title: str, heading: Sequence[str], text: str) -> str:
    """Return what a sentence is about, then the sentence: "Leave › Carrying over: In Leeds …"."""
    about = dict.fromkeys([title, *heading[-1:]])
    return f"{' › '.join(about)}: {text}"[:MAX_LETTERS]


def _features(question: str, found: Sequence[Sentence], hits: Sequence[Hit]) -> NDArray[np.float32]:
    """Return (len(found), len(FEATURES))."""
    asked = words.content_stems(question)
    pairs = set(zip(asked, asked[1:], strict=False))
    kind = words.wanted(question)
    bags = [words.stems(sentence.text) for sentence in found]
    rarity = _rarity(asked, bags)
    about = [_about(sentence, hits[sentence.hit].chunk) for sentence in found]
    stems = {text: words.stems(text) for text in {text for texts in about for text in texts}}
    table = np.zeros((len(found), len(FEATURES)), np.float32)
    for row, (sentence, bag) in enumerate(zip(found, bags, strict=True)):
        hit = hits[sentence.hit]
        chunk = hit.chunk
        content = [s for s in bag if s in rarity]
        middle = (sentence.start + sentence.end) // 2
        table[row] = (
            hit.near[chunk.window_at(middle)] if hit.near else UNLIKE,
            max(hit.near, default=UNLIKE),
            1.0 / (1 + sentence.hit),
            _covered(rarity, set(bag)),
            _covered(rarity, {*bag, *(stem for text in about[row] for stem in stems[text])}),
            len(pairs & set(zip(content, content[1:], strict=False))) / max(1, len(pairs)),
            float(words.shows(kind, sentence.text)) if kind is not words.Wanted.ANY else 0.5,
            math.log1p(len(bag)),
            float(sentence.row),
            float(bool(sentence.lead)),
        )
    return table


def _about(sentence: Sentence, chunk: Chunk) -> tuple[str, ...]:
    """Return what says what a sentence is about; many share it."""
    return chunk.document.title, sentence.heading, sentence.lead, chunk.context


def _rarity(asked: Sequence[str], bags: Sequence[list[str]]) -> dict[str, float]:
    """Return word -> weight, summing to 1: words in few of the sentences weigh more."""
    held = Counter(stem for bag in bags for stem in set(bag))
    weights = {stem: math.log((len(bags) + 1) / (held[stem] + 0.5)) for stem in asked}
    total = sum(weights.values()) or 1.0
    return {stem: weight / total for stem, weight in weights.items()}


def _covered(rarity: dict[str, float], bag: set[str]) -> float:
    return sum(weight for stem, weight in rarity.items() if stem in bag)
