"""The encoder's tokens, counted without the cut and the padding of its tokenizer file."""

from pathlib import Path

from tokenizers import Tokenizer


def plain_tokenizer(model: Path) -> Tokenizer:
    """Return the tokenizer of a model folder; its file says to cut and pad at 128."""
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
