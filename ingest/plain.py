"""Bytes into characters, and what is written in plain ones: text files, mails, conversations."""

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from email.policy import EmailPolicy
from itertools import pairwise

from charset_normalizer import from_bytes

from connectors.base import Message
from ingest.hypertext import read_html
from ingest.sections import Block, Section, one_line

GUESS_BYTES = 200_000  # enough to recognise an encoding; more only takes time
MENDED = 2  # letters of UTF-8 to each byte that is none, from which a file is UTF-8 with a fault
SHARE_OF_ZEROS = 0.2  # of the bytes of UTF-16 in any script whose words are set apart by spaces

MAX_NESTED = 20  # parts of a mail inside each other, forwarded mails included

_HEAD = ("From", "To", "Date")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What offices wrote before UTF-8, most used first. A free choice among all encodings that there
# are finds those of the Mac and of DOS in any short text.
_LEGACY = (
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 iso8859_2 koi8_r"
    " shift_jis euc_jp gb18030 big5 euc_kr"
).split()
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]+)", re.I)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w-]+)", re.I)


WRAPPED = 50  # letters from which a line was probably broken by a program, not by its author
SLACK = 6  # letters that a line may be short of the width: people mend lines by hand
SMALL = 3  # letters of a word that two lines of prose may both begin with
_STARTS = re.compile(r"\s*(?:$|[-*•>|#]|(?:\d{1,3}|[a-z])[.)]\s|\S+:\s)")
_ENDS = re.compile(r"[.:!?;]\s*$")
# Columns, underlines, commands, entries of a log, and addresses on a line of their own.
_NOT_PROSE = re.compile(
    r"""\S(?:\ {3,}|\ *\t\s*)\S
      | ^\s*[=\-~^"*#]+\s*$ | ^\s*(?:```|~~~)
      | (?:^|\s)--?[a-zA-Z][\w-]*(?=[\s=]|$) | \s&&\s | \\$ | ^\s*\$\s
      | ^\s*\[?(?:\d{4}-\d\d-\d\d[T ]|[A-Z][a-z]{2}\ [ \d]\d\ )?\d\d:\d\d:\d\d
      | ^\s*\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL)\b
      | ^\s*\S{50,}\s*$
    """,
    re.X,
)


def decode(body: bytes, declared: str | None = None) -> str:
    """Return the text of a file: by its byte order mark, as declared, as UTF-8, or as it looks.

    What one old line does to a file of UTF-8, or a cut inside a letter, stays there.
    """
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, errors="replace").removeprefix("\ufeff")
    for candidate in (declared, _wide(body), "utf-8"):
        text = _try(body, candidate)
        if text is not None:
            return text
    if _is_faulty_utf8(body[:GUESS_BYTES]):
        return body.decode("utf-8", errors=_BYTE_BY_BYTE)
    return body.decode(_guess(body[:GUESS_BYTES]), errors="replace")


def is_text(body: bytes) -> bool:
    """Whether bytes can be text: no zeros but for a stray one, or else in the order of UTF-16."""
    sample = body[:8192]
    if sample.count(0) <= len(sample) // 100 or _wide(body) is not None:
        return True
    return any(body.startswith(mark) for mark, _ in _MARKS)


def decode_html(body: bytes, declared: str | None = None) -> str:
    """Return the text of a page, which may say itself how it is encoded."""
    inside = _META_CHARSET.search(body[:4096]) or _XML_ENCODING.search(body[:200])
    return decode(body, declared or (inside[1].decode("ascii") if inside else None))


def read_text(text: str, url: str) -> list[Section]:
    """Return a text file, its wrapped lines joined."""
    return [Section(unwrapped(text), (), url)]


def unwrapped(text: str) -> str:
    """Join the lines that an editor or mail program broke, so that sentences are whole again.

    A line goes on in the next one if it is long, does not end like a sentence, the next one begins
    neither a list item nor a quotation, and a program can have broken all lines around at one
    width. A bracket that closes behind such a line goes on too.
    """
    lines: list[str] = []
    joined = False
    for stretch in _stretches(text.splitlines()):
        is_wrapped = _is_wrapped(stretch)
        for i, line in enumerate(stretch):
            closes = joined and line.lstrip().startswith((")", "]"))
            joined = closes or (i > 0 and is_wrapped and not _ENDS.search(stretch[i - 1]))
            if joined:
                lines[-1] = f"{lines[-1].rstrip()} {line.strip()}"
            else:
                lines.append(line)
    return "\n".join(lines)


def _stretches(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield all lines, those together of which all but the last are long lines of prose."""
    stretch: list[str] = []
    for line in lines:
        if stretch and (not _goes_on(stretch[-1]) or _STARTS.match(line) or _is_no_prose(line)):
            yield stretch
            stretch = []
        stretch.append(line)
    if stretch:
        yield stretch


def _is_wrapped(lines: Sequence[str]) -> bool:
    """Whether hardly a line that goes on has room for the first word of the next one.

    Commands and entries are no prose: they begin alike but for their figures, or in small letters.
    """
    words = [line.split()[0] for line in lines if line.strip()]
    pairs = list(pairwise(re.sub(r"\d", "0", word) for word in words))
    alike = sum(a == b and (len(a) > SMALL or not a.isalpha()) for a, b in pairs)
    if not pairs or 3 * alike >= len(pairs):
        return False
    if words[0][0].islower() and not _STARTS.match(lines[0]):
        return False
    widths = [len(line.rstrip()) for line in lines]
    least = max(widths) - SLACK
    return all(
        width + 1 + len(word) > least or _ENDS.search(line)
        for line, width, word in zip(lines, widths, words[1:], strict=False)
    )


def _goes_on(line: str) -> bool:
    return len(line.rstrip()) >= WRAPPED and not _is_no_prose(line)


def _is_no_prose(line: str) -> bool:
    return "|" in line or _NOT_PROSE.search(line) is not None


def read_messages(messages: Iterable[Message]) -> list[Section]:
    """Return a section a message, "Author (YYYY-MM-DD HH:MM): text", with the message's own url."""
    return [
        Section(f"{one_line(m.author)} ({m.sent_at:%Y-%m-%d %H:%M}): {m.text.strip()}", (), m.url)
        for m in messages
        if m.text.strip()
    ]


def read_mail(body: bytes) -> tuple[list[Block], str | None]:
    """Return a mail's head, its body and the names of its attachments; its subject is the title.

    A mail that is forwarded as an attachment is read where it stands, with a head of its own.
    """
    mail: EmailMessage = message_from_bytes(body, policy=_Lenient())  # type: ignore[arg-type]  # it makes EmailMessages
    blocks = [_head(mail, _HEAD), *_body(mail, MAX_NESTED)]
    names = [part.get_filename() for part in mail.walk() if not part.is_multipart()]
    attached = [f"Attachment: {one_line(name)}" for name in names if name]
    blocks.append(Block("\n".join(attached)))
    return [block for block in blocks if block.text], str(mail["Subject"] or "")


class _Lenient(EmailPolicy):
    """Reads a field that the standard library fails at, such as "From: a@[1", as mere words."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        try:
            return str(super().header_fetch_parse(name, value))
        except (AttributeError, LookupError, TypeError, ValueError, MessageError):
            return str(super().header_fetch_parse(f"X-{name}", value))


def _head(mail: MIMEPart, names: Iterable[str]) -> Block:
    fields = ((name, one_line(str(mail[name] or ""))) for name in names)
    return Block("\n".join(f"{name}: {value}" for name, value in fields if value))


def _body(part: MIMEPart, depth: int) -> Iterator[Block]:
    """Yield what is written in a part and those in it, up to `depth` of them inside each other."""
    kind = part.get_content_type()
    parts = list(part.iter_parts()) if depth > 0 else []
    if kind == "message/rfc822":
        for mail in parts:
            yield _head(mail, (*_HEAD, "Subject"))
            yield from _body(mail, depth - 1)
    elif kind == "multipart/alternative":
        yield from _alternative(parts, depth - 1)
    elif kind.startswith("multipart/"):
        for inner in parts:
            yield from _body(inner, depth - 1)
    elif part.get_content_disposition() != "attachment":
        yield from _written(part, kind)


def _alternative(parts: Sequence[MIMEPart], depth: int) -> list[Block]:
    """Return the plain one of the forms of a text if it says anything, else the richest."""
    plain = [part for part in parts if part.get_content_type() == "text/plain"]
    others = [part for part in reversed(parts) if part not in plain]
    forms = (list(_body(part, depth)) for part in (*plain, *others))
    return next((blocks for blocks in forms if blocks), [])


def _written(part: MIMEPart, kind: str) -> list[Block]:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return []
    if kind == "text/html":
        return read_html(decode_html(payload, part.get_content_charset()))[0]
    text = decode(payload, part.get_content_charset()) if kind == "text/plain" else ""
    return [Block(unwrapped(text))] if text.strip() else []


def _is_faulty_utf8(sample: bytes) -> bool:
    read = sample.decode("utf-8", errors="ignore")
    faults = len(sample.decode("utf-8", errors="replace")) - len(read)
    letters = sum(letter > "\x7f" for letter in read)
    return letters > 0 and letters >= MENDED * faults


def _as_western(error: UnicodeError) -> tuple[str, int]:
    """Return what the bytes that are no UTF-8 stand for in the old encoding used the most."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode(_LEGACY[0], errors="replace"), error.end


_BYTE_BY_BYTE = "footnote-western"
codecs.register_error(_BYTE_BY_BYTE, _as_western)


def _guess(sample: bytes) -> str:
    """Return the likeliest old encoding; among equals, the one in use the most."""
    matches = from_bytes(sample, cp_isolation=_LEGACY)
    best = matches.best()
    if best is None:
        return _LEGACY[0]
    alike = {
        match.encoding
        for match in matches
        if match.chaos <= best.chaos + 0.005 and match.coherence >= best.coherence - 0.02
    }
    return next((encoding for encoding in _LEGACY if encoding in alike), best.encoding)


def _try(body: bytes, encoding: str | None) -> str | None:
    """Return the text if it can be read in this encoding, or None."""
    if encoding is None:
        return None
    name = encoding.lower().strip()
    if name in ("ascii", "us-ascii", "iso-8859-1", "latin-1", "latin1"):
        name = "cp1252"  # what browsers take these for, since writers mean it
    try:
        return body.decode(name)
    except (LookupError, UnicodeError):
        return None


def _wide(body: bytes) -> str | None:
    """Return which UTF-16 it is, if it lacks its mark and every other byte is mostly zero."""
    even, odd = body[0:4096:2], body[1:4096:2]
    for encoding, high, low in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if high and high.count(0) > SHARE_OF_ZEROS * len(high) and not low.count(0):
            return encoding if len(body) % 2 == 0 else None
    return None
