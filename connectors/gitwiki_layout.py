"""What the files of a git wiki are to its readers: pages with titles and addresses, attachments."""

import os
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import quote

from connectors.files import MEDIA_TYPES, SKIPPED_SUFFIXES, UNKNOWN

Layout = Literal["github", "gitlab", "gollum"]

_MARKDOWN = ".markdown .md .mdown .mdwn .mkd .mkdn"
_OTHERS = ".adoc .asc .asciidoc .creole .mediawiki .org .pod .rdoc .rest .rst .textile .txt .wiki"
_TYPES = dict.fromkeys(_MARKDOWN.split(), "text/markdown") | dict.fromkeys(
    _OTHERS.split(), "text/plain"
)
# Parts of every page around it, by the names that any of the three wikis gives them.
_FRAMES = frozenset({"_sidebar", "_footer", "_header", "_template"})


def is_document(path: str) -> bool:
    """Return whether a file is a page, or an attachment that may hold text; frames are neither."""
    names = path.split("/")
    file = PurePosixPath(names[-1])
    if any(name.startswith(".") for name in names):
        return False
    if is_page(path):
        return file.stem.lower() not in _FRAMES
    return file.suffix.lower() not in SKIPPED_SUFFIXES


def is_page(path: str) -> bool:
    """Return whether the wiki shows a file as a page."""
    return PurePosixPath(path).suffix.lower() in _TYPES


def media_type(path: str) -> str:
    """Return how a file is to be read; markup that nobody here reads is plain text."""
    suffix = PurePosixPath(path).suffix.lower()
    return _TYPES.get(suffix) or MEDIA_TYPES.get(suffix, UNKNOWN)


def title(path: str, layout: Layout) -> str:
    """Return a page's name as its wiki shows it: a dash is a space, but in Gollum."""
    file = PurePosixPath(printable(path))
    if not is_page(path):
        return file.name
    name = file.stem if layout == "gollum" else file.stem.replace("-", " ")
    return name.strip() or file.name


def address(path: str, layout: Layout, url: str) -> str:
    """Return where a page or an attachment is opened. url: of the wiki, where people read it.

    GitHub has one space of names for the pages of all folders; the others keep the folders.
    """
    place = path
    if is_page(path):
        place = path.removesuffix(PurePosixPath(path).suffix)
        if layout == "github":
            place = place.rpartition("/")[2]
        if layout != "gollum":
            place = place.replace(" ", "-")
    return f"{url.rstrip('/')}/{quote(os.fsencode(place))}"


def printable(path: str) -> str:
    """Return a path without bytes that are no characters."""
    return os.fsencode(path).decode(errors="backslashreplace")
