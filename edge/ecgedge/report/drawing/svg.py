"""SVG as text: elements, numbers of few digits, words that cannot leave their place."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ecgedge.report.drawing.style import paint
from ecgedge.sinks.plain import plain

__all__ = [
    "at",
    "circle",
    "drawing",
    "ellipse",
    "number",
    "path",
    "polyline",
    "rectangle",
    "scrolling",
    "tag",
    "text",
]

Attributes = dict[str, "str | float"]
WORD_MM = 2.8  # 8 points


def number(mm: float) -> str:
    """Write millimetres to the hundredth, as short as SVG allows.

    Examples
    --------
    >>> number(12.0), number(-0.504), number(-0.001)
    ('12', '-.5', '0')
    """
    return _hundredths(round(mm * 100))


def at(x: float, y: float) -> str:
    """Write a place, as a path takes it."""
    return f"{number(x)} {number(y)}"


def _hundredths(value: int) -> str:
    if value % 100 == 0:
        return str(value // 100)
    whole, part = divmod(abs(value), 100)
    return f"{'-' if value < 0 else ''}{whole or ''}.{f'{part:02d}'.rstrip('0')}"


def tag(name: str, attributes: Attributes, *inside: str) -> str:
    """Write an element; numbers are millimetres, and what is inside is markup already."""
    listed = "".join(
        f' {key}="{escape(value) if isinstance(value, str) else number(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name}{listed}>{''.join(inside)}</{name}>" if inside else f"<{name}{listed}/>"


def drawing(width: float, height: float, label: str, *inside: str) -> str:
    """Write a whole drawing of a size in millimetres; ``label`` is what it is to those who do not see it."""
    attributes: Attributes = {
        "class": "ecg",
        "xmlns": "http://www.w3.org/2000/svg",
        "width": f"{number(width)}mm",
        "height": f"{number(height)}mm",
        "viewBox": f"0 0 {number(width)} {number(height)}",
        "role": "img",
        "aria-label": plain(label),
    }
    return tag("svg", attributes, tag("title", {}, escape(plain(label))), *inside)


def scrolling(*drawings: str) -> str:
    """Put drawings below each other, into a box that scrolls on a screen that is narrower than they are."""
    return tag("div", {"class": "ecg-drawing", "tabindex": "0"}, *drawings)


def text(
    x: float, y: float, words: str, *, colour: str = "word", anchor: str = "start", size: float = WORD_MM,
    bold: bool = False,
) -> str:  # fmt: skip
    """Write words whose line begins (or ends, ``anchor``) at a place."""
    attributes: Attributes = {"x": x, "y": y, **paint(colour), "font-size": size}
    if anchor != "start":
        attributes["text-anchor"] = anchor
    if bold:
        attributes["font-weight"] = "bold"
    return tag("text", attributes, escape(plain(words)))


def path(steps: str, colour: str, width: float | None = None, **more: str) -> str:
    """Write a path, with a line of ``width`` where its colour is one of lines."""
    attributes: Attributes = {"d": steps, **paint(colour)}
    if width is not None:
        attributes["stroke-width"] = width
    return tag("path", attributes | {key.replace("_", "-"): value for key, value in more.items()})


def rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    """Write a filled rectangle."""
    return tag("rect", {"x": x, "y": y, "width": width, "height": height, **paint(colour)})


def circle(x: float, y: float, radius: float, colour: str) -> str:
    """Write a filled circle."""
    return tag("circle", {"cx": x, "cy": y, "r": radius, **paint(colour)})


def ellipse(x: float, y: float, rx: float, ry: float, degrees: float, colour: str, width: float) -> str:
    """Write an ellipse, turned clockwise about its centre."""
    turn = f"rotate({degrees:g} {number(x)} {number(y)})"
    attributes: Attributes = {"cx": x, "cy": y, "rx": rx, "ry": ry, "transform": turn, **paint(colour)}
    return tag("ellipse", attributes | {"stroke-width": width})


def polyline(points: Iterable[tuple[float, float]]) -> str:
    """Return the steps of a path through points.

    They are differences of rounded places, not rounded differences, so that no error adds up.

    Examples
    --------
    >>> polyline([(0.0, 1.0), (0.333, 1.0), (0.666, 0.5)])
    'M0 1l.33 0 .34-.5'
    """
    places = [(round(x * 100), round(y * 100)) for x, y in points]
    if not places:
        return ""
    (x, y), steps = places[0], []
    start = f"M{_hundredths(x)} {_hundredths(y)}"
    for to_x, to_y in places[1:] or places:  # one point alone is a step of no length: a dot
        steps += [_hundredths(to_x - x), _hundredths(to_y - y)]
        x, y = to_x, to_y
    joined = "".join(f" {step}" if step[0] != "-" else step for step in steps)
    return f"{start}l{joined.removeprefix(' ')}"
