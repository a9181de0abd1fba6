"""How every surface has a vote written down, and what it says of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from rag.journal import Feedback

Rate = Callable[[Feedback, frozenset[str], datetime], None]  # raises JournalError, StoreError

RATED: Final = "Thank you: that is written down."
NOT_RATED: Final = "This answer can no longer be rated."
NOT_WRITTEN: Final = "That could not be written down. Please try again in a few minutes."
