"""``evaluate burden`` on files in the layout of SHDB-AF that the test writes, with exact intervals."""

import json
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import wfdb
from typer.testing import CliRunner

from ecgedge import Monitor
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.burden import run as burden
from ecgedge_export.burden.run import RAW, Asked, run
from ecgedge_export.burden.stream import Seen, observe
from ecgedge_export.burden.text import table
from ecgedge_export.cli import app

FS = 200.0
# Seconds of sinus rhythm, AF, flutter (to the labels alone), sinus rhythm
PLAN = (("sinus", 420.0, "(N"), ("af", 300.0, "(AFIB"), ("af", 120.0, "(AFL"), ("sinus", 360.0, "(N"))


def put(folder: Path, name: str, seed: int, annotated: bool = True) -> None:
    """Write a record as the release has them: int16 scaled to its channel, comments at every beat."""
    made = synthesize([Segment(kind, seconds, 75.0) for kind, seconds, _ in PLAN], FS, seed)
    gain, baseline = 8105.233566939608, -270
    counts = np.round(made.mv * gain + baseline).clip(-32767, 32767).astype("<i2")
    np.stack([counts, np.full_like(counts, 408)], axis=1).tofile(folder / f"{name}.dat")
    (folder / f"{name}.hea").write_text(
        f"{name} 2 200 {len(counts)}\n"
        f"{name}.dat 16 {gain}({baseline})/mV 16 0 0 0 0 ECG1\n"
        f"{name}.dat 16 11470.6(543)/mV 16 0 408 0 0 ECG2\n"
    )
    beats = [40 + i * 160 for i in range(len(counts) // 160)]
    at = np.unique(np.array([*beats, *starts()], np.int64))
    wfdb.wrann(name, "qrs", at, ["N"] * len(at), fs=200, write_dir=str(folder))
    if annotated:
        names = {start: text for start, (_, _, text) in zip(starts(), PLAN, strict=True)}
        texts = [names.get(int(i), "") for i in at]
        wfdb.wrann(name, "atr", at, ['"'] * len(at), aux_note=texts, fs=200, write_dir=str(folder))


def starts() -> list[int]:
    """Where each part begins, the first one at the first beat: what is at 0 belongs to the file's head."""
    return [max(40, round(FS * sum(s for _, s, _ in PLAN[:i]))) for i in range(len(PLAN))]


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A small SHDB-AF: two people with three annotated recordings, and one that has none."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "shdb-af"
    folder.mkdir()
    for i, name in enumerate(("001", "002", "003", "020")):
        put(folder, name, i, annotated=name != "003")
    (folder / "005.hea").write_text((folder / "001.hea").read_text().replace("001", "005"))
    for suffix in ("dat", "qrs", "atr"):
        (folder / f"005.{suffix}").write_bytes((folder / f"001.{suffix}").read_bytes())
    (folder / "AdditionalData.csv").write_text(
        "Data_ID,Subject_ID,Annotated,Age_at_Holter,Sex\n"
        "001,11,True,65,M\n002,12,True,62,F\n003,13,False,,M\n005,11,True,68,M\n020,11,True,71,M\n"
    )
    return root


@pytest.fixture
def at_hand(release, tmp_path, monkeypatch):
    """The release alone is at hand."""
    monkeypatch.setenv("ECGEDGE_DATA", str(release))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return release


def test_the_release_is_scored_with_exact_intervals(at_hand, tmp_path):
    said: list[str] = []
    found = run(Asked(work=tmp_path / "work", out=tmp_path / "out"), said.append)
    # 020 is 005 again; 003 has no rhythms; nothing is at hand to teach the arm of intervals.
    assert found["skipped"] == {"003": "it has no rhythm annotations"}
    assert any(line.startswith("RR only: left out") for line in said)
    of_af, either = found["AF"][RAW], found["AF or flutter"][RAW]
    assert (of_af["recordings"], of_af["patients"]) == (3, 2)
    # Behind five minutes of learning: 120 s of sinus rhythm, AF, flutter, 360 s; flutter counts once merged.
    row = of_af["by_record"]["001"]
    assert row["burden"] == pytest.approx(100 * 300 / 780, abs=0.01)
    assert either["by_record"]["001"]["burden"] == pytest.approx(100 * 420 / 900, abs=0.01)
    assert found["flutter"]["hours"] == pytest.approx(3 * 120 / 3600, abs=0.01)
    # The made AF is plain: what is found of it is off by less than two windows of the model.
    assert row["episode Se"] == 100.0
    assert abs(row["burden found"] - row["burden"]) < 100 * 61 / 780
    assert row["window F1"] > 85
    assert found["runtime"]["usable"] > 95
    assert json.loads((tmp_path / "out" / "burden.json").read_text()) == found
    assert "AF or flutter: 3 recordings of 2 patients" in (tmp_path / "out" / "burden.txt").read_text()


def test_a_run_goes_on_from_what_was_seen(at_hand, tmp_path, monkeypatch):
    how = Asked(work=tmp_path / "work", records=["001"])
    first = run(how)

    def never(*_: object) -> Seen:
        raise AssertionError("the recording was read again")

    monkeypatch.setattr(burden, "observe", never)
    assert run(how) == first
    with pytest.raises(AssertionError):
        run(Asked(work=tmp_path / "work", records=["001"], lead=1))


def test_two_processes_find_the_same_as_one(at_hand, tmp_path):
    pytest.importorskip("distributed", reason="the extra scale is not installed")
    one = run(Asked(work=tmp_path / "one", records=["001"]))
    assert run(Asked(work=tmp_path / "two", records=["001"], workers=2)) == one


def test_a_folder_of_records_and_the_command(at_hand, tmp_path):
    arguments = ["evaluate", "burden", str(at_hand / "shdb-af"), "--work", str(tmp_path / "work")]
    said = CliRunner().invoke(app, [*arguments, "--lead", "ECG1"])
    assert said.exit_code == 0, said.output
    assert "shdb-af, AF: 4 recordings of 4 patients" in said.output
    assert "skipped 003: it has no rhythm annotations" in said.output
    both = CliRunner().invoke(app, [*arguments, "--dataset", "mitdb"])
    assert both.exit_code == 2
    other = CliRunner().invoke(app, ["evaluate", "rhythm", str(at_hand)])
    assert other.exit_code == 2


def test_what_cannot_be_scored_is_said(at_hand, tmp_path):
    with pytest.raises(ConfigError, match="none of 1 recordings could be scored, such as 003"):
        run(Asked(work=tmp_path, records=["003"]))
    with pytest.raises(ConfigError, match="001 has no lead 'V9'"):
        run(Asked(work=tmp_path, records=["001"], lead="V9"))
    with pytest.raises(ConfigError, match="no data set"):
        run(Asked(work=tmp_path, dataset="shdb"))
    said: list[str] = []
    with pytest.raises(ConfigError, match="'ltafdb' is not in"):
        run(Asked(work=tmp_path, dataset="ltafdb"), said.append)
    assert said == []  # nothing was taught before


def test_a_broken_recording_is_skipped_and_the_others_are_scored(at_hand, tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(at_hand / "shdb-af", folder, ignore=shutil.ignore_patterns("00[235]*", "020*"))
    for suffix in ("hea", "atr"):
        text = (folder / f"001.{suffix}").read_bytes()
        (folder / f"009.{suffix}").write_bytes(text.replace(b"001", b"009"))
    (folder / "009.dat").write_bytes(b"\0" * 100)
    found = run(Asked(folder=folder, work=tmp_path / "work"))
    assert list(found["AF"][RAW]["by_record"]) == ["001"]
    assert "009" in found["skipped"]


def test_blocks_are_the_signal_in_pieces(at_hand):
    (record,) = data.shdbaf(["001"])
    pieces = list(record.blocks(0, seconds=7.003))
    assert max(map(len, pieces)) == 1401
    np.testing.assert_array_equal(np.concatenate(pieces), record.mv)
    with pytest.raises(ValueError, match="no lead"):
        next(record.blocks("V9"))


def test_memory_does_not_grow_with_the_length(tmp_path):
    def peak(hours: float) -> int:
        n = round(hours * 3600 * FS)
        t = np.arange(n) / FS
        (tmp_path / "1.hea").write_text(f"1 1 200 {n}\n1.dat 16 1000/mV 16 0 0 0 0 ECG1\n")
        np.round(900 * np.exp(-(((t % 0.8) - 0.4) ** 2) / 0.0003)).astype("<i2").tofile(tmp_path / "1.dat")
        del t
        record = data.Record("x", "1", tmp_path / "1", FS, n, ("ECG1",), "1")
        monitor = Monitor()
        tracemalloc.start()
        try:
            seen = observe(record, monitor)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert len(seen.beats) > hours * 4000

    # Both are longer than what is read at a time.
    short, long = peak(0.4), peak(0.8)
    # 0.4 h more: 1,800 beats, and a signal of 2.3 MB in float64 which is never there as a whole.
    assert long - short < 600_000


def test_what_was_seen_is_kept_exactly(tmp_path):
    seen = Seen((data.Episode(0, 50, "N"), data.Episode(50, 99, "AFIB")), np.array([3, 90]),
                np.array([True, False]), 0.5, float("nan"))  # fmt: skip
    seen.save(tmp_path / "a.npz")
    again = Seen.load(tmp_path / "a.npz")
    assert (again.rhythms, again.usable) == (seen.rhythms, 0.5)
    assert np.isnan(again.burden)
    np.testing.assert_array_equal(again.beats, seen.beats)
    np.testing.assert_array_equal(again.begins, seen.begins)
    (tmp_path / "a.npz").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="cannot be read"):
        Seen.load(tmp_path / "a.npz")


def test_beats_without_a_signal_are_scored_by_their_intervals(tmp_path):
    try:
        found = run(Asked(dataset="afdb-rr", work=tmp_path, few=12, records=["03665", "04126"]))
    except ConfigError as error:
        pytest.skip(str(error))
    assert list(found["AF"]) == ["RR only"]
    assert found["AF"]["RR only"]["hours"] == pytest.approx(2 * (10 - 1 / 12), abs=0.02)
    assert found["AF"]["RR only"]["gross"]["window F1"][0] > 60
    assert "RR only" in table(found)
