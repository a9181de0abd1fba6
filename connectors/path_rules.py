"""Readers by path: globs that an admin writes, and the files that they match."""

import logging
import unicodedata
from collections.abc import Sequence
from fnmatch import fnmatchcase

from connectors.base import ConnectorError

log = logging.getLogger(__name__)


class PathRules:
    """Who may read a file: the readers of the last rule that matches its path, or of the source."""

    def __init__(
        self, readers: frozenset[str], rules: Sequence[tuple[str, frozenset[str]]] = ()
    ) -> None:
        """Take the source's readers and its rules.

        rules: (glob, readers). A glob is relative to the root and case-sensitive: "*" stays
        within one name, "**" spans folders, "HR/" is "HR/**".
        """
        self._readers = readers
        self._rules = tuple((_pattern(glob), glob, granted) for glob, granted in rules)

    def readers_of(self, path: str) -> frozenset[str]:
        """Return who may read a file."""
        for pattern, _, readers in reversed(self._rules):
            if _matches(pattern, _names(path)):
                return readers
        return self._readers

    def warn_of_idle(self, source: str, paths: Sequence[str]) -> None:
        """Say which rules match nothing: a misspelt one leaves its files open to all readers."""
        for pattern, glob, _ in self._rules:
            if not any(_matches(pattern, _names(path)) for path in paths):
                log.warning("rule matches no file source=%s path=%r", source, glob)


def _names(path: str) -> tuple[str, ...]:
    # A name typed on one system and stored by another may differ in how accents are composed.
    return tuple(unicodedata.normalize("NFC", path).split("/"))


def _pattern(glob: str) -> tuple[str, ...]:
    """Return a glob's parts. Raises ConnectorError for one that could never match."""
    names = _names(f"{glob}**" if glob.endswith("/") else glob)
    if "\\" in glob or any(name in ("", ".", "..") for name in names):
        raise ConnectorError(
            f"The path {glob!r} of a readers rule can match no file. Write it relative to the "
            'source\'s folder and with "/": "HR/**".'
        )
    return names


def _matches(pattern: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Return whether a glob's parts match a path's: "**" takes any number of names."""
    if not pattern or not names:
        return not names and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return any(_matches(pattern[1:], names[taken:]) for taken in range(len(names) + 1))
    # As it is written first: "[Confidential] HR" is a name, and a class of one letter.
    named = names[0] == pattern[0] or fnmatchcase(names[0], pattern[0])
    return named and _matches(pattern[1:], names[1:])
