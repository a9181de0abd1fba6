"""An Office file as the archive it is: which kind, and whether it is safe to unpack."""

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from connectors import zip_rules
from ingest.base import ParseError

LIMITS = zip_rules.ZipLimits(
    entries=10_000, unpacked_bytes=512 * 2**20, ratio=100, ratio_from_bytes=10 * 2**20
)
MAX_TYPES_BYTES = 4 * 2**20  # of the list of parts; ordinary ones take a few kilobytes
MAX_STORED_CELLS = 1_000_000  # of a workbook, on hidden sheets too; what is seen is bounded later
MAX_BARE_CELLS = 4_000_000  # with a border or a colour at most

Office = Literal["docx", "pptx", "xlsx"]

_KINDS: dict[str, Office] = {  # by the content type of the main part
    "wordprocessingml.document.main": "docx",
    "presentationml.presentation.main": "pptx",
    "presentationml.slideshow.main": "pptx",
    "spreadsheetml.sheet.main": "xlsx",
    "spreadsheetml.template.main": "xlsx",
    "ms-excel.sheet.macroEnabled.main": "xlsx",
    "ms-powerpoint.presentation.macroEnabled.main": "pptx",
}
_TYPES = "[Content_Types].xml"
_STEP = 2**20  # bytes scanned at a time
_OVERLAP = 16  # so that what is looked for is not cut in two
_CELL = re.compile(rb"<(?:\w{1,6}:)?(c|v|is)(?=[\s/>])")


def kind_of(body: bytes, save_as: str) -> Office:
    """Return the kind of Office file that an archive is. Raises ParseError if it is none.

    It is scanned in small steps first: what a parser may unfold to more than it seems to hold
    never reaches one. save_as: advice that ends the message about another kind of archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            zip_rules.check(archive, len(body), LIMITS)
            kind = _kind(archive, save_as)
            _scan(archive, kind)
    except zip_rules.ZipFault as fault:
        code: Literal["too-large", "damaged"] = "too-large" if fault.is_too_large else "damaged"
        raise ParseError(
            code, f"its archive {fault}. Check where it comes from, and save it again."
        ) from fault
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, NotImplementedError) as error:
        raise ParseError(
            "damaged", "its archive was cut off or altered on its way. Upload it again."
        ) from error
    return kind


def _kind(archive: zipfile.ZipFile, save_as: str) -> Office:
    names = archive.NameToInfo
    if "mimetype" in names:
        raise ParseError("unsupported", f"it is an OpenDocument file or a book. {save_as}")
    if _TYPES not in names:
        raise ParseError("unsupported", f"it is an archive of other files. {save_as}")
    if names[_TYPES].file_size > MAX_TYPES_BYTES:
        raise ParseError("too-large", "it lists more parts than any document has.")
    types = archive.read(_TYPES).replace(b"\0", b"").decode("utf-8", "replace")
    found = next((kind for part, kind in _KINDS.items() if part in types), None)
    if found is None:
        raise ParseError("unsupported", f"there is no reader for this kind of archive. {save_as}")
    return found


def _scan(archive: zipfile.ZipFile, kind: Office) -> None:
    """Look through every part that is XML for entities to unfold and for cells without end."""
    cells: Counter[bytes] = Counter()
    for part in archive.infolist():
        is_sheet = kind == "xlsx" and "worksheets/" in part.filename
        for stretch in _stretches(archive, part):
            if b"<!ENTITY" in stretch:
                raise ParseError(
                    "damaged",
                    "it defines XML entities, as no Office program does. Check where it comes"
                    " from.",
                )
            if is_sheet:
                cells.update(_CELL.findall(stretch))
                _check_cells(cells)


def _check_cells(found: Counter[bytes]) -> None:
    if found[b"v"] + found[b"is"] > MAX_STORED_CELLS or found[b"c"] > MAX_BARE_CELLS:
        raise ParseError(
            "too-large",
            f"it holds over {MAX_STORED_CELLS} cells."
            " Export the part that people ask about, or leave it out.",
        )


def _stretches(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield a part in overlapping stretches, in letters of one byte; nothing if it is no XML."""
    with archive.open(part) as file:
        tail = b""
        while step := file.read(_STEP):
            plain = step.replace(b"\0", b"")  # UTF-16 becomes ASCII, as far as tags go
            if not tail and not plain.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
                return
            yield tail + plain
            tail = plain[-_OVERLAP:] or b" "
