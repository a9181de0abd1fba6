"""Base model and adapter as a folder in OpenVINO's own format: it loads in half a GGUF's time."""

from pathlib import Path

import openvino_genai

from index import disk
from index.compile import on_own_thread
from rag.base import ModelError
from rag.tune.merge import merge


def export(base: Path, adapter: Path, folder: Path) -> None:
    """Write the merged model's files into `folder`, each whole or not at all.

    base, adapter: as `merge` takes them. Takes some fifteen seconds. Raises ModelError if the two
    do not fit, or the files cannot be made.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with disk.new_folder(folder) as aside:
            file = aside / "merged.gguf"
            merge(base, adapter, file)
            on_own_thread(
                lambda: openvino_genai.LLMPipeline(str(file), "CPU", enable_save_ov_model=True)
            )
            file.unlink()
            # Read back once: of a disk that was full it says nothing when it writes.
            on_own_thread(lambda: openvino_genai.LLMPipeline(str(aside), "CPU"))
            folder.mkdir(exist_ok=True)
            for each in sorted(aside.iterdir()):
                disk.sync(each)
                each.replace(folder / each.name)
            disk.sync(folder)
            disk.sync(folder.parent)
    except (OSError, RuntimeError, LookupError) as error:  # the last two: OpenVINO
        raise ModelError(
            f"{folder} cannot be made: {error}. Look whether the disk is full, sound and writable.",
            retryable=False,
        ) from error
