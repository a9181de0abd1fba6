"""LlamaIndex: FAISS behind its map store, which can delete; the docstore's hashes tell changes.

Dense only: its BM25 retriever is a package of its own. The map store numbers a new vector by how
many there are, so after a deletion two may share a number: that is left as it is.
"""

from collections.abc import Sequence

import faiss
import numpy as np
from llama_index.core import (
    Document,
    Settings,
    StorageContext,
    VectorStoreIndex,
    load_index_from_storage,
)
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import TextNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.faiss import FaissMapVectorStore

from bench.peers.base import CHUNK_TOKENS, Material, Setting, System
from bench.peers.systems.exact import agreement
from bench.peers.systems.watched import watch

SPECIAL_TOKENS = 2
DIMENSIONS = 384


class LlamaIndex:
    """LlamaIndex as a System."""

    notices = True

    def __init__(self, setting: Setting) -> None:
        self._watch = watch(setting.model, setting.vectors)
        self._folder = str(setting.state / "index")
        self._exists = (setting.state / "index" / "docstore.json").exists
        options = {"embed_batch_size": 64, "max_length": CHUNK_TOKENS} if setting.tuned else {}
        self._embedding = HuggingFaceEmbedding(str(setting.model), **options)
        tokenizer = self._embedding._model.tokenizer
        Settings.embed_model = self._embedding
        Settings.llm = None
        Settings.node_parser = SentenceSplitter(
            chunk_size=CHUNK_TOKENS - SPECIAL_TOKENS, chunk_overlap=0, tokenizer=tokenizer.tokenize
        )

    def ingest(self, material: Material) -> None:
        """Make the index, or refresh it; what is gone from the sources stays."""
        if material.passages:
            nodes = [TextNode(text=each.whole, metadata={}) for each in material.texts]
            for node, each in zip(nodes, material.texts, strict=True):
                node.metadata, node.excluded_embed_metadata_keys = {"source": each.id}, ["source"]
            index = VectorStoreIndex(nodes, storage_context=self._empty())
        else:
            index = self._of_documents([_document(each.id, each.whole) for each in material.texts])
        index.storage_context.persist(self._folder)

    def _of_documents(self, documents: list[Document]) -> VectorStoreIndex:
        if not self._exists():
            return VectorStoreIndex.from_documents(documents, storage_context=self._empty())
        index = self._load()
        for document in documents:
            if index.docstore.get_document_hash(document.id_) != document.hash:
                _forget(index, document.id_)
        index.refresh_ref_docs(documents)
        return index

    def tokens_read(self) -> int:
        """Return what the encoder read since the last call."""
        self._watch.keep()
        return self._watch.tokens_read()

    def open(self) -> None:
        """Load the index."""
        self._opened = self._load()

    def search(self, question: str, k: int) -> list[str]:
        """Return what the best k passages are of."""
        retriever = self._opened.as_retriever(similarity_top_k=k)
        return [found.node.metadata["source"] for found in retriever.retrieve(question)]

    def exactness(self, questions: Sequence[str]) -> float:
        """Compare its FAISS index with exact search."""
        vectors = [self._embedding.get_query_embedding(each) for each in questions]
        return agreement(self._opened.vector_store.client, np.array(vectors, np.float32))

    def _empty(self) -> StorageContext:
        index = faiss.IndexIDMap2(faiss.IndexFlatL2(DIMENSIONS))
        return StorageContext.from_defaults(vector_store=FaissMapVectorStore(index))

    def _load(self) -> VectorStoreIndex:
        storage = StorageContext.from_defaults(
            vector_store=FaissMapVectorStore.from_persist_dir(self._folder),
            persist_dir=self._folder,
        )
        index = load_index_from_storage(storage)
        assert isinstance(index, VectorStoreIndex)
        return index


def _forget(index: VectorStoreIndex, document: str) -> None:
    """Delete a document's vectors: the refresh deletes its nodes and leaves those behind."""
    known = index.docstore.get_ref_doc_info(document)
    if known is not None:
        index.vector_store.delete_nodes(known.node_ids)


def _document(id: str, text: str) -> Document:
    """Return a document whose id is not embedded with it."""
    hidden = ["source"]
    return Document(
        doc_id=id,
        text=text,
        metadata={"source": id},
        excluded_embed_metadata_keys=hidden,
        excluded_llm_metadata_keys=hidden,
    )


def load(setting: Setting) -> System:
    """Load the encoder."""
    return LlamaIndex(setting)
