"""Lines of a text in whatever encoding, one at a time and of bounded length."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import NamedTuple

from ecgedge.recording.source import Source
from ecgedge_bridge.errors import ConfigError

__all__ = ["Line", "find_encoding", "text_lines"]

_HEAD_LINES = 50  # what may stand before the rows of an export
_ARROW = " -> "  # behind the time of each line in the Arduino IDE's serial monitor
MAX_LINE = 1_000_000  # characters; whoever keeps a recording in one line stays far below
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = bytes({*range(32), 127} - set(b"\t\n\v\f\r\x1a"))
_MOST_CONTROL = 0.02  # of the bytes; a text has none, a text with colours of a terminal few


class Line(NamedTuple):
    """A line: its number in the file, from 1, its text, and whether it has an end."""

    number: int
    text: str
    ended: bool


def find_encoding(head: bytes) -> str | None:
    """Tell the encoding from the first bytes; None where this is no text.

    Examples
    --------
    >>> find_encoding("ecg [µV]".encode()), find_encoding("ecg [µV]".encode("latin-1"))
    ('utf-8', 'latin-1')
    >>> find_encoding("ecg".encode("utf-16-le")), find_encoding(bytes(range(64)))
    ('utf-16-le', None)
    """
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    if b"\0" in head:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        # Text in UTF-16 has a zero beside nearly every character, and always on the same side.
        if max(even, odd) <= 0.4 * len(head) / 2 or min(even, odd):
            return None
        name = "utf-16-be" if even else "utf-16-le"
        text = head[: len(head) // 2 * 2].decode(name, errors="replace")
        return name if sum(c.isprintable() or c.isspace() for c in text) > 0.98 * len(text) else None
    if len(head) - len(head.translate(None, _CONTROL)) > _MOST_CONTROL * len(head):
        return None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def text_lines(source: Source) -> Iterator[Line]:
    """Yield the lines.

    Raises
    ------
    ConfigError
        A line is too long, or holds what no text does.
    """
    encoding = find_encoding(source.head)
    if encoding is None:
        raise _no_text(source, 1)
    stream = io.TextIOWrapper(source.stream, encoding=encoding, errors="replace")
    number = 0
    try:
        with source.errors():
            while text := stream.readline(MAX_LINE + 1):
                number += 1
                if len(text) > MAX_LINE:
                    raise ConfigError(
                        f"{source.name}, line {number}: longer than a million characters: "
                        "use a file with one sample in a line"
                    )
                if "\0" in text:
                    raise _no_text(source, number)
                plain = text.lstrip("\ufeff").replace(_ARROW, "\t")
                yield Line(number, plain, text.endswith("\n"))
    except ConfigError as error:
        if "damaged gzip" in str(error):
            raise ConfigError(f"{error} (good up to line {number})") from error
        raise
    finally:
        source.close()


def _no_text(source: Source, number: int) -> ConfigError:
    # A file that was text so far is a damaged one; of it everything before is analysed.
    advice = "use a WFDB record or a CSV file" if number < _HEAD_LINES else "cut the damaged rest off"
    return ConfigError(f"{source.name}, line {number}: this is not text: {advice}")
