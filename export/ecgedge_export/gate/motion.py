"""Motion artefacts of wearable electrodes: rest, arm movement, stairs, walking, squats; graded in pieces.

The recordings are GPL-3.0 and lie in one file of arrays, not in a layout of PhysioNet: they serve to train
and test the noise gate alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecgedge_export.archives import npz
from ecgedge_export.data import find

FOLDER = "motion-artefacts-gpl3"
# The file does not give the recorder's gain. PhysioNet's is 200 for most: a flat line is then seen as flat.
COUNTS_PER_MV = 200.0


@dataclass(frozen=True, slots=True)
class Graded:
    """A recording whose pieces are graded from 1 (clean) to 4 (nothing can be seen).

    ``mv`` is float32 of shape (n,) at ``fs`` Hz, its gain a guess; ``person`` is its wearer, ``pieces`` are
    rows of (start, end, grade) in samples.
    """

    id: str
    person: int
    mv: npt.NDArray[np.float32]
    fs: float
    pieces: npt.NDArray[np.int64]

    def grades(self, start_s: float, end_s: float) -> npt.NDArray[np.int64]:
        """Grades of the pieces that lie in a stretch with half of their length at least."""
        middle = (self.pieces[:, 0] + self.pieces[:, 1]) / 2 / self.fs
        grades: npt.NDArray[np.int64] = self.pieces[(middle >= start_s) & (middle < end_s), 2]
        return grades


def recordings() -> Iterator[Graded]:
    """Yield the recordings, in the order of the file.

    Raises
    ------
    ConfigError
        The data set is not at hand.
    """
    with npz(find(FOLDER, FOLDER) / "motion.npz", "get the data set again") as z:
        columns = z["label_cols"].tolist()
        wanted = [columns.index(name) for name in ("start", "end", "artifact")]
        for i, name in enumerate(z["record"].tolist()):
            (a, b), (c, d) = z["offsets"][i : i + 2], z["label_offsets"][i : i + 2]
            mv = z["adc"][a:b].astype(np.float32) / np.float32(COUNTS_PER_MV)
            pieces = z["labels"][c:d, wanted].astype(np.int64)
            yield Graded(name, int(z["subject"][i]), mv, float(z["fs"][i]), pieces)
