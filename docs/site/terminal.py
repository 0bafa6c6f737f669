"""What a terminal shows, as SVG: the product's own output, recorded by rich.

Braille and frames are drawn as shapes, because fonts draw them in many ways or not at all, and no font is
fetched. The text of the whole screen is the picture's description.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html import escape, unescape

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.terminal_theme import TerminalTheme

__all__ = ["picture", "text"]

# As rich lays out its characters: how wide and high they are, and how far below a line's top they stand.
_WIDE, _HIGH, _BASELINE = 12.2, 24.4, 20.0
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
# Background, text, the eight colours, the eight bright ones: each of them can be read on the background.
_THEME = TerminalTheme(
    (16, 20, 27),
    (222, 226, 232),
    [(72, 80, 92), (255, 107, 107), (87, 211, 120), (240, 193, 75), (108, 168, 255), (214, 140, 255),
     (78, 205, 220), (222, 226, 232)],
    [(120, 130, 145), (255, 130, 130), (96, 226, 130), (255, 213, 100), (140, 190, 255), (228, 170, 255),
     (110, 225, 240), (255, 255, 255)],
)  # fmt: skip
# Columns and rows of a braille character's dots, from its lowest bit.
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
_DOT = 4.4
# Frames: the path in a cell of one by one, and how thick it is.
_FRAMES = {
    "─": ("M0 .5H1", 1.6), "━": ("M0 .5H1", 4.5), "╌": ("M.1 .5H.4M.6 .5H.9", 1.6), "│": ("M.5 0V1", 1.6),
    "╭": ("M.5 1V.7Q.5 .5 .9 .5H1", 1.6), "╮": ("M.5 1V.7Q.5 .5 .1 .5H0", 1.6),
    "╰": ("M.5 0V.3Q.5 .5 .9 .5H1", 1.6), "╯": ("M.5 0V.3Q.5 .5 .1 .5H0", 1.6),
}  # fmt: skip
_SPAN = re.compile(r'<text class="(t-r\d+)" x="([^"]+)" y="([^"]+)"[^>]*>([^<]*)</text>')
_PART = re.compile(r"[\u2800-\u28ff]+|([─━╌│╭╮╰╯])\1*|[^\u2800-\u28ff─━╌│╭╮╰╯]+")


def picture(shown: RenderableType, title: str, *, width: int, height: int) -> str:
    """Draw what is shown on a terminal of so many characters."""
    console = Console(
        record=True, width=width, height=height, file=io.StringIO(), force_terminal=True,
        color_system="truecolor", legacy_windows=False, highlight=False, markup=False, emoji=False,
    )  # fmt: skip
    console.print(shown)
    words = "\n".join(line.rstrip() for line in console.export_text(clear=False).splitlines())
    svg = console.export_svg(title=title, theme=_THEME, code_format=_form(title, words), unique_id="t")
    svg = _SPAN.sub(lambda found: "".join(_redrawn(*found.groups())), svg)
    # What clips each line cuts nothing off here, and is half of the file.
    svg = re.sub(r'<clipPath id="t-line-.*?</clipPath>', "", svg, flags=re.DOTALL)
    svg = re.sub(r"\.(t-r\d+) \{ fill: (#\w+)", r"path.\1 { fill: none; stroke: \2 } text.\1 { fill: \2", svg)
    # The description keeps its spaces; of all else no space matters.
    head, desc, rest = re.split(r"(<desc.*?</desc>)", svg, flags=re.DOTALL)
    return f"{_tight(head)}{desc}\n{_tight(rest)}"


def text(svg: str) -> list[str]:
    """The lines of the screen that a picture shows."""
    return unescape(re.findall(r"<desc[^>]*>(.*?)</desc>", svg, flags=re.DOTALL)[0]).splitlines()


def _form(title: str, words: str) -> str:
    """Rich's form without the fonts that it would fetch, and with words for who cannot see it."""
    form = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    form = form.replace("Fira Code, monospace", _FONTS).replace("arial", "system-ui, sans-serif")
    form = form.replace("{styles}", "{styles} text {{ white-space: pre }}")
    said = f"<title>{escape(title)}</title><desc>{escape(words)}</desc>".replace("{", "{{").replace("}", "}}")
    return re.sub(r"<!--.*?-->", lambda _: said, form)


def _tight(part: str) -> str:
    return "".join(line.strip() + "\n" for line in part.splitlines() if line.strip())


def _redrawn(style: str, x: str, y: str, escaped: str) -> Iterator[str]:
    """A span of text: its letters as text, all else as shapes."""
    words, left, top = unescape(escaped), float(x), float(y) - _BASELINE
    for found in _PART.finditer(words):
        part, at = found[0], left + _WIDE * cell_len(words[: found.start()])
        if "\u2800" <= part[0] <= "\u28ff":
            yield _path(style, _dots(part, at, top), _DOT, "round")
        elif part[0] in _FRAMES:
            yield _path(style, _frame(part, at, top), _FRAMES[part[0]][1], "butt")
        elif part.strip("\xa0 "):
            yield _letters(style, part, at, top + _BASELINE)


def _letters(style: str, part: str, x: float, y: float) -> str:
    """Text that is as wide as its cells, whatever the font."""
    bare = part.rstrip("\xa0 ")
    place = f'x="{x:.6g}" y="{y:.6g}" textLength="{_WIDE * cell_len(bare):.6g}"'
    return f'<text class="{style}" {place}>{escape(bare)}</text>'


def _path(style: str, drawn: str, thick: float, ends: str) -> str:
    return (
        f'<path class="{style}" stroke-width="{thick}" stroke-linecap="{ends}" d="{drawn}"/>' if drawn else ""
    )


def _dots(part: str, left: float, top: float) -> str:
    """Dots as lines without length; columns and rows are equally far apart, over cells too."""
    step_x, step_y = _WIDE / 2, _HIGH / 4
    return "".join(
        f"M{left + (2 * i + x + 0.5) * step_x:.5g} {top + (y + 0.5) * step_y:.5g}h0"
        for i, one in enumerate(part)
        for bit, (x, y) in enumerate(_DOTS)
        if ord(one) >> bit & 1
    )


def _frame(part: str, left: float, top: float) -> str:
    """A frame's piece, in the cells that it takes; a straight one is a line over all of them."""
    form = _FRAMES[part[0]][0]
    if part[0] in "─━":
        return f"M{left:.6g} {top + _HIGH / 2:.6g}h{_WIDE * len(part):.6g}"
    return "".join(_placed(form, left + i * _WIDE, top) for i in range(len(part)))


def _placed(form: str, left: float, top: float) -> str:
    """A form of one by one, moved and stretched into a cell."""
    out = []
    for letter, numbers in re.findall(r"([MHVQ])([^MHVQ]*)", form):
        values = [float(number) for number in numbers.split()]
        across = [letter == "H" or (letter != "V" and i % 2 == 0) for i in range(len(values))]
        placed = (left + v * _WIDE if x else top + v * _HIGH for v, x in zip(values, across, strict=True))
        out.append(letter + " ".join(f"{value:.6g}" for value in placed))
    return "".join(out)
