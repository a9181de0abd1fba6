"""Files that unfold to far more than they are, one builder each: (media type, bytes)."""

import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO
from typing import Any

import docx
import openpyxl
import pptx

from tests.ingest.test_parse_office import SHEETS, WORD, saved

PDF = "application/pdf"
MIB = 2**20
SHEET = "xl/worksheets/sheet1.xml"
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_LAUGHS = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))
LAUGHS = f'<!DOCTYPE x [<!ENTITY l0 "ha">{_LAUGHS}]>'


@cache
def office(kind: str) -> bytes:
    """Return a small sound Office file."""
    if kind == "docx":
        word = docx.Document()
        word.add_heading("Leave", 1)
        word.add_paragraph("Twelve days a year.")
        table = word.add_table(2, 2)
        for i in range(4):
            table.cell(i // 2, i % 2).text = f"cell {i}"
        return saved(word)
    if kind == "pptx":
        slides = pptx.Presentation()
        slide = slides.slides.add_slide(slides.slide_layouts[1])
        slide.shapes.title.text = "Leave"
        slide.placeholders[1].text = "Twelve days a year."
        return saved(slides)
    book: Any = openpyxl.Workbook()
    for i in range(9):
        book.active.append([f"row {i}", i, i / 3])
    return saved(book)


def rebuilt(body: bytes, parts: Mapping[str, bytes | None]) -> bytes:
    """Return an archive with parts replaced, added, or taken out where they are None."""
    out = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(body)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, content in parts.items():
            if content is not None:
                new.writestr(name, content)
    return out.getvalue()


def sheet(rows: str, before: str = "", after: str = "") -> bytes:
    xml = f"<worksheet {_MAIN}>{before}<sheetData>{rows}</sheetData>{after}</worksheet>"
    return rebuilt(office("xlsx"), {SHEET: xml.encode()})


def paragraphs(xml: str) -> bytes:
    document = f"<w:document {_WORD}><w:body>{xml}</w:body></w:document>"
    return rebuilt(office("docx"), {"word/document.xml": document.encode()})


def overlapping(copies: int, size: int) -> bytes:
    """Return an Office file in which many names share one stretch of packed bytes."""
    body = rebuilt(office("docx"), {"word/media/a.xml": bytes(size)})
    with zipfile.ZipFile(BytesIO(body)) as archive:
        start = archive.start_dir
    directory, end = body[start:-22], body[-22:]
    at = directory.rindex(b"PK\x01\x02")
    record = directory[at:]
    copied = b"".join(
        record[:28]
        + struct.pack("<H", len(b"word/media/%05d" % i))
        + record[30:46]
        + b"word/media/%05d" % i
        for i in range(copies)
    )
    directory += copied
    count = struct.unpack("<H", end[10:12])[0] + copies
    tail = end[:8] + struct.pack("<HHII", count, count, len(directory), start) + end[20:]
    return body[:start] + directory + tail


def lying(field: int, value: int) -> bytes:
    """Return an Office file whose directory states another size of the main part."""
    body = bytearray(rebuilt(office("docx"), {"word/document.xml": b"<a>" + b" " * 5_000_000}))
    at = body.rindex(b"PK\x01\x02")
    struct.pack_into("<I", body, at + field, value)
    return bytes(body)


def pdf(objects: Mapping[int, bytes], root: int = 1) -> bytes:
    """Return a PDF file of numbered objects."""
    out = bytearray(b"%PDF-1.4\n")
    offsets = {}
    for number, content in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start, size = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    out += b"".join(b"%010d 00000 n \n" % offsets.get(number, 0) for number in range(1, size))
    return bytes(
        out + b"trailer << /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, root, start)
    )


def stream(content: bytes, entries: bytes = b"") -> bytes:
    packed = zlib.compress(content, 9)
    return b"<< /Length %d /Filter /FlateDecode %b >>\nstream\n%b\nendstream" % (
        len(packed),
        entries,
        packed,
    )


def one_page(content: bytes, resources: bytes = b"", **more: bytes) -> bytes:
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        4: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R"
        b" /Resources << /Font << /F1 3 0 R >> %b >> >>" % resources,
        5: content,
    }
    return pdf(objects | {int(key[1:]): value for key, value in more.items()})


def pages(count: int) -> bytes:
    kids = b" ".join(b"%d 0 R" % (i + 10) for i in range(count))
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, count),
    }
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>"
    return pdf(objects | {i + 10: page for i in range(count)})


def circle() -> bytes:
    return pdf(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000000 >>",
        }
    )


def forms(depth: int) -> bytes:
    """Return a page whose form draws two forms that draw two each, and so on."""
    made = {}
    for i in range(depth):
        inner = b"/A %d 0 R /B %d 0 R" % (11 + i, 11 + i) if i + 1 < depth else b""
        draw = b"/A Do /B Do" if inner else b"BT /F1 9 Tf (ha) Tj ET"
        entries = (
            b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << %b >> "
            b"/Font << /F1 3 0 R >> >>"
        ) % inner
        made[f"o{10 + i}"] = stream(draw, entries)
    return one_page(stream(b"/A Do"), b"/XObject << /A 10 0 R >>", **made)


def mail(depth: int) -> bytes:
    heads = [
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(depth)
    ]
    return b"From: a@x.example\nSubject: deep\n" + b"".join(heads) + b"\nhello\n"


def _cells(count: int, columns: int = 100) -> str:
    digits = random.Random(7).randbytes(count * 2).hex()  # as good as not packable
    cells = [f"<c><v>{int(digits[i : i + 4], 16)}</v></c>" for i in range(0, count * 4, 4)]
    rows = ("".join(cells[i : i + columns]) for i in range(0, count, columns))
    return "".join(f"<row>{row}</row>" for row in rows)


def _diagonal(count: int) -> str:
    return "".join(
        f'<row r="{i}"><c r="{openpyxl.utils.get_column_letter(i)}{i}"><v>1</v></c></row>'
        for i in range(1, count * 2, 2)
    )


def _merged(count: int) -> bytes:
    cells = "".join(
        f'<row r="{i * 1000 + 1}"><c r="A{i * 1000 + 1}"><v>1</v></c></row>' for i in range(count)
    )
    ranges = "".join(
        f'<mergeCell ref="A{i * 1000 + 1}:XFD{i * 1000 + 1000}"/>' for i in range(count)
    )
    return sheet(cells, after=f"<mergeCells>{ranges}</mergeCells>")


BOMBS: dict[str, Callable[[], tuple[str, bytes]]] = {
    "zip: one part of 60 MiB": lambda: (
        WORD,
        rebuilt(office("docx"), {"word/document.xml": bytes(60 * MIB)}),
    ),
    "zip: 10,001 parts": lambda: (
        SHEETS,
        rebuilt(office("xlsx"), {f"a/{i}": b"" for i in range(10_001)}),
    ),
    "zip: 5,000 names of one part": lambda: (WORD, overlapping(5_000, 100_000)),
    "zip: understated size": lambda: (WORD, lying(24, 100)),
    "zip: overstated size": lambda: (WORD, lying(24, 2**31)),
    "zip: archives in archives": lambda: (
        WORD,
        rebuilt(office("docx"), {f"word/{i}.zip": office("docx") for i in range(30)}),
    ),
    "xml: laughs in a document": lambda: (
        WORD,
        rebuilt(office("docx"), {"word/document.xml": f"{LAUGHS}<x>&l9;</x>".encode()}),
    ),
    "xml: laughs in UTF-16": lambda: (
        SHEETS,
        rebuilt(office("xlsx"), {SHEET: f"{LAUGHS}<x>&l9;</x>".encode("utf-16")}),
    ),
    "xml: laughs in a page": lambda: (
        "application/xhtml+xml",
        f"<?xml version='1.0'?>{LAUGHS}<html><body>&l9;</body></html>".encode(),
    ),
    "xml: 100,000 deep": lambda: (WORD, paragraphs("<w:p>" * 100_000 + "</w:p>" * 100_000)),
    "docx: 200,000 paragraphs": lambda: (
        WORD,
        paragraphs("<w:p><w:r><w:t>word</w:t></w:r></w:p>" * 200_000),
    ),
    "docx: a span of a billion": lambda: (
        WORD,
        paragraphs(
            '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="1000000000"/></w:tcPr><w:p/>'
            "</w:tc></w:tr></w:tbl>"
        ),
    ),
    "xlsx: 1,200,000 cells": lambda: (SHEETS, sheet(_cells(1_200_000))),
    "xlsx: 300,000 cells": lambda: (SHEETS, sheet(_cells(300_000))),
    "xlsx: a diagonal": lambda: (SHEETS, sheet(_diagonal(8_000))),
    "xlsx: all of the sheet declared": lambda: (
        SHEETS,
        sheet("<row><c><v>1</v></c></row>", '<dimension ref="A1:XFD1048576"/>'),
    ),
    "xlsx: merged over the sheet": lambda: (SHEETS, _merged(1_000)),
    "xlsx: columns without end": lambda: (
        SHEETS,
        sheet(
            "<row><c><v>1</v></c></row>", '<cols><col min="1" max="2000000000" hidden="1"/></cols>'
        ),
    ),
    "csv: 50 MiB of commas": lambda: ("text/csv", b"," * 50 * MIB),
    "csv: one wide row, many short": lambda: ("text/csv", b"a" + b",a" * 90_000 + b"\na" * 100_000),
    "csv: one field of 40 MiB": lambda: ("text/csv", b'a,b\n"' + b"x" * 40 * MIB + b'",c\n'),
    "html: 100,000 deep": lambda: ("text/html", b"<div>" * 100_000 + b"x"),
    "html: spans": lambda: (
        "text/html",
        b"<table>" + b"<tr><td colspan=100 rowspan=99999>x" * 5_000 + b"</table>",
    ),
    "html: 20 MiB of tags": lambda: ("text/html", b"<p>a" * (5 * MIB)),
    "html: 500,000 hidden": lambda: ("text/html", b"<i hidden>a</i>b" * 500_000),
    "md: brackets": lambda: ("text/markdown", b"[" * 200_000 + b"x"),
    "md: stars": lambda: ("text/markdown", b"*a **b " * 100_000),
    "md: backticks": lambda: ("text/markdown", b"".join(b"`" * i + b"x" for i in range(1, 1_500))),
    "eml: 5,000 multiparts": lambda: ("message/rfc822", mail(5_000)),
    "eml: a head of 20 MiB": lambda: (
        "message/rfc822",
        b"From: a@x.example\nSubject: " + b"a b\n " * MIB + b"\n\nhi",
    ),
    "txt: 50 MiB in a line": lambda: ("text/plain", b"word " * (10 * MIB)),
    "thread: 100,000 deep": lambda: ("application/vnd.footnote.thread+json", b"[" * 100_000),
    "pdf: 100 MiB of text in a stream": lambda: (
        PDF,
        one_page(stream(b"BT /F1 9 Tf (ha) Tj ET\n" * (4 * MIB))),
    ),
    "pdf: 3,001 pages": lambda: (PDF, pages(3_001)),
    "pdf: pages in a circle": lambda: (PDF, circle()),
    "pdf: forms that draw forms": lambda: (PDF, forms(28)),
    "pdf: a picture of a million by a million": lambda: (
        PDF,
        one_page(
            stream(b"/I Do"),
            b"/XObject << /I 6 0 R >>",
            o6=stream(
                b"\0",
                b"/Type /XObject /Subtype /Image /Width 1000000 /Height 1000000"
                b" /BitsPerComponent 8 /ColorSpace /DeviceRGB",
            ),
        ),
    ),
}
