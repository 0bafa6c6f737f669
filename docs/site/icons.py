"""The icons of the phone app as a browser draws them from their SVG.

Usage: PYTHONPATH=tests/browser:tests/phone python docs/site/icons.py
"""

from __future__ import annotations

import base64
from pathlib import Path

from devtools import Page
from pictures import tab

ROOT = Path(__file__).resolve().parents[2]
ICONS = ROOT / "edge" / "phone" / "app" / "icons"
ROUND = ROOT / "edge" / "ecgedge" / "sinks" / "web" / "page" / "icon.svg"
# Android cuts a maskable icon to its own shape: that one fills the square, its drawing keeps to the middle.
SIZES = {
    "icon-192.png": (ROUND, 192),
    "icon-512.png": (ROUND, 512),
    "maskable-512.png": (ICONS / "maskable.svg", 512),
}
FILLS = (
    "(e => { for (const side of ['width', 'height']) e.setAttribute(side, %d); })(document.documentElement)"
)


def draw(browser: Page, svg: Path, size: int) -> bytes:
    """Draw an icon so many pixels wide, with nothing behind it."""
    browser.call("Emulation.setDefaultBackgroundColorOverride", color={"r": 0, "g": 0, "b": 0, "a": 0})
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=size, height=size, deviceScaleFactor=1, mobile=False
    )
    browser.open(svg)
    browser.evaluate(FILLS % size)
    return base64.b64decode(browser.call("Page.captureScreenshot", format="png")["data"])


if __name__ == "__main__":
    with tab() as page:
        for name, (drawing, pixels) in SIZES.items():
            (ICONS / name).write_bytes(draw(page, drawing, pixels))
