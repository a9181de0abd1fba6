"""A model run by OpenVINO GenAI: the default language model on a CPU."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import openvino_genai

from index.compile import on_own_thread
from rag.base import ModelError, Token
from rag.models.streaming import UNFINISHED, streamed

# Between the products of eight bits, single precision is a fifth faster here than half of it.
OPTIONS = {"INFERENCE_PRECISION_HINT": "f32"}


class OpenVinoModel:
    """One model in this process. Calls wait for each other: two cores serve one at a time."""

    def __init__(self, file: Path, *, name: str, context_tokens: int = 2048) -> None:
        """Load a GGUF file in about five seconds, OpenVINO's own folder in half of that.

        Raises ModelError if it cannot be read.
        """
        self.name = name
        self.context_tokens = context_tokens
        self._turn = threading.Lock()
        try:
            self._pipeline = on_own_thread(
                lambda: openvino_genai.LLMPipeline(str(file), "CPU", **OPTIONS)
            )
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

        def work(hand_on: Callable[[str], bool]) -> None:
            self._run(system, user, config, hand_on)

        with self._turn, closing(streamed(self.name, work)) as texts:
            for text in texts:
                yield Token(text, None)

    def _run(
        self,
        system: str,
        user: str,
        config: openvino_genai.GenerationConfig,
        hand_on: Callable[[str], bool],
    ) -> None:
        prompt = self._tokenizer.apply_chat_template(
            [{"role": "system", "content": system}, {"role": "user", "content": user}],
            add_generation_prompt=True,
        )
        self._pipeline.generate([prompt], config, _Pieces(self._tokenizer, hand_on))


class _Pieces(openvino_genai.StreamerBase):  # type: ignore[misc]  # untyped
    """Hands on the text of every token as soon as it is there; GenAI's own waits for three more."""

    def __init__(self, tokenizer: openvino_genai.Tokenizer, hand_on: Callable[[str], bool]) -> None:
        super().__init__()
        self._tokenizer = tokenizer
        self._hand_on = hand_on
        self._open: list[int] = []  # tokens that do not end with a whole letter yet

    def write(self, token: int | Sequence[int]) -> openvino_genai.StreamingStatus:
        """Take the next token, or several at once."""
        status = openvino_genai.StreamingStatus
        for one in [token] if isinstance(token, int) else token:
            self._open.append(one)
            text = self._tokenizer.decode(self._open)
            if text.endswith(UNFINISHED):
                text = ""
            else:
                self._open.clear()
            if self._hand_on(text):
                return status.CANCEL
        return status.RUNNING

    def end(self) -> None:
        """Hand on what no further token completed."""
        if self._open:
            self._hand_on(self._tokenizer.decode(self._open))
