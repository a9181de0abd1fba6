"""The forty lines, driven. They keep no record of documents: every ingestion begins anew."""

from collections.abc import Sequence

from bench.peers.base import CHUNK_TOKENS, Material, Setting, System
from bench.peers.systems.exact import agreement
from bench.peers.systems.forty_lines import HybridSearch
from bench.peers.systems.watched import watch

SPECIAL_TOKENS = 2
TITLE_TOKENS = 32  # room for the title before every chunk


class Script:
    """The script as a System."""

    notices = False

    def __init__(self, setting: Setting) -> None:
        self._watch = watch(setting.model, setting.vectors)
        self._search = HybridSearch(setting.state, str(setting.model))
        if setting.tuned:
            self._search.batch, self._search.backend = 64, "numba"
            self._search.model.max_seq_length = CHUNK_TOKENS

    def ingest(self, material: Material) -> None:
        """Index everything."""
        room = CHUNK_TOKENS - SPECIAL_TOKENS - TITLE_TOKENS
        self._search.index(
            [
                (each.id, f"{each.title}\n{piece}")
                for each in material.texts
                for piece in (
                    [each.text] if material.passages else self._search.split(each.text, room)
                )
            ]
        )

    def tokens_read(self) -> int:
        """Return what the encoder read since the last call."""
        self._watch.keep()
        return self._watch.tokens_read()

    def open(self) -> None:
        """Load the index."""
        self._search.load()

    def search(self, question: str, k: int) -> list[str]:
        """Return what the best k passages are of."""
        return [id for id, _ in self._search.search(question, k)]

    def exactness(self, questions: Sequence[str]) -> float:
        """Compare its FAISS index with exact search."""
        vectors = self._search.model.encode(list(questions), normalize_embeddings=True)
        return agreement(self._search.dense, vectors)


def load(setting: Setting) -> System:
    """Load the encoder."""
    return Script(setting)
