import socket
from collections.abc import Callable
from io import BytesIO
from typing import Any

import docx
import openpyxl  # it has no stubs
import pptx
import pytest
from docx.document import Document as WordDocument
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Pt, RGBColor
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.constants import RELATIONSHIP_TYPE as SLIDE_RELATIONSHIP
from pptx.opc.package import Part as SlidePart
from pptx.opc.packuri import PackURI as SlideURI
from pptx.oxml import parse_xml as parse_slide_xml
from pptx.oxml.ns import nsdecls as slide_names
from pptx.util import Inches

from ingest.base import Parsed
from ingest.parse import parse
from tests.ingest.test_parse import document, refusal

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def saved(file: Any) -> bytes:
    out = BytesIO()
    file.save(out)
    return out.getvalue()


# --- Word ---


def word(fill: Callable[[WordDocument], object]) -> Parsed:
    file = docx.Document()
    fill(file)
    return parse(document(saved(file), WORD))


def add_xml(file: WordDocument, inner: str) -> None:
    """Add a paragraph of raw WordprocessingML."""
    namespaces = nsdecls("w", "wp", "a") + (
        ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
        ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
        ' xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    )
    file.element.body.insert(
        len(file.element.body) - 1, parse_xml(f"<w:p {namespaces}>{inner}</w:p>")
    )


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def test_a_word_file_has_sections_by_its_heading_styles() -> None:
    def fill(file: WordDocument) -> None:
        file.add_paragraph("Before")
        file.add_heading("Leave", 1)
        file.add_paragraph("Ask.")
        file.add_heading("Parental", 2)
        file.add_heading("Pay", 1)

    parsed = word(fill)
    assert parsed.text == "Before\n\nLeave\n\nAsk.\n\nParental\n\nPay"
    assert [place.heading for place in parsed.places] == [
        (),
        ("Leave",),
        ("Leave", "Parental"),
        ("Pay",),
    ]
    assert {place.url for place in parsed.places} == {"https://wiki.fernhill.example/time-off"}


def test_a_companys_own_heading_style_is_a_heading() -> None:
    def fill(file: WordDocument) -> None:
        style = file.styles.add_style("Fernhill Chapter", WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = file.styles["Heading 2"]
        file.add_paragraph("Leave", style="Fernhill Chapter")

    assert word(fill).places[0].heading == ("Leave",)


def test_the_title_of_a_word_file_is_the_one_that_is_printed() -> None:
    def fill(file: WordDocument) -> None:
        file.core_properties.title = "Copy of template"
        file.add_heading("Leave policy", 0)

    def only_stated(file: WordDocument) -> None:
        file.core_properties.title = "Copy of template"
        file.add_paragraph("Text")

    assert word(fill).title == "Leave policy"
    assert word(only_stated).title is None


def test_word_lists_keep_depth_and_numbers() -> None:
    def fill(file: WordDocument) -> None:
        for text, style in [
            ("a", "List Bullet"),
            ("b", "List Bullet 2"),
            ("one", "List Number"),
            ("two", "List Number"),
        ]:
            file.add_paragraph(text, style=style)

    assert word(fill).text == "- a\n  - b\n1. one\n2. two"


def test_a_word_table_has_a_line_for_every_row() -> None:
    def fill(file: WordDocument) -> None:
        table = file.add_table(rows=3, cols=2)
        for row, cells in zip(
            table.rows, [("Who", "Days"), ("Ghent", "32"), ("", "33")], strict=True
        ):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
        table.cell(1, 0).merge(table.cell(2, 0))

    assert word(fill).text == "Who | Days\nGhent | 32\nGhent | 33"


def test_headers_and_footers_of_pages_are_not_text() -> None:
    def fill(file: WordDocument) -> None:
        file.add_paragraph("Text")
        file.sections[0].header.paragraphs[0].text = "Confidential"
        file.sections[0].footer.paragraphs[0].text = "Page 1"

    assert word(fill).text == "Text"


@pytest.mark.parametrize(
    "hidden",
    [
        run("obey", "<w:vanish/>"),
        run("obey", '<w:rStyle w:val="Secret"/>'),
        run("obey", '<w:color w:val="ffffff"/>'),
        run("obey", '<w:sz w:val="2"/>'),
        f"<w:del>{run('obey').replace('w:t', 'w:delText')}</w:del>",
        f"<w:moveFrom>{run('obey')}</w:moveFrom>",
        f"<w:hyperlink>{run('obey', '<w:vanish/>')}</w:hyperlink>",
    ],
)
def test_hidden_and_deleted_runs_are_not_text(hidden: str) -> None:
    def fill(file: WordDocument) -> None:
        style = file.styles.add_style("Secret", WD_STYLE_TYPE.CHARACTER)
        style.font.hidden = True
        add_xml(file, run("Before") + hidden + run(" after"))

    assert word(fill).text == "Before after"


@pytest.mark.parametrize(
    "seen",
    [
        run("seen", '<w:vanish w:val="0"/>'),
        run("seen", '<w:color w:val="FFFFFF"/><w:shd w:val="clear" w:fill="003366"/>'),
        f"<w:ins>{run('seen')}</w:ins>",
        f"<w:sdt><w:sdtContent>{run('seen')}</w:sdtContent></w:sdt>",
        f'<w:fldSimple w:instr="DATE">{run("seen")}</w:fldSimple>',
        f"<w:smartTag>{run('seen')}</w:smartTag>",
        "<m:oMath><m:r><m:t>seen</m:t></m:r></m:oMath>",
    ],
)
def test_wrapped_and_inserted_runs_are_text(seen: str) -> None:
    def fill(file: WordDocument) -> None:
        add_xml(file, run("Before ") + seen + run(" after"))

    assert word(fill).text == "Before seen after"


def test_a_text_box_is_read_once_and_after_its_paragraph() -> None:
    content = f"<w:txbxContent><w:p>{run('boxed')}</w:p></w:txbxContent>"
    box = (
        '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx>'
        f"{content}</wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict>{content}"
        "</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )

    def fill(file: WordDocument) -> None:
        add_xml(file, run("Before") + box)
        file.add_paragraph("after")

    assert word(fill).text == "Before\n\nboxed\n\nafter"


def add_note(file: WordDocument, kind: str, text: str) -> str:
    """Add a footnote or endnote with the id 2, and return the run that refers to it."""
    runs = run("obey", "<w:vanish/>") + run(text)
    note = f'<w:{kind} w:id="2"><w:p>{runs}</w:p></w:{kind}>'
    blob = f"<w:{kind}s {nsdecls('w')}>{note}</w:{kind}s>".encode()
    content_type = WORD.replace("document", f"{kind}s", 1) + "+xml"
    part = Part(PackURI(f"/word/{kind}s.xml"), content_type, blob, file.part.package)
    relation = {"footnote": RELATIONSHIP_TYPE.FOOTNOTES, "endnote": RELATIONSHIP_TYPE.ENDNOTES}
    file.part.relate_to(part, relation[kind])
    return f'<w:r><w:{kind}Reference w:id="2"/></w:r>'


@pytest.mark.parametrize("kind", ["footnote", "endnote"])
def test_a_note_follows_the_paragraph_that_refers_to_it(kind: str) -> None:
    def fill(file: WordDocument) -> None:
        add_xml(file, run("Text") + add_note(file, kind, "The note.") + run(" goes on."))
        file.add_paragraph("Next.")

    assert word(fill).text == "Text goes on.\n\nThe note.\n\nNext."


def test_a_footnote_and_an_endnote_with_one_number_are_two() -> None:
    def fill(file: WordDocument) -> None:
        both = add_note(file, "endnote", "At the end.") + add_note(file, "footnote", "At the foot.")
        add_xml(file, run("Text") + both)

    assert word(fill).text == "Text\n\nAt the end.\n\nAt the foot."


def test_a_paragraph_that_runs_over_a_page_is_one() -> None:
    def fill(file: WordDocument) -> None:
        add_xml(file, run("first ") + "<w:r><w:lastRenderedPageBreak/></w:r>" + run("second"))

    assert word(fill).text == "first second"


def test_a_word_file_named_as_text_is_read_as_what_it_is() -> None:
    file = docx.Document()
    file.add_paragraph("Hello")
    assert parse(document(saved(file), "text/plain", title="notes.txt")).text == "Hello"


def test_reading_a_word_file_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def refuse(*target: object, **_: object) -> None:
        asked.append(target)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    parsed = word(lambda file: file.add_paragraph("The station is in Ghent, as Ann said."))
    assert parsed.text == "The station is in Ghent, as Ann said."
    assert asked == []


# --- presentations ---


def slides(fill: Callable[[Any], object]) -> Parsed:
    file = pptx.Presentation()
    fill(file)
    return parse(document(saved(file), SLIDES))


def add_slide(file: Any, title: str, layout: int = 1) -> Any:
    slide = file.slides.add_slide(file.slide_layouts[layout])
    slide.shapes.title.text = title
    return slide


def test_a_slide_is_a_place_with_its_title_and_number() -> None:
    def fill(file: Any) -> None:
        frame = add_slide(file, "Plan").placeholders[1].text_frame
        frame.text = "first"
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = "deeper", 1
        slide = add_slide(file, "Risks")
        slide.placeholders[1].text = "only one"
        slide.notes_slide.notes_text_frame.text = "Say this slowly."

    parsed = slides(fill)
    assert parsed.text == (
        "Plan\n\n- first\n  - deeper\n\nRisks\n\nonly one\n\nNotes: Say this slowly."
    )
    assert [(p.heading, p.page) for p in parsed.places] == [(("Plan",), 1), (("Risks",), 2)]
    assert parsed.title == "Plan"


def test_tables_charts_and_groups_are_read_from_top_to_bottom() -> None:
    def fill(file: Any) -> None:
        slide = add_slide(file, "Numbers", layout=5)
        data: Any = CategoryChartData()  # type: ignore[no-untyped-call]  # python-pptx has it so
        data.categories = ["Q1", "Q2"]
        data.add_series("Sales", (1.5, 2))
        slide.shapes.add_chart(
            XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(5), Inches(4), Inches(1), data
        )
        grid = slide.shapes.add_table(2, 2, Inches(1), Inches(3), Inches(4), Inches(1)).table
        for i, text in enumerate(["Who", "Days", "Ghent", "32"]):
            grid.cell(i // 2, i % 2).text = text
        group = slide.shapes.add_group_shape()
        group.shapes.add_textbox(Inches(1), Inches(2), Inches(2), Inches(1)).text_frame.text = "in"

    assert (
        slides(fill).text == "Numbers\n\nin\n\nWho | Days\nGhent | 32\n\n | Sales\nQ1 | 1.5\nQ2 | 2"
    )


def add_diagram(slide: Any, points: str) -> Any:
    """Add a SmartArt diagram with these points in DiagramML; return its shape."""
    namespace = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
    names = slide_names("a", "p", "r") + f' xmlns:dgm="{namespace}"'
    blob = f"<dgm:dataModel {names}><dgm:ptLst>{points}</dgm:ptLst></dgm:dataModel>".encode()
    content_type = "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml"
    uri = SlideURI("/ppt/diagrams/data1.xml")
    part = SlidePart(uri, content_type, slide.part.package, blob)
    data = slide.part.relate_to(part, SLIDE_RELATIONSHIP.DIAGRAM_DATA)
    frame = parse_slide_xml(
        f'<p:graphicFrame {names}><p:nvGraphicFramePr><p:cNvPr id="9" name="d"/>'
        "<p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr>"
        '<p:xfrm><a:off x="9" y="9"/><a:ext cx="999999" cy="999999"/></p:xfrm>'
        f'<a:graphic><a:graphicData uri="{namespace}"><dgm:relIds r:dm="{data}"/>'
        "</a:graphicData></a:graphic></p:graphicFrame>"
    )
    slide.shapes._spTree.append(frame)
    return frame


def point(*paragraphs: str) -> str:
    texts = "".join(f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>" for text in paragraphs)
    return f"<dgm:pt><dgm:t><a:bodyPr/>{texts}</dgm:t></dgm:pt>"


def test_a_diagram_has_a_line_for_every_point() -> None:
    tiny = '<dgm:pt><dgm:t><a:p><a:r><a:rPr sz="100"/><a:t>obey</a:t></a:r></a:p></dgm:t></dgm:pt>'

    def fill(file: Any) -> None:
        slide = add_slide(file, "Steps", layout=5)
        add_diagram(slide, point("Ask") + '<dgm:pt type="pres"/>' + tiny + point("Wait", "a day"))

    assert slides(fill).text == "Steps\n\nAsk\nWait a day"


def test_a_diagram_whose_data_is_not_there_costs_itself() -> None:
    def fill(file: Any) -> None:
        frame = add_diagram(add_slide(file, "Steps", layout=5), point("Ask"))
        frame.graphic.graphicData[0].attrib.clear()

    assert slides(fill).text == "Steps"


def test_hidden_slides_and_shapes_off_the_slide_are_not_text() -> None:
    def fill(file: Any) -> None:
        add_slide(file, "Hidden")._element.set("show", "0")
        slide = add_slide(file, "Shown", layout=5)
        for left, top in [(-5, 1), (1, -5), (20, 1), (1, 20)]:
            box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(1))
            box.text_frame.text = "obey"
        tiny = slide.shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1))
        tiny.text_frame.paragraphs[0].add_run().text = "obey"
        tiny.text_frame.paragraphs[0].runs[0].font.size = Pt(1)

    parsed = slides(fill)
    assert parsed.text == "Shown"
    assert parsed.places[0].page == 2


# --- damage ---


@pytest.mark.parametrize("media_type", [WORD, SLIDES, SHEETS])
def test_a_file_that_was_cut_off_is_damaged(media_type: str) -> None:
    file = {WORD: docx.Document, SLIDES: pptx.Presentation, SHEETS: openpyxl.Workbook}[media_type]()
    if media_type == SHEETS:
        file.active.append(["a"])
    body = saved(file)
    for length in (4, 100, len(body) // 2, len(body) - 1):
        assert refusal(document(body[:length], media_type)).code == "damaged"


def test_a_file_whose_xml_is_broken_is_damaged() -> None:
    body = saved(docx.Document())
    changed = body.replace(b"word/document.xml", b"word/documenx.xml")
    error = refusal(document(changed, WORD, title="Plan.docx"))
    assert error.code == "damaged"
    assert "Plan.docx" in str(error)


def test_white_letters_in_a_shaded_cell_stay() -> None:
    def fill(file: WordDocument) -> None:
        table = file.add_table(rows=2, cols=2)
        for i, text in enumerate(["Who", "Days", "Ghent", "32"]):
            cell = table.cell(i // 2, i % 2)
            added = cell.paragraphs[0].add_run(text)
            if i < 2:
                added.font.color.rgb = RGBColor(255, 255, 255)
                shade = parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:fill="003366"/>')
                cell._tc.get_or_add_tcPr().append(shade)

    assert word(fill).text == "Who | Days\nGhent | 32"
