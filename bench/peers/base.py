"""What every system is given and asked to do.

Imported in the product's environment and in the peers', so it needs the standard library only.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

CHUNK_TOKENS = 512  # where a system's own splitter is to cut


@dataclass(frozen=True, slots=True)
class Text:
    """A parsed document, or a passage of one."""

    id: str
    title: str
    text: str

    @property
    def whole(self) -> str:
        """The text under its title."""
        return f"{self.title}\n{self.text}"


@dataclass(frozen=True, slots=True)
class Material:
    """What is to be in the index after an ingestion."""

    texts: Sequence[Text]
    passages: bool  # the texts are to be indexed as they are, not cut
    sources: Path  # a file that names the same documents before parsing, see `prepared.py`


@dataclass(frozen=True, slots=True)
class Setting:
    """How a system is to be set up."""

    state: Path  # an empty folder, or what an earlier process left in it
    model: Path  # the folder of the sentence encoder that everyone uses
    tuned: bool  # as somebody who measured would set it; else as it comes
    threads: int
    vectors: Path | None  # the peers' known vectors, where only quality is measured


class System(Protocol):
    """One way from documents to the best passages for a question."""

    notices: bool  # whether it knows what it indexed before, so that a later night is shorter

    def ingest(self, material: Material) -> None:
        """Bring what is on disk up to date, starting from what is there."""
        ...

    def tokens_read(self) -> int:
        """Return how many tokens the encoder read since the last call, padding left out."""
        ...

    def open(self) -> None:
        """Load what is on disk, ready for questions."""
        ...

    def search(self, question: str, k: int) -> list[str]:
        """Return the ids of the texts that the best k passages are of, best first."""
        ...

    def exactness(self, questions: Sequence[str]) -> float:
        """Return the share of exact fp32 search's top 5 that its own dense search finds."""
        ...


def read_texts(file: Path) -> list[Text]:
    """Read one text a line."""
    return [Text(str(row["id"]), str(row["title"]), str(row["text"])) for row in read_rows(file)]


def write_texts(texts: Iterable[Text], file: Path) -> None:
    """Write one text a line."""
    write_rows(map(asdict, texts), file)


def read_rows(file: Path) -> list[Mapping[str, object]]:
    """Read JSON, one object a line."""
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def write_rows(rows: Iterable[Mapping[str, object]], file: Path) -> None:
    """Write JSON, one object a line."""
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_text("".join(lines), encoding="utf-8")
