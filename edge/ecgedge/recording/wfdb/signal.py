"""One signal of a WFDB record, from its file, chunk by chunk; memory does not grow with the file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecgedge.recording.wfdb.decode import FORMATS, Format
from ecgedge.recording.wfdb.header import Header, SignalLine
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import open_file

__all__ = ["SignalFile", "open_signal"]

Float = npt.NDArray[np.float64]

_CHUNK_BYTES = 1 << 20
_MOST_SKEW_S = 60.0  # skew is that of a tape's heads, milliseconds; a large one is damage


@dataclass(frozen=True, slots=True)
class SignalFile:
    """Where the samples of one signal lie: ``at`` of ``per_frame`` samples in a frame of ``width`` of all.

    ``frames`` is how many the file holds; 0 with a ``file`` that is not there.
    """

    file: Path
    line: SignalLine
    layout: Format
    width: int
    at: int
    frames: int

    @property
    def per_frame(self) -> int:
        """Samples of this signal in a frame."""
        return self.line.per_frame

    def values(self, frames: int) -> Iterator[Float]:
        """Yield samples in the signal's unit, NaN where they are missing, until ``frames`` frames."""
        raw = self._raw()
        skip = self.line.skew * self.per_frame
        left = frames * self.per_frame
        for part in raw:
            kept = part[skip:]
            skip = max(0, skip - len(part))
            kept = kept[:left]
            if len(kept):
                yield kept
            left -= len(kept)
            if not left:
                return

    def _raw(self) -> Iterator[Float]:
        layout = self.layout
        # A chunk is whole frames in whole groups, so that each begins at a byte.
        unit = math.lcm(self.width, layout.group)
        chunk = max(1, _CHUNK_BYTES // (unit // layout.group * layout.size)) * unit
        total = float(self.line.initial)
        left = self.frames * self.width
        try:
            with open_file(self.file) as file:
                file.seek(self.line.offset)
                while left > 0:
                    count = min(chunk, left)
                    data = file.read(layout.bytes_of(count))
                    frames = self._frames(data, count)
                    if frames is None:
                        return
                    values = frames.ravel().astype(np.float64)
                    if layout.missing is None:
                        values = total + np.cumsum(values)
                        total = float(values[-1])
                    else:
                        values[values == layout.missing] = np.nan
                    yield (values - self.line.baseline) / self.line.gain
                    left -= count
        except OSError as error:
            raise ConfigError(f"cannot read {self.file}: {error.strerror}: check its permissions") from error

    def _frames(self, data: bytes, count: int) -> npt.NDArray[np.int64] | None:
        """This signal's samples of whole frames; None where the file ends."""
        count = min(count, self.layout.samples_in(len(data)))
        count -= count % self.width
        if not count:
            return None
        padded = data + bytes(-len(data) % self.layout.size)
        samples = self.layout.decode(np.frombuffer(padded, np.uint8))[:count]
        return samples.reshape(-1, self.width)[:, self.at : self.at + self.per_frame]


def open_signal(header: Header, index: int) -> SignalFile | None:
    """Find a signal's samples; None where its format is one that only the wfdb library reads.

    Raises
    ------
    ConfigError
        The signal file is not there, or the header cannot be right.
    """
    line = header.signals[index]
    layout = FORMATS.get(line.format)
    if layout is None:
        return None
    together = [i for i, other in enumerate(header.signals) if other.file == line.file]
    if any(header.signals[i].format != line.format for i in together):
        raise _bad(header, "one signal file in two formats")
    if line.skew * line.per_frame > _MOST_SKEW_S * header.fs * line.per_frame:
        raise _bad(header, f"a skew of {line.skew} samples")
    width = sum(header.signals[i].per_frame for i in together)
    at = sum(header.signals[i].per_frame for i in together if i < index)
    offset = header.signals[together[0]].offset
    file = header.path.with_name(line.file)
    try:
        size = file.stat().st_size - offset
    except OSError as error:
        raise _bad(header, f"its signal file {line.file} is missing ({error.strerror})") from error
    if not file.is_file():
        raise _bad(header, f"its signal file {line.file} is no file")
    frames = layout.samples_in(max(0, size)) // width
    return SignalFile(file, line, layout, width, at, frames)


def _bad(header: Header, why: str) -> ConfigError:
    return ConfigError(
        f"cannot read the WFDB record {header.path.with_suffix('')}: {why}: check its .hea and signal file"
    )
