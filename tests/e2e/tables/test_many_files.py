"""`ecgedge table` as somebody with a folder of files from everywhere types it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize

FS, SECONDS = 128.0, 40.0


def plain(t: float, mv: float) -> str:
    return f"{t:.6f},{mv:.4f}"


def german(t: float, mv: float) -> str:
    return f"{t:.6f};{mv:.4f}".replace(".", ",")


def microvolts(t: float, mv: float) -> str:
    return f"{1000 * t:.3f}\t{1000 * mv:.0f}"


def stamped(t: float, mv: float) -> str:
    return f"{np.datetime64('2026-11-29T08:00:00') + np.timedelta64(round(1e6 * t), 'us')},{mv:.4f}"


def two_leads(t: float, mv: float) -> str:
    return f"{t:.6f},{mv:.4f},{0.4 * mv:.4f}"


DIALECTS: dict[str, tuple[str, Callable[[float, float], str], str]] = {
    "plain": ("time_s,ecg_mV", plain, "utf-8"),
    "german": ("Zeit;EKG [mV]", german, "latin-1"),
    "microvolts": ("# somebody's logger\ntimestamp_ms\tecg_uV", microvolts, "utf-16"),
    "stamped": ("time,ecg_mV", stamped, "utf-8-sig"),
    "two_leads": ("t,lead I,lead II", two_leads, "utf-8"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in each dialect, at 50, 60, ... a minute; one damaged, one of noise, one empty."""
    made = tmp_path_factory.mktemp("study")
    for number, (name, (head, line, encoding)) in enumerate(DIALECTS.items()):
        ecg = synthesize([Segment("sinus", SECONDS, 50.0 + 10 * number)], FS, seed=number)
        lines = [line(at / FS, mv) for at, mv in enumerate(ecg.mv.tolist())]
        (made / f"{name}.csv").write_text("\n".join([head, *lines]), encoding)
    text = (made / "plain.csv").read_bytes()
    (made / "damaged.csv").write_bytes(text[: len(text) // 2] + b"\x00\xff\x13 garbage,,\n" * 20)
    noise = np.random.default_rng(1).normal(0, 1.5, round(FS * SECONDS)).tolist()
    lines = [plain(at / FS, mv) for at, mv in enumerate(noise)]
    (made / "noise.csv").write_text("\n".join(["time_s,ecg_mV", *lines]))
    (made / "void.csv").write_text("")
    return made


def test_each_dialect_is_a_row_and_each_failure_too(folder: Path, tmp_path: Path, program: Any) -> None:
    out = tmp_path / "study.csv"
    done = program.cli().run("table", str(folder), "-o", str(out))
    assert done.returncode == 1
    assert done.stdout == f"{out}: 8 recordings, 2 with an error\n"
    assert len(done.stderr.splitlines()) == 2
    assert "Traceback" not in done.stderr
    with out.open(newline="") as file:
        rows = {Path(row["file"]).stem: row for row in csv.DictReader(file)}
    assert list(rows) == sorted(rows)
    for number, name in enumerate(DIALECTS):
        row = rows[name]
        assert float(row["heart_rate_bpm"]) == pytest.approx(50 + 10 * number, abs=2)
        assert float(row["fs"]) == pytest.approx(FS, abs=0.01)
        assert float(row["duration_s"]) == pytest.approx(SECONDS, abs=0.05)
        assert not row["error"]
    assert rows["stamped"]["start"].startswith("2026-11-29T08:00:00")
    assert rows["microvolts"]["unit"] == "uV"
    assert rows["noise"]["heart_rate_bpm"] == ""
    assert float(rows["noise"]["usable"]) == 0
    assert 15 < float(rows["damaged"]["duration_s"]) < 21  # what came before the damage
    assert "cut the damaged rest off" in rows["damaged"]["error"]
    assert not rows["void"]["duration_s"]
    assert rows["void"]["error"]


def test_parquet_has_the_same_numbers(folder: Path, tmp_path: Path, program: Any) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    names = [str(folder / f"{name}.csv") for name in ("plain", "german")]
    assert program.cli().run("table", *names, "-o", str(tmp_path / "a.parquet")).returncode == 0
    assert program.cli().run("table", *names, "-o", str(tmp_path / "a.csv")).returncode == 0
    whole = parquet.read_table(tmp_path / "a.parquet").to_pylist()
    with (tmp_path / "a.csv").open(newline="") as file:
        for one, other in zip(whole, csv.DictReader(file), strict=True):
            assert one["heart_rate_bpm"] == pytest.approx(float(other["heart_rate_bpm"]), rel=1e-5)
            assert (str(one["beats"]), str(one["af"])) == (other["beats"], other["af"])


def test_the_table_of_last_time_is_no_recording(folder: Path, tmp_path: Path, program: Any) -> None:
    (tmp_path / "plain.csv").write_bytes((folder / "plain.csv").read_bytes())
    out = tmp_path / "study.csv"
    for more in ([], ["--force"]):
        done = program.cli().run("table", str(tmp_path), "-o", str(out), *more)
        assert (done.returncode, done.stdout) == (0, f"{out}: 1 recording\n")
    with out.open(newline="") as file:
        assert [Path(row["file"]).name for row in csv.DictReader(file)] == ["plain.csv"]


def test_a_name_that_nothing_writes_is_refused_before_the_work(folder: Path, program: Any) -> None:
    done = program.cli(before="import ecgedge.tables.recordings as r; r.rows_of = None").run(
        "table", str(folder), "-o", "study.xlsx"
    )
    assert done.returncode == 1
    assert done.stderr.endswith("give a name that ends in .csv or .parquet\n")
