"""What codes mean: where each lies for the encoder, and the wave that it stands for."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from ecgedge.artefacts.sealed import FIX
from ecgedge.tokens.features import Floats, N
from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.schema import integer

_STEPS = 127.0  # both tables are int8: a wave's height is one, so that a step is less than 1 % of it


@dataclass(frozen=True, slots=True)
class VocabularyFile:
    """Content of the weights file: base64 of int8, row by row; 127 stands for one."""

    size: Annotated[int, integer(2, 256)]
    dim: Annotated[int, integer(1, 1024)]
    codes: str
    waves: str


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """The words of a model.

    Parameters
    ----------
    codes : ndarray of float32, shape (k, dim)
        The code of a beat is the row with the largest scalar product.
    waves : ndarray of float32, shape (k, 96)
        The wave that each code stands for, in parts of its height; the R peak at place 48.
    """

    codes: Floats
    waves: Floats

    @classmethod
    def rounded(cls, codes: npt.NDArray[np.floating], waves: npt.NDArray[np.floating]) -> Vocabulary:
        """A vocabulary as its file will hold it: waves of height one, all in steps of a 127th."""
        height = np.ptp(waves, axis=1, keepdims=True)
        one = waves / np.where(height > 0, height, 1)
        return cls.read(_file(codes, one))

    def encoded(self) -> bytes:
        """The weights file."""
        made = _file(self.codes, self.waves)
        text = {"size": made.size, "dim": made.dim, "codes": made.codes, "waves": made.waves}
        return (json.dumps(text, indent=1) + "\n").encode()

    @classmethod
    def read(cls, file: VocabularyFile) -> Vocabulary:
        """Unpack a weights file.

        Raises
        ------
        ModelError
            The tables have another size than the file says.
        """
        return cls(_table(file.codes, file.size, file.dim), _table(file.waves, file.size, N))

    def __len__(self) -> int:
        return len(self.codes)


def _file(codes: npt.NDArray[np.floating], waves: npt.NDArray[np.floating]) -> VocabularyFile:
    return VocabularyFile(len(codes), codes.shape[1], _packed(codes), _packed(waves))


def _packed(rows: npt.NDArray[np.floating]) -> str:
    steps = np.rint(np.clip(rows, -1, 1) * _STEPS).astype(np.int8)
    return base64.b64encode(steps.tobytes()).decode()


def _table(text: str, rows: int, columns: int) -> Floats:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ModelError(f"the vocabulary cannot be read ({error}): {FIX}") from error
    if len(data) != rows * columns:
        raise ModelError(f"the vocabulary has {len(data)} values, not {rows} times {columns}: {FIX}")
    steps = np.frombuffer(data, np.int8).reshape(rows, columns)
    return steps.astype(np.float32) / np.float32(_STEPS)


def gains(words: Floats, waves: Floats) -> Floats:
    """Factor at which each wave fits its word best, where the word is not zero: shape (k,).

    Parameters
    ----------
    words : array, shape (k, 96)
        As :func:`ecgedge.tokens.features.word` cuts them, or in parts of their height.
    waves : array, shape (k, 96) or (1, 96)

    Examples
    --------
    >>> wave = np.zeros((1, N), np.float32)
    >>> wave[0, 40:50] = 0.5
    >>> gains(np.where(np.arange(N) < 45, 3 * wave, 0), wave).tolist()
    [3.0]
    """
    own = waves * (words != 0)
    power = (own * waves).sum(axis=1)
    fit: Floats = (own * words).sum(axis=1) / np.maximum(power, np.float32(1e-6))
    return fit
