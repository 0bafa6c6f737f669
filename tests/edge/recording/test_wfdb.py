"""WFDB records: the samples that the wfdb library gives, and the right ones where it gives none."""

from __future__ import annotations

import warnings
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.recording import load, read
from ecgedge.recording.wfdb.decode import FORMATS
from ecgedge.recording.wfdb.header import read_header
from ecgedge_bridge.errors import ConfigError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # wfdb 4.3 beside pandas 3.1
    import wfdb

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")

N = 3000
ADC = np.round(200 * np.sin(np.arange(N) / 40)).astype("<i2")  # 1 mV at a gain of 200


def record(folder: Path, header: str, name: str = "r", **files: npt.NDArray[np.generic] | bytes) -> Path:
    """A record with its header and its signal files; ``a`` becomes ``a.dat``."""
    (folder / f"{name}.hea").write_text(header, encoding="utf-8")
    for file, data in files.items():
        (folder / f"{file}.dat").write_bytes(data if isinstance(data, bytes) else data.tobytes())
    return folder / name


# --- against the library ---


@pytest.mark.parametrize("frames", [1, 2, 3, 997, 1000])
@pytest.mark.parametrize("per_frame", [(1,), (1, 1), (2, 1), (1, 3, 2)])
@pytest.mark.parametrize("fmt", sorted(FORMATS))
def test_random_bytes_in_every_format_are_what_the_library_reads(
    tmp_path: Path, fmt: int, per_frame: tuple[int, ...], frames: int
) -> None:
    total = frames * sum(per_frame)
    data = np.random.default_rng(fmt).integers(0, 256, FORMATS[fmt].bytes_of(total) + 8, dtype=np.uint8)
    data = data[: FORMATS[fmt].bytes_of(total)]
    if fmt == 311:
        # Unused bits: writers leave them at zero, the library takes them for more of a sample.
        data[3::4] &= 0x3F
    lines = [f"a.dat {fmt}x{n} {100 + i}(7)/mV 12 0 {5 + i} 0 0 lead{i}" for i, n in enumerate(per_frame)]
    path = record(tmp_path, f"r {len(per_frame)} 100 {frames}\n" + "\n".join(lines) + "\n", a=data)
    padded = np.concatenate([data, np.zeros(8, np.uint8)])  # the library wants whole groups
    (tmp_path / "lib").mkdir()
    expected = wfdb.rdrecord(
        str(record(tmp_path / "lib", (tmp_path / "r.hea").read_text(), a=padded)), smooth_frames=False
    ).e_p_signal
    for i, want in enumerate(expected):
        np.testing.assert_allclose(load(path, channel=i).mv, want.astype(np.float32), rtol=1e-6, atol=1e-7)


@pytest.mark.slow
def test_all_records_of_mit_bih_are_bit_for_bit_what_the_library_reads() -> None:
    data = pytest.importorskip("ecgedge_export.data")
    try:
        folder = data.find("mitdb", "mitdb")
    except ConfigError as error:
        pytest.skip(str(error))
    headers = [path for path in sorted(folder.rglob("*.hea")) if path.stem.isdigit()]
    assert len(headers) >= 48
    for header in headers:
        recording = load(header)
        expected = wfdb.rdrecord(str(header.with_suffix("")))
        column = expected.sig_name.index(recording.channel)
        np.testing.assert_array_equal(recording.mv, expected.p_signal[:, column].astype(np.float32))
        assert recording.fs == 360.0


@pytest.mark.parametrize("skew", [1, 7, 250])
def test_skew_and_offset_are_those_of_the_library(tmp_path: Path, skew: int) -> None:
    two = np.stack([ADC, ADC[::-1]], axis=1)
    head = f"r 2 250 {N}\na.dat 16:{skew}+11 200/mV 16 0 0 0 0 I\na.dat 16+11 200/mV 16 0 0 0 0 II\n"
    path = record(tmp_path, head, a=b"eleven byte" + two.tobytes())
    expected = wfdb.rdrecord(str(path)).p_signal
    for name, column in (("I", 0), ("II", 1)):
        mv = load(path, channel=name).mv
        np.testing.assert_allclose(mv, expected[: len(mv), column], atol=1e-6)
        assert np.all(np.isnan(expected[len(mv) :, column]))
        assert load(path, channel=name).notes == ()


@settings(max_examples=60, deadline=None)
@given(
    unit=st.sampled_from(["mV", "uV", "µV", "μV", "V", "nV", "MV", "millivolt", None]),
    gain=st.sampled_from([200.0, 1.0, 0.2, 1e-3, 5.5e4, None, 0.0]),
    baseline=st.one_of(st.none(), st.integers(-4000, 4000)),
    zero=st.one_of(st.none(), st.integers(-4000, 4000)),
    latin=st.booleans(),
)
def test_gain_baseline_and_unit_by_the_rules_of_header_5(
    tmp_path_factory: pytest.TempPathFactory,
    unit: str | None,
    gain: float | None,
    baseline: int | None,
    zero: int | None,
    latin: bool,
) -> None:
    folder = tmp_path_factory.mktemp("gain")
    words = "" if gain is None else f"{gain:g}"
    if words and baseline is not None:
        words += f"({baseline})"
    if words and unit is not None:
        words += f"/{unit}"
    if words and zero is not None:
        words += f" 12 {zero} 0 0 0 ECG"
    header = f"r 1 250 {N}\na.dat 16 {words}\n"
    (folder / "r.hea").write_bytes(header.encode("latin-1" if latin and "μ" not in header else "utf-8"))
    ADC.tofile(folder / "a.dat")
    per_mv = {"mV": 1, "uV": 1e3, "µV": 1e3, "μV": 1e3, "V": 1e-3, "nV": 1e6, "MV": 1, "millivolt": 1}
    base = (baseline if words and baseline is not None else zero if words else None) or 0
    want = (ADC - base) / (gain or 200.0) / (1 if unit is None or not words else per_mv[unit])
    np.testing.assert_allclose(load(folder / "r").mv, want, rtol=1e-5, atol=1e-30)


# --- lengths ---


@pytest.mark.parametrize("length", ["", " 0"])
def test_a_header_without_a_length_is_as_long_as_its_file(tmp_path: Path, length: str) -> None:
    path = record(tmp_path, f"r 1 250{length}\na.dat 16 200/mV 16 0 0 0 0 ECG\n", a=ADC)
    np.testing.assert_allclose(load(path).mv, ADC / 200, atol=1e-6)


def test_a_header_may_leave_out_almost_everything(tmp_path: Path) -> None:
    path = record(tmp_path, "r 1\na.dat 16\n", a=ADC)
    recording = load(path)
    np.testing.assert_allclose(recording.mv, ADC / 200, atol=1e-6)
    assert recording.fs == 250.0


@pytest.mark.parametrize("size", range(5990, 6000))
def test_a_short_signal_file_gives_what_is_there_and_a_note(tmp_path: Path, size: int) -> None:
    path = record(tmp_path, f"r 1 250 {N}\na.dat 16 200/mV 16 0 0 0 0 ECG\n", a=ADC.tobytes()[:size])
    recording = load(path)
    np.testing.assert_allclose(recording.mv, ADC[: size // 2] / 200, atol=1e-6)
    assert [note.code for note in recording.notes] == ["short_file"]
    assert f"ends {N - size // 2} samples before" in recording.notes[0].detail


def test_a_long_record_has_no_seam(tmp_path: Path) -> None:
    adc = (np.arange(1_500_000) % 4001 - 2000).astype("<i2")
    path = record(tmp_path, f"r 1 1000 {len(adc)}\na.dat 16 200/mV 16 0 0 0 0 ECG\n", a=adc)
    blocks = list(read(path))
    assert {len(block.samples) for block in blocks} == {1000}
    assert all(a.end_sample == b.sample for a, b in pairwise(blocks))
    np.testing.assert_allclose(np.concatenate([b.samples for b in blocks]), adc / 200, atol=1e-6)


# --- frames ---


@pytest.mark.parametrize("fs", [None, 250.0])
def test_several_samples_a_frame_are_the_rate_of_the_signal(tmp_path: Path, fs: float | None) -> None:
    frames = np.zeros((12, 251), "<i2")
    frames[:, :250] = ADC.reshape(12, 250)
    lines = "a.dat 16x250 200/mV 16 0 0 0 0 ECG\na.dat 16 200/mV 16 0 0 0 0 RESP\n"
    recording = load(record(tmp_path, f"r 2 1 12\n{lines}", a=frames), fs=fs)
    np.testing.assert_allclose(recording.mv, ADC / 200, atol=1e-6)
    assert recording.fs == 250.0


# --- segments ---


def segments(folder: Path) -> None:
    record(folder, f"s1 1 250 {N}\ns1.dat 16 200/mV 16 0 0 0 0 ECG\n", "s1", s1=ADC)
    record(
        folder,
        f"s2 2 250 {N}\ns2.dat 16 200/mV 16 0 0 0 0 V5\ns2.dat 16 0.4/uV 16 0 0 0 0 ECG\n",
        "s2",
        s2=np.stack([0 * ADC, ADC], axis=1),
    )
    record(folder, f"s3 1 250 {N}\ns3.dat 16 200/mV 16 0 0 0 0 V5\n", "s3", s3=ADC)


def test_segments_follow_each_other_and_a_null_segment_is_a_gap(tmp_path: Path) -> None:
    segments(tmp_path)
    path = record(tmp_path, f"r/3 1 250 {3 * N}\ns1 {N}\n~ {N}\ns1 {N}\n")
    blocks = list(read(path))
    gaps = [(a.end_sample, b.sample) for a, b in pairwise(blocks) if b.sample != a.end_sample]
    assert gaps == [(N, 2 * N)]
    mv = load(path).mv
    np.testing.assert_allclose(mv[:N], ADC / 200, atol=1e-6)
    assert np.all(np.isnan(mv[N : 2 * N]))
    np.testing.assert_allclose(mv[2 * N :], ADC / 200, atol=1e-6)


def test_a_variable_layout_has_the_signal_wherever_a_segment_has_it(tmp_path: Path) -> None:
    segments(tmp_path)
    record(tmp_path, "lay 2 250 0\n~ 0 200/mV 16 0 0 0 0 ECG\n~ 0 200/mV 16 0 0 0 0 V5\n", "lay")
    path = record(tmp_path, f"r/5 2 250 {4 * N}\nlay 0\ns1 {N}\ns2 {N}\ns3 {N}\ns1 {N}\n")
    mv = load(path).mv
    np.testing.assert_allclose(mv[:N], ADC / 200, atol=1e-6)
    np.testing.assert_allclose(mv[N : 2 * N], ADC / 400, atol=1e-6)  # 0.4 units a uV
    assert np.all(np.isnan(mv[2 * N : 3 * N]))
    np.testing.assert_allclose(mv[3 * N :], ADC / 200, atol=1e-6)


# --- which signal ---

SIGNALS = {
    "RESP in mV first": ([("RESP", "mV"), ("ECG", "mV")], 1),
    "ABP first": ([("ABP", "mmHg"), ("PLETH", "NU"), ("II", "mV")], 2),
    "lead I before all": ([("V5", "mV"), ("II", "mV"), ("MLII", "mV"), ("I", "mV")], 3),
    "an unknown name in mV": ([("RESP", "mV"), ("chan 7", "uV")], 1),
    "a lead in counts": ([("SpO2", "%"), ("MLII", "adu")], 1),
    "EEG": ([("EEG Fpz-Cz", "uV"), ("EOG", "uV"), ("EMG", "uV"), ("ECG modified V2", "mV")], 3),
    "lower case": ([("resp", "mV"), ("i", "mV")], 1),
    "ECG1": ([("ECG2", "mV"), ("ECG1", "mV")], 0),
}


@pytest.mark.parametrize("case", SIGNALS)
def test_the_ecg_is_chosen_by_name_and_unit(tmp_path: Path, case: str) -> None:
    signals, chosen = SIGNALS[case]
    lines = "".join(f"a.dat 16 200/{unit} 16 0 0 0 0 {name}\n" for name, unit in signals)
    data = np.zeros((N, len(signals)), "<i2")
    data[:, chosen] = ADC
    recording = load(record(tmp_path, f"r {len(signals)} 250 {N}\n{lines}", a=data))
    assert recording.channel == signals[chosen][0]
    assert np.ptp(recording.mv) > 1e-4


def test_without_an_ecg_the_signals_are_listed(tmp_path: Path) -> None:
    lines = "a.dat 16 200/mV 16 0 0 0 0 RESP\na.dat 16 10/mmHg 16 0 0 0 0 ABP\n"
    path = record(tmp_path, f"r 2 250 {N}\n{lines}", a=np.zeros((N, 2), "<i2"))
    with pytest.raises(ConfigError, match=r"has no ECG: choose one of 'RESP' \(mV\), 'ABP' \(mmHg\) with"):
        read(path)
    assert load(path, channel="RESP").channel == "RESP"
    with pytest.raises(ConfigError, match="'mmHg', not a voltage: choose another"):
        read(path, channel="ABP")
    assert load(path, channel="ABP", unit="mV").unit == "mV"


# --- headers ---


@pytest.mark.parametrize(
    ("words", "start"),
    [
        ("10:20:30 01/02/1995", datetime(1995, 2, 1, 10, 20, 30)),
        ("10:20:30.500 01/02/1995", datetime(1995, 2, 1, 10, 20, 30, 500_000)),
        ("10:20:30", None),
        ("00:00:00 1989", None),
        ("0:0:0 00/00/1989", None),
        ("1989", None),
    ],
)
def test_dates_are_read_or_left_out(tmp_path: Path, words: str, start: datetime | None) -> None:
    path = record(tmp_path, f"r 1 250 {N} {words}\na.dat 16 200/mV 16 0 0 0 0 ECG\n", a=ADC)
    recording = load(path)
    assert recording.start == start
    assert len(recording.mv) == N


def test_comments_and_windows_line_ends_and_rates_of_counters(tmp_path: Path) -> None:
    header = f"# made\r\nr 1 250/1000(0) {N}\r\n# <age>: 60\r\na.dat 16 200/mV 16 0 0 0 0 ECG\r\n# end\r\n"
    np.testing.assert_allclose(load(record(tmp_path, header, a=ADC)).mv, ADC / 200, atol=1e-6)


BAD = {
    "empty": "",
    "comments alone": "# nothing\n",
    "no numbers": "no header at all\n",
    "a negative rate": f"r 1 -250 {N}\na.dat 16\n",
    "a rate that is none": f"r 1 nan {N}\na.dat 16\n",
    "too few signals": f"r 2 250 {N}\na.dat 16\n",
    "a folder in the name": f"r 1 250 {N}\n../a.dat 16\n",
    "an absolute name": f"r 1 250 {N}\n/etc/passwd 16\n",
    "a million signals": f"r 1000000 250 {N}\na.dat 16\n",
    "samples without end": "r 1 250 99999999999999999999\na.dat 16\n",
    "frames without end": f"r 1 250 {N}\na.dat 16x99999999\n",
    "a skew of 10^9": f"r 1 250 {N}\na.dat 16:1000000000 200/mV 16 0 0 0 0 ECG\n",
    "a line of 80 kB": f"r 1 250 {N}\na.dat 16 " + "0" * 80_000 + "\n",
    "a gain of words": f"r 1 250 {N}\na.dat 16 many/mV\n",
    "two formats": f"r 2 250 {N}\na.dat 16 200/mV 16 0 0 0 0 I\na.dat 212 200/mV 16 0 0 0 0 II\n",
    "no signal file": f"r 1 250 {N}\nb.dat 16\n",
    "itself": f"r/1 1 250 {N}\nr {N}\n",
    "a segment elsewhere": f"r/1 1 250 {N}\n../r {N}\n",
    "no such segment": f"r/1 1 250 {N}\ns9 {N}\n",
    "fewer segments": f"r/7 1 250 {N}\ns9 {N}\n",
}


@pytest.mark.parametrize("case", BAD)
def test_a_header_that_cannot_be_right_is_refused_with_its_name(tmp_path: Path, case: str) -> None:
    path = record(tmp_path, BAD[case], a=ADC)
    with pytest.raises(ConfigError, match=r"r(\.hea)?|s9") as caught:
        load(path)
    assert len(str(caught.value)) < 400


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="r10 ./~+-:()x#\nadt2µmV\t", max_size=120))
def test_no_header_makes_anything_but_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "r.hea").write_text(text, encoding="utf-8")
    ADC.tofile(folder / "a.dat")
    try:
        header = read_header(folder / "r.hea")
        blocks = read(folder / "r")
    except ConfigError:
        return
    assert header.fs > 0
    try:
        assert sum(len(block.samples) for block in blocks) <= 4 * N
    except ConfigError:
        return
