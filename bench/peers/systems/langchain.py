"""LangChain: FAISS, its BM25 retriever, the ensemble of both; `index()` skips what it knows."""

import re
from collections.abc import Sequence

import faiss
import numpy as np
from langchain_classic.indexes import SQLRecordManager, index
from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.docstore.in_memory import InMemoryDocstore
from langchain_community.retrievers import BM25Retriever
from langchain_community.vectorstores import FAISS
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from bench.peers.base import CHUNK_TOKENS, Material, Setting, System
from bench.peers.systems.exact import agreement
from bench.peers.systems.watched import watch

SPECIAL_TOKENS = 2
DIMENSIONS = 384


class LangChain:
    """LangChain as a System."""

    notices = True

    def __init__(self, setting: Setting) -> None:
        self._watch = watch(setting.model, setting.vectors)
        self._folder = setting.state
        options = {"encode_kwargs": {"batch_size": 64}} if setting.tuned else {}
        self._embeddings = HuggingFaceEmbeddings(model_name=str(setting.model), **options)
        self._words = {"preprocess_func": words_of} if setting.tuned else {}
        if setting.tuned:
            self._embeddings._client.max_seq_length = CHUNK_TOKENS
        self._records = SQLRecordManager("bench", db_url=f"sqlite:///{self._folder}/records.sqlite")
        self._records.create_schema()
        self._splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
            self._embeddings._client.tokenizer,
            chunk_size=CHUNK_TOKENS - SPECIAL_TOKENS,
            chunk_overlap=0,
        )

    def ingest(self, material: Material) -> None:
        """Split everything, embed what is new, delete what is gone."""
        documents = [
            Document(page_content=each.whole, metadata={"source": each.id})
            for each in material.texts
        ]
        if not material.passages:
            documents = self._splitter.split_documents(documents)
        store = self._store()
        index(
            documents,
            self._records,
            store,
            cleanup="full",
            source_id_key="source",
            key_encoder="blake2b",
        )
        store.save_local(str(self._folder))

    def tokens_read(self) -> int:
        """Return what the encoder read since the last call."""
        self._watch.keep()
        return self._watch.tokens_read()

    def open(self) -> None:
        """Load the index; the BM25 retriever cannot be saved and is made again."""
        self._opened = self._store()
        documents = list(self._opened.docstore._dict.values())
        words = BM25Retriever.from_documents(documents, **self._words)
        self._parts = (self._opened.as_retriever(), words)
        self._ensemble = EnsembleRetriever(retrievers=list(self._parts), weights=[0.5, 0.5])

    def search(self, question: str, k: int) -> list[str]:
        """Return what the best k passages are of; each retriever is asked for twice as many."""
        meaning, words = self._parts
        meaning.search_kwargs = {"k": 2 * k}
        words.k = 2 * k
        return [each.metadata["source"] for each in self._ensemble.invoke(question)[:k]]

    def exactness(self, questions: Sequence[str]) -> float:
        """Compare its FAISS index with exact search."""
        vectors = np.array([self._embeddings.embed_query(each) for each in questions], np.float32)
        return agreement(self._opened.index, vectors)

    def _store(self) -> FAISS:
        if (self._folder / "index.faiss").exists():
            return FAISS.load_local(
                str(self._folder), self._embeddings, allow_dangerous_deserialization=True
            )
        return FAISS(self._embeddings, faiss.IndexFlatL2(DIMENSIONS), InMemoryDocstore(), {})


def words_of(text: str) -> list[str]:
    """Return lower-case words; its default cuts at white space and keeps "Ghent?" whole."""
    return re.findall(r"\w+", text.lower())


def load(setting: Setting) -> System:
    """Load the encoder."""
    return LangChain(setting)
