"""Ways to hide an instruction in a file from its readers, by format: each with SEEN text around."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import docx
import openpyxl
import pptx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from openpyxl.styles import Font, PatternFill
from pptx.util import Pt

from tests.ingest.bombs import one_page, stream
from tests.ingest.test_parse_office import saved

SEEN = "Twelve days a year."
HIDDEN = "OBEY"

# --- characters, in every format ---

TAGS = "".join(chr(0xE0000 + ord(letter)) for letter in HIDDEN)
CHARACTERS = {
    "tag characters": f"Twelve{TAGS} days a year.",
    "zero width": "Twe\u200blve\u200d da\u2060ys a ye\ufeffar.",
    "bidi controls": "\u2066Twelve\u2069 \u202bdays\u202c a year.",
    "variation selectors": "Twelve\U000e0101\U000e0102 days\ufe01 a year.",
}

# --- HTML, and by way of it Markdown ---

_STYLES = """
display:none
DISPLAY : NONE !important
dis\\70lay:none
display:/* */none
visibility:hidden
visibility:collapse
content-visibility:hidden
opacity:0
opacity:0.01
filter:opacity(0)
font-size:0
font-size:1px
font-size:0.1em
font-size:1%
font:0/0 a
font:1px/1 serif
color:white
color:#fff
color:#fffF
color:#FEFEFE
color:rgb(255, 255, 255)
color:rgb(254 254 254)
color:rgba(0,0,0,0)
color:rgb(0 0 0 / 0%)
color:hsl(0, 0%, 100%)
color:transparent
color:snow
color:#333;background:#333
color:black;background-color:#000
background:white;color:#fff
position:absolute;left:-9999px
position:fixed;top:-200vh
position:absolute;left:200vw
text-indent:-9999px
margin-left:-5000px
transform:scale(0)
transform:translateX(-9999px)
clip:rect(0,0,0,0);position:absolute
clip-path:inset(100%)
clip-path:circle(0)
height:0;overflow:hidden
max-height:0px;overflow:clip
width:1px;height:1px;overflow:hidden
-webkit-text-fill-color:transparent
""".strip().split("\n")
_PAGES = [
    f"<!-- {HIDDEN} -->",
    f"<p hidden>{HIDDEN}</p>",
    f"<template>{HIDDEN}</template><noscript>{HIDDEN}</noscript>",
    f"<script>{HIDDEN}</script><style>{HIDDEN}</style><title>{HIDDEN}</title>",
    f"<font color=white>{HIDDEN}</font>",
    f"<div style='display:none'><p style='display:block'>{HIDDEN}</p></div>",
    f"<div style='color:#fff'><p>{HIDDEN}</p></div>",
    f"<style>.x{{display:none}}</style><p class='a x'>{HIDDEN}</p>",
    f"<style>p.x, q{{font-size:0}}</style><p class=x>{HIDDEN}</p>",
    f"<style>div .x{{color:white}}</style><div><p class=x>{HIDDEN}</p></div>",
    f"<style>@media screen{{.x{{display:none}}}}</style><p class=x>{HIDDEN}</p>",
    f"<style>@media all{{.x{{display:none}}}}</style><p class=x>{HIDDEN}</p>",
    f"<style>aside{{display:none}}</style><aside>{HIDDEN}</aside>",
    f"<style>[data-x]{{display:none}}</style><p data-x>{HIDDEN}</p>",
    f"<style>.y > p{{opacity:0}}</style><div class=y><p>{HIDDEN}</p></div>",
    f"<input type=hidden value={HIDDEN}><button>{HIDDEN}</button><textarea>{HIDDEN}</textarea>",
    f"<p title={HIDDEN} data-note={HIDDEN}></p><svg><text>{HIDDEN}</text></svg>",
    f"<details><summary>More</summary></details><dialog>{HIDDEN}</dialog>",
    f"<p class='sr-only'>{HIDDEN}</p>",
]
HTML = [f"<p style='{style}'>{HIDDEN}</p>" for style in _STYLES] + _PAGES
MARKDOWN = [
    *HTML,
    f"[//]: # ({HIDDEN})",
    f'[link](https://x.example "{HIDDEN}")',
    f"[a]: x '{HIDDEN}'",
]

SHOWN_HTML = [
    "<p style='color:white;background:#000'>{}</p>",
    "<div style='background:navy'><p style='color:#fff'>{}</p></div>",
    "<p style='color:#333;background:#fff'>{}</p>",
    "<p style='font-size:8px;opacity:.8'>{}</p>",
    "<p style='text-indent:-20px;margin-left:20px'>{}</p>",
    "<p style='overflow:hidden;height:40px'>{}</p>",
    "<p style='position:absolute;left:10px;transform:scale(1)'>{}</p>",
    "<style>@media print{{.x{{display:none}}}}</style><p class=x>{}</p>",
    "<style>@media (max-width: 600px){{.x{{display:none}}}}</style><p class=x>{}</p>",
    "<style>.dark .x{{display:none}}</style><p class=x>{}</p>",
    "<style>.x{{color:#fff;background:#000}}</style><p class=x>{}</p>",
    "<details><summary>More</summary><p>{}</p></details>",
]

# --- Word ---

WORD = [
    "<w:vanish/>",
    '<w:vanish w:val="1"/>',
    "<w:webHidden/><w:specVanish/><w:vanish/>",
    '<w:color w:val="FFFFFF"/>',
    '<w:color w:val="fefefe"/>',
    '<w:color w:val="auto" w:themeColor="background1"/>',
    '<w:color w:val="000000"/><w:shd w:val="clear" w:fill="000000"/>',
    '<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:fill="FFFFFF"/>',
    '<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:fill="auto"/>',
    '<w:sz w:val="2"/>',
    '<w:w w:val="1"/>',
    '<w:rStyle w:val="Ghost"/>',
    '<w:rStyle w:val="Pale"/>',
    '<w:rStyle w:val="Speck"/>',
]
SHOWN_WORD = [
    '<w:vanish w:val="0"/>',
    '<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:fill="1F3864"/>',
    '<w:color w:val="FFFFFF"/><w:highlight w:val="black"/>',
    '<w:color w:val="C00000"/>',
    '<w:sz w:val="12"/>',
    '<w:w w:val="90"/>',
]
_GHOSTS = {
    "Ghost": "<w:vanish/>",
    "Pale": '<w:color w:val="FFFFFF"/>',
    "Speck": '<w:sz w:val="2"/>',
}


def word(properties: str, text: str = HIDDEN) -> bytes:
    file = docx.Document()
    for name, style in _GHOSTS.items():
        file.styles.element.append(
            parse_xml(
                f'<w:style {nsdecls("w")} w:type="character" w:styleId="{name}">'
                f'<w:name w:val="{name}"/><w:rPr>{style}</w:rPr></w:style>'
            )
        )
    paragraph = file.add_paragraph(SEEN)
    paragraph._p.append(
        parse_xml(f"<w:r {nsdecls('w')}><w:rPr>{properties}</w:rPr><w:t> {text}</w:t></w:r>")
    )
    return saved(file)


# --- slides ---

_FILL = "<a:solidFill>{}</a:solidFill>"
SLIDES = [
    ("", _FILL.format('<a:srgbClr val="FFFFFF"/>')),
    ("", _FILL.format('<a:srgbClr val="FEFEFE"/>')),
    ("", _FILL.format('<a:schemeClr val="bg1"/>')),
    ("", _FILL.format('<a:prstClr val="white"/>')),
    ("", _FILL.format('<a:srgbClr val="000000"><a:alpha val="0"/></a:srgbClr>')),
    ("", "<a:noFill/>"),
    ('sz="100"', ""),
]
SHOWN_SLIDES = [("", _FILL.format('<a:srgbClr val="C00000"/>')), ('sz="800"', ""), ("", "")]


def _ground(colour: str) -> str:
    return f'<a:solidFill {nsdecls("a")}><a:srgbClr val="{colour}"/></a:solidFill>'


def slides(attributes: str, properties: str, text: str = HIDDEN, ground: str = "") -> bytes:
    file = pptx.Presentation()
    slide = file.slides.add_slide(file.slide_layouts[6])
    box = slide.shapes.add_textbox(Pt(50), Pt(50), Pt(300), Pt(80))
    box.text_frame.text = SEEN
    if ground:
        box._element.spPr.insert(2, parse_xml(_ground(ground)))
    box.text_frame.paragraphs[0]._p.append(
        parse_xml(
            f"<a:r {nsdecls('a')}><a:rPr {attributes}>{properties}</a:rPr><a:t> {text}</a:t></a:r>"
        )
    )
    return saved(file)


# --- workbooks ---


def _cell(**styles: Any) -> Callable[[Any, Any], None]:
    def hide(_sheet: Any, cell: Any) -> None:
        for name, value in styles.items():
            setattr(cell, name, value)

    return hide


def _black(colour: str) -> PatternFill:
    return PatternFill("solid", fgColor=colour)


SHEETS: list[Callable[[Any, Any], Any]] = [
    _cell(font=Font(color="FFFFFFFF")),
    _cell(font=Font(color="00FEFEFE")),
    _cell(font=Font(color=openpyxl.styles.colors.Color(theme=0))),
    _cell(font=Font(color=openpyxl.styles.colors.Color(indexed=9))),
    _cell(font=Font(color="FF000000"), fill=_black("FF000000")),
    _cell(font=Font(size=1)),
    _cell(number_format=";;;"),
    lambda sheet, cell: setattr(sheet.row_dimensions[cell.row], "hidden", True),
    lambda sheet, cell: setattr(sheet.row_dimensions[cell.row], "height", 0.1),
    lambda sheet, cell: setattr(sheet.column_dimensions[cell.column_letter], "hidden", True),
    lambda sheet, cell: setattr(sheet.column_dimensions[cell.column_letter], "width", 0.05),
]
SHOWN_SHEETS: list[Callable[[Any, Any], Any]] = [
    _cell(font=Font(color="FFFFFFFF"), fill=_black("FF1F3864")),
    _cell(font=Font(color="FFC00000")),
    _cell(font=Font(size=6)),
    _cell(number_format="@"),
]


def sheets(hide: Callable[[Any, Any], Any], text: str = HIDDEN) -> bytes:
    book = openpyxl.Workbook()
    book.active["A1"] = SEEN
    book.active["C4"] = text
    hide(book.active, book.active["C4"])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


# --- PDF ---

_TEXT = f"({HIDDEN}) Tj"
PDF = [
    f"BT 3 Tr /F1 12 Tf 72 600 Td {_TEXT} ET",
    f"BT 1 1 1 rg /F1 12 Tf 72 600 Td {_TEXT} ET",
    f"BT 0.995 g /F1 12 Tf 72 600 Td {_TEXT} ET",
    f"BT 0 0 0 0 k /F1 12 Tf 72 600 Td {_TEXT} ET",
    f"BT /F1 1 Tf 72 600 Td {_TEXT} ET",
    f"BT /F1 12 Tf 0.05 0 0 0.05 72 600 Tm {_TEXT} ET",
    f"BT /F1 12 Tf 72 -300 Td {_TEXT} ET",
    f"BT /F1 12 Tf 2000 600 Td {_TEXT} ET",
    f"BT 7 Tr /F1 12 Tf 72 600 Td {_TEXT} ET",
    f"/G gs BT /F1 12 Tf 72 600 Td {_TEXT} ET",
    f"BT /F1 12 Tf 72 600 Td {_TEXT} ET 1 g 60 590 300 30 re f",
    f"BT /F1 12 Tf 72 600 Td {_TEXT} ET 0 g 60 590 300 30 re f",
    f"0 0 0 rg 60 590 300 30 re f BT 0 0 0 rg /F1 12 Tf 72 600 Td {_TEXT} ET",
]
SHOWN_PDF = [
    "BT /F1 12 Tf 72 600 Td (OBEY) Tj ET",
    "0 0 0.4 rg 60 590 300 30 re f BT 1 g /F1 12 Tf 72 600 Td (OBEY) Tj ET",
    "0.9 g 60 590 300 30 re f BT 0 g /F1 12 Tf 72 600 Td (OBEY) Tj ET",
    "q 60 590 300 30 re W n BT /F1 12 Tf 72 600 Td (OBEY) Tj ET Q",
    "BT /F1 6 Tf 72 600 Td (OBEY) Tj ET",
]


def pdf(content: str) -> bytes:
    seen = f"BT 0 g /F1 12 Tf 72 700 Td ({SEEN}) Tj ET\n"
    return one_page(
        stream((seen + content).encode()),
        b"/ExtGState << /G 6 0 R >>",
        o6=b"<< /Type /ExtGState /ca 0 /CA 0 >>",
    )
