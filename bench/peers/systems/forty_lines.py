"""Hybrid search in forty lines: what a good engineer writes instead of choosing a framework."""

import json
from pathlib import Path

import bm25s
import faiss
import Stemmer
from langchain_text_splitters import RecursiveCharacterTextSplitter
from sentence_transformers import SentenceTransformer


class HybridSearch:
    """sentence-transformers + FAISS + BM25 with stemming and stop words, titles indexed, RRF."""

    def __init__(self, folder: Path, model: str, batch: int = 32, backend: str = "numpy") -> None:
        self.folder, self.batch, self.backend = folder, batch, backend
        self.model = SentenceTransformer(model)
        self.stemmer = Stemmer.Stemmer("english")

    def split(self, text: str, tokens: int) -> list[str]:
        splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
            self.model.tokenizer, chunk_size=tokens, chunk_overlap=0
        )
        return splitter.split_text(text)

    def index(self, passages: list[tuple[str, str]]) -> None:
        texts = [text for _, text in passages]
        vectors = self.model.encode(texts, batch_size=self.batch, normalize_embeddings=True)
        dense = faiss.IndexFlatIP(vectors.shape[1])
        dense.add(vectors)
        faiss.write_index(dense, str(self.folder / "dense.faiss"))
        words = bm25s.BM25()
        tokens = bm25s.tokenize(texts, stopwords="en", stemmer=self.stemmer, show_progress=False)
        words.index(tokens, show_progress=False)
        words.save(str(self.folder / "words"))
        (self.folder / "passages.json").write_text(json.dumps(passages))

    def load(self) -> None:
        self.passages = json.loads((self.folder / "passages.json").read_text())
        self.dense = faiss.read_index(str(self.folder / "dense.faiss"))
        self.words = bm25s.BM25.load(str(self.folder / "words"))
        self.words.backend = self.backend

    def search(self, question: str, k: int, pool: int = 50) -> list[tuple[str, str]]:
        pool = min(pool, len(self.passages))
        vector = self.model.encode([question], normalize_embeddings=True)
        by_meaning = self.dense.search(vector, pool)[1][0]
        tokens = bm25s.tokenize(question, stopwords="en", stemmer=self.stemmer, show_progress=False)
        by_words = self.words.retrieve(tokens, k=pool, show_progress=False).documents[0]
        scores: dict[int, float] = {}
        for ranking in (by_meaning, by_words):
            for rank, row in enumerate(ranking, start=1):
                scores[int(row)] = scores.get(int(row), 0) + 1 / (60 + rank)
        return [self.passages[row] for row in sorted(scores, key=lambda r: -scores[r])[:k]]
