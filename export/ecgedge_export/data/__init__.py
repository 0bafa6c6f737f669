"""Data sets: one type of record, an adapter for each official layout, and a way to fetch and verify them.

Every adapter yields :class:`Record` and takes the ids that are wanted, in that order (all without a choice);
signals stay in their files until they are asked for. ``DATASETS`` says what there is, one row for each set.

>>> sorted(DATASETS)[:3], DATASETS["mitdb"].licence
(['afdb', 'cinc2011', 'cinc2017'], 'ODC-By 1.0')
"""

from __future__ import annotations

from ecgedge_export.data.catalogue import DATASETS, dataset
from ecgedge_export.data.databases.afdb import afdb
from ecgedge_export.data.databases.cinc2011 import cinc2011
from ecgedge_export.data.databases.cinc2017 import SAME_RECORDING, cinc2017
from ecgedge_export.data.databases.cpsc2021 import cpsc2021
from ecgedge_export.data.databases.icentia11k import icentia11k
from ecgedge_export.data.databases.ltafdb import ltafdb
from ecgedge_export.data.databases.mitdb import mitdb
from ecgedge_export.data.databases.nstdb import nstdb
from ecgedge_export.data.databases.ptbxl import SUPERCLASSES, ptbxl, superclasses
from ecgedge_export.data.databases.shdbaf import shdbaf
from ecgedge_export.data.dataset import Dataset
from ecgedge_export.data.places import cache_dir, data_roots, find
from ecgedge_export.data.record import AAMI, BEAT_SYMBOLS, Episode, Record, Wave

__all__ = [
    "AAMI",
    "BEAT_SYMBOLS",
    "DATASETS",
    "SAME_RECORDING",
    "SUPERCLASSES",
    "Dataset",
    "Episode",
    "Record",
    "Wave",
    "afdb",
    "cache_dir",
    "cinc2011",
    "cinc2017",
    "cpsc2021",
    "data_roots",
    "dataset",
    "find",
    "icentia11k",
    "ltafdb",
    "mitdb",
    "nstdb",
    "ptbxl",
    "shdbaf",
    "superclasses",
]
