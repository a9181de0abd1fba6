"""Which format a document has, by what it says of itself and by what it looks like."""

import re
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

from connectors.base import THREAD, Document
from ingest.base import ParseError
from ingest.office import kind_of
from ingest.plain import is_text

Format = Literal["csv", "docx", "eml", "html", "md", "pdf", "pptx", "thread", "txt", "xlsx"]

_MEDIA_TYPES: dict[str, Format] = {
    "application/csv": "csv",
    "application/pdf": "pdf",
    "application/vnd.ms-excel": "csv",  # as some browsers call it; workbooks show what they are
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/xhtml+xml": "html",
    "message/rfc822": "eml",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/tab-separated-values": "csv",
    "text/x-markdown": "md",
}
_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".docx": "docx",
    ".eml": "eml",
    ".htm": "html",
    ".html": "html",
    ".log": "txt",
    ".markdown": "md",
    ".md": "md",
    ".pdf": "pdf",
    ".pptx": "pptx",
    ".rst": "txt",
    ".text": "txt",
    ".tsv": "csv",
    ".txt": "txt",
    ".xlsx": "xlsx",
}
_VAGUE = ("", "application/octet-stream", "binary/octet-stream", "application/x-download")
_BINARY = ("docx", "pdf", "pptx", "xlsx")
_FOREIGN = (
    (b"{\\rtf", "an RTF text"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"RIFF", "a picture or sound"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3", "a database"),
)
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.I | re.S
)
_MAIL = re.compile(rb"(?:[A-Za-z][\w-]*:[^\n]*\n(?:[ \t][^\n]*\n)*){2}")
_MAIL_FIELDS = re.compile(rb"^(?:from|received|return-path|message-id|delivered-to):", re.I | re.M)
_SAVE_AS = "Save it as .docx, .xlsx, .pptx or PDF."


def format_of(document: Document) -> Format:
    """Return the format to read a document as. Raises ParseError where there is no reader.

    The content decides where it is unmistakable, since names and media types are often wrong;
    among kinds of plain text the media type does, and the name where that says nothing.
    """
    body = document.body
    media_type = document.media_type.partition(";")[0].strip().lower()
    if media_type == THREAD:
        return "thread"
    if not body.strip():
        raise ParseError("empty", "it is an empty file.")
    stated = _stated(media_type, document)
    found = _by_content(body, stated)
    if found is not None:
        return found
    if stated in _BINARY:
        raise ParseError(
            "damaged",
            f"it should be {stated.upper()} but does not begin like one."
            " It may have been cut off on its way: upload it again.",
        )
    if stated is not None and not is_text(body):
        raise ParseError("damaged", f"it should be text ({media_type}) but is not. {_SAVE_AS}")
    if stated is not None:
        return stated
    if media_type in _VAGUE and is_text(body):
        return "eml" if _looks_like_mail(body) else "txt"
    raise ParseError(
        "unsupported", f"there is no reader for {media_type or 'its type'}. {_SAVE_AS}"
    )


def charset_of(document: Document) -> str | None:
    """Return the encoding that the media type states."""
    match = re.search(r"charset\s*=\s*\"?([\w-]+)", document.media_type, re.I)
    return match[1] if match else None


def _by_content(body: bytes, stated: Format | None) -> Format | None:
    if body.lstrip().startswith(b"%PDF-") or (stated == "pdf" and b"%PDF-" in body[:1024]):
        return "pdf"
    if body.startswith(b"PK\x03\x04"):
        return kind_of(body, _SAVE_AS)
    if body.startswith(b"\xd0\xcf\x11\xe0"):
        raise _old_office(body)
    for mark, name in _FOREIGN:
        if body.startswith(mark):
            raise ParseError("unsupported", f"it is {name}. {_SAVE_AS}")
    return "html" if _HTML.match(body[:4096].removeprefix(b"\xef\xbb\xbf")) else None


def _stated(media_type: str, document: Document) -> Format | None:
    """Return what the media type says, or the name where the type is any text or nothing."""
    by_type = _MEDIA_TYPES.get(media_type)
    if by_type is not None and media_type != "application/vnd.ms-excel":
        return by_type
    names = (document.title, urlsplit(document.url).path, document.entry.id)
    suffixes = (PurePosixPath(name).suffix.lower() for name in names)
    by_name = next((_SUFFIXES[suffix] for suffix in suffixes if suffix in _SUFFIXES), None)
    if media_type in _VAGUE:
        return by_name
    if media_type.startswith("text/"):
        return by_name if by_name is not None and by_name not in _BINARY else "txt"
    return by_type


def _old_office(body: bytes) -> ParseError:
    """Return the error for the container that old Office files and locked new ones share."""
    if "EncryptedPackage".encode("utf-16-le") in body:
        return ParseError("encrypted", "it opens only with a password. Upload a copy without one.")
    return ParseError("unsupported", f"it is an old Office file or an Outlook message. {_SAVE_AS}")


def _looks_like_mail(body: bytes) -> bool:
    head = body[:4096].replace(b"\r\n", b"\n")
    return _MAIL.match(head) is not None and _MAIL_FIELDS.search(head) is not None
