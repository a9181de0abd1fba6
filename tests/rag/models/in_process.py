"""How a model in this process is seen to work and to rest."""

import threading
from collections.abc import Callable

from rag.base import LanguageModel

THREAD = "generate"  # what the engines call the thread that generates


class InProcess:
    """A case of the contract."""

    def __init__(self, model: LanguageModel, broken: Callable[[], object]) -> None:
        self.model = model
        self.fail = broken

    def working(self) -> bool:
        return any(thread.name.startswith(THREAD) for thread in threading.enumerate())
