"""Drawings as a reader has them: the elements of an SVG, and where its paths go."""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


class Point(NamedTuple):
    x: float
    y: float


def elements(drawn: str, name: str = "*", colour: str | None = None) -> list[ET.Element]:
    """Elements of a name, and of a class."""
    found = ET.fromstring(drawn).iter(f"{SVG}{name}" if name != "*" else None)
    return [each for each in found if colour is None or each.get("class") == colour]


def words(drawn: str) -> list[str]:
    return ["".join(each.itertext()) for each in elements(drawn, "text")]


def lines(path: ET.Element) -> list[list[Point]]:
    """Places that a path goes through, a list for each of its pieces."""
    steps = re.findall(r"[A-Za-z]|-?(?:\d+\.?\d*|\.\d+)", path.get("d", ""))
    found: list[list[Point]] = []
    x = y = 0.0
    at, command = 0, ""
    while at < len(steps):
        if steps[at].isalpha():
            command, at = steps[at], at + 1
        if command in "zZ":
            continue
        taken = 1 if command in "hHvV" else 2
        numbers = [float(step) for step in steps[at : at + taken]]
        at += taken
        if command in "hH":
            x = numbers[0] + (x if command == "h" else 0)
        elif command in "vV":
            y = numbers[0] + (y if command == "v" else 0)
        else:
            assert command in "mMlL", command
            x, y = (numbers[0] + x, numbers[1] + y) if command.islower() else (numbers[0], numbers[1])
        if command in "mM":
            found.append([])
            command = "l" if command == "m" else "L"
        found[-1].append(Point(x, y))
    return found


def size_mm(drawn: str) -> tuple[float, float]:
    """Width and height on paper."""
    root = ET.fromstring(drawn)
    width, height = root.get("width", ""), root.get("height", "")
    assert width.endswith("mm")
    assert height.endswith("mm")
    return float(width[:-2]), float(height[:-2])
