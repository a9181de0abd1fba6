"""Models may come and go in any order, and signals still work."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import gc, signal, sys
from pathlib import Path
from ui import wiring
from ui.settings import EmbedderSection
signal.signal(signal.SIGTERM, lambda *_: print("told"))
section = EmbedderSection()
first, second = wiring.embedder(section), wiring.readers(section, Path(sys.argv[1]))
first.embed_query("a"), second.listwise.scores("a", ["b"])
del first; gc.collect()
del second; gc.collect()
signal.raise_signal(signal.SIGTERM)
"""


@pytest.mark.model
def test_a_signal_after_models_went_in_another_order_is_handled(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "told\n"), signal.strsignal(-done.returncode or 15)
