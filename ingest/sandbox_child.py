"""The process that parses: documents from standard input, texts to standard output, confined.

Started by `ingest.sandbox`, once for many documents; knows nothing of the index or of sources.
"""

import importlib
import os
import resource
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ingest import wire
from ingest.base import ParseError, Parser
from ingest.confine import allow_time, confine

_MEMORY = "A document needs more memory than is allowed. Split it, or leave it out."
READY = b"\x06"  # said once, when parsers are loaded: a line that ends with which limits hold


def main(target: str, wall_s: str, cpu_s: str) -> None:
    """Parse whatever comes with the function `target`, "module:name", until the input ends."""
    requests, replies = _pipes()
    # spaCy, which unstructured imports, takes torch if it is there: 180 MiB and a second.
    sys.modules["torch"] = None  # type: ignore[assignment]  # makes its import fail
    tempfile.tempdir = os.devnull  # unstructured asks for its name; looking for one would fail
    module, _, name = target.partition(":")
    parse: Parser = getattr(importlib.import_module(module), name)
    holds = confine()
    os.dup2(1, 2)  # what it prints from now on, no document is to be blamed for
    replies.write(READY + " ".join(sorted(holds)).encode() + b"\n")
    replies.flush()
    while (document := wire.read_request(requests)) is not None:
        allow_time(float(wall_s), float(cpu_s))
        try:
            answer = wire.reply(parse(document), peak_kib=_peak_kib())
        except ParseError as error:
            answer = wire.refusal(error, peak_kib=_peak_kib())
        except MemoryError:
            answer = wire.refusal(ParseError("memory", _MEMORY), peak_kib=_peak_kib())
        del document  # not to be held while the next one arrives
        replies.write(answer)
        replies.flush()


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take standard input and output for the protocol; whatever else prints, prints nowhere."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return requests, replies


def _peak_kib() -> int:
    """Return the most memory this process had resident.

    Linux lets `getrusage` begin with the peak of the process that started this one: an ingestion
    that holds models would have every parser replaced after one document.
    """
    with suppress(OSError):  # another system, or a parser that left no descriptor
        status = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
        return int(next(line for line in status if line.startswith("VmHWM:")).split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


if __name__ == "__main__":
    main(*sys.argv[1:])
