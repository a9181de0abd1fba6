"""What a measurement holds for: machine, cores and versions, printed with every result."""

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

CORES = 2


def pin() -> None:
    """Give this process and its children two cores, whatever thread pool they bring.

    Call before the first of them starts to work. Without effect where the system has no such call.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def describe(*packages: str) -> str:
    """Return machine, load and versions, one line each."""
    pinned = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else "not pinned"
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    return "\n".join(
        [
            f"CPU       {_cpu()}; {os.cpu_count()} cores, of these used: {pinned}",
            f"load      {os.getloadavg()[0]:.1f} over the last minute, this run included",
            f"system    {platform.system()} {platform.machine()}",
            f"versions  {', '.join([f'Python {platform.python_version()}', *versions])}",
        ]
    )


def spread(values: Sequence[float]) -> str:
    """Return "median (least–most)"."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
