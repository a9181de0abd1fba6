"""Facts in the second half of a chunk: what a system that stops reading at 256 tokens never sees.

Every passage is a document of its own, so that nobody's splitter moves a fact. Two kinds of
questions, both about tokens 257 to 512 of one passage, its title counted:

- "found": questions of the handbooks whose evidence stands there, and only there;
- "placed": invented facts, written there between two sentences, asked for in other words. Only
  the town is in the fact and in the question, and every town has a fact of every sort.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tokenizers import Tokenizer

from bench.peers.base import Text
from bench.peers.prepared import Asked
from bench.peers.sample import SEED
from rag.eval.questions import EvalQuestion, names
from rag.eval.retrieval import contains

HALF = 256  # tokens, the special one at the beginning counted
PASSAGE_TOKENS = 460  # of text: with a title and a placed fact it stays under 512
LONG = 400  # tokens a passage must have for a fact to be placed in it
TOWNS = """Ravensmoor Ostervik Calderbrook Tannhausen Miravel Brackwater Ellesgate Norrhaven
Pellworth Quenby Sunderlow Varnholt""".split()
FACTS = (
    (
        "Since 4 March 2025 the spare keys in {town} hang in the blue cupboard beside the lift.",
        "Where can I get a replacement to open my door in {town}?",
    ),
    (
        "As of 1 June 2025 Ingrid Halvorsen signs travel requests for {town}.",
        "Whom do I ask to approve my trip from {town}?",
    ),
    (
        "From 9 January 2025 lunch in {town} is paid for up to 11 euros a day.",
        "How much of my meal is covered in {town}?",
    ),
    (
        "On 17 May 2025 the fire drill in {town} was moved to the second Tuesday of each quarter.",
        "When do we practise leaving the building in {town}?",
    ),
    (
        "Since 2 September 2025 the printers in {town} take the code 7731 instead of a badge.",
        "What do I type to get my pages on paper in {town}?",
    ),
    (
        "As of 30 April 2025 visitors to {town} park on level 3 behind the bakery.",
        "Where may a guest leave the car in {town}?",
    ),
    (
        "From 12 August 2025 broken laptops from {town} go by courier to the workshop in Pirna.",
        "My computer in {town} is damaged, where does it get repaired?",
    ),
    (
        "Since 21 February 2025 newcomers in {town} spend their first week with Tomasz Wolski.",
        "Who looks after somebody who has just been hired in {town}?",
    ),
)
_BOUNDARY = re.compile(r"(?<=[.!?])\s|\n+")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Counts as the sentence encoder does."""

    tokenizer: Tokenizer

    def count(self, text: str) -> int:
        """Return the number of tokens, special ones included."""
        return len(self.tokenizer.encode(text).ids)

    def halves(self, passage: Text) -> tuple[str, str]:
        """Return what is read of a passage's text within HALF tokens, and the rest of it."""
        ends = [end for _, end in self.tokenizer.encode(passage.whole).offsets][:HALF]
        cut = max(0, max(ends) - len(passage.title) - 1)
        return passage.text[:cut], passage.text[cut:]


def found(
    passages: Sequence[tuple[str, Text]], questions: Sequence[EvalQuestion], tokens: Tokens
) -> list[Asked]:
    """Return the questions whose whole evidence stands in one passage's second half alone.

    passages: (id of the document, passage) each.
    """
    halves = {passage.id: tokens.halves(passage) for _, passage in passages}
    asked = []
    for question in questions:
        homes = [_home(given, text, passages, halves) for given, text in question.evidence if text]
        if homes and homes[0] and set(homes) == {homes[0]}:
            text = question.standalone or question.text
            asked.append(Asked(f"found {question.qid}", text, (homes[0],), "found"))
    return asked


def _home(
    document: str,
    evidence: str,
    passages: Sequence[tuple[str, Text]],
    halves: dict[str, tuple[str, str]],
) -> str | None:
    """Return the passage whose second half holds an evidence; None if a first half does too."""
    own = [passage.id for owner, passage in passages if names(document, owner)]
    if any(contains(evidence, halves[id][0]) for id in own):
        return None
    return next((id for id in own if contains(evidence, halves[id][1])), None)


def placed(passages: Sequence[Text], tokens: Tokens) -> tuple[list[Text], list[Asked]]:
    """Write every fact into the second half of a long passage of its own; return all passages.

    Fewer facts are placed if there are fewer long passages.
    """
    long = [n for n, passage in enumerate(passages) if tokens.count(passage.whole) >= LONG]
    random.Random(SEED).shuffle(long)
    told, asked = list(passages), []
    facts = [(town, sort) for sort in range(len(FACTS)) for town in TOWNS]
    for number, (town, sort) in zip(long, facts, strict=False):
        fact, question = (form.format(town=town) for form in FACTS[sort])
        passage = _with(passages[number], fact, tokens)
        told[number] = passage
        asked.append(Asked(f"placed {town} {sort}", question, (passage.id,), "placed"))
    return told, asked


def _with(passage: Text, fact: str, tokens: Tokens) -> Text:
    """Insert a sentence at the first boundary of the second half, or at its beginning."""
    first, second = tokens.halves(passage)
    boundary = _BOUNDARY.search(second)
    at = boundary.end() if boundary and boundary.end() < len(second) // 2 else 0
    at = at or second.find(" ") + 1
    return replace(passage, text=f"{first}{second[:at]}{fact} {second[at:]}")
