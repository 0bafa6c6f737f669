"""What teaches and tests the lead network: the eight independent leads of PTB-XL, filtered as live."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ecgedge.leads.features import FS, GUESSED
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data, prepare
from ecgedge_export.archives import npz

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

INDEPENDENT = ("I", *GUESSED)
"""Eight of twelve leads: the other four are sums of I and II."""
TAUGHT_FOLDS = range(1, 9)
CHOOSING_FOLD = 8  # where a recipe is chosen, by networks of the seven folds before it
TEST_FOLD = 9
_FRONT_END = "delete it, it is made again"


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Recordings of ten seconds.

    ``signals`` (n, 8, 1000) are :data:`INDEPENDENT` leads in mV behind the runtime's front end, ``patients``
    and ``folds`` (n,) the release's own.
    """

    ids: npt.NDArray[np.str_]
    patients: npt.NDArray[np.str_]
    folds: Indices
    signals: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, folds: Collection[int], limit: int | None = None) -> People:
        """Return the recordings of some folds, the first ``limit`` of them."""
        i = np.flatnonzero(np.isin(self.folds, list(folds)))[:limit]
        return People(self.ids[i], self.patients[i], self.folds[i], self.signals[i])

    def leads(self, names: Collection[str]) -> Floats:
        """Signals of some leads by name: (n, leads, 1000)."""
        return self.signals[:, [INDEPENDENT.index(name) for name in names]]


def people() -> People:
    """Read PTB-XL, filtered once and kept in the cache.

    Raises
    ------
    ConfigError
        The data set is not at hand, or the cache is damaged.
    """
    path = data.cache_dir() / "prepared" / f"ptb-xl-leads-{prepare.front_end_hash(FS)}.npz"
    if not path.is_file():
        made = _read()
        with atomic_file(path) as file:
            np.savez(file, id=made.ids, patient=made.patients, fold=made.folds, signal=made.signals)
    with npz(path, _FRONT_END) as z:
        return People(z["id"], z["patient"], z["fold"], z["signal"])


def _read() -> People:
    records = [record for record in data.ptbxl() if record.fold is not None]
    return People(
        np.array([record.id for record in records]),
        np.array([record.patient for record in records]),
        np.array([record.fold for record in records], np.int64),
        np.stack([_filtered(record) for record in records]),
    )


def _filtered(record: data.Record) -> Floats:
    signal = record.signal()
    names = [name.upper() for name in record.leads]
    return np.stack([prepare.filtered(signal[:, names.index(n)], record.fs, FS) for n in INDEPENDENT])
