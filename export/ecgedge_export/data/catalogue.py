"""The data sets that can be read, in the order of docs/data.md: a new one is a module and its line here."""

from __future__ import annotations

from collections.abc import Mapping

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import hint
from ecgedge_export.data.databases import (
    afdb,
    cinc2011,
    cinc2017,
    cpsc2021,
    icentia11k,
    ltafdb,
    ludb,
    mitdb,
    nstdb,
    ptbxl,
    shdbaf,
    svdb,
)
from ecgedge_export.data.dataset import Dataset

# In the order of the table in docs/data.md: what trains first, then what waits for a network.
_ALL = (
    cinc2017.DATASET,
    mitdb.DATASET,
    nstdb.DATASET,
    ptbxl.DATASET,
    svdb.DATASET,
    ludb.DATASET,
    afdb.DATASET,
    ltafdb.DATASET,
    icentia11k.DATASET,
    cpsc2021.DATASET,
    shdbaf.DATASET,
    cinc2011.DATASET,
)
DATASETS: Mapping[str, Dataset] = {d.name: d for d in _ALL}


def dataset(name: str) -> Dataset:
    """Look a data set up.

    Raises
    ------
    ConfigError
        There is none of this name; the message has the nearest one.
    """
    if name not in DATASETS:
        raise ConfigError(f"no data set is called {name!r}: {hint(name, DATASETS)}")
    return DATASETS[name]
