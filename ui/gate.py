"""The output gate: what a model or a document wrote becomes words and nothing else.

Pure, and the same for every surface. Each passes its text through here and then escapes it its
own way; links are written by `ui.render` alone.
"""

import html
import re
import string
import unicodedata
from collections.abc import Iterable
from typing import Final

_PASSES: Final = 8  # constructs nested deeper than this stay as broken text
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_TAGS: Final = (
    "a abbr applet area article aside audio b base big blink body br button canvas center code"
    " del details div dl dt dd em embed font footer form frame frameset h[1-6] head header hr html"
    " i iframe img input ins isindex kbd label li link main mark marquee math meta nav noscript"
    " object ol option p param pre q s samp script section select small source span strike strong"
    " style sub summary sup svg table tbody td template textarea tfoot th thead tr tt u ul var"
    " video wbr xml"
).replace(" ", "|")
_HTML: Final = re.compile(rf"</?(?:{_TAGS})(?:[\s/][^<>]*)?>", re.IGNORECASE)
# Elements with the names of things: alone and never closed, "<section>" is for people to fill in.
_THINGS: Final = frozenset(
    "area article audio base button center code details font footer form frame header input label"
    " link main mark nav object option param section select small source summary table template"
    " video".split()
)
_CLOSED: Final = re.compile(r"</([a-z]+)", re.IGNORECASE)
_SLACK: Final = re.compile(r"<(?:[@#!]|[A-Za-z][\w+.-]*:)[^<>|]*\|([^<>]*)>")
_PLACEHOLDER: Final = re.compile(r"<([^<>\s][^<>]*)>")
_LINK: Final = re.compile(r"!?\[([^\[\]]{0,500})\]\((?:[^()]|\([^()]*\)){0,2000}\)")
_SCHEME: Final = re.compile(
    r"[A-Za-zＡ-Ｚａ-ｚ][\w+.-]{0,30}[:：][/\\／＼⁄∕]{2,}|(?:https?|ftp|(?<![a-z0-9_])file):[/\\]",
    re.IGNORECASE,
)
_BARE_SCHEME: Final = re.compile(  # words end with the second ones: metadata, hotel, profile
    r"(?:(?:javascript|vbscript|livescript|mailto|xmpp|callto|view-source)"
    r"|(?<!\w)(?<!\w-)(?:data|tel|sms|blob|file|about|feed|slack))[:：](?=\S)",
    re.IGNORECASE,
)
_DOT: Final = ".。．｡"
_HOST: Final = re.compile(rf"(?<!\w)(?:[\w-]{{1,63}}[{_DOT}]){{1,20}}[^\W\d_][\w-]{{1,62}}")
# Endings of file names that are no top-level domain: nothing makes a link of "budget.xlsx".
_FILE_TYPES: Final = frozenset(
    "bmp cfg conf css csv doc docx eml exe gguf gif htm html ini jpeg jpg js json jsonl jsx log"
    " msg odp ods odt pdf png ppt pptx rtf sql sqlite svg tar tex tif tiff toml ts tsv tsx txt"
    " vsdx wav webp xls xlsm xlsx xml yaml yml".split()
)
_MENTION: Final = re.compile(r"(?<![\w@＠])[@＠]+(?=\w)|[@＠]{2,}")
_STARS: Final = re.compile(r"\*+")
_UNDERSCORES: Final = re.compile(r"_+")
_STRUCK: Final = re.compile(r"(~{1,2})(?=\S)([^~]+?)(?<=\S)\1")
_RULE: Final = re.compile(r"^[ \t]*(?:(?:[-=_*|:+][ \t]*){3,}|[-=]+[ \t]*)$", re.MULTILINE)
_NUMBER: Final = r"[ \t]*[\d€$£]"
_HEADING: Final = re.compile(
    rf"^(?:[ \t]*(?:#{{1,6}}(?=[ \t]|$)|>(?!=?{_NUMBER})))+[ \t]*", re.MULTILINE
)
_MORE_THAN: Final = re.compile(rf"^[ \t]*>(=?)(?={_NUMBER})", re.MULTILINE)
_BULLET: Final = re.compile(r"^[ \t]*[*+-][ \t]+", re.MULTILINE)
_MAIL: Final = re.compile(r"[\w.+-]*[\w+-]@[\w-]+(?:\.[\w-]+)+")
_LINKED: Final = re.compile(r"\w+[:：][/\\／]\S*")
_BROKEN_MAIL: Final = re.compile(
    r"(?:[\w+.-]|\[\.\])*[\w+-][@＠]+[\w-]+(?:(?:\[\.\]|[.。．｡])[\w-]+)*"
)
ADDRESS_REMOVED: Final = "(address removed)"


def safe_text(text: str) -> str:
    """Return text that no surface turns into a link, an image, HTML, a mention or markup.

    Plain text in, plain text out: HTML surfaces still escape it. Markup goes and its words stay;
    link targets go; an address stays readable but is none any more ("intranet[.]acme[.]com");
    invisible and control characters go. "[1]" survives. The result passes unchanged a second time.
    """
    for _ in range(_PASSES):
        cleaned = _tidy(_without_markup(_without_links(_without_html(_visible(text)))))
        if cleaned == text:
            break
        text = cleaned
    return text


def gated(text: str, quotes: Iterable[str]) -> str:
    """Return `safe_text`, but mail addresses as they stand in the quotes, and no others.

    An address that the sources give is part of the answer; it is shown as plain text. One that
    they do not give is nobody's to write to.
    """
    read = [_LINKED.sub(" ", _visible(quote)) for quote in quotes]  # user:pw@host is no address
    known = {match[0] for each in read for match in _MAIL.finditer(each)}

    def shown(match: re.Match[str]) -> str:
        address = match[0].replace("[.]", ".")
        return address if address in known else ADDRESS_REMOVED

    return _BROKEN_MAIL.sub(shown, safe_text(text))


def _visible(text: str) -> str:
    """Decode entities; drop what cannot be seen; keep line ends."""
    decoded = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    lines = re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", decoded).replace("\t", " ")
    kept = [
        character
        for index, character in enumerate(lines)
        if character == "\n" or not _is_hidden(lines, index)
    ]
    return "".join(kept)


def _is_hidden(text: str, index: int) -> bool:
    character = text[index]
    if character in "\u200c\u200d":  # they shape Persian and Indic words, and join emoji
        around = text[index - 1 : index] + text[index + 1 : index + 2]
        return len(around) < 2 or any(each.isascii() for each in around)
    if "\U000e0000" <= character <= "\U000e0fff" or "\ufe00" <= character <= "\ufe0d":
        return True
    if character in "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0":  # letters that show nothing
        return True
    return unicodedata.category(character) in {"Cc", "Cf", "Cs"}


def _without_html(text: str) -> str:
    for _ in range(_PASSES):
        text = _without_tags(_SLACK.sub(r"\1", text))
    text = _PLACEHOLDER.sub(r"‹\1›", text)
    return re.sub(r"<(?=[^\s\d=<-])", "‹", text)


def _without_tags(text: str) -> str:
    closed = frozenset(name.lower() for name in _CLOSED.findall(text))
    to_fill_in = {f"<{name}>" for name in _THINGS - closed}
    return _HTML.sub(lambda tag: tag[0] if tag[0].lower() in to_fill_in else "", text)


def _without_links(text: str) -> str:
    for _ in range(_PASSES):
        text = _LINK.sub(lambda match: f"[{match[1]}]" if match[1].isdigit() else match[1], text)
    text = _BARE_SCHEME.sub("", _SCHEME.sub("", text))
    text = _HOST.sub(_broken_host, text)
    text = _MENTION.sub("", text)
    return re.sub(r"\](?=[(:])", "] ", text).replace("![", "! [")


def _broken_host(match: re.Match[str]) -> str:
    """An address loses its dots; a missing space after a full stop is put back."""
    labels = re.split(rf"[{_DOT}]", match[0])
    if labels[-1].lower() in _FILE_TYPES and len(labels) == 2:
        return match[0]
    broken = labels[0]
    for label in labels[1:]:
        starts_sentence = label[:1].isupper() and label[1:].islower()
        broken += f". {label}" if starts_sentence else f"[.]{label}"
    return broken


def _without_markup(text: str) -> str:
    text = re.sub(r"(?<=\d)\*(?=\d)", "×", text.replace("`", ""))
    text = _STRUCK.sub(r"\2", _without_pairs(_without_pairs(text, _STARS), _UNDERSCORES))
    text = _MORE_THAN.sub(
        lambda match: "≥" if match[1] else "›", _HEADING.sub("", _RULE.sub("", text))
    )
    return _BULLET.sub("• ", text)


def _without_pairs(text: str, mark: re.Pattern[str]) -> str:
    """Drop the marks that stand around words as a pair; one alone ("*67") means what it says.

    What opens and what closes is at least what does so in CommonMark, so no pair is left.
    """
    opened: list[int] = []
    dropped: set[int] = set()
    for run in mark.finditer(text):
        start, end = run.span()
        before, after = text[max(start - 1, 0) : start], text[end : end + 1]
        if run[0][0] == "_" and before.isalnum() and after.isalnum():  # within a name
            continue
        closes = before.strip() and not (_is_punctuation(before) and after.isalnum())
        if closes and opened:
            dropped |= {opened.pop(), start}
        elif after.strip():
            opened.append(start)
    return mark.sub(lambda run: "" if run.start() in dropped else run[0], text)


def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")


def _tidy(text: str) -> str:
    lines = [" ".join(line.split(" ")).strip() for line in text.split("\n")]
    joined = re.sub(r" {2,}", " ", "\n".join(lines))
    return re.sub(r"\n{3,}", "\n\n", joined).strip()
