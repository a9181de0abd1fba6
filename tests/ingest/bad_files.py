"""Broken files of every format, the same ones in every run: how each was broken, and its bytes."""

import random
from collections.abc import Callable, Iterator
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from tests.ingest.bombs import PDF, office
from tests.ingest.test_parse_office import SHEETS, SLIDES, WORD
from tests.ingest.test_parse_pdf import lines, pdf

ROUNDS = 4  # of every way of breaking, each with dice of its own

GOOD: dict[str, tuple[str, bytes]] = {
    "csv": ("text/csv", b'Name;City\n"Ann; B";Ghent\nBen;Leeds\n' * 9),
    "docx": (WORD, office("docx")),
    "eml": (
        "message/rfc822",
        b"From: Ann <ann@x.example>\nSubject: =?utf-8?q?Z=C3=BCrich?=\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain;"
        b" charset=utf-8\nContent-Transfer-Encoding: base64\n\nVHdlbHZlIGRheXMgYSB5ZWFyLg==\n"
        b"--b\nContent-Type: text/html\n\n<p>Twelve</p>\n--b--\n",
    ),
    "html": (
        "text/html",
        b"<!DOCTYPE html><html><head><meta charset=utf-8><style>.a{display:none}</style></head>"
        b"<body><h1 id=a>Leave</h1><p>Twelve &amp; more<table><tr><td rowspan=2>b<td>c</table>"
        b"<ul><li>one<ul><li>two</ul></ul><pre>x\n y</pre></body></html>",
    ),
    "md": (
        "text/markdown",
        b"---\ntitle: Leave\n---\n# Leave\n\n- one\n  1. two\n\n| a | b |\n|---|---|\n| c | d |\n\n"
        b"```sh\nls\n```\n\n> [!NOTE]\n> Twelve [days](https://x.example).\n",
    ),
    "pdf": (PDF, pdf([lines("Twelve days a year.", "Ask Ann."), lines("Second page.")])),
    "pptx": (SLIDES, office("pptx")),
    "txt": ("text/plain", "Twelve days a year – ask Zoë.\n".encode() * 20),
    "xlsx": (SHEETS, office("xlsx")),
}

Break = Callable[[bytes, random.Random], bytes]


def _bits(body: bytes, dice: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(dice.choice((1, 8, 64))):
        changed[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _cut(body: bytes, dice: random.Random) -> bytes:
    return body[: dice.randrange(1, len(body))]


def _headless(body: bytes, dice: random.Random) -> bytes:
    return body[dice.randrange(1, len(body)) :]


def _blanked(body: bytes, dice: random.Random) -> bytes:
    start, size = dice.randrange(len(body)), dice.randrange(1, 400)
    return body[:start] + bytes(len(body[start : start + size])) + body[start + size :]


def _noise(body: bytes, dice: random.Random) -> bytes:
    start = dice.randrange(len(body))
    return body[:start] + dice.randbytes(200) + body[start + 200 :]


def _repeated(body: bytes, dice: random.Random) -> bytes:
    start, end = sorted(dice.randrange(len(body)) for _ in range(2))
    return body[:end] + body[start:end] * dice.randrange(1, 8) + body[end:]


def _shuffled(body: bytes, dice: random.Random) -> bytes:
    step = max(len(body) // 16, 1)
    parts = [body[i : i + step] for i in range(0, len(body), step)]
    dice.shuffle(parts)
    return b"".join(parts)


def _numbers(body: bytes, dice: random.Random) -> bytes:
    """Let lengths, counts and offsets lie: digits in a text, bytes around a signature."""
    changed = bytearray(body)
    for _ in range(12):
        at = dice.randrange(len(body))
        changed[at] = dice.choice(b"0999") if chr(changed[at]).isdigit() else changed[at] | 0x80
    return bytes(changed)


def _spliced(body: bytes, dice: random.Random) -> bytes:
    other = GOOD[dice.choice(sorted(GOOD))][1]
    return body[: dice.randrange(len(body))] + other[dice.randrange(len(other)) :]


def _mistaken(body: bytes, dice: random.Random) -> bytes:
    """Another format under this one's name."""
    others = [other for _, other in GOOD.values() if other != body]
    return dice.choice([*others, b"\x89PNG\r\n\x1a\n" + body, b"\0" * 500, b"\xff\xfe" + body])


def _nested(body: bytes, dice: random.Random) -> bytes:
    opening = dice.choice((b"<div>", b"[", b"> ", b"<a><b>", b"(", b"{", b"- ", b"<w:p>"))
    at = dice.randrange(len(body))
    return body[:at] + opening * 1_000 + body[at:]


WAYS: dict[str, Break] = {
    "bits": _bits,
    "blanked": _blanked,
    "cut": _cut,
    "headless": _headless,
    "mistaken": _mistaken,
    "nested": _nested,
    "noise": _noise,
    "numbers": _numbers,
    "repeated": _repeated,
    "shuffled": _shuffled,
    "spliced": _spliced,
}


def bad_files() -> Iterator[tuple[str, str, bytes]]:
    """Yield (name, media type, bytes); in archives also each part is broken by itself."""
    for suffix, (media_type, body) in GOOD.items():
        for way, broken in WAYS.items():
            for turn in range(ROUNDS):
                name = f"{way}-{turn}.{suffix}"
                dice = random.Random(name)
                yield name, media_type, broken(body, dice)
                if body.startswith(b"PK"):
                    yield f"inner-{name}", media_type, _inside(body, broken, dice)


def _inside(body: bytes, broken: Break, dice: random.Random) -> bytes:
    """Break one part of an archive that is sound itself."""
    out = BytesIO()
    with ZipFile(BytesIO(body)) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        chosen = dice.choice([name for name in old.namelist() if old.getinfo(name).file_size > 1])
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, broken(content, dice) if name == chosen else content)
    return out.getvalue()
