"""Annotation files in the MIT format, as annot(5) lays them out.

A file is a row of 16-bit words, little-endian. The upper six bits of a word are a code, the lower ten a
number. An annotation is its code with the time in samples since the one before it; extra words follow it:
SUB, CHN and NUM hold a value, AUX a length, behind which the text stands, padded to whole words. Before an
annotation that is more than 1023 samples behind its predecessor stands SKIP with the distance in 32 bits,
the upper half first. A word of zeros ends the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["CODES", "LONGEST_AUX", "Annotation", "encode_annotations"]

# PhysioNet's ecgcodes.h: the symbols that beats, rhythms, noise, notes and waves have.
CODES = {
    "N": 1, "V": 5, "F": 6, "S": 9, "Q": 13, "~": 14, '"': 22, "p": 24, "t": 27, "+": 28, "(": 39, ")": 40,
}  # fmt: skip
# Readers in C keep the length of a text in one byte.
LONGEST_AUX = 255
_SKIP, _NUM, _SUB, _AUX = 59, 60, 61, 63
_MOST_DISTANCE, _MOST_SKIP = 1023, 0x7FFFFFFF
_WORD = struct.Struct("<H")
_SKIPPED = struct.Struct("<HHH")


class Annotation(NamedTuple):
    """One annotation.

    Parameters
    ----------
    sample : int
        Its place.
    symbol : str
        A key of :data:`CODES`.
    subtype, num : int
        From -128 to 127; of a "~" the bits of ``subtype`` say which signals are noisy.
    text : str
        Latin-1, at most 255 characters.
    """

    sample: int
    symbol: str
    subtype: int = 0
    num: int = 0
    text: str = ""


def encode_annotations(annotations: Iterable[Annotation], fs: float | None = None) -> Iterator[bytes]:
    r"""Yield the bytes of an annotation file, piece by piece.

    Parameters
    ----------
    annotations : iterable of Annotation
        In the order of time.
    fs : float, optional
        Rate in Hz that samples are counted at; with it no header has to lie beside the file.

    Raises
    ------
    ValueError
        A time before the one before it, an unknown symbol, or a text that is too long or not Latin-1.

    Examples
    --------
    >>> b"".join(encode_annotations([Annotation(18, "+", text="(N"), Annotation(77, "N")])).hex(" ", 2)
    '1270 02fc 284e 3b04 0000'
    """
    if fs is not None:
        yield _one(Annotation(0, '"', text=f"## time resolution: {fs:.12g}"), 0, 0)
    at = num = 0
    for annotation in annotations:
        if annotation.sample < at:
            raise ValueError(f"an annotation at sample {annotation.sample} behind one at {at}")
        yield _one(annotation, annotation.sample - at, num)
        at, num = annotation.sample, annotation.num
    yield bytes(2)


def _one(annotation: Annotation, distance: int, num_before: int) -> bytes:
    if annotation.symbol not in CODES:
        raise ValueError(f"no annotation has the symbol {annotation.symbol!r}")
    words = b""
    while distance > _MOST_DISTANCE:
        skipped = min(distance, _MOST_SKIP)
        words += _SKIPPED.pack(_SKIP << 10, skipped >> 16, skipped & 0xFFFF)
        distance -= skipped
    words += _WORD.pack(CODES[annotation.symbol] << 10 | distance)
    # NUM holds until it changes, SUB for one annotation.
    if annotation.num != num_before:
        words += struct.pack("<bB", annotation.num, _NUM << 2)
    if annotation.subtype:
        words += struct.pack("<bB", annotation.subtype, _SUB << 2)
    if annotation.text:
        text = annotation.text.encode("latin-1")
        if len(text) > LONGEST_AUX:
            raise ValueError(f"a text of {len(text)} characters: give at most {LONGEST_AUX}")
        words += _WORD.pack(_AUX << 10 | len(text)) + text + bytes(len(text) % 2)
    return words
