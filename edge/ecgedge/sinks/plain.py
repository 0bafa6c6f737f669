"""Foreign text, made safe to show.

Names of devices, files, columns and tensors, and what a device says of itself, come from others. A terminal
obeys some characters: escape sequences fill the clipboard, a line feed forges a line of output, a
right-to-left override turns a file's ending around. Everything that is shown passes through :func:`plain`,
JSON aside, which escapes by its own rules.
"""

from __future__ import annotations

import unicodedata

__all__ = ["plain"]

# A line of a terminal window, ten times over. Longer foreign text hides what stands before and after it.
_LONGEST = 1000
_HEAD, _TAIL = 700, 200  # of a longer text; an error's advice stands at its end


def plain(text: str) -> str:
    r"""Return text on one line in which a terminal finds nothing to obey.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        At most about 1,000 characters. What cannot be printed (control and format characters, line ends,
        halves of surrogate pairs) is written as Python would escape it; other kinds of space become a space.

    Examples
    --------
    >>> plain("Polar\x1b[2J\nH10 \u202egpj.exe")
    'Polar\\x1b[2J\\nH10 \\u202egpj.exe'
    """
    if len(text) > _LONGEST:
        text = f"{text[:_HEAD]} … {text[-_TAIL:]}"
    return text if text.isprintable() else "".join(map(_plain_character, text))


def _plain_character(c: str) -> str:
    if c.isprintable():
        return c
    return " " if unicodedata.category(c) == "Zs" else c.encode("unicode_escape").decode("ascii")
