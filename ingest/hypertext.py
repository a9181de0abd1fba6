"""HTML into headings, paragraphs, lists, tables and code.

unstructured's partitioners are not used here: on 60 wiki pages they took 10 ms a page against
5 ms, lost the numbers of numbered lists, the nesting of lists indented by two spaces and every
list that follows a paragraph without a blank line, and keep neither heading ids nor hidden text
apart.
"""

import re
from collections.abc import Sequence

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from ingest.base import ParseError
from ingest.sections import CODE_INDENT, Block, clean, fields, one_line, table
from ingest.visible import content

MAX_CELLS = 200_000  # of a table, repeated ones included
MAX_COLUMNS_SPANNED = 100  # a cell may claim to span thousands

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset(("ul", "ol", "dl", "menu", "dir"))
_ITEMS = frozenset(("li", "dt", "dd"))
_BLOCKS = frozenset(
    "address article aside blockquote body caption center details dialog div fieldset figcaption"
    " figure footer form header hgroup hr html legend main p section summary table tbody td tfoot"
    " th thead tr".split()
)
_ROW_INDENT = "  "  # of a table deep in a list, where that of the list would make it code
_WHOLE_PAGE = re.compile(r"<(?:!doctype|html|body)\b", re.I)
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f]")
_FILE_NAME = re.compile(r"\S.*\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?)", re.I)
_PERMALINK = frozenset(("", "#", "¶", "§", "🔗", "link to heading", "permalink"))
_BREAK = "\x00"  # a line break that white space does not swallow; no tree can hold this character


def read_html(html: str) -> tuple[list[Block], str | None]:
    """Return the visible content of a page or of a piece of one, and its title if it has one."""
    html = _CONTROLS.sub("", _XML_DECLARATION.sub("", html))
    if not html.strip():
        return [], None
    parser = HTMLParser(huge_tree=True)  # otherwise what is nested over 256 deep is lost
    try:
        root = document_fromstring(html, parser=parser)
    except etree.ParserError:  # nothing but comments and white space
        return [], None
    if any("depth" in entry.message for entry in parser.error_log):
        raise ValueError("elements are nested too deep")
    title = one_line(root.xpath("string(//head/title)"))
    body = content(root, whole_page=_WHOLE_PAGE.search(html[:2000]) is not None)
    blocks = _Reader().read(body)
    return blocks, _title(title, blocks)


def _title(title: str, blocks: Sequence[Block]) -> str | None:
    """Prefer the page's heading where the title is that plus the name of the site."""
    heading = next((one_line(block.text) for block in blocks if block.level == 1), "")
    return heading if heading and (not title or heading in title) else title or None


class _Reader:
    """Collects blocks while walking a tree from start to end; no recursion, pages nest deep."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._inline: list[str] = []  # the paragraph being read
        self._lines: list[str] = []  # the list being read, nested lists included
        self._numbers: list[int | None] = []  # of each open list: its next number; None: bullets
        self._lead = ("", "")  # what begins the first line of an item, and the others

    def read(self, root: HtmlElement) -> list[Block]:
        """Return the blocks of an element's content."""
        walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
        for event, element in walk:
            if event == "start":
                if element is not root and self._take(element):
                    walk.skip_subtree()
                else:
                    self._open(element)
                    self._inline.append(element.text or "")
                continue
            if event == "end":
                self._close(element)
            if element is not root:
                self._inline.append(element.tail or "")
        self._flush()
        self._end_list()
        return self._blocks

    def _take(self, element: HtmlElement) -> bool:
        """Read a whole element at once, if it is one of those that are; else return False."""
        tag = element.tag
        if tag == "br":
            self._inline.append(_BREAK)
        elif tag == "img":
            self._inline.append(_alt(element))
        elif tag == "a" and self._is_permalink(element):
            pass
        elif tag in ("pre", "listing", "xmp"):
            self._flush()
            self._emit(clean(_preformatted(element)), CODE_INDENT)
        elif tag in _HEADINGS and not self._numbers:
            self._flush()
            self._heading(element)
        elif tag == "table" and not _is_layout(element):
            self._flush()
            self._table(element)
        else:
            return False
        return True

    def _open(self, element: HtmlElement) -> None:
        tag = element.tag
        if tag in _LISTS:
            self._flush()
            self._numbers.append(_number(element.get("start"), 1) if tag == "ol" else None)
        elif tag in _ITEMS:
            self._flush()
            self._item(element)
        elif tag in _BLOCKS or tag in _HEADINGS:
            self._flush()

    def _close(self, element: HtmlElement) -> None:
        tag = element.tag
        if tag in _LISTS:
            self._flush()
            if self._numbers:
                self._numbers.pop()
            self._lead = ("  " * len(self._numbers),) * 2
            if not self._numbers:
                self._end_list()
        elif tag in _ITEMS or tag in _BLOCKS or tag in _HEADINGS:
            self._flush()

    def _item(self, element: HtmlElement) -> None:
        if not self._numbers:
            self._lead = ("- ", "  ")  # an item outside of any list
            return
        indent = "  " * (len(self._numbers) - 1)
        number = self._numbers[-1]
        if element.tag == "dt":
            self._lead = (indent, indent)
        elif element.tag == "dd":
            self._lead = (indent + "  ", indent + "  ")
        elif number is None:
            self._lead = (indent + "- ", indent + "  ")
        else:
            number = _number(element.get("value"), number)
            self._lead = (f"{indent}{number}. ", indent + "  ")
            self._numbers[-1] = number + 1

    def _flush(self) -> None:
        """End the paragraph being read."""
        text = "".join(self._inline)
        self._inline.clear()
        if text and not text.isspace():
            lines = (" ".join(line.split()) for line in text.split(_BREAK))
            self._emit(clean("\n".join(lines)).strip())

    def _emit(self, text: str, indent: str = "") -> None:
        """Add lines of text; the indent stands before all else, the sign of an item included."""
        if not text:
            return
        first, rest = self._lead
        lines = text.split("\n")
        if not self._numbers and not first:
            self._blocks.append(Block("\n".join((indent + line).rstrip() for line in lines)))
            return
        for line in lines:
            self._lines.append((indent + first + line).rstrip())
            first = rest
        self._lead = (rest, rest)
        if not self._numbers:
            self._end_list()

    def _end_list(self) -> None:
        if self._lines:
            self._blocks.append(Block("\n".join(self._lines)))
        self._lines = []
        self._lead = ("", "")

    def _heading(self, element: HtmlElement) -> None:
        text = _flat(element)
        if text:
            self._blocks.append(Block(text, _HEADINGS[element.tag], _anchor(element)))

    def _table(self, element: HtmlElement) -> None:
        for caption in element.xpath("./caption"):
            self._emit(_flat(caption))
        rows = _grid(element)
        text = fields(rows) if _is_fields(element, rows) else table(rows)
        first, rest = self._lead
        if not text or not rest.startswith(CODE_INDENT):
            self._emit(text)
            return
        self._lead = (_ROW_INDENT + first.lstrip(), _ROW_INDENT)
        self._emit(text)
        self._lead = (rest, rest)

    def _is_permalink(self, element: HtmlElement) -> bool:
        """Whether it is the sign beside a heading that links to the heading itself."""
        parent = element.getparent()
        return (
            parent.tag in _HEADINGS
            and len(element) == 0
            and (element.text or "").strip().lower() in _PERMALINK
        )


def _flat(element: HtmlElement) -> str:
    """Return an element's content on one line; the items of a list apart by semicolons."""
    if len(element) == 0:
        return one_line(element.text or "")
    texts = []
    for block in _Reader().read(element):
        items = re.sub(r"\n *- ", "; ", block.text)
        texts.append(items.lstrip().removeprefix("- "))
    return one_line(" ".join(texts))


def _preformatted(element: HtmlElement) -> str:
    for line_break in element.iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    return "".join(element.itertext(etree.Element)).rstrip()


def _alt(element: HtmlElement) -> str:
    """Return an image's description, unless it is only the name of its file."""
    alt = element.get("alt") or ""
    return "" if _FILE_NAME.fullmatch(alt.strip()) else str(alt)


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else otherwise


def _anchor(heading: HtmlElement) -> str:
    """Return the id that opens the page at this heading: its own, or one in or just around it."""
    if heading.get("id"):
        return str(heading.get("id"))
    for inner in heading.xpath(".//*[@id] | .//a[@name]"):
        return str(inner.get("id") or inner.get("name"))
    parent = heading.getparent()
    leads = parent is not None and heading.getprevious() is None and parent.tag == "section"
    return str(parent.get("id") or "") if leads else ""


def _is_layout(element: HtmlElement) -> bool:
    """Whether a table only arranges a page: it holds headings, tables or one cell a row."""
    if element.xpath("boolean(.//table | .//h1 | .//h2 | .//h3 | .//h4 | .//h5 | .//h6)"):
        return True
    return not element.xpath("boolean(.//tr[count(td | th) > 1])")


def _is_fields(element: HtmlElement, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a table of two columns names what is in its rows, but not what is in its columns.

    Either its header row is empty, as Markdown has to have one, or each row begins with a heading.
    """
    if max(map(len, rows), default=0) != 2:
        return False
    kinds = [[cell.tag for cell in tr.iterchildren("td", "th")] for tr in element.iter("tr")]
    empty_header = kinds[0] == ["th", "th"] and not any(rows[0])
    return empty_header or all(kind in (["th", "td"], ["th"], []) for kind in kinds)


def _grid(element: HtmlElement) -> list[list[str]]:
    """Return a table's cells by row and column.

    A cell that spans rows is repeated in each, so that every row can be read alone; one that
    spans columns stands in the first and leaves the others empty.
    """
    rows: list[list[str]] = []
    cells = 0
    waiting: dict[int, tuple[int, str]] = {}  # column -> rows it still fills, and with what
    for tr in element.iter("tr"):
        row: list[str] = []
        for cell in tr.iterchildren("td", "th"):
            _fill(row, waiting)
            text = _flat(cell)
            width = min(max(_number(cell.get("colspan"), 1), 1), MAX_COLUMNS_SPANNED)
            height = _number(cell.get("rowspan"), 1)
            for offset in range(width):
                if height > 1:
                    waiting[len(row)] = (height - 1, "" if offset else text)
                row.append("" if offset else text)
        _fill(row, waiting)
        rows.append(row)
        cells += len(row)
        if cells > MAX_CELLS:
            raise ParseError(
                "too-large", f"a table in it has over {MAX_CELLS} cells. Split it, or leave it out."
            )
    return rows


def _fill(row: list[str], waiting: dict[int, tuple[int, str]]) -> None:
    """Put in the cells of rows above that reach down to here."""
    while len(row) in waiting:
        column = len(row)
        left, text = waiting.pop(column)
        if left > 1:
            waiting[column] = (left - 1, text)
        row.append(text)
