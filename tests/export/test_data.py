"""Data sets in their official layout, made small by the test."""

import tarfile

import numpy as np
import pytest
import wfdb

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data, prepare


@pytest.fixture
def roots(tmp_path, monkeypatch):
    """An empty data folder and an empty cache."""
    monkeypatch.setenv("ECGEDGE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path


def write_cinc(folder, labels):
    folder.mkdir()
    t = np.arange(3000) / 300
    for i, name in enumerate(labels):
        mv = np.sin(2 * np.pi * (i + 1) * t)[:, None]
        wfdb.wrsamp(
            name, fs=300, units=["mV"], sig_name=["ECG"], p_signal=mv, fmt=["16"], write_dir=str(folder)
        )
    (folder / "REFERENCE-v3.csv").write_text("".join(f"{k},{v}\n" for k, v in labels.items()))


def test_cinc2017_from_a_folder(roots):
    write_cinc(roots / "data" / "training2017", {"A00002": "A", "A00001": "N"})
    records = list(data.cinc2017())
    assert [(r.id, r.label, r.fs, r.mv.dtype) for r in records] == [
        ("A00001", "N", 300.0, np.float32),
        ("A00002", "A", 300.0, np.float32),
    ]
    prepared = prepare.cinc2017(100.0)
    assert prepared.ids == ["A00001", "A00002"]
    assert [len(s) for s in prepared.signals] == [1000, 1000]
    again = prepare.cinc2017(100.0)  # from the cache
    np.testing.assert_array_equal(again.signals[1], prepared.signals[1])


def test_an_archive_is_unpacked_once(roots):
    write_cinc(roots / "training2017", {"A00001": "~"})
    with tarfile.open(roots / "data" / "cinc2017.tar.xz", "w:xz") as tar:
        tar.add(roots / "training2017", "training2017")
    assert [r.label for r in data.cinc2017()] == ["~"]
    (roots / "data" / "cinc2017.tar.xz").unlink()
    assert [r.label for r in data.cinc2017()] == ["~"]


def test_mitdb_beats_and_rhythms(roots):
    folder = roots / "data" / "mitdb"
    folder.mkdir()
    wfdb.wrsamp("100", fs=360, units=["mV", "mV"], sig_name=["MLII", "V5"], p_signal=np.zeros((3600, 2)),
                fmt=["212", "212"], write_dir=str(folder))  # fmt: skip
    wfdb.wrann("100", "atr", np.array([10, 370, 700, 1100]), ["+", "N", "V", "+"],
               aux_note=["(N", "", "", "(AFIB"], write_dir=str(folder))  # fmt: skip
    (record,) = data.mitdb(["100"])
    assert record.beats.tolist() == [370, 700]
    assert record.symbols == ["N", "V"]
    assert record.rhythms == [(10, "N"), (1100, "AFIB")]


def test_missing_data_says_what_to_do(roots):
    with pytest.raises(ConfigError, match="ECGEDGE_DATA"):
        next(data.cinc2017())
