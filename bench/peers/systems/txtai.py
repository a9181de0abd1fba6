"""txtai, hybrid, with its content store. It keeps no hashes: every ingestion begins anew.

It has no token splitter of its own in its core, so the chunks are cut as the script's are.
"""

from collections.abc import Sequence

import numpy as np
from langchain_text_splitters import RecursiveCharacterTextSplitter
from transformers import AutoTokenizer
from txtai import Embeddings

from bench.peers.base import CHUNK_TOKENS, Material, Setting, System
from bench.peers.systems.exact import agreement
from bench.peers.tokens import plain_tokenizer

SPECIAL_TOKENS = 2
EXACT = {"components": "IDMap,Flat"}  # else approximate over 5,000 rows


class Txtai:
    """txtai's Embeddings as a System."""

    notices = False

    def __init__(self, setting: Setting) -> None:
        options: dict[str, object] = {"path": str(setting.model), "hybrid": True, "content": True}
        if setting.tuned:
            options |= {"encodebatch": 64, "maxlength": CHUNK_TOKENS, "faiss": EXACT}
        self._embeddings = Embeddings(options)
        self._index = str(setting.state / "index")
        self._splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
            AutoTokenizer.from_pretrained(str(setting.model), local_files_only=True),
            chunk_size=CHUNK_TOKENS - SPECIAL_TOKENS,
            chunk_overlap=0,
        )
        self._tokenizer = plain_tokenizer(setting.model)
        self._read: list[str] = []

    def ingest(self, material: Material) -> None:
        """Index everything."""
        rows = [
            (f"{each.id}\t{number}", piece)
            for each in material.texts
            for number, piece in enumerate(
                [each.whole] if material.passages else self._splitter.split_text(each.whole)
            )
        ]
        self._embeddings.index(rows)
        self._embeddings.save(self._index)
        self._read += [text for _, text in rows]

    def tokens_read(self) -> int:
        """Return what the encoder read since the last call."""
        texts, self._read = self._read, []
        most = self._embeddings.model.model.maxlength
        return sum(min(len(one.ids), most) for one in self._tokenizer.encode_batch(texts))

    def open(self) -> None:
        """Load the index."""
        self._embeddings.load(self._index)

    def search(self, question: str, k: int) -> list[str]:
        """Return what the best k passages are of."""
        return [row["id"].partition("\t")[0] for row in self._embeddings.search(question, k)]

    def exactness(self, questions: Sequence[str]) -> float:
        """Compare its FAISS index with exact search."""
        vectors = np.array(self._embeddings.batchtransform(list(questions), "query"), np.float32)
        return agreement(self._embeddings.ann.backend, vectors)


def load(setting: Setting) -> System:
    """Load the encoder."""
    return Txtai(setting)
