"""Models may come and go in any order, and signals still work."""

import signal
import subprocess
import sys

import pytest

SCRIPT = """
import gc, signal
from ui import wiring
from ui.settings import EmbedderSection
signal.signal(signal.SIGTERM, lambda *_: print("told"))
section = EmbedderSection()
first, second = wiring.embedder(section), wiring.readers(section)
first.embed_query("a"), second.listwise.scores("a", ["b"])
del first; gc.collect()
del second; gc.collect()
signal.raise_signal(signal.SIGTERM)
"""


@pytest.mark.model
def test_a_signal_after_models_went_in_another_order_is_handled() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "told\n"), signal.strsignal(-done.returncode or 15)
