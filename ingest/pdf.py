"""PDF files into a section a page, by way of PDFium, which is not thread-safe."""

import re
from collections.abc import Iterator, Sequence
from ctypes import c_uint
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
from ingest.sections import PARAGRAPH, Section, at, clean, one_line

MAX_PAGES = 3000
MIN_LETTERS = 20  # on a page; a scan may still have a stamp or a page number as text
MIN_HEIGHT = 1.5  # points: smaller letters are not meant to be read
_HYPHEN = "\x02"  # what PDFium makes of a hyphen at the end of a line
_UNMAPPED = {0x1B: "ff", 0x1C: "fi", 0x1D: "fl", 0x1E: "ffi", 0x1F: "ffl"}  # of old TeX fonts
# Not \s, which takes those ligatures for separators; NUL stands for letters nobody can name.
_BLANKS = "\x00\x02\t\n\v\f\r \x85\xa0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000"
_PRINTED = re.compile(f"[^{_BLANKS}]+")
_WHITE = 250  # of 255
_INVISIBLE = 3  # text rendering mode; so is what OCR lays over a scan

Box = tuple[float, float, float, float]  # left, bottom, right, top


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
    seen = _Visibility(page, text)
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


class _Visibility:
    """Where the letters of a page are, and which of them a reader can see."""

    def __init__(self, page: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage) -> None:
        self._page = page
        self._text = text
        self._turn = page.get_rotation()
        self._sheet = self._turned(page.get_bbox())
        self._behind: list[Box] | None = None

    def box(self, first: int, last: int) -> tuple[Box, float]:
        """Return what a word covers, and how high it begins, with the page turned as shown."""
        a, b = self._box(first), self._box(last)
        box = min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
        return box, a[3] - a[1]

    def shows(self, index: int, box: Box) -> bool:
        """Whether a word is on the page, large enough, and not of the colour of the paper."""
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        left, bottom, right, top = self._sheet
        if not (left <= x <= right and bottom <= y <= top):
            return False
        if box[3] - box[1] < MIN_HEIGHT:
            return False
        return not self._is_pale(index) or self._on_something(x, y)

    def _is_pale(self, index: int) -> bool:
        red, green, blue, alpha = c_uint(), c_uint(), c_uint(), c_uint()
        known = raw.FPDFText_GetFillColor(self._text, index, red, green, blue, alpha)
        if known and (alpha.value == 0 or min(red.value, green.value, blue.value) >= _WHITE):
            return True
        drawn = raw.FPDFText_GetTextObject(self._text, index)
        return bool(drawn) and raw.FPDFTextObj_GetTextRenderMode(drawn) == _INVISIBLE

    def _on_something(self, x: float, y: float) -> bool:
        """Whether there is a picture or a coloured surface at this place."""
        if self._behind is None:
            self._behind = [self._turned(box) for box in _surfaces(self._page)]
        return any(
            left <= x <= right and low <= y <= high for left, low, right, high in self._behind
        )

    def _box(self, index: int) -> Box:
        box = self._text.get_charbox(index, loose=True)
        if box[3] - box[1] <= 0:
            box = self._text.get_charbox(index)
        return self._turned(box)

    def _turned(self, box: Box) -> Box:
        left, bottom, right, top = box
        if self._turn == 90:
            return bottom, -right, top, -left
        if self._turn == 180:
            return -right, -top, -left, -bottom
        if self._turn == 270:
            return -top, left, -bottom, right
        return box


def _surfaces(page: pypdfium2.PdfPage) -> Iterator[Box]:
    kinds = (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_SHADING, raw.FPDF_PAGEOBJ_PATH)
    for item in page.get_objects(kinds):
        if item.type != raw.FPDF_PAGEOBJ_PATH or _is_coloured(item):
            yield item.get_bounds()


def _is_coloured(path: pypdfium2.PdfObject) -> bool:
    red, green, blue, alpha = c_uint(), c_uint(), c_uint(), c_uint()
    known = raw.FPDFPageObj_GetFillColor(path, red, green, blue, alpha)
    return bool(known) and min(red.value, green.value, blue.value) < _WHITE
