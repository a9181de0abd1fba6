"""The second reader: which of a few sentences, read side by side, answer a question best.

The language model's first layers with an adapter of their own: `footnote tune list-reader`.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from index import eight_bits
from index.compile import on_own_thread
from index.requests import Requests
from index.weights import Mapped
from rag.models import llama
from rag.models.gguf_file import GGUFFile

QUESTION = 300  # letters that are read of it
SENTENCE = 64  # tokens that are read of one: a third from its head, the rest from its end
HEAD = SENTENCE // 3
TOLD = "reader"  # under this name its file says what it is: name, layers, shape, tokenizer
EMBEDDINGS = "embeddings.weight"  # (words, hidden), in half precision


class ListReader:
    """A causal listwise reader on the CPU: six sentences in about 55 ms on two cores."""

    def __init__(self, file: Path, *, threads: int) -> None:
        """file: as `rag.tune.merge_reader` writes it."""
        weights = Mapped(file)
        told = json.loads(weights.told[TOLD])
        self.name: str = told["name"]
        self._tokenizer = Tokenizer.from_str(told["tokenizer"])
        self._embeddings = weights[EMBEDDINGS]
        options: dict[str, object] = {"PERFORMANCE_HINT": "LATENCY"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        shape, dense = llama.Shape(**told["shape"]), eight_bits.dense(weights, {})
        graph = llama.build(weights, shape, told["layers"], dense)
        self._requests = Requests(
            on_own_thread(lambda: ov.Core().compile_model(graph, "CPU", options))
        )
        self.scores("first", ["first"])  # only now are the weights laid out: see Mapped
        weights.release()

    def scores(self, question: str, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Return (len(sentences),) scores, higher is better; 0 is as good as no answer.

        Each is read after those before it: they come in the order in which the sources have them.
        """
        if not sentences:
            return np.empty(0, np.float32)
        ids, ends = packed(self._tokenizer, question, sentences)
        states = self._embeddings[np.array(ids)].astype(np.float32)[None]
        return self._requests.infer([states, np.array(ends)])


def packed(
    tokenizer: Tokenizer, question: str, sentences: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Return the tokens of a question and its sentences, a line each, and where those lines end."""
    first, *rest = tokenizer.encode_batch(
        [f"Question: {question.strip()[:QUESTION]}\n", "\n", *(f"- {_line(s)}" for s in sentences)],
        add_special_tokens=False,
    )
    newline, *lines = (one.ids for one in rest)
    ids, ends = list(first.ids), []
    for line in lines:
        if len(line) > SENTENCE:
            line = line[:HEAD] + line[HEAD - SENTENCE :]
        ids += [*line, *newline]
        ends.append(len(ids) - 1)
    return ids, ends


def tokenizer(file: GGUFFile) -> Tokenizer:
    """Return the byte-level BPE of a GGUF file, without its special tokens: text stays text."""
    keys = ("tokens", "merges")
    fields = [file.get_field(f"tokenizer.ggml.{key}") for key in keys]
    tokens, merges = (field.contents() if field else [] for field in fields)
    vocabulary = {token: number for number, token in enumerate(tokens)}
    made = Tokenizer(models.BPE(vocabulary, [tuple(merge.split(" ")) for merge in merges]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return made


def _line(sentence: str) -> str:
    return sentence.replace("\n", " ")
