"""Adapters on data sets in their official layout, made small by the test."""

import tarfile
from pathlib import Path

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


def write_signal(path, fs, leads, seconds=10.0, fmt="16", units="mV", comments=()):
    """Write a record of sines, lead k at k + 1 Hz; return the samples in the file's units."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(seconds * fs)) / fs
    signal = np.stack([np.sin(2 * np.pi * (k + 1) * t) for k in range(len(leads))], axis=1)
    wfdb.wrsamp(
        path.name,
        fs=fs,
        units=[units] * len(leads),
        sig_name=list(leads),
        p_signal=signal,
        fmt=[fmt] * len(leads),
        write_dir=str(path.parent),
        comments=list(comments),
    )
    return signal


def write_marks(path, marks, extension="atr", subtype=None):
    """Write annotations given as (sample, symbol, text)."""
    at, symbols, texts = zip(*marks, strict=True)
    more = {} if subtype is None else {"subtype": np.array(subtype)}
    wfdb.wrann(path.name, extension, np.array(at), list(symbols), aux_note=list(texts),
               write_dir=str(path.parent), **more)  # fmt: skip


def spans(episodes):
    return [(e.start, e.end, e.name) for e in episodes]


def write_cinc(folder, labels, sub=lambda name: ""):
    for name in labels:
        write_signal(folder / sub(name) / name, 300, ["ECG"])


def write_reference(folder, labels):
    (folder / "REFERENCE-v3.csv").write_text("".join(f"{k},{v}\n" for k, v in labels.items()))


def test_cinc2017_from_the_challenges_folder(roots):
    labels = {"A00002": "A", "A00001": "N"}
    write_cinc(roots / "data" / "training2017", labels)
    write_reference(roots / "data" / "training2017", labels)
    records = list(data.cinc2017())
    assert [(r.id, r.label, r.fs, r.n_samples, r.mv.dtype) for r in records] == [
        ("A00001", "N", 300.0, 3000, np.float32),
        ("A00002", "A", 300.0, 3000, np.float32),
    ]
    prepared = prepare.cinc2017(100.0)
    assert prepared.ids == ["A00001", "A00002"]
    assert [len(s) for s in prepared.signals] == [1000, 1000]
    again = prepare.cinc2017(100.0)  # from the cache
    np.testing.assert_array_equal(again.signals[1], prepared.signals[1])


def test_cinc2017_from_physionet_leaves_out_the_repeated_validation_part(roots):
    labels = {"A00001": "N", "A01176": "O", "A00227": "O"}
    folder = roots / "data" / "challenge-2017" / "1.0.0"
    write_cinc(folder / "training", labels, lambda name: name[:3])
    write_cinc(folder / "validation", {"A00001": "N"})
    write_reference(folder, labels)
    records = list(data.cinc2017())
    assert [r.id for r in records] == ["A00001", "A00227", "A01176"]
    assert records[0].path.parent.name == "A00"
    assert [r.patient for r in records] == ["A00001", "A00227", "A00227"]


def test_cinc2017_needs_its_reference(roots):
    write_cinc(roots / "data" / "training2017", {"A00001": "N"})
    with pytest.raises(ConfigError, match=r"REFERENCE-v3\.csv"):
        next(data.cinc2017())


def test_an_archive_is_unpacked_once(roots):
    write_cinc(roots / "training2017", {"A00001": "~"})
    write_reference(roots / "training2017", {"A00001": "~"})
    with tarfile.open(roots / "data" / "cinc2017.tar.xz", "w:xz") as tar:
        tar.add(roots / "training2017", "training2017")
    assert [r.label for r in data.cinc2017()] == ["~"]
    (roots / "data" / "cinc2017.tar.xz").unlink()
    assert [r.label for r in data.cinc2017()] == ["~"]


def test_mitdb_has_everything(roots):
    folder = roots / "data" / "mitdb"
    comment = "69 M 1085 1629 x1"
    written = write_signal(folder / "100", 360, ["MLII", "V5"], fmt="212", comments=[comment, "Aldomet"])
    write_marks(
        folder / "100",
        [(10, "+", "(N\x00"), (370, "N", ""), (500, "~", ""), (700, "V", ""), (900, "~", ""),
         (1100, "+", "(AFIB"), (1200, "~", ""), (1300, "a", ""), (1400, "|", "")],
        subtype=[0, 0, 1, 0, 2, 0, -1, 0, 0],
    )  # fmt: skip
    write_signal(folder / "202", 360, ["MLII", "V1"], comments=["-1 F 0 0 x1"])
    write_signal(folder / "x_mitdb" / "x_108", 360, ["MLII", "V1"])
    first, second = data.mitdb()
    assert first.leads == ("MLII", "V5")
    assert first.beats.tolist() == [370, 700, 1300]
    assert first.beats.dtype == np.int64
    assert first.symbols.tolist() == ["N", "V", "a"]
    assert first.aami.tolist() == ["N", "V", "S"]
    assert spans(first.rhythms) == [(10, 1100, "N"), (1100, 3600, "AFIB")]
    assert spans(first.quality) == [(500, 900, "noisy"), (900, 1200, "clean"), (1200, 3600, "unreadable")]
    assert (first.rhythm_at(9), first.rhythm_at(1099), first.rhythm_at(1100)) == ("", "N", "AFIB")
    assert (first.age, first.sex, first.patient) == (69.0, "M", "100")
    assert (second.age, second.sex, second.patient) == (None, "F", "201")
    np.testing.assert_allclose(first.signal(), written, atol=2e-3)
    np.testing.assert_array_equal(first.signal(100, 130), first.signal()[100:130])
    np.testing.assert_array_equal(first.lead("V5"), first.signal()[:, 1])
    np.testing.assert_array_equal(first.mv, first.lead(0))


def test_a_choice_keeps_its_order_and_must_exist(roots):
    for name in ("100", "101"):
        write_signal(roots / "data" / "mitdb" / name, 360, ["MLII"])
    assert [r.id for r in data.mitdb(["101", "100"])] == ["101", "100"]
    with pytest.raises(ConfigError, match="mitdb has no record '999'"):
        list(data.mitdb(["999"]))
    (record,) = data.mitdb(["100"])
    with pytest.raises(ValueError, match="choose one of MLII"):
        record.lead("V5")
    with pytest.raises(ValueError, match="1 leads"):
        record.lead(-1)


def test_signals_are_read_when_they_are_asked_for(roots):
    write_signal(roots / "data" / "mitdb" / "100", 360, ["MLII"])
    (record,) = data.mitdb()
    (roots / "data" / "mitdb" / "100.dat").unlink()
    with pytest.raises(ConfigError, match="fetch or unpack"):
        _ = record.mv


def test_nstdb_noise_and_beats(roots):
    folder = roots / "data" / "nstdb"
    for name in ("bw", "em", "ma"):
        write_signal(folder / name, 360, ["noise1", "noise2"])
    for name in ("118e24", "119e_6"):
        write_signal(folder / name, 360, ["MLII", "V1"])
        write_marks(folder / name, [(100, "N", ""), (500, "V", "")])
    records = {r.id: r for r in data.nstdb()}
    assert {i: (r.label, r.patient, r.symbols.tolist()) for i, r in records.items()} == {
        "118e24": ("", "118", ["N", "V"]),
        "119e_6": ("", "119", ["N", "V"]),
        "bw": ("bw", "bw", []),
        "em": ("em", "em", []),
        "ma": ("ma", "ma", []),
    }
    noise = prepare.nstdb(100.0)
    assert {name: len(x) for name, x in noise.items()} == {"bw": 500, "em": 500, "ma": 500}


PTBXL_HEAD = "ecg_id,patient_id,age,sex,report,scp_codes,strat_fold,filename_lr,filename_hr\n"
TWELVE = ["I", "II", "III", "AVR", "AVL", "AVF", *(f"V{i}" for i in range(1, 7))]


def test_ptbxl_statements_people_and_folds(roots):
    folder = roots / "data" / "ptb-xl"
    for rate, at in ((100, "records100/00000/00034_lr"), (500, "records500/00000/00034_hr")):
        write_signal(folder / at, rate, TWELVE)
    rows = (
        "34,13619.0,300.0,1,\"erneut, alt\",\"{'IMI': 100.0, 'NDT': 50.0, 'SR': 0.0}\",9,"
        "records100/00000/00034_lr,records500/00000/00034_hr\n"
        "43,11315.0,25.0,0,sinus,{'NORM': 100.0},8,records100/00000/00043_lr,records500/00000/00043_hr\n"
    )
    (folder / "ptbxl_database.csv").write_text(PTBXL_HEAD + rows)
    (record,) = data.ptbxl()  # the other one is not at hand
    assert (record.id, record.patient, record.age, record.sex, record.fold) == ("34", "13619", 90.0, "F", 9)
    assert record.statements == {"IMI": 100.0, "NDT": 50.0, "SR": 0.0}
    assert data.superclasses(record.statements) == {"MI", "STTC"}
    header = wfdb.rdheader(str(record.path))
    assert (record.fs, record.n_samples, list(record.leads)) == (header.fs, header.sig_len, header.sig_name)
    assert record.signal().shape == (1000, 12)
    (fine,) = data.ptbxl(["34"], fs=500)
    assert (fine.fs, fine.n_samples, fine.mv.shape) == (500.0, 5000, (5000,))
    with pytest.raises(ValueError, match="100 or 500"):
        list(data.ptbxl(fs=250))


def test_ptbxl_knows_the_44_diagnostic_statements():
    assert len(data.SUPERCLASSES) == 44


def test_afdb_takes_corrected_beats_and_leaves_out_what_has_no_signal(roots):
    folder = roots / "data" / "afdb"
    for name in ("04015", "04043"):
        write_signal(folder / name, 250, ["ECG1", "ECG2"], fmt="212")
        write_marks(
            folder / name, [(0, "+", "(N"), (700, "+", "(AFIB"), (1000, "+", "(J"), (1500, "+", "(AFL")]
        )
        write_marks(folder / name, [(100, "N", ""), (300, "N", "")], "qrs")
    write_marks(folder / "04043", [(101, "N", ""), (301, "N", ""), (501, "N", "")], "qrsc")
    (folder / "00735.hea").write_text("00735 0 250 9205760\n")
    write_marks(folder / "00735", [(0, "+", "(N")])
    first, second = data.afdb()
    assert [first.id, second.id] == ["04015", "04043"]
    assert spans(first.rhythms) == [
        (0, 700, "N"),
        (700, 1000, "AFIB"),
        (1000, 1500, "J"),
        (1500, 2500, "AFL"),
    ]
    assert first.beats.tolist() == [100, 300]
    assert second.beats.tolist() == [101, 301, 501]


def test_ltafdb_beats_and_rhythms_in_one_file(roots):
    path = roots / "data" / "ltafdb" / "00"
    write_signal(path, 128, ["ECG1", "ECG2"], fmt="212")
    header = path.with_suffix(".hea")  # the release gives both leads one name, which the writer refuses
    header.write_text(header.read_text().replace("ECG1", "ECG").replace("ECG2", "ECG"))
    write_marks(
        path, [(5, "+", "(AFIB"), (50, "N", ""), (128, "A", ""), (200, '"', "MISSB"), (640, "+", "(N")]
    )
    (record,) = data.ltafdb()
    assert (record.fs, record.patient, record.leads) == (128.0, "00", ("ECG", "ECG"))
    assert record.aami.tolist() == ["N", "S"]
    assert spans(record.rhythms) == [(5, 640, "AFIB"), (640, 1280, "N")]


def test_svdb_beats(roots):
    for name in ("800", "801"):
        path = roots / "data" / "svdb" / name
        write_signal(path, 128, ["ECG1", "ECG2"], fmt="212")
        write_marks(path, [(5, "+", "(N"), (50, "N", ""), (128, "S", ""), (300, "V", ""), (700, "|", "")])
    first, second = data.DATASETS["svdb"].read(None)
    assert [first.id, second.id, second.patient] == ["800", "801", "801"]
    assert (first.fs, first.leads, first.aami.tolist()) == (128.0, ("ECG1", "ECG2"), ["N", "S", "V"])
    assert first.beats.tolist() == [50, 128, 300]


LUDB_LEADS = ["i", "ii", "iii", "avr", "avl", "avf", *(f"v{i}" for i in range(1, 7))]
# As released: cells with line feeds in quotes, lines that end in CR LF, and the oldest as ">89".
LUDB_HEAD = "ID,Sex,Age,Rhythms,Electric axis of the heart,Other states\r\n"


def test_ludb_waves_of_every_lead(roots):
    folder = roots / "data" / "ludb"
    for name in ("2", "10"):
        write_signal(folder / "data" / name, 500, LUDB_LEADS)
    whole = [(550, "(", ""), (569, "N", ""), (586, ")", ""), (666, "(", ""), (708, "t", ""), (749, ")", ""),
             (916, "(", ""), (936, "p", ""), (956, ")", "")]  # fmt: skip
    write_marks(folder / "data" / "2", whole, "i")
    write_marks(folder / "data" / "2", [(12, "t", ""), (20, ")", ""), (900, "(", ""), (936, "p", "")], "vsix")
    (folder / "data" / "2.vsix").rename(folder / "data" / "2.v6")  # the writer wants letters
    rows = '2,"M\n","64\n",Sinus rhythm,normal,\r\n10,"F\n",">89\n","Atrial fibrillation\nx",,\r\n'
    (folder / "ludb.csv").write_bytes((LUDB_HEAD + rows).encode())
    old, record = data.DATASETS["ludb"].read(None)
    assert (old.id, old.age, old.sex, old.label) == ("10", 89.0, "F", "Atrial fibrillation")
    assert (record.id, record.age, record.sex, record.label) == ("2", 64.0, "M", "Sinus rhythm")
    assert (record.fs, record.leads, record.patient) == (500.0, tuple(LUDB_LEADS), "2")
    assert record.waves["i"] == (
        data.Wave("QRS", 550, 569, 586),
        data.Wave("T", 666, 708, 749),
        data.Wave("P", 916, 936, 956),
    )
    assert record.waves["v6"] == (data.Wave("T", None, 12, 20), data.Wave("P", 900, 936, None))
    assert record.waves["ii"] == ()
    (folder / "ludb.csv").unlink()
    with pytest.raises(ConfigError, match=r"ludb\.csv"):
        next(data.DATASETS["ludb"].read(None))


def test_the_real_ludb_has_the_waves_that_were_counted():
    """Of lead I of three records; 8 is in atrial fibrillation, where nobody marked a P wave."""
    try:
        records = list(data.DATASETS["ludb"].read(["2", "8", "9"]))
    except ConfigError as missing:
        pytest.skip(str(missing))
    kinds = [[sum(w.kind == kind for w in r.waves["i"]) for kind in ("P", "QRS", "T")] for r in records]
    assert kinds == [[8, 9, 8], [0, 10, 9], [8, 9, 8]]
    borders = [w for r in records for lead in r.waves.values() for w in lead if None not in (w.onset, w.end)]
    assert borders
    assert all(w.onset < w.peak < w.end for w in borders)
    assert records[1].label == "Atrial fibrillation"


def test_the_real_svdb_has_its_ectopic_beats():
    try:
        (record,) = data.DATASETS["svdb"].read(["801"])
    except ConfigError as missing:
        pytest.skip(str(missing))
    assert {c: int(np.sum(record.aami == c)) for c in "NSV"} == {"N": 2175, "S": 66, "V": 268}


def test_the_page_says_what_the_rows_say():
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text()
    for row in data.DATASETS.values():
        assert f"| `{row.name}` | {row.use} | {row.licence} | {row.split.statement} |\n" in page


def test_shdbaf_people_and_exact_intervals(roots):
    folder = roots / "data" / "shdb-af"
    at = [100, 301, 777, 1201, 1500, 1700, 1999]
    for name in ("001", "002", "003", "005", "020"):
        write_signal(folder / name, 200, ["ECG1", "ECG2"])
        # Written by a program that calls beats beats, or by one that writes comments alone.
        write_marks(folder / name, [(i, "N" if name < "003" else '"', "") for i in at], "qrs")
    # A comment at every beat, and the rhythm in the text of its first one: there is no "+" in the release.
    texts = ["(N", "", "(AFIB", "(AFL", "(NOD", "(AB", "(N"]
    write_marks(folder / "001", [(i, '"', text) for i, text in zip(at, texts, strict=True)])
    (folder / "AdditionalData.csv").write_text(
        "Subject_ID,Data_ID,Annotated,Age_at_Holter,Sex\n11,1,1,68,male\n12,002,0,,female\n11,003,0,69,M\n"
        "13,005,True,47,M\n13,020,True,50,M\n"
    )
    first, second, third, fourth = data.shdbaf()
    assert spans(first.rhythms) == [
        (100, 777, "N"),
        (777, 1201, "AFIB"),
        (1201, 1500, "AFL"),
        (1500, 1700, "NOD"),
        (1700, 1999, "AB"),
        (1999, 2000, "N"),
    ]
    assert first.beats.tolist() == third.beats.tolist() == at
    assert set(third.symbols.tolist()) == {"N"}
    assert (first.patient, first.age, first.sex, first.fs) == ("11", 68.0, "M", 200.0)
    assert (second.rhythms, second.age, second.sex) == ((), None, "F")
    assert third.patient == first.patient
    # 020 is the recording 005 again: it counts once, unless it is asked for.
    assert fourth.id == "005"
    assert [r.id for r in data.shdbaf(["020"])] == ["020"]
    (folder / "AdditionalData.csv").write_text("Subject_ID,Data_ID\n11,001\n")
    with pytest.raises(ConfigError, match="lacks 002"):
        list(data.shdbaf())


def test_icentia11k_rhythms_end(roots):
    folder = roots / "data" / "icentia11k-continuous-ecg" / "1.0" / "p00" / "p00000"
    for piece in ("p00000_s01", "p00000_s00"):
        write_signal(folder / piece, 250, ["ECG"])
    marks = [(50, "+", "(N"), (60, "N", ""), (900, "+", ")"), (1000, "Q", ""), (1500, "+", "(AFL"),
             (1600, "S", ""), (2000, "+", ")")]  # fmt: skip
    write_marks(folder / "p00000_s00", marks)
    first, second = data.icentia11k()
    assert [first.id, first.patient, second.patient] == ["p00000_s00", "p00000", "p00000"]
    assert spans(first.rhythms) == [(50, 900, "N"), (1500, 2000, "AFL")]
    assert first.aami.tolist() == ["N", "Q", "S"]
    assert first.rhythm_at(1200) == ""


def test_cpsc2021_labels_and_rhythms_on_beats(roots):
    folder = roots / "data" / "cpsc2021"
    written = {
        "Training_set_I/data_0_1": ["paroxysmal atrial fibrillation"],
        "Training_set_II/data_98_2": ["non atrial fibrillation"],
        "Training_set_II/data_99_1": ["persistent atrial fibrillation"],
    }
    for name, comments in written.items():
        write_signal(folder / name, 200, ["I", "II"], comments=comments)
    write_marks(folder / "Training_set_I/data_0_1",
                [(20, "N", ""), (220, "N", "(AFIB"), (400, "N", ""), (800, "N", "(N")])  # fmt: skip
    records = list(data.cpsc2021())
    assert [(r.id, r.patient, r.label) for r in records] == [
        ("data_0_1", "0", "AFp"),
        ("data_98_2", "98", "N"),
        ("data_99_1", "99", "AFf"),
    ]
    assert spans(records[0].rhythms) == [(220, 800, "AFIB"), (800, 2000, "N")]
    assert records[0].beats.tolist() == [20, 220, 400, 800]


@pytest.mark.parametrize("layout", ["lists", "table"])
def test_cinc2011_verdicts(roots, layout):
    folder = roots / "data" / ("set-a" if layout == "lists" else "set-a-lead-i")
    for name in ("1002603", "1002867", "1003574"):
        write_signal(folder / name, 500, ["I"])
    if layout == "lists":
        (folder / "RECORDS-acceptable").write_text("1002867\n")
        (folder / "RECORDS-unacceptable").write_text("1002603\n")
    else:
        (folder / "REFERENCE.csv").write_text("1002603,unacceptable\n1002867,acceptable\n")
    records = list(data.cinc2011())
    assert [r.label for r in records] == ["unacceptable", "acceptable", "indeterminate"]
    assert spans(records[1].quality) == [(0, 5000, "acceptable")]


@pytest.mark.parametrize(("units", "per_mv"), [("uV", 1e3), ("V", 1e-3), ("mV", 1.0)])
def test_every_unit_becomes_mv(roots, units, per_mv):
    written = write_signal(roots / "data" / "ltafdb" / "00", 128, ["ECG"], units=units)
    (record,) = data.ltafdb()
    np.testing.assert_allclose(record.mv * per_mv, written[:, 0], atol=1e-4)


def test_a_signal_that_is_no_voltage_is_refused(roots):
    write_signal(roots / "data" / "ltafdb" / "00", 128, ["RESP"], units="Ohm")
    (record,) = data.ltafdb()
    with pytest.raises(ConfigError, match="not a voltage"):
        _ = record.mv


def test_aami_classes_follow_ec57():
    by_class = {c: "".join(s for s, aami in data.AAMI.items() if aami == c) for c in "NSVFQ"}
    assert {c: "".join(sorted(s)) for c, s in by_class.items()} == {
        "N": "BLNRejn",
        "S": "AJSa",
        "V": "EVr",
        "F": "F",
        "Q": "/?Qf",
    }


@pytest.mark.parametrize("name", data.DATASETS)
def test_missing_data_says_what_to_do(roots, name):
    with pytest.raises(ConfigError, match=r"data list.*ECGEDGE_DATA"):
        next(data.DATASETS[name].read(None))


def test_the_nearest_name_is_offered():
    with pytest.raises(ConfigError, match="did you mean 'mitdb'"):
        data.dataset("mitbd")


def test_real_records_agree_with_what_is_known_of_them():
    """Beat counts after the directory of the MIT-BIH database; 207 has ventricular flutter."""
    try:
        records = {r.id: r for r in data.mitdb(["100", "207", "208"])}
    except ConfigError as missing:
        pytest.skip(str(missing))
    counts = {i: {c: int(np.sum(r.aami == c)) for c in "NSVF"} for i, r in records.items()}
    assert counts["100"] == {"N": 2239, "S": 33, "V": 1, "F": 0}
    assert counts["208"]["F"] == 373
    assert "VFL" in {e.name for e in records["207"].rhythms}
