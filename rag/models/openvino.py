"""A GGUF file run by OpenVINO GenAI: the default language model on a CPU."""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import openvino_genai

from index.compile import on_own_thread
from rag.base import ModelError, Token

_DONE = None  # put on the queue when the generation has ended


class OpenVinoModel:
    """One model in this process. Calls wait for each other: two cores serve one at a time."""

    def __init__(self, file: Path, *, name: str, context_tokens: int = 2048) -> None:
        """Load in about four seconds. Raises ModelError if the file cannot be read."""
        self.name = name
        self.context_tokens = context_tokens
        self._turn = threading.Lock()
        try:
            self._pipeline = on_own_thread(lambda: openvino_genai.LLMPipeline(str(file), "CPU"))
        except RuntimeError as error:
            raise ModelError(
                f"the model {file} cannot be loaded: {error}", retryable=False
            ) from error
        self._tokenizer = self._pipeline.get_tokenizer()

    def count_tokens(self, text: str) -> int:
        """Count as this model does; every model counts differently."""
        return int(self._tokenizer.encode(text, add_special_tokens=False).input_ids.shape[1])

    def generate(self, system: str, user: str, *, max_tokens: int) -> Iterator[Token]:
        """Stream the reply, greedily. Closing the iterator stops the generation."""
        config = openvino_genai.GenerationConfig()
        config.max_new_tokens = max_tokens
        config.do_sample = False
        config.apply_chat_template = False
        prompt = self._tokenizer.apply_chat_template(
            [{"role": "system", "content": system}, {"role": "user", "content": user}],
            add_generation_prompt=True,
        )
        with self._turn:
            yield from self._stream(prompt, config)

    def _stream(self, prompt: str, config: openvino_genai.GenerationConfig) -> Iterator[Token]:
        pieces: queue.SimpleQueue[str | Exception | None] = queue.SimpleQueue()
        left = threading.Event()
        told = 0

        def on_piece(text: str) -> openvino_genai.StreamingStatus:
            nonlocal told
            told += 1
            pieces.put(text)
            status = openvino_genai.StreamingStatus
            return status.CANCEL if left.is_set() else status.RUNNING

        def work() -> None:
            try:
                result = self._pipeline.generate([prompt], config, on_piece)
                if result.finish_reasons == [openvino_genai.GenerationFinishReason.LENGTH]:
                    # One piece may be two tokens; a cut reply is told by their number.
                    for _ in range(config.max_new_tokens - told):
                        pieces.put("")
            except RuntimeError as error:
                pieces.put(error)
            pieces.put(_DONE)

        worker = threading.Thread(target=work, name="generate", daemon=True)
        worker.start()
        try:
            while (piece := pieces.get()) is not _DONE:
                if isinstance(piece, Exception):
                    raise ModelError(f"{self.name} failed: {piece}", retryable=True) from piece
                yield Token(piece, None)
        finally:
            left.set()
            worker.join()
