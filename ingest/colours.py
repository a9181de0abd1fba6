"""Colours as files write them, and whether one can be told from another by eye."""

import colorsys
import re

from PIL import ImageColor

Colour = tuple[int, int, int]

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
ALIKE = 16  # of 255 in every part: closer colours are one to a reader
FAINT = 0.1  # opacity below which nothing is read

_HEX = re.compile(r"#?([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_FUNCTION = re.compile(r"(rgb|hsl)a?\(([^()]*)\)")


def alike(one: Colour, other: Colour) -> bool:
    """Whether letters of one colour on a ground of the other cannot be seen."""
    return all(abs(a - b) <= ALIKE for a, b in zip(one, other, strict=True))


def colour_of(written: str) -> tuple[Colour, float] | None:
    """Return a CSS colour and its opacity; None for what is no plain colour ("inherit")."""
    text = written.strip().lower()
    if text == "transparent":
        return BLACK, 0.0
    match = _HEX.fullmatch(text)
    if match is not None and (text.startswith("#") or len(match[1]) == 6):
        return _hex(match[1])
    match = _FUNCTION.fullmatch(text)
    if match is not None:
        return _function(match[1], re.split(r"[\s,/]+", match[2].strip()))
    named = ImageColor.colormap.get(text)
    return _hex(named.removeprefix("#")) if isinstance(named, str) else None


def _hex(digits: str) -> tuple[Colour, float]:
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    parts = bytes.fromhex(digits)
    return (parts[0], parts[1], parts[2]), parts[3] / 255 if len(parts) > 3 else 1.0


def _function(name: str, parts: list[str]) -> tuple[Colour, float] | None:
    try:
        opacity = _share(parts[3], 1) if len(parts) > 3 else 1.0
        if name == "hsl":
            hue, light = float(parts[0].removesuffix("deg")) / 360, _share(parts[2], 100)
            red, green, blue = colorsys.hls_to_rgb(hue, light, _share(parts[1], 100))
        else:
            red, green, blue = (_share(part, 255) for part in parts[:3])
    except (ValueError, IndexError):
        return None
    return (round(red * 255), round(green * 255), round(blue * 255)), opacity


def _share(text: str, whole: float) -> float:
    """Return "50%" or a number out of `whole` as a share from 0 to 1."""
    value = float(text.removesuffix("%")) / (100 if text.endswith("%") else whole)
    return min(max(value, 0.0), 1.0)
