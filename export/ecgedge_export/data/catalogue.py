"""The data sets that can be read: what they are, under which terms, and where their publisher keeps them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.data import places


@dataclass(frozen=True, slots=True)
class Dataset:
    """One data set.

    Parameters
    ----------
    name, what, licence, size, citation : str
        For the reader. The terms on the publisher's page are the ones that count.
    release : str
        Path of the release below ``https://physionet.org/files/``.
    folders : tuple of str
        Folder names under which it is looked for, besides its own name.
    archive : str
        Name of a ``.tar.xz`` of the first folder, without suffix; ``name`` where it is empty.
    files : tuple of str
        Patterns of the files that the adapter needs.
    """

    name: str
    what: str
    licence: str
    size: str
    citation: str
    release: str
    folders: tuple[str, ...]
    archive: str = ""
    files: tuple[str, ...] = ("*",)

    @property
    def page(self) -> str:
        """Address of the page that describes the release."""
        return f"https://physionet.org/content/{self.release}/"

    @property
    def _names(self) -> tuple[str, ...]:
        # The last two are what a recursive download leaves behind.
        return (*self.folders, self.name, self.release, f"physionet.org/files/{self.release}")

    def located(self) -> Path | None:
        """Folder or archive of the data set, None where it is not at hand; unpacks nothing."""
        return places.locate(self.archive or self.name, *self._names)

    def folder(self) -> Path:
        """Folder of the data set, unpacked if need be.

        Raises
        ------
        ConfigError
            It is not at hand.
        """
        return places.find(self.archive or self.name, *self._names)


_ALL = (
    Dataset(
        "cinc2017", "8,528 hand-held lead-I recordings of 9 to 61 s at 300 Hz: N, A, O, ~", "ODC-By 1.0",
        "0.2 GB", "Clifford et al., Computing in Cardiology 44, 2017", "challenge-2017/1.0.0",
        ("training2017",), files=("training/*", "REFERENCE-v3.csv"),
    ),
    Dataset(
        "mitdb", "48 half hours of two leads at 360 Hz, every beat and rhythm annotated", "ODC-By 1.0",
        "0.1 GB", "Moody and Mark, IEEE Eng Med Biol 20(3), 2001", "mitdb/1.0.0",
        ("mitdb", "mit-bih-arrhythmia-database-1.0.0"), files=("[12]??.*", "RECORDS"),
    ),
    Dataset(
        "nstdb", "baseline wander, electrode motion and muscle noise, half an hour each, at 360 Hz",
        "ODC-By 1.0", "0.1 GB", "Moody, Muldrow and Mark, Computers in Cardiology 11, 1984", "nstdb/1.0.0",
        ("nstdb", "mit-bih-noise-stress-test-database-1.0.0"), files=("*.dat", "*.hea", "*.atr", "RECORDS"),
    ),
    Dataset(
        "ptb-xl", "21,799 twelve-lead recordings of 10 s, here at 100 Hz, with SCP-ECG statements",
        "CC BY 4.0", "0.6 GB", "Wagner et al., Scientific Data 7:154, 2020", "ptb-xl/1.0.3",
        ("ptb-xl", "ptb-xl-a-large-publicly-available-electrocardiography-dataset-1.0.3"),
        files=("ptbxl_database.csv", "scp_statements.csv", "records100/*"),
    ),
    Dataset(
        "afdb", "23 ten-hour recordings of two leads at 250 Hz, mostly paroxysmal AF", "ODC-By 1.0",
        "0.6 GB", "Moody and Mark, Computers in Cardiology 10, 1983", "afdb/1.0.0",
        ("afdb", "mit-bih-atrial-fibrillation-database-1.0.0"),
        files=("*.dat", "*.hea", "*.atr", "*.qrs", "*.qrsc", "RECORDS"),
    ),
    Dataset(
        "ltafdb", "84 day-long recordings of two leads at 128 Hz, beats and rhythms annotated", "ODC-By 1.0",
        "3.5 GB", "Petrutiu, Sahakian and Swiryn, Europace 9(7), 2007", "ltafdb/1.0.0",
        ("ltafdb", "long-term-af-database-1.0.0"), files=("*.dat", "*.hea", "*.atr", "RECORDS"),
    ),
    Dataset(
        "shdb-af", "128 day-long recordings of 122 people, two leads at 200 Hz, AF episodes in 98",
        "ODC-By 1.0", "9 GB", "Tsutsui et al., Scientific Data 12, 2025", "shdb-af/1.0.1",
        ("shdb-af", "shdb-af-a-japanese-holter-ecg-database-of-atrial-fibrillation-1.0.1"),
    ),
    Dataset(
        "icentia11k", "11,000 people, two weeks of one chest lead at 250 Hz in pieces of 70 minutes",
        "CC BY-NC-SA 4.0", "1.1 TB", "Tan et al., Computing in Cardiology 48, 2021",
        "icentia11k-continuous-ecg/1.0",
        ("icentia11k", "icentia11k-single-lead-continuous-raw-electrocardiogram-dataset-1.0"),
    ),
    Dataset(
        "cpsc2021", "1,436 pieces of ambulatory leads I and II at 200 Hz, AF episodes annotated", "CC BY 4.0",
        "1 GB", "Wang et al., The 4th China Physiological Signal Challenge, 2021", "cpsc2021/1.0.0",
        (
            "cpsc2021",
            "paroxysmal-atrial-fibrillation-events-detection-from-dynamic-ecg-recordings-the-4th-china-"
            "physiological-signal-challenge-2021-1.0.0",
        ),
        files=("Training_set_*", "RECORDS"),
    ),
    Dataset(
        "cinc2011", "998 twelve-lead recordings of 10 s at 500 Hz, acceptable or not", "ODC-By 1.0",
        "0.2 GB", "Silva, Moody and Celi, Computing in Cardiology 38, 2011", "challenge-2011/1.0.0",
        ("set-a-lead-i", "set-a"), archive="cinc2011-set-a-lead-i", files=("set-a/*",),
    ),
)  # fmt: skip
DATASETS = {d.name: d for d in _ALL}


def dataset(name: str) -> Dataset:
    """Look a data set up.

    Raises
    ------
    ConfigError
        There is none of this name; the message has the nearest one.
    """
    if name in DATASETS:
        return DATASETS[name]
    near = difflib.get_close_matches(name, DATASETS, 1, 0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(DATASETS)}"
    raise ConfigError(f"no data set is called {name!r}: {hint}")
