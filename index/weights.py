"""Tensors of a safetensors file, where they lie on the disk.

The library that writes such files copies all of them into memory. Mapped, only the pages that are
in use take memory: of a table of word vectors, hardly any.
"""

import json
import math
import mmap
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray[np.float32]]

TYPES: Mapping[str, type[np.generic]] = {"F32": np.float32, "F16": np.float16, "I64": np.int64}


class Mapped(dict[str, NDArray[np.float32]]):
    """Name -> tensor; what is written into one stays in this process.

    told: what else the file says, by name.
    """

    def __init__(self, file: Path) -> None:
        """Raises OSError, or ValueError if it is no safetensors file of the TYPES.

        Format: the header's length in eight bytes, a header in JSON, then the tensors.
        """
        super().__init__()
        with file.open("rb") as stream:
            self._pages = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
        data = 8 + int.from_bytes(self._pages[:8], "little")
        try:
            header = dict(json.loads(self._pages[8:data]))
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{file.name} is no safetensors file") from error
        self.told: dict[str, str] = header.pop("__metadata__", {})
        for name, told in header.items():
            if told["dtype"] not in TYPES:
                raise ValueError(f"{file.name}: {name} is of {told['dtype']}, not of {[*TYPES]}")
            first, shape = data + told["data_offsets"][0], told["shape"]
            flat = np.frombuffer(self._pages, TYPES[told["dtype"]], math.prod(shape), first)
            self[name] = flat.reshape(shape)

    def release(self) -> None:
        """Give back the memory of all pages; those that are needed again are read again.

        OpenVINO copies weights into a layout of its own at a model's first run: best after that.
        """
        if hasattr(mmap, "MADV_DONTNEED"):
            self._pages.madvise(mmap.MADV_DONTNEED)
