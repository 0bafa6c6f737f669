"""Beats as words, as ``ecgedge save --tokens`` writes them: what is read is decoded, an approximation."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ecgedge.recording.blocks import Blocks, ReadNote, Wanted
from ecgedge.recording.rates import check_fs
from ecgedge.recording.source import Source
from ecgedge.tokens.coding import bundled, checked, stated
from ecgedge.tokens.decoder import pieces
from ecgedge.tokens.features import FS
from ecgedge.tokens.sentence import MAGIC, Sentence
from ecgedge_bridge.codes import NoteCode
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

__all__ = ["SUFFIX", "is_words", "read_words"]

SUFFIX = ".ecgt"
_MOST_BYTES = 256 << 20  # more than a year of beats


def is_words(source: Source) -> bool:
    """Whether these are words: by the first bytes, or damaged ones by their name."""
    return source.head.startswith(MAGIC) or source.path.suffix.lower() == SUFFIX


def read_words(source: Source, wanted: Wanted) -> Blocks:
    """Decode words, at 100 Hz or at the rate that is asked for."""
    try:
        with source.errors():
            data = source.stream.read(_MOST_BYTES + 1)
    finally:
        source.close()
    if (wanted.channel, wanted.unit) != (None, None):
        raise ConfigError(
            f"{source.name} holds beats as words, of one signal in mV: leave out channel and unit"
        )
    if len(data) > _MOST_BYTES:
        raise ConfigError(f"{source.name} has more than {_MOST_BYTES} bytes: cut it into years")
    try:
        sentence = Sentence.from_bytes(data)
    except ConfigError as error:
        raise ConfigError(f"{source.name}: {error}") from error
    checked(sentence, bundled())
    fs = FS if wanted.fs is None else check_fs(wanted.fs, "fs")
    known = stated(bundled())
    detail = (
        f"the signal was made again from {len(sentence)} words: shapes are approximate (median error on "
        f"other people {known.prd:.0f} % of the signal, correlation {known.correlation:.2f})"
    )
    notes = [ReadNote(NoteCode.DECODED, detail)]
    return Blocks(_blocks(sentence, fs), fs, start=sentence.start, notes=notes)


def _blocks(sentence: Sentence, fs: float) -> Iterator[SampleBlock]:
    size = math.ceil(fs)
    for first, mv in pieces(sentence, bundled().vocabulary, fs):
        for at in range(0, len(mv), size):
            yield SampleBlock(mv[at : at + size], fs, first + at)
