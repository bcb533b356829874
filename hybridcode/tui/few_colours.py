"""Colours of a theme on a terminal that has 256 of them.

Invariant: what a diff adds and deletes keeps its hue, text keeps its contrast with its ground; everything else is the
colour that is nearest for an eye. Left alone, dark grounds fall together with black, or with each other.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache, partial

from rich.color import Color as RichColor
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_Lab = tuple[float, float, float]
_Rgb = tuple[int, int, int]
_DARK = ((22, 28), (52, 88), (17, 18), (17, 24), (52, 94), (58, 100), (53, 90), (23, 30))
"""Grounds for rows and for words in them, by hue: green, red, blue, azure, orange, yellow, purple, cyan."""
_LIGHT = (194, 224, 195, 189, 230, 225)
"""Light grounds for rows: green, red, cyan, blue, yellow, purple."""
_GREY = 0.008
"""Chroma below which a colour has no hue."""
_LEAST = 4.5
"""Contrast that text keeps where the theme gives it as much."""
_LIGHTER = (0.0, 0.25, 0.5, 0.75, 1.0)


class In256(LineFilter):
    """Replaces every colour by one of the 240 whose looks no terminal changes."""

    def __init__(self, tokens: Callable[[], Mapping[str, str]]) -> None:
        super().__init__()
        self._tokens = tokens
        self._known: Mapping[str, str] = {}
        self._tints: dict[str, RichColor] = {}
        self._styles: dict[Style | None, Style | None] = {}

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments in such colours."""
        tokens = self._tokens()
        if tokens is not self._known:
            self._known, self._tints = tokens, _tints(tokens)
            self._styles.clear()
        return [one._replace(style=self._style(one.style)) for one in segments]

    def _style(self, style: Style | None) -> Style | None:
        if style not in self._styles:
            if len(self._styles) > 4096:
                self._styles.clear()
            self._styles[style] = self._replaced(style) if style is not None else None
        return self._styles[style]

    def _replaced(self, style: Style) -> Style:
        ground = self._of(style.bgcolor)
        text = _readable(style, ground) or self._of(style.color)
        return style + Style(color=text, bgcolor=ground)

    def _of(self, colour: RichColor | None) -> RichColor | None:
        if colour is None or colour.type is not ColorType.TRUECOLOR:
            return colour
        return self._tints.get(colour.get_truecolor().hex) or RichColor.from_ansi(_nearest(*colour.get_truecolor()))


def _tints(tokens: Mapping[str, str]) -> dict[str, RichColor]:
    """What stands for the grounds of a diff that have a hue."""
    found: dict[str, RichColor] = {}
    for kind in ("add", "delete"):
        row, word = (Color.parse(tokens[f"diff-{kind}-{part}"]).rgb for part in ("background", "word"))
        if _chroma(row) < _GREY:
            continue
        if Color.parse(tokens["background"]).brightness > 0.5:
            found[_hex(row)] = RichColor.from_ansi(min(_LIGHT, key=partial(_apart, row)))
        else:
            pair = min(_DARK, key=lambda pair: _apart(word, pair[1]))
            found[_hex(row)], found[_hex(word)] = map(RichColor.from_ansi, pair)
    return found


def _readable(style: Style, ground: RichColor | None) -> RichColor | None:
    """The text's colour, as much lighter or darker as the other ground needs; None where it needs nothing."""
    if style.color is None or style.bgcolor is None or ground is None:
        return None
    if ColorType.DEFAULT in (style.color.type, style.bgcolor.type):
        return None
    text, on = Color.from_rich_color(style.color), Color.from_rich_color(ground)
    least = min(_LEAST, _contrast(text, Color.from_rich_color(style.bgcolor)))
    goal = Color(255, 255, 255) if on.brightness < 0.5 else Color(0, 0, 0)
    for share in _LIGHTER:
        number = _nearest(*text.blend(goal, share).rgb)
        if _contrast(Color(*_TABLE[number]), on) >= least:
            return RichColor.from_ansi(number) if share else None
    return None


def _contrast(one: Color, other: Color) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = map(_linear, colour.rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(level: int) -> float:
    part = level / 255
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _lab(red: int, green: int, blue: int) -> _Lab:
    """In OKLab (Björn Ottosson, 2020), where distances are about those an eye sees."""
    r, g, b = _linear(red), _linear(green), _linear(blue)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    middle = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


@lru_cache(maxsize=1024)
def _nearest(red: int, green: int, blue: int) -> int:
    lab = _lab(red, green, blue)
    return min(_TABLE, key=lambda number: math.dist(lab, _lab_of(number)))


def _apart(colour: _Rgb, number: int) -> float:
    """How far two hues are from each other, in radians."""
    return abs(math.remainder(_hue(colour) - _hue(_TABLE[number]), math.tau))


def _hue(colour: _Rgb) -> float:
    _, a, b = _lab(*colour)
    return math.atan2(b, a)


def _chroma(colour: _Rgb) -> float:
    return math.hypot(*_lab(*colour)[1:])


def _hex(colour: _Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _table() -> dict[int, _Rgb]:
    levels = (0, 95, 135, 175, 215, 255)
    cube = [(red, green, blue) for red in levels for green in levels for blue in levels]
    greys = [(level, level, level) for level in range(8, 248, 10)]
    return dict(enumerate([*cube, *greys], 16))


_TABLE = _table()
"""The colours by their numbers: a cube of six levels, and 24 greys."""


@lru_cache(maxsize=256)
def _lab_of(number: int) -> _Lab:
    return _lab(*_TABLE[number])
