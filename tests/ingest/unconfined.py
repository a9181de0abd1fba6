"""The honest parser on a machine whose kernel refuses nothing: loading it takes Linux away."""

import platform

from ingest.parse import parse

platform.system = lambda: "Other"

__all__ = ["parse"]
