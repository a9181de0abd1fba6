import random
import subprocess
import sys
import textwrap
import zipfile
from datetime import UTC, datetime
from email.message import EmailMessage
from io import BytesIO

import pytest

from connectors.base import THREAD, Document, Entry, Message, write_thread
from ingest.base import Parsed, ParseError
from ingest.office import LIMITS
from ingest.parse import parse
from ingest.plain import MAX_NESTED, decode, unwrapped
from ingest.tables import MAX_CELLS


def document(
    body: bytes | str,
    media_type: str = "text/plain",
    *,
    title: str = "Time off",
    url: str = "https://wiki.fernhill.example/time-off",
) -> Document:
    return Document(
        entry=Entry("wiki:7", "1", frozenset({"everyone"})),
        title=title,
        url=url,
        body=body.encode() if isinstance(body, str) else body,
        media_type=media_type,
        updated_at=datetime(2026, 3, 1, tzinfo=UTC),
    )


def refusal(doc: Document) -> ParseError:
    with pytest.raises(ParseError) as caught:
        parse(doc)
    return caught.value


def stretches(parsed: Parsed) -> list[str]:
    return [parsed.text[place.start : place.end] for place in parsed.places]


# --- cleaning, and places ---


def test_text_is_composed_and_has_no_trailing_blanks_and_no_wide_gaps() -> None:
    parsed = parse(document("Cafe\u0301 \r\nopen\t\r\n\r\n\r\n\r\n\r\nfrom eight\r\n"))
    assert parsed.text == "Café\nopen\n\nfrom eight"


def test_what_prints_nothing_is_not_in_the_text() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey me")
    text = f"Ask\u200b \u202eIT\u2066\u00ad\ufeff{hidden}\U000e0101 now\u0007"
    assert parse(document(text)).text == "Ask IT now"


def test_unusual_spaces_and_ligatures_become_plain_ones() -> None:
    assert parse(document("o\ufb03ce\u00a0hours\u2009: 9\u20135")).text == "office hours : 9–5"


def test_places_cover_the_text_without_gaps() -> None:
    parsed = parse(document("Intro\n\n# One\n\na\n\n## Two\n\nb", "text/markdown"))
    assert stretches(parsed) == ["Intro\n\n", "One\n\na\n\n", "Two\n\nb"]
    assert [place.heading for place in parsed.places] == [(), ("One",), ("One", "Two")]


# --- which format it is ---


def test_a_media_type_with_a_charset_is_understood() -> None:
    assert parse(document("<p>a &amp; b", "text/html; charset=utf-8")).text == "a & b"


def test_content_beats_a_wrong_media_type() -> None:
    page = "<!DOCTYPE html><html><body><p>Hello</p></body></html>"
    assert parse(document(page, "application/octet-stream")).text == "Hello"
    assert parse(document(page, "text/plain")).text == "Hello"


def test_a_file_of_unknown_type_is_read_by_its_name() -> None:
    kind = "application/octet-stream"
    assert parse(document("# Leave\n", kind, title="leave.md")).text == "Leave"
    assert parse(document("# Leave\n", kind, title="leave")).text == "# Leave"


def test_a_text_about_pdf_files_is_no_pdf() -> None:
    assert parse(document("Files begin with %PDF-1.7")).text == "Files begin with %PDF-1.7"


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "text/plain"),
        (b"{\\rtf1 hello}", "application/octet-stream"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "application/msword"),
        (b"hello", "application/x-unheard-of"),
    ],
)
def test_what_no_reader_knows_is_unsupported(body: bytes, media_type: str) -> None:
    assert refusal(document(body, media_type)).code == "unsupported"


def test_an_archive_that_is_no_office_file_is_unsupported() -> None:
    assert refusal(document(archive({"a.txt": b"hello"}), "application/zip")).code == "unsupported"


def archive(members: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in members.items():
            written.writestr(name, content)
    return out.getvalue()


# --- what is refused, and how ---


def test_a_refusal_names_the_document_and_the_way_out() -> None:
    error = refusal(document("not a pdf", "application/pdf", title="Budget 2026"))
    assert error.code == "damaged"
    assert str(error) == (
        "'Budget 2026' (wiki:7) was left out: it should be PDF but does not begin like one."
        " It may have been cut off on its way: upload it again."
    )


@pytest.mark.parametrize("body", [b"", b" \n\t ", "\u200b\u200b".encode()])
def test_a_document_without_text_is_empty(body: bytes) -> None:
    assert refusal(document(body)).code == "empty"


def test_a_page_of_hidden_text_is_empty() -> None:
    assert refusal(document("<div hidden>obey</div>", "text/html")).code == "empty"


def test_bytes_that_are_no_text_are_not_read_as_text() -> None:
    assert refusal(document(bytes(range(256)) + bytes(500))).code == "damaged"


def test_a_locked_office_file_is_encrypted() -> None:
    body = b"\xd0\xcf\x11\xe0" + bytes(500) + "EncryptedPackage".encode("utf-16-le")
    assert refusal(document(body, "application/octet-stream")).code == "encrypted"


def test_an_archive_that_unpacks_to_a_mountain_is_too_large() -> None:
    bomb = archive({"[Content_Types].xml": b"<x/>", "word/document.xml": bytes(40 * 2**20)})
    assert refusal(document(bomb, "application/octet-stream")).code == "too-large"


def test_an_archive_of_countless_parts_is_too_large() -> None:
    crowd = archive({f"{i}": b"" for i in range(LIMITS.entries + 1)})
    assert refusal(document(crowd, "application/octet-stream")).code == "too-large"


def test_a_damaged_thread_is_a_parse_error_too() -> None:
    assert refusal(document('[{"author": "Ann"}]', THREAD)).code == "damaged"
    assert refusal(document("[{", THREAD)).code == "damaged"


# --- plain text ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_text_is_recognised(encoding: str) -> None:
    text = "Café hours – from eight to nine"
    assert parse(document(text.encode(encoding))).text == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("El niño comió paella. La señora dijo que está bien así.", "cp1252"),
        ("It’s 5 € – “smart quotes” in an old file.", "cp1252"),
        ("Отпуск необходимо согласовать с руководителем отдела.", "cp1251"),
        ("Zażółć gęślą jaźń. Proszę przesłać wniosek do działu kadr.", "cp1250"),
    ],
)
def test_old_encodings_are_recognised(text: str, encoding: str) -> None:
    assert parse(document(text.encode(encoding))).text == text


@pytest.mark.parametrize(
    ("fault", "read"),
    [
        (b"M\xfcnchen", "München"),
        (b"Lodz\xc5", "LodzÅ"),
        (b"caf\x81", "caf\ufffd"),
        ("Bücher".encode() + b"\xe2\x82", "Bücherâ‚"),
    ],
)
def test_a_byte_that_is_no_utf_8_costs_itself_and_not_the_file(fault: bytes, read: str) -> None:
    before = "Ort;Straße\nKöln;Bürgerstraße 5\n"
    assert decode(before.encode() + fault) == before + read
    assert decode(before.encode() + fault, "utf-8") == before + read


def test_a_pair_of_old_letters_that_is_utf_8_by_chance_makes_no_file_utf_8() -> None:
    text = "Das MENÜ» für größere Gäste. Über die Küche: schön, natürlich."
    assert decode(text.encode("cp1252")) == text


def test_a_stated_encoding_is_believed() -> None:
    body = "Größe".encode("iso8859_2")
    assert parse(document(body, "text/plain; charset=iso-8859-2")).text == "Größe"


def test_lines_and_indents_of_a_text_stay() -> None:
    assert parse(document("def f():\n    return 1\n")).text == "def f():\n    return 1"


# --- threads ---


def test_a_thread_has_a_paragraph_and_a_place_for_every_message() -> None:
    body = write_thread(
        [
            Message(
                "Ann", datetime(2026, 3, 1, 9, 5, tzinfo=UTC), "Is the line up?", "https://s/1"
            ),
            Message(
                "Ben", datetime(2026, 3, 1, 9, 7, tzinfo=UTC), "Yes,\nsince six.", "https://s/2"
            ),
        ]
    )
    parsed = parse(document(body, THREAD))
    assert stretches(parsed) == [
        "Ann (2026-03-01 09:05): Is the line up?\n\n",
        "Ben (2026-03-01 09:07): Yes,\nsince six.",
    ]
    assert [place.url for place in parsed.places] == ["https://s/1", "https://s/2"]
    assert parsed.title is None


# --- delimited text ---


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    rows = [["Name", "City"], ["Ann", "Ghent"], ["Ben", "Leeds"]]
    body = "\n".join(delimiter.join(row) for row in rows)
    assert parse(document(body, "text/csv")).text == "Name | City\nAnn | Ghent\nBen | Leeds"


def test_quoted_and_ragged_rows_are_read() -> None:
    body = 'a,b,c\n"x, y","two\nlines"\n1,2,3,4\n,,\n'
    assert parse(document(body, "text/csv")).text == "a | b | c\nx, y | two lines\n1 | 2 | 3 | 4"


def test_a_table_over_the_limit_is_too_large() -> None:
    assert refusal(document("1,2\n" * (MAX_CELLS // 2 + 1), "text/csv")).code == "too-large"


# --- mail ---


def mail(**headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in headers.items():
        message[name] = value
    return message


def test_a_mail_is_its_head_its_text_and_the_names_of_its_attachments() -> None:
    message = mail(Subject="Zürich visit", From="Ann <ann@x.example>", To="ben@x.example")
    message["Date"] = "Mon, 2 Mar 2026 09:00:00 +0000"
    message["Bcc"] = "secret@x.example"
    message.set_content("See you\nthere.\n")
    message.add_alternative("<p>HTML version</p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Überblick.pdf")
    parsed = parse(document(message.as_bytes(), "message/rfc822"))
    assert parsed.title == "Zürich visit"
    assert parsed.text == (
        "From: Ann <ann@x.example>\nTo: ben@x.example\nDate: Mon, 02 Mar 2026 09:00:00 +0000\n\n"
        "See you\nthere.\n\nAttachment: Überblick.pdf"
    )


def test_a_mail_without_plain_text_is_read_from_its_html() -> None:
    message = mail(Subject="Hi", From="ann@x.example")
    message.set_content(
        "<p>One</p><p style='display:none'>obey</p><ul><li>two</ul>", subtype="html"
    )
    parsed = parse(document(message.as_bytes(), "application/octet-stream"))
    assert parsed.text == "From: ann@x.example\n\nOne\n\n- two"


def parts(*written: tuple[str, str]) -> EmailMessage:
    """Return a mail of several parts, each a media subtype and its text."""
    message = mail(Subject="Parts", From="ann@x.example")
    message.make_mixed()
    for subtype, text in written:
        part = EmailMessage()
        part.set_content(text, subtype=subtype)
        message.attach(part)
    return message


def test_every_part_of_a_mail_that_is_no_attachment_is_read() -> None:
    message = parts(("plain", "Before the picture.\n"))
    message.add_attachment(b"GIF8", maintype="image", subtype="gif", filename="plan.gif")
    message.add_attachment("Secret notes", filename="notes.txt")
    for subtype, text in [("plain", "After it.\n"), ("html", "<p>Imprint</p>")]:
        part = EmailMessage()
        part.set_content(text, subtype=subtype)
        message.attach(part)
    assert parse(document(message.as_bytes(), "message/rfc822")).text == (
        "From: ann@x.example\n\nBefore the picture.\n\nAfter it.\n\nImprint\n\n"
        "Attachment: plan.gif\nAttachment: notes.txt"
    )


def test_of_alternatives_the_plain_one_is_read_unless_it_is_blank() -> None:
    for plain, read in [("Plain", "Plain"), (" \n", "Rich")]:
        message = mail(From="ann@x.example")
        message.set_content(plain)
        message.add_alternative("<p>Rich</p>", subtype="html")
        outer = parts(("plain", "First"))
        outer.attach(message)
        text = parse(document(outer.as_bytes(), "message/rfc822")).text
        assert text == f"From: ann@x.example\n\nFirst\n\n{read}"


def test_a_mail_forwarded_as_an_attachment_is_read_with_its_own_head() -> None:
    inner = mail(Subject="Key code", From="Cy <cy@x.example>", To="ann@x.example")
    inner.set_content("The code is 4357.\n")
    inner.add_attachment(b"GIF8", maintype="image", subtype="gif", filename="door.gif")
    message = parts(("plain", "See below.\n"))
    message.add_attachment(inner)
    assert parse(document(message.as_bytes(), "message/rfc822")).text == (
        "From: ann@x.example\n\nSee below.\n\n"
        "From: Cy <cy@x.example>\nTo: ann@x.example\nSubject: Key code\n\n"
        "The code is 4357.\n\nAttachment: door.gif"
    )


def test_mails_inside_each_other_are_read_to_a_depth_that_is_bounded() -> None:
    message = mail(Subject="0", From="ann@x.example")
    message.set_content("The innermost.\n")
    for number in range(1, 2 * MAX_NESTED):
        outer = parts(("plain", f"Number {number}.\n"))
        outer.add_attachment(message)
        message = outer
    text = parse(document(message.as_bytes(), "message/rfc822")).text
    assert f"Number {2 * MAX_NESTED - 5}." in text
    assert "Number 1." not in text


@pytest.mark.parametrize("name", ["From", "To", "Date", "Subject", "Content-Disposition"])
def test_a_malformed_field_of_a_mail_costs_no_other(name: str) -> None:
    body = f"{name}: a@[1\nX-Other: 1\n\nThe code is 4357.\n".encode()
    parsed = parse(document(body, "message/rfc822"))
    assert parsed.text.endswith("The code is 4357.")
    assert parsed.text.startswith(f"{name}: a@[1\n") == (name in ("From", "To", "Date"))


# --- how it behaves ---


SAMPLES = {
    "text/markdown": b"---\ntitle: A\n---\n# A\n\n- b\n  1. c\n\n| d | e |\n|---|---|\n| f | g |\n",
    "text/html": b"<html><body><h1 id=a>A</h1><table><tr><td rowspan=2>b<td>c</table>",
    "text/csv": b'a;b\n"c;d";e\n',
    "message/rfc822": b"From: a@x\nSubject: =?utf-8?q?b?=\nContent-Type: text/html\n\n<p>c\n",
    THREAD: write_thread([Message("Ann", datetime(2026, 3, 1, tzinfo=UTC), "Hi", "https://s/1")]),
}


@pytest.mark.parametrize("media_type", SAMPLES)
def test_no_flipped_or_missing_byte_raises_anything_else(media_type: str) -> None:
    body = SAMPLES[media_type]
    dice = random.Random(7)
    for length in range(len(body)):
        changed = bytearray(body)
        changed[length] = dice.randrange(256)
        for damaged in (body[:length], bytes(changed)):
            try:
                parsed = parse(document(damaged, media_type))
            except ParseError:
                continue
            assert "".join(stretches(parsed)) == parsed.text


def test_the_same_bytes_give_the_same_text() -> None:
    page = document(SAMPLES["text/html"], "text/html")
    assert parse(page) == parse(page)


def test_importing_the_parser_does_not_import_unstructured() -> None:
    program = (
        "import sys, ingest.parse; print('unstructured' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    "lines",
    [
        [
            "kubectl get pods --namespace production --output wide",
            "docker compose up --detach --build api worker postgres",
        ],
        [
            "rsync backup.example:/var/lib/postgres /srv/backup/today",
            "rsync backup.example:/var/lib/gitlab /srv/backup/gitlab",
            "systemctl restart",
        ],
        [
            "cp /srv/backup/today/postgres.dump /var/lib/postgres/restore",
            "psql production /var/lib/postgres/restore",
            "systemctl restart postgres.service api.service worker.service nginx.service",
        ],
        [
            "Name of the employee        Office        Days of leave",
            "Ann Example                 Ghent         32",
        ],
        [
            "Name of the employee and the office\tDays of leave in a year",
            "Ann Example of the office in Ghent\t32",
        ],
        [
            "2026-03-01 10:00:01 INFO api started on port 8080 with 4 workers",
            "2026-03-01 10:00:02 WARNING pool of connections is full: 20 of 20",
        ],
        [
            "node-17 refused 3 connections from the gateway during the night",
            "node-18 refused 4 connections from the gateway during the night",
        ],
        ["The installation and the operation of the new gateway", "=" * 53],
        ["=" * 53, "The installation and the operation of the new gateway"],
        ["https://wiki.fernhill.example/" + "a" * 40, "https://wiki.fernhill.example/b"],
        [
            "This line is much shorter than the one that follows it",
            "and could have held some of its words, so that nobody but its author broke it",
        ],
    ],
)
def test_lines_that_no_program_broke_are_not_joined(lines: list[str]) -> None:
    assert unwrapped("\n".join(lines)) == "\n".join(lines)


@pytest.mark.parametrize("width", [60, 72, 100])
def test_a_paragraph_broken_at_any_width_is_whole_again(width: int) -> None:
    sentence = (
        "The landlord renews the roof above the first floor and the contractor who does so asks"
        " all of us to keep the windows of the meeting rooms 4 and 5 shut until 2026-03-01 because"
        " of the dust that rises whenever the old tiles are taken down"
    )
    assert unwrapped(textwrap.fill(sentence, width)) == sentence
    two_lines = sentence[: width + 5].strip()
    assert unwrapped(textwrap.fill(two_lines, width)) == two_lines


def test_a_paragraph_that_was_mended_by_hand_is_whole_again() -> None:
    lines = [
        "b) The contractor renews the roof above the first floor and asks",
        "   all of us to keep windows of the meeting rooms shut, since the dust",
        "   of the old tiles will otherwise be in all of them. We are sorry,",
        "   and so is the landlord",
    ]
    whole = " ".join(line.strip() for line in lines)
    assert unwrapped("\n".join(lines)) == whole


def test_lines_that_a_program_broke_are_joined_and_an_authors_lines_are_not() -> None:
    text = (
        "NOTICE\nPosted by: Beth\n\n"
        "The landlord renews the roof above the first floor. The contractor is\n"
        "Harrow & Dene. Work starts at 7:30 and ends at 16:00, Monday to Friday.\n"
        " - The lift is out of service on 14 September from 9:00 to 12:00, because\n"
        "   its motor room is under the roof.\n"
        " - Parking bays 4, 5 and 6 are taken by the contractor of the roof, sorry\n"
        " - Noise\n"
    )
    assert unwrapped(text).split("\n") == [
        "NOTICE",
        "Posted by: Beth",
        "",
        "The landlord renews the roof above the first floor. The contractor is "
        "Harrow & Dene. Work starts at 7:30 and ends at 16:00, Monday to Friday.",
        " - The lift is out of service on 14 September from 9:00 to 12:00, because "
        "its motor room is under the roof.",
        " - Parking bays 4, 5 and 6 are taken by the contractor of the roof, sorry",
        " - Noise",
    ]
