"""PDF files into a section a page, by way of PDFium, which is not thread-safe."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from statistics import median

import pypdfium2
from pypdfium2 import raw

from ingest.base import ParseError
from ingest.lines import (
    CELL_GAP,
    Line,
    goes_on,
    paragraphs,
    split_hyphen,
    vocabulary,
    without_running_heads,
)
from ingest.pdf_look import Box, Visibility
from ingest.sections import PARAGRAPH, Section, at, clean, one_line

MAX_PAGES = 3000
MIN_LETTERS = 20  # on a page; a scan may still have a stamp or a page number as text
_HYPHEN = "\x02"  # what PDFium makes of a hyphen at the end of a line
_UNMAPPED = {0x1B: "ff", 0x1C: "fi", 0x1D: "fl", 0x1E: "ffi", 0x1F: "ffl"}  # of old TeX fonts
# Not \s, which takes those ligatures for separators; NUL stands for letters nobody can name.
_BLANKS = "\x00\x02\t\n\v\f\r \x85\xa0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000"
_PRINTED = re.compile(f"[^{_BLANKS}]+")


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    box: Box
    size: float  # height of its first letter; the last may be raised
    line: int  # counts the lines of a page as PDFium cuts them
    hyphenated: bool


def read_pdf(body: bytes, url: str) -> tuple[list[Section], str | None]:
    """Return a section for every page with text, and the title if it is also printed.

    Raises ParseError for a file that needs a password, is too long or looks like a scan.
    """
    try:
        pdf = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise ParseError(
                "encrypted", "it opens only with a password. Upload a copy without one."
            ) from error
        raise
    if len(pdf) > MAX_PAGES:
        raise ParseError("too-large", f"it has {len(pdf)} pages, over {MAX_PAGES}. Split it.")
    has_form = pdf.get_formtype() != raw.FORMTYPE_NONE
    if has_form:
        pdf.init_forms()
    printed = [_lines(page, has_form=has_form) for page in pdf]
    pages = without_running_heads(printed)
    if not any(_letters(page) >= MIN_LETTERS for page in pages) and _has_images(pdf):
        raise ParseError(
            "needs-ocr",
            f"its {len(pdf)} pages hold no text: it looks like a scan."
            " Install OCR or upload a text version.",
        )
    words = vocabulary(pages)
    sections: list[Section] = []
    for number, page in enumerate(pages, start=1):
        text = clean(PARAGRAPH.join(paragraphs(page, words)))
        before = sections[-1].text if sections else ""
        joint = " " if goes_on(before, text) else PARAGRAPH
        if text:
            sections.append(Section(text, (), at(url, f"page={number}"), number, joint))
    return sections, _title(pdf, sections)


def _title(pdf: pypdfium2.PdfDocument, sections: Sequence[Section]) -> str | None:
    """Return the title in the file's properties, if a reader finds it on the first pages.

    Otherwise it is often a file name, or the title of the document it was copied from.
    """
    title = one_line(pdf.get_metadata_value("Title"))
    if re.search(r"\.\w{2,5}\Z", title):
        return None
    printed = _bare(" ".join(section.text for section in sections[:2]))
    return title if _bare(title) and _bare(title) in printed else None


def _bare(text: str) -> str:
    return re.sub(r"\W+", "", text).lower()


def _letters(page: Sequence[Line]) -> int:
    return sum(character.isalnum() for line in page for character in line.text)


def _has_images(pdf: pypdfium2.PdfDocument) -> bool:
    return any(True for page in pdf for _ in page.get_objects((raw.FPDF_PAGEOBJ_IMAGE,)))


def _lines(page: pypdfium2.PdfPage, *, has_form: bool) -> list[Line]:
    if has_form:
        page.flatten()  # makes what was filled in part of the page
    text = page.get_textpage()
    lines: list[Line] = []
    current: list[_Word] = []
    for word in _words(page, text):
        if current and _is_new_line(current[-1], word):
            lines.append(_line(current))
            current = []
        current.append(word)
    if current:
        lines.append(_line(current))
    text.close()
    return [split_hyphen(line, after) for line, after in zip_longest(lines, lines[1:])]


def _is_new_line(before: _Word, word: _Word) -> bool:
    """Whether PDFium says so, or the word stands below the one before and further left."""
    if word.line != before.line or before.hyphenated:
        return True
    return word.box[3] <= before.box[1] and word.box[0] < before.box[0]


def _line(words: Sequence[_Word]) -> Line:
    size = median(word.size for word in words)
    text = words[0].text
    for before, word in zip(words, words[1:], strict=False):
        wide = word.box[0] - before.box[2] > CELL_GAP * size
        text += ("\t" if wide else " ") + word.text
    return Line(
        text,
        left=min(word.box[0] for word in words),
        bottom=min(word.box[1] for word in words),
        right=max(word.box[2] for word in words),
        top=max(word.box[3] for word in words),
        size=size,
        hyphenated=words[-1].hyphenated,
    )


def _words(page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage) -> Iterator[_Word]:
    """Yield the words that can be seen, in the order of the file."""
    codes = [raw.FPDFText_GetUnicode(text, i) for i in range(text.count_chars())]
    printed = "".join(map(chr, codes))  # one character for every index that PDFium knows
    seen = Visibility(page, text)
    line = end = 0
    for match in _PRINTED.finditer(printed):
        line += printed.count("\n", end, match.start())
        end = match.end()
        box, size = seen.box(match.start(), end - 1)
        if seen.shows(match.start(), box):
            hyphenated = printed[end : end + 1] == _HYPHEN
            yield _Word(_readable(match[0]), box, size, line, hyphenated)


def _readable(word: str) -> str:
    """Return a word with surrogates joined, as PDFium counts UTF-16, and ligatures spelt out."""
    if word.isascii() and word.isprintable():
        return word
    whole = word.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return whole.translate(_UNMAPPED)
