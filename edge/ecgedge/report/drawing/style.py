"""Colours by name: in print, on a screen, and on a dark one."""

from __future__ import annotations

__all__ = ["CSS", "PAINTS", "paint"]

# Name: what it colours, on white and on black. Text keeps 4.5 to 1 against its ground (WCAG 2.2, AA); the
# hues of classes and rhythms differ in lightness too, so that they stay apart in grey.
PAINTS = {
    "paper": ("fill", "#fffdfc", "#17181c"),
    "fine": ("stroke", "#f8d9d7", "#33252a"),
    "strong": ("stroke", "#eea9a5", "#59363b"),
    "trace": ("stroke", "#15181e", "#f3f1ec"),
    "word": ("fill", "#2b303a", "#dfe1e6"),
    "faint": ("fill", "#5c6470", "#a7adb8"),
    "axis": ("stroke", "#8b929d", "#767d89"),
    "rule": ("stroke", "#e3e5e9", "#33363d"),
    "hatch": ("stroke", "#99a0ac", "#7b828f"),
    "lost": ("fill", "#eceef1", "#2a2d33"),
    "beat-N": ("fill", "#5c6470", "#a7adb8"),
    "beat-S": ("fill", "#0a558c", "#7cc4f5"),
    "beat-V": ("fill", "#a8320a", "#ff9d73"),
    "beat-F": ("fill", "#7a2d77", "#e39be0"),
    "beat-Q": ("fill", "#4b4f57", "#c3c7cf"),
    "rhythm-N": ("fill", "#5b9ab8", "#4f8fae"),
    "rhythm-A": ("fill", "#b8390e", "#f0764a"),
    "rhythm-O": ("fill", "#6a4c93", "#a98bd3"),
    "rhythm-noise": ("fill", "#9aa1ac", "#6d7480"),
    "line": ("stroke", "#0a558c", "#7cc4f5"),
    "band": ("fill", "#cfe3f0", "#24465c"),
    "bar": ("fill", "#3f86ad", "#5ba7cf"),
    "halo": ("stroke", "#ffffff", "#101114"),
    "dot-few": ("fill", "#7fb0d0", "#2f5a75"),
    "dot-some": ("fill", "#4a8fb9", "#4e92bb"),
    "dot": ("fill", "#0a558c", "#7cc4f5"),
    "mark": ("stroke", "#a8320a", "#ff9d73"),
}


def paint(name: str) -> dict[str, str]:
    """Return the attributes of an element in a colour of :data:`PAINTS`.

    Examples
    --------
    >>> paint("trace")
    {'class': 'trace', 'fill': 'none', 'stroke': '#15181e'}
    """
    what, light, _ = PAINTS[name]
    return {"class": name, "fill": "none", what: light} if what == "stroke" else {"class": name, what: light}


def _variables(column: int) -> str:
    return "".join(f"--ecg-{name}:{row[column]};" for name, row in PAINTS.items())


# For a page that holds drawings, once. `:where` counts for nothing, so that the page's own rules win; print
# is always light.
CSS = (
    f":where(svg.ecg){{{_variables(1)}}}\n"
    f"@media screen and (prefers-color-scheme:dark){{:where(svg.ecg){{{_variables(2)}}}}}\n"
    + "".join(f"svg.ecg .{name}{{{row[0]}:var(--ecg-{name})}}" for name, row in PAINTS.items())
    + "\nsvg.ecg{display:block;max-width:none}"
    # A narrow screen scrolls the drawing, never the page.
    "\n.ecg-drawing{overflow-x:auto;max-width:100%}"
    "\n@media print{.ecg-drawing{overflow:visible;max-width:none}svg.ecg{break-inside:avoid}}\n"
)
