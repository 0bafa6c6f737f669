"""Text in any dialect: the right numbers or a refusal that says why, and no line of the file in it."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.recording import Recording, load, read
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge.recording.text.cells import Style, find_style, number
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

FS, N = 130.0, 1500
TIME = np.arange(N) / FS
MV = np.round(1.2 * np.sin(np.arange(N) / 7) + 0.1, 4)
FIRST = datetime(2024, 3, 31, 23, 59, 55)


def times(form: Callable[[float], str]) -> list[str]:
    return [form(t) for t in TIME.tolist()]


def values(form: Callable[[float], str]) -> list[str]:
    return [form(v) for v in MV.tolist()]


def moment(seconds: float, form: str = "%Y-%m-%dT%H:%M:%S.%f") -> str:
    return (FIRST + timedelta(seconds=seconds)).strftime(form)


SECONDS = times(lambda t: f"{t:.6f}")
MILLIVOLTS = values(lambda v: f"{v:.4f}")
MICROVOLTS = values(lambda v: f"{v * 1000:.1f}")


def table(*columns: list[str], header: str = "", separator: str = ",") -> str:
    rows = "\n".join(separator.join(row) for row in zip(*columns, strict=True))
    return f"{header}\n{rows}\n" if header else f"{rows}\n"


def comma(cells: list[str]) -> list[str]:
    return [cell.replace(".", ",") for cell in cells]


def loaded(folder: Path, text: str | bytes, encoding: str = "utf-8", **how: object) -> Recording:
    path = folder / "file"
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return load(path, **how)  # type: ignore[arg-type]


def is_right(recording: Recording, fs: float = FS) -> None:
    assert recording.fs == pytest.approx(fs, rel=1e-3)
    np.testing.assert_allclose(recording.mv, MV, atol=6e-4)


STAMPS = {
    "time_s": SECONDS,
    "time_ms": times(lambda t: f"{t * 1e3:.3f}"),
    "time_us": times(lambda t: f"{t * 1e6:.0f}"),
    "timestamp [ns]": times(lambda t: f"{1_700_000_000_000_000_000 + round(t * 1e9)}"),
    "time": times(lambda t: f"{1.7e9 + t:.6f}"),
    "timestamp": times(lambda t: f"{1_700_000_000_000 + round(t * 1e3)}"),
    "epoch": times(lambda t: f"{1_700_000_000_000_000 + round(t * 1e6)}"),
    "Zeit (ms)": times(lambda t: f"{t * 1e3:.2f}"),
    "время": times(lambda t: f"{t:.5f}"),
    "时间(毫秒)": times(lambda t: f"{t * 1e3:.2f}"),
    "Temps (s)": times(lambda t: f"{t:.5f}"),
    "t": times(lambda t: f"{t:.4f}"),
    "datetime": times(moment),
    "Date": times(lambda t: moment(t) + "+02:00"),
    "Horodatage": times(lambda t: moment(t, "%Y-%m-%d %H:%M:%S.%f")),
    "UTC time": times(lambda t: moment(t)[:-3] + "Z"),
    "Uhrzeit": times(lambda t: moment(t, "%H:%M:%S.%f")[:-3]),
    "Zeitstempel": times(lambda t: moment(t, "%d.%m.%Y %H:%M:%S.%f")),
    "local time": times(lambda t: moment(t, "%m/%d/%Y %I:%M:%S.%f %p")),
}
SIGNALS = {
    "ecg_uV": MICROVOLTS,
    "ECG [µV]": MICROVOLTS,  # U+00B5
    "ECG (μV)": MICROVOLTS,  # U+03BC
    "ECG (ÂµV)": MICROVOLTS,  # UTF-8 read as Latin-1 and saved so
    "ecg microvolts": MICROVOLTS,
    "ECG microV": MICROVOLTS,
    "ecg": MILLIVOLTS,
    "EKG (V)": values(lambda v: f"{v / 1000:.7f}"),
    "Lead I": MILLIVOLTS,
    "ЭКГ, мкВ": MICROVOLTS,
    "心电(μV)": MICROVOLTS,
    "value": MICROVOLTS,
}


@pytest.mark.parametrize("stamp", STAMPS)
@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_stamps_and_names_of_any_kind(tmp_path: Path, separator: str, order: int, stamp: str) -> None:
    some = list(SIGNALS.items())[",;\t".index(separator) + 3 * order :: 3]
    for name, cells in some:
        if separator not in name:
            columns, names = [STAMPS[stamp], cells], [stamp, name]
            text = table(
                *columns[:: 1 - 2 * order],
                header=separator.join(names[:: 1 - 2 * order]),
                separator=separator,
            )
            is_right(loaded(tmp_path, text))


CELLS = {
    "decimal commas, semicolons": table(
        comma(SECONDS), comma(MILLIVOLTS), header="time_s;ecg_mV", separator=";"
    ),
    "decimal commas, tabs": table(comma(SECONDS), comma(MILLIVOLTS), header="time_s\tecg_mV", separator="\t"),
    "decimal commas, spaces": table(
        comma(SECONDS), comma(MILLIVOLTS), header="time_s ecg_mV", separator="  "
    ),
    "decimal commas between commas": table(comma(SECONDS), comma(MILLIVOLTS), header="time_s,ecg_mV"),
    "one of two columns with commas": table(
        times(lambda t: f"{t * 1e9:.0f}"), comma(MILLIVOLTS), header="time_ns,ecg_mV"
    ),
    "quoted decimal commas": table(
        [f'"{c}"' for c in comma(SECONDS)], [f'"{c}"' for c in comma(MILLIVOLTS)], header="time_s,ecg_mV"
    ),
    "all quoted": table(
        [f'"{c}"' for c in SECONDS], [f'"{c}"' for c in MILLIVOLTS], header='"time_s","ecg_mV"'
    ),
    "single quotes and a row of units": table(
        times(lambda t: f"'{int(t // 60)}:{t % 60:06.3f}'"),
        MILLIVOLTS,
        header="'Elapsed time','MLII'\n'hh:mm:ss.mmm','mV'",
    ),
    "units below the names": table(SECONDS, MICROVOLTS, header="time;ecg\ns;uV", separator=";"),
    "a header behind a hash": table(SECONDS, MILLIVOLTS, header="# time_s ecg_mV", separator=" "),
    "lines before the header": "Device: strap\nName: X\n# note\n\nRate = 130 Hz\n"
    + table(SECONDS, MILLIVOLTS, header="time_s;ecg_mV", separator=";"),
    "other columns": table(
        [str(i) for i in range(N)], ["60"] * N, SECONDS, ["0.5"] * N, MILLIVOLTS, ["N"] * N,
        header="seq,hr,time_s,resp,ecg_mV,label",
    ),
    "Arabic digits": table(SECONDS, MILLIVOLTS, header="time_s;ecg_mV", separator=";").translate(
        str.maketrans("0123456789.-", "٠١٢٣٤٥٦٧٨٩٫−")
    ),
    "full width": table(SECONDS, MILLIVOLTS, separator=";").translate(
        str.maketrans("0123456789.-", "０１２３４５６７８９．－")
    ),
    "exponents and signs": table(
        times(lambda t: f"{t:.6e}"), values(lambda v: f"{v:+.5E}"), header="time_s,ecg_mV"
    ),
    "English thousands": table(SECONDS, values(lambda v: f'"{v * 1000:,.1f}"'), header="time_s,ecg_uV"),
    "German thousands": table(
        comma(SECONDS),
        values(lambda v: f"{v * 1000:,.1f}".translate(str.maketrans(",.", ".,"))),
        header="time_s;ecg_uV",
        separator=";",
    ),
    "Swiss thousands": table(
        SECONDS, values(lambda v: f"{v * 1000:,.1f}".replace(",", "'")),
        header="time_s;ecg_uV", separator=";",
    ),
    "thousands with a thin space": table(
        SECONDS, values(lambda v: f"{v * 1000:,.1f}".replace(",", "\u202f")),
        header="time_s;ecg_uV", separator=";",
    ),
    "whole numbers with thousands": table(
        SECONDS, values(lambda v: f"{round(v * 1000):,}"), header="time_s;ecg_uV", separator=";"
    ),
    "a separator at the end": table(SECONDS, [f"{c}," for c in MILLIVOLTS], header="time_s,ecg_mV,"),
    "a separator at the end of rows": table(SECONDS, [f"{c}," for c in MILLIVOLTS], header="time_s,ecg_mV"),
    "blank lines": table(SECONDS, [f"{c}\n" for c in MILLIVOLTS], header="time_s,ecg_mV"),
    "the header again": table(SECONDS[:700], MILLIVOLTS[:700], header="time_s,ecg_mV")
    + table(SECONDS[700:], MILLIVOLTS[700:], header="time_s,ecg_mV"),
    "comments between": table(SECONDS[:700], MILLIVOLTS[:700], header="time_s,ecg_mV")
    + "# button pressed\n" + table(SECONDS[700:], MILLIVOLTS[700:]),
    "no names, ms": table(times(lambda t: f"{t * 1e3:.0f}"), MICROVOLTS),
    "no names, ns": table(times(lambda t: f"{t * 1e9:.0f}"), MILLIVOLTS, separator=" "),
    "no names, the value first": table(MILLIVOLTS, SECONDS, separator=";"),
    "midnight in two columns": table(
        times(lambda t: moment(t, "%Y-%m-%d")), times(lambda t: moment(t, "%H:%M:%S.%f")), MILLIVOLTS,
        header="date;time;ecg_mV", separator=";",
    ),
    "old Macintosh": table(SECONDS, MILLIVOLTS, header="time_s;ecg_mV", separator=";").replace("\n", "\r"),
    "Windows": table(SECONDS, MILLIVOLTS, header="time_s;ecg_mV", separator=";").replace("\n", "\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("case", CELLS)
def test_dialects_give_the_same_numbers(tmp_path: Path, case: str) -> None:
    is_right(loaded(tmp_path, CELLS[case]))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_encodings_and_gzip_show_in_the_content(tmp_path: Path, packed: bool, encoding: str) -> None:
    data = table(SECONDS, MICROVOLTS, header="Zeit [s];EKG [µV]", separator=";").encode(encoding)
    is_right(loaded(tmp_path, gzip.compress(data) if packed else data))


@pytest.mark.parametrize("unit", ["", "µV", "V", "counts"])
def test_a_column_without_a_unit_is_told_by_its_heartbeats(tmp_path: Path, unit: str) -> None:
    beats = np.zeros(2600)
    beats[50::100], beats[60::100] = 1.1, 0.2
    factor = {"": 1.0, "µV": 1000.0, "V": 1e-3, "counts": 20_000.0}[unit]
    offset = 1 << 20 if unit == "counts" else 0
    recording = loaded(tmp_path, "\n".join(f"{factor * v + offset:.9g}" for v in beats) + "\n", fs=130)
    size = np.ptp(recording.mv)
    assert size == pytest.approx(1.0 if unit == "counts" else 1.1, rel=1e-3)
    assert [note.code for note in recording.notes] == (["unit_assumed"] if unit else [])


@pytest.mark.parametrize(
    ("unit", "per_mv"), [("mV", 1), ("uV", 1000), ("µV", 1000), ("V", 1e-3), ("millivolts", 1)]
)
def test_the_unit_can_be_given(tmp_path: Path, unit: str, per_mv: float) -> None:
    recording = loaded(tmp_path, "0\n900\n-900\n", fs=130, unit=unit)
    np.testing.assert_allclose(recording.mv, np.array([0, 900, -900]) / per_mv, rtol=1e-6)
    with pytest.raises(ConfigError, match="unit 'mmHg' is not known: choose mV"):
        loaded(tmp_path, "0\n1\n", fs=130, unit="mmHg")


def test_millivolts_that_no_body_has_are_doubted(tmp_path: Path) -> None:
    recording = loaded(tmp_path, table(SECONDS, MICROVOLTS, header="time_s,ecg_mV"))
    assert [note.code for note in recording.notes] == ["unit_doubtful"]


REFUSED = {
    "a comma before three digits": ("ecg_uV\n1,234\n9,876\n", "before a fraction or between thousands"),
    "commas and points": ("ecg_uV\n1,25\n9.5\n0,5\n", "decimal commas and decimal points"),
    "fractions as a column": (
        table(times(lambda t: f"{t * 1e3:.0f}"), ["0123", "7"] * (N // 2), header="time_ms,ecg_uV"),
        "begin with zeros",
    ),
    "thousands between commas": (
        table(SECONDS, values(lambda v: f"{round(v * 1000):,}"), header="time_s,ecg_uV"),
        "3 of 2 columns",
    ),
    "a quote that does not end": (
        table(SECONDS, MILLIVOLTS, header="time_s,ecg_mV") + '"' + "1,2\n" * 90_000,
        "line .*field larger",
    ),
    "an escape in a name": (
        "time_s,\x1b]52;c;eA==\x07,hr\n" + "0,1,2\n" * 99,
        "missing from 'time_s', 'hr' and 1 more",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_be_read_in_two_ways_is_refused(tmp_path: Path, case: str) -> None:
    text, says = REFUSED[case]
    with pytest.raises(ConfigError, match=says) as caught:
        loaded(tmp_path, text, fs=130)
    assert str(caught.value).isprintable()


EXPORT = (
    "Name,Erika Mustermann\nDate of Birth,\"Jan 1, 1980\"\n"
    "Recorded Date,2024-03-28 10:37:13 +0100\nDevice,\"Watch6,7\"\n"
)  # fmt: skip


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "\n\n158,837\n162,001\n",
        "1;2;3\n" * 40,
        "\nx\n",
        "Name,Mustermann\n1,2\n",
        "Unit,µV\n158,837\n7,070\n",
    ],
)
@pytest.mark.parametrize("fs", [None, 130.0])
def test_no_error_shows_the_wearer_s_name(tmp_path: Path, fs: float | None, rest: str) -> None:
    shown = []
    for text in (EXPORT + rest, EXPORT.splitlines()[0] + "\n" + rest, "0.1\n0.2\n0.3\nErika Mustermann\n"):
        try:
            loaded(tmp_path, text, fs=fs)
        except ConfigError as error:
            shown.append(str(error))
    assert "Mustermann" not in "".join(shown)


def test_a_file_cut_at_any_byte_gives_all_that_is_whole(tmp_path: Path) -> None:
    text = table(times(lambda t: f"{round(t * 1e9)}"), MICROVOLTS, header="time_ns,ecg_uV")
    lines = text.splitlines(keepends=True)
    begin = sum(map(len, lines[:40]))
    for end in range(begin, begin + 90):
        recording = loaded(tmp_path, text[:end])
        whole = text[:end].count("\n") - 1
        assert whole <= len(recording.mv) <= whole + 1
        np.testing.assert_allclose(recording.mv[:whole], MV[:whole], atol=6e-4)
        last = text[:end].rpartition("\n")[2]
        if last and ("," not in last or last.endswith(",")):
            assert [note.code for note in recording.notes] == ["cut_line"]
            assert f"line {whole + 2}" in recording.notes[0].detail


def test_what_is_before_a_bad_line_is_given_before_the_error(tmp_path: Path) -> None:
    for bad in (777, 1499):
        cells = [*MILLIVOLTS[:bad], "bad", *MILLIVOLTS[bad + 1 :]]
        (tmp_path / "a.csv").write_text(table(SECONDS, cells, header="time_s,ecg_mV"))
        blocks = read(tmp_path / "a.csv")
        got: list[SampleBlock] = []
        with pytest.raises(ConfigError, match=f"line {bad + 2}: no number in column 'ecg_mV'"):
            got.extend(blocks)
        assert got[-1].end_sample == bad


@pytest.mark.parametrize("channel", ["ecg_b", "ECG_B", "ecg_b_mV", "2", 2])
def test_a_column_is_chosen_by_name_or_number(tmp_path: Path, channel: str | int) -> None:
    text = table(SECONDS, ["0.5"] * N, MILLIVOLTS, header="time_s,ecg_a_mV,ecg_b_mV")
    is_right(loaded(tmp_path, text, channel=channel))
    assert np.all(loaded(tmp_path, text).mv == 0.5)


def test_a_column_without_a_name_is_chosen_by_number(tmp_path: Path) -> None:
    is_right(loaded(tmp_path, table(["0.5"] * N, MILLIVOLTS), fs=130, channel="1"))
    with pytest.raises(ConfigError, match=r"2 columns and no names.*--channel 1"):
        loaded(tmp_path, table(MILLIVOLTS, MILLIVOLTS), fs=130)


def test_stamps_without_sense_are_left_out_where_the_rate_is_given(tmp_path: Path) -> None:
    cells = [str(t) for t in np.random.default_rng(1).integers(0, 10**9, N)]
    text = table(cells, MILLIVOLTS, header="time_ms,ecg_mV")
    recording = loaded(tmp_path, text, fs=FS)
    is_right(recording)
    assert [note.code for note in recording.notes] == ["stamps_ignored"]
    with pytest.raises(ConfigError, match="no ECG is sampled at: give fs"):
        loaded(tmp_path, text)


def test_a_given_rate_that_the_stamps_contradict_is_told(tmp_path: Path) -> None:
    recording = loaded(tmp_path, table(SECONDS, MILLIVOLTS, header="time_s,ecg_mV"), fs=250)
    assert recording.fs == 250.0
    assert [note.code for note in recording.notes] == ["rate_differs"]


def test_a_fifo_is_read_as_it_comes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    text = table(SECONDS, MILLIVOLTS, header="time_s,ecg_mV")

    def write() -> None:
        with (tmp_path / "pipe").open("w") as pipe:
            for line in text.splitlines(keepends=True):
                pipe.write(line)
                pipe.flush()

    writer = threading.Thread(target=write)
    writer.start()
    is_right(load(tmp_path / "pipe"))
    writer.join()


def test_the_start_is_the_first_stamp(tmp_path: Path) -> None:
    zone = timezone(timedelta(hours=2))
    for cells, start in (
        (STAMPS["datetime"], FIRST),
        (STAMPS["Date"], FIRST.replace(tzinfo=zone)),
        (STAMPS["timestamp"], datetime.fromtimestamp(1_700_000_000, UTC)),
        (STAMPS["time_ms"], None),
        (STAMPS["Uhrzeit"], None),
    ):
        assert loaded(tmp_path, table(cells, MILLIVOLTS, header="time,ecg_mV")).start == start


def test_a_preamble_gives_rate_and_unit(tmp_path: Path) -> None:
    for line, fs in (
        ("Sample Rate,512 hertz", 512.0),
        ("Messrate,511,562 Hertz", 511.562),
        ("# fs: 250 Hz", 250.0),
    ):
        text = f"Device,watch\n{line}\nUnit,µV\n\n" + table(MICROVOLTS)
        is_right(loaded(tmp_path, text), fs)


# --- numbers ---


@settings(max_examples=300, deadline=None)
@given(
    value=st.floats(-9999, 9999),
    digits=st.integers(0, 6),
    mark=st.sampled_from(",."),
    group=st.sampled_from(["", ",", ".", " ", "'"]),
)
def test_a_number_is_read_right_or_refused(value: float, digits: int, mark: str, group: str) -> None:
    if group == mark:
        group = ""
    text = f"{value:,.{digits}f}".replace(",", "G").replace(".", mark).replace("G", group)
    try:
        read_value = number(text, find_style([text]))
    except ValueError:
        return
    if group in (",", ".") and digits == 0:  # 1.234 alone is a number with a fraction
        return
    if mark == "," and digits == 3 and not text.lstrip("-").startswith("0"):
        return
    assert read_value == pytest.approx(value, abs=0.51 * 10.0**-digits)


@pytest.mark.parametrize(
    "cell", ["1_000", "0x10", "1e400", "9" * 500, "1,2,3", "1..2", "--1", "1e", "Infinity", "٠x"]
)
def test_what_is_no_number_is_none(cell: str) -> None:
    with pytest.raises(ValueError, match=r"no number|hundreds of digits|larger than any"):
        number(cell, Style.POINT)


# --- the writer ---


@settings(max_examples=40, deadline=None)
@given(
    fs=st.one_of(
        st.sampled_from((125.0, 128.0, 130.0, 250.0, 256.0, 360.0, 500.0, 512.0, 1000.0)), st.floats(50, 4000)
    ),
    missing=st.lists(st.integers(0, 999), max_size=20),
    gap=st.one_of(st.just(0), st.integers(2, 5000)),
)
def test_what_the_writer_writes_comes_back(
    tmp_path_factory: pytest.TempPathFactory, fs: float, missing: list[int], gap: int
) -> None:
    path = tmp_path_factory.mktemp("writer") / "a.csv"
    mv = (np.arange(1000) % 200 / 100 - 1).astype(np.float32)
    mv[missing] = np.nan
    with CsvWriter(path) as writer:
        writer.write(SampleBlock(mv, fs))
        writer.write(SampleBlock(mv, fs, sample=1000 + gap))
    recording = load(path)
    assert recording.fs == pytest.approx(fs, rel=6e-4)
    expected = np.concatenate([mv, np.full(gap, np.nan, np.float32), mv])
    np.testing.assert_allclose(recording.mv, expected, atol=1e-6)


def test_the_writer_leaves_missing_values_empty(tmp_path: Path) -> None:
    with CsvWriter(tmp_path / "a.csv") as writer:
        writer.write(SampleBlock(np.array([0.1, np.nan, np.inf, 0.2], np.float32), 130.0))
    cells = [line.split(",")[1] for line in (tmp_path / "a.csv").read_text().splitlines()]
    assert cells == ["ecg_uV", "100", "", "", "200"]
