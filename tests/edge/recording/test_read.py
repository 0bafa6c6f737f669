"""Readers: what is on disk comes back sample for sample; a file that cannot be used says what to do."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.recording import read
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # wfdb 4.3 beside pandas 3.1
    import wfdb

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")

START_NS = 1_714_920_600_006_020_096
EPS = 1e-6


def polar_csv(
    path: Path, uv: npt.NDArray[np.int64], keep: npt.NDArray[np.bool_] | None = None, fs: float = 130.06
) -> Path:
    """Write a file as the Polar loggers do; rows outside ``keep`` are lost."""
    times = START_NS + np.rint(np.arange(len(uv)) / fs * 1e9).astype(np.int64)
    rows = [
        f"{t},{v}"
        for t, v, kept in zip(times, uv, np.ones(len(uv)) if keep is None else keep, strict=True)
        if kept
    ]
    path.write_text("time_ns,ecg_uV\n" + "\n".join(rows) + "\n")
    return path


def ramp(n: int) -> npt.NDArray[np.int64]:
    return (np.arange(n) * 7919) % 2001 - 1000


def join(blocks: list[SampleBlock]) -> npt.NDArray[np.float32]:
    """The whole stream with NaN where samples are missing."""
    mv = np.full(blocks[-1].end_sample, np.nan, dtype=np.float32)
    for block in blocks:
        mv[block.sample : block.end_sample] = block.samples
    return mv


# --- text ---


def test_a_polar_logger_file_comes_back_in_millivolts(tmp_path: Path) -> None:
    uv = ramp(3000)
    blocks = list(read(polar_csv(tmp_path / "h10.csv", uv)))
    np.testing.assert_allclose(join(blocks), uv / 1000, atol=EPS)
    assert {block.fs for block in blocks} == {130.0}
    assert all(block.samples.dtype == np.float32 and 0 < len(block.samples) <= 130 for block in blocks)
    assert blocks[0].device_time_ns == START_NS + round(129 / 130.06 * 1e9)


@settings(max_examples=30, deadline=None)
@given(holes=st.lists(st.tuples(st.integers(1, 4990), st.integers(1, 700)), max_size=5))
def test_holes_in_time_are_jumps_of_exactly_what_is_missing(
    tmp_path_factory: pytest.TempPathFactory, holes: list[tuple[int, int]]
) -> None:
    uv, keep = ramp(5000), np.ones(5000, dtype=bool)
    for start, length in holes:
        keep[start : start + length] = False
    keep[[0, -1]] = True
    path = polar_csv(tmp_path_factory.mktemp("holes") / "h10.csv", uv, keep)
    mv = join(list(read(path)))
    np.testing.assert_array_equal(np.isnan(mv), ~keep)
    np.testing.assert_allclose(mv[keep], uv[keep] / 1000, atol=EPS)


def test_rates_other_than_the_strap_s_are_measured(tmp_path: Path) -> None:
    path = tmp_path / "ecg.csv"
    path.write_text("time_s;ECG [mV]\n" + "".join(f"{i / 250:.4f};{i % 5}\n" for i in range(1000)))
    blocks = list(read(path))
    assert blocks[0].fs == 250.0
    np.testing.assert_array_equal(join(blocks), np.arange(1000) % 5)


def test_the_unit_the_separator_and_the_column_come_from_the_header(tmp_path: Path) -> None:
    path = tmp_path / "logger.txt"
    header = "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV];noise [mV]\n"
    path.write_text(header + "".join(f"10:00;{i * 7_692_308};{i * 7.7};{i};{2 * i}\n" for i in range(400)))
    np.testing.assert_allclose(join(list(read(path))), np.arange(400) / 1000, atol=EPS)
    np.testing.assert_allclose(join(list(read(path, channel="noise"))), 2.0 * np.arange(400), atol=EPS)


def test_one_column_is_millivolts_at_the_given_rate(tmp_path: Path) -> None:
    mv = np.sin(np.arange(700) / 9).astype(np.float32)
    np.savetxt(tmp_path / "mv.csv", mv)
    blocks = list(read(tmp_path / "mv.csv", fs=200))
    assert [len(block.samples) for block in blocks] == [200, 200, 200, 100]
    np.testing.assert_array_equal(join(blocks), mv)


def test_gzip_byte_order_mark_windows_line_ends_and_trailing_blank_lines(tmp_path: Path) -> None:
    text = "\ufefftime_ns,ecg_uV\r\n" + "".join(f"{i * 8_000_000},{i}\r\n" for i in range(300)) + "\r\n\r\n"
    path = tmp_path / "ecg.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    blocks = list(read(path))
    assert blocks[0].fs == 125.0
    np.testing.assert_allclose(join(blocks), np.arange(300) / 1000, atol=EPS)


def test_missing_values_stay_nan(tmp_path: Path) -> None:
    path = tmp_path / "ecg.csv"
    path.write_text(
        "time_ms,ecg_mV\n"
        + "".join(f"{i * 8},{'' if i == 5 else 'nan' if i == 7 else i}\n" for i in range(100))
    )
    mv = join(list(read(path)))
    assert np.flatnonzero(np.isnan(mv)).tolist() == [5, 7]


def test_text_is_read_as_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    path.write_text("\n".join(["0.5"] * 5000 + ["oops"]))
    blocks = read(path, fs=130)
    assert next(blocks).samples[0] == 0.5  # the bad line is far behind what has been read
    with pytest.raises(ConfigError, match=r"line 5001: no number in column 0: repair"):
        list(blocks)


def bad_text(text: str | bytes, suffix: str = ".csv") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / f"bad{suffix}"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


ROWS = "".join(f"{i * 7_692_308},{i}\n" for i in range(50))

BAD: dict[str, tuple[Callable[[Path], Path], dict[str, Any], str]] = {
    "empty": (bad_text(""), {}, "is empty: record again"),
    "blank": (bad_text("\n\n\n"), {}, "is empty: record again"),
    "header only": (bad_text("time_ns,ecg_uV\n"), {}, "no samples: record again"),
    "no fs": (bad_text("1\n2\n"), {}, "no time column: say its sampling rate with fs"),
    "words": (bad_text("hello world\n"), {"fs": 130}, "line 1: an ECG column is missing.*name one 'ecg_uV'"),
    "word inside": (bad_text("1\n2\nthree\n4\n"), {"fs": 130}, "line 3: no number in column 0: repair"),
    "word in time": (
        bad_text("time_ns,ecg_uV\n" + ROWS + "soon,1\n"),
        {},
        "line 52: no time in column 'time_ns': repair",
    ),
    "time that is nan": (
        bad_text("time_ns,ecg_uV\n" + ROWS + "nan,1\n"),
        {},
        "line 52: no time in column 'time_ns': repair",
    ),
    "short row": (bad_text("time_ns,ecg_uV\n" + ROWS + "12\n"), {}, "line 52: 1 of 2 columns: repair"),
    "blank inside": (bad_text("1\n\n2\n"), {"fs": 130}, "line 2: blank line.*write nan"),
    "no ecg column": (bad_text("time_ns,acc_x\n1,2\n"), {}, "line 1: an ECG column is missing.*name one"),
    "no time column": (bad_text("ecg_uV,acc_x\n1,2\n"), {}, "line 1: no time column.*--fs"),
    "no such column": (bad_text("time_ns,ecg_uV\n1,2\n"), {"channel": "v5"}, "column 'v5' is missing"),
    "columns, no names": (
        bad_text("1,2\n3,4\n"),
        {"fs": 130},
        "line 1: 2 columns and no names: add a header",
    ),
    "channel of a bare column": (bad_text("1\n2\n"), {"fs": 130, "channel": "I"}, "leave out channel"),
    "one stamp a frame": (bad_text("time_ns,ecg_uV\n" + "8,1\n" * 99), {}, "rate does not show.*give fs"),
    "far too slow": (bad_text("time_s,ecg_mV\n0,1\n1,1\n2,1\n"), {}, "says fs is 1 Hz.*50 to 4000"),
    "negative fs": (bad_text("1\n2\n"), {"fs": -130.0}, "fs is -130 Hz.*50 to 4000"),
    "absurd fs": (bad_text("1\n2\n"), {"fs": 1e6}, "fs is 1e.06 Hz.*50 to 4000"),
    "fs that is no number": (bad_text("1\n2\n"), {"fs": float("nan")}, "fs is nan Hz.*50 to 4000"),
    "binary": (bad_text(b"\x80\xff\x00\x01" * 99), {"fs": 130}, "of no known kind: use a capture"),
    "thousands of columns": (
        bad_text("1," * 9999),
        {"fs": 130},
        "line 1: an ECG column is missing, and rows",
    ),
    "one endless line": (bad_text("1" * 1_000_001), {"fs": 130}, "line 1: longer than a million characters"),
    "an endless line behind": (
        bad_text("1\n" * 9999 + "2" * 1_000_001),
        {"fs": 130},
        "line 10000: longer than a million characters",
    ),
    "NUL behind": (bad_text("1\n" * 9999 + "\0\n"), {"fs": 130}, "line 10000: this is not text"),
    "a number of 400 digits": (
        bad_text("1\n1\n1\n" + "9" * 400 + "\n"),
        {"fs": 130},
        "line 4: no number in column 0",
    ),
    "a number beyond numbers": (bad_text("1\n1e999\n"), {"fs": 130}, "line 2: no number in column 0"),
    "an underscore": (bad_text("1\n1\n1\n1_000\n"), {"fs": 130}, "line 4: no number in column 0"),
    "a time beyond times": (
        bad_text("time_s,ecg_uV\n" + "".join(f"{i / 130:.6f},1\n" for i in range(50)) + "1e300,1\n"),
        {},
        "line 52: no time in column 'time_s'",
    ),
    "markup": (bad_text('{"ecg": [1, 2, 3]}'), {"fs": 130}, "JSON of no known kind: use FHIR"),
    "cut gzip": (
        bad_text(gzip.compress(b"time_ns,ecg_uV\n" + ROWS.encode())[:-20], ".csv.gz"),
        {"fs": 130},
        "damaged gzip.*copy",
    ),
    "unknown kind": (
        bad_text(b"PQ\x03\x04" + bytes(range(99)), ".xlsx"),
        {"fs": 130},
        r"no known kind: use a capture \(\.cap\), a recording \(\.db\), a WFDB record",
    ),
    "no header file": (bad_text("1\n", ".dat"), {}, "no such file: .*bad.hea: .*check the path"),
    "missing": (lambda folder: folder / "none.csv", {}, "no such file: .*check the path"),
    "folder": (lambda folder: folder, {}, "is a folder: name one recording"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_used_says_why_and_what_to_do(case: str, tmp_path: Path) -> None:
    make, arguments, says = BAD[case]
    path = make(tmp_path)
    with pytest.raises(ConfigError, match=says) as caught:
        list(read(path, **arguments))
    assert str(tmp_path) in str(caught.value) or "fs is" in str(caught.value)


# --- WFDB ---


def write_record(
    folder: Path,
    names: list[str],
    units: list[str],
    signal: npt.NDArray[np.float64],
    fs: float = 360,
    fmt: str = "16",
) -> Path:
    count = len(names)
    wfdb.wrsamp("r1", fs=fs, units=units, sig_name=names, p_signal=signal, fmt=[fmt] * count,
                adc_gain=[1000.0] * count, baseline=[0] * count, write_dir=str(folder))  # fmt: skip
    return folder / "r1"


@pytest.mark.parametrize(
    ("names", "chosen"),
    [(["V5", "I"], 1), (["V1", "MLII", "II"], 1), (["V1", "II"], 1), (["V1", "V5"], 0), (["ecg"], 0)],
)
def test_the_lead_nearest_to_a_wearable_s_is_read(tmp_path: Path, names: list[str], chosen: int) -> None:
    signal = np.arange(len(names) * 800).reshape(800, len(names)) / 1000
    blocks = list(read(write_record(tmp_path, names, ["mV"] * len(names), signal)))
    np.testing.assert_allclose(join(blocks), signal[:, chosen], atol=EPS)
    assert [len(block.samples) for block in blocks] == [360, 360, 80]
    assert blocks[0].fs == 360.0


@pytest.mark.parametrize("channel", ["v5", 1, "1"])
def test_a_channel_can_be_asked_for_by_name_or_number(tmp_path: Path, channel: str | int) -> None:
    signal = np.stack([np.zeros(500), np.ones(500)], axis=1)
    record = write_record(tmp_path, ["I", "V5"], ["mV", "mV"], signal)
    np.testing.assert_allclose(join(list(read(record, channel=channel))), 1.0)


@pytest.mark.parametrize("suffix", ["", ".hea", ".dat"])
def test_a_record_is_found_with_and_without_suffix(tmp_path: Path, suffix: str) -> None:
    record = write_record(tmp_path, ["I"], ["uV"], np.full((400, 1), 25.0))
    np.testing.assert_allclose(join(list(read(f"{record}{suffix}"))), 0.025, atol=EPS)


def test_a_record_longer_than_a_chunk_has_no_seam_and_keeps_nan(tmp_path: Path) -> None:
    signal = np.sin(np.arange(9000) / 5)[:, None].round(3)
    signal[4000:4100] = np.nan
    blocks = list(read(write_record(tmp_path, ["I"], ["mV"], signal, fs=100)))
    np.testing.assert_allclose(join(blocks), signal[:, 0], atol=EPS)
    assert all(a.end_sample == b.sample for a, b in pairwise(blocks))


def test_a_challenge_record_with_its_signal_in_a_mat_file(tmp_path: Path) -> None:
    """CinC 2017: an int16 signal behind the 24-byte head of a level 4 MAT file."""
    adc = (np.arange(900) - 450).astype("<i2")
    head = np.array([30, 1, len(adc), 0, 4], dtype="<i4").tobytes() + b"val\x00"
    (tmp_path / "A1.mat").write_bytes(head + adc.tobytes())
    (tmp_path / "A1.hea").write_text("A1 1 300 900\nA1.mat 16+24 1000/mV 16 0 -450 0 0 ECG\n")
    blocks = list(read(tmp_path / "A1.mat"))
    np.testing.assert_allclose(join(blocks), adc / 1000, atol=EPS)
    assert blocks[0].fs == 300.0


def test_bad_records_say_what_to_do(tmp_path: Path) -> None:
    record = write_record(tmp_path, ["I", "resp"], ["mV", "l"], np.zeros((400, 2)))
    with pytest.raises(ConfigError, match=r"no signal 'V9': choose one of 'I' \(mV\), 'resp' \(l\)"):
        read(record, channel="V9")
    with pytest.raises(ConfigError, match="not a voltage: choose another with channel"):
        read(record, channel="resp")
    (tmp_path / "r1.dat").unlink()
    with pytest.raises(ConfigError, match=r"cannot read the WFDB record.*check its \.hea and signal file"):
        read(record)
    (tmp_path / "r1.hea").write_text("no header at all\n")
    with pytest.raises(ConfigError, match=r"cannot read the WFDB record.*check its \.hea and signal file"):
        read(record)


def test_without_the_library_the_message_names_the_pip_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = write_record(tmp_path, ["I"], ["mV"], np.zeros((400, 1)), fmt="516")
    monkeypatch.setitem(__import__("sys").modules, "wfdb", None)
    with pytest.raises(ConfigError, match=r"pip install 'ecgedge\[wfdb\]'"):
        read(record)
