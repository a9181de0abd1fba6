"""A document → its plain text with addresses, whatever its format.

Knows every reader, and is where their errors become rows for the admin.
"""

import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace

from pypdfium2 import PdfiumError

from connectors.base import Document, encodable, read_thread
from ingest.base import Parsed, ParseError
from ingest.hypertext import read_html
from ingest.markdown import read_markdown
from ingest.pdf import read_pdf
from ingest.plain import decode, decode_html, read_mail, read_messages, read_text
from ingest.sections import Section, assemble, by_heading
from ingest.slides import read_slides
from ingest.sniff import Format, charset_of, format_of
from ingest.tables import read_delimited, read_workbook
from ingest.word import read_word

VERSION = "parse-5"  # part of the index's recipe: change it when texts come out different

Read = tuple[list[Section], str | None]  # the sections, and the document's own title


def parse(document: Document) -> Parsed:
    """Return a document's text as its reader sees it, and where every stretch of it is.

    Raises ParseError, and nothing else, whatever the bytes are. Not for use in threads: PDFium
    is not safe there.
    """
    name = f"'{document.title}' ({document.entry.id})"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what libraries remark on odd files helps nobody
            sections, title = _READERS[format_of(document)](document)
            parsed = _encodable(assemble(sections, title))
    except ParseError as error:
        raise ParseError(error.code, f"{name} was left out: {error}") from error
    except MemoryError as error:
        raise ParseError(
            "memory", f"{name} needs more memory than is allowed. Split it, or leave it out."
        ) from error
    except Exception as error:  # whatever the libraries raise at bad bytes
        raise ParseError(
            "damaged",
            f"{name} cannot be read: {_reason(error)}."
            " Open it in the program that made it and save it again, or upload it again.",
        ) from error
    if not parsed.places:
        raise ParseError("empty", f"{name} holds no text.")
    return parsed


def _encodable(parsed: Parsed) -> Parsed:
    """Return a text that can be stored; its places stay where they are."""
    places = tuple(
        replace(p, heading=tuple(map(encodable, p.heading)), url=encodable(p.url))
        for p in parsed.places
    )
    title = None if parsed.title is None else encodable(parsed.title)
    return Parsed(encodable(parsed.text), places, title)


def _reason(error: Exception) -> str:
    if isinstance(error, zipfile.BadZipFile | zlib.error | EOFError):
        return "it was cut off or altered on its way"
    if isinstance(error, PdfiumError):
        return "it is not a complete PDF file"
    return f"its content breaks the rules of its format ({type(error).__name__})"


def _markdown(document: Document) -> Read:
    blocks, title = read_markdown(decode(document.body, charset_of(document)))
    return by_heading(blocks, document.url, anchors=True), title


def _html(document: Document) -> Read:
    blocks, title = read_html(decode_html(document.body, charset_of(document)))
    return by_heading(blocks, document.url, anchors=True), title


def _word(document: Document) -> Read:
    blocks, title = read_word(document.body)
    return by_heading(blocks, document.url, anchors=False), title


def _mail(document: Document) -> Read:
    blocks, title = read_mail(document.body)
    return by_heading(blocks, document.url, anchors=False), title


def _text(document: Document) -> Read:
    return read_text(decode(document.body, charset_of(document)), document.url), None


def _delimited(document: Document) -> Read:
    return read_delimited(decode(document.body, charset_of(document)), document.url), None


_READERS: dict[Format, Callable[[Document], Read]] = {
    "csv": _delimited,
    "docx": _word,
    "eml": _mail,
    "html": _html,
    "md": _markdown,
    "pdf": lambda document: read_pdf(document.body, document.url),
    "pptx": lambda document: read_slides(document.body, document.url),
    "thread": lambda document: (read_messages(read_thread(document.body)), None),
    "txt": _text,
    "xlsx": lambda document: (read_workbook(document.body, document.url), None),
}
