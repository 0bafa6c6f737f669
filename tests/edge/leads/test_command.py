"""``ecgedge leads``: a file of twelve leads, and the warning that goes with it."""

from __future__ import annotations

import os
import stat
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ecgedge as package
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.leads.features import LEADS
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge_bridge.values import SampleBlock

MV = np.round(synthesize([Segment("sinus", 20)], fs=130, seed=1).mv, 3).astype(np.float32)
GAP = slice(1000, 1300)


@pytest.fixture
def ecgedge(program: Any) -> Any:
    return program.cli()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Twenty seconds with a hole of two."""
    path = tmp_path / "h10.csv"
    with CsvWriter(path) as writer:
        writer.write(SampleBlock(MV[: GAP.start], fs=130.0, sample=0))
        writer.write(SampleBlock(MV[GAP.stop :], fs=130.0, sample=GAP.stop))
    return path


def test_leads_are_written_with_their_warning(ecgedge: Any, recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "leads.csv"
    done = ecgedge.run("leads", str(recording), str(out))
    assert done.returncode == 0, done.stderr
    assert "never measured" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "2300 samples" in done.stdout
    head, *rows = out.read_text().splitlines()
    assert head.split(",") == ["time_s", "I_mV", *(f"{name}_guessed_mV" for name in LEADS[1:])]
    assert len(rows) == len(MV) - 300
    found = np.loadtxt(out, delimiter=",", skiprows=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", package.ReconstructionWarning)
        expected = package.reconstruct_leads(package.load(recording))
    there = ~np.isnan(expected["V2"])
    np.testing.assert_allclose(found[:, 0], np.flatnonzero(there) / 130.0, atol=1e-6)
    for column, values in enumerate(expected.values(), 1):
        np.testing.assert_allclose(found[:, column], values[there], atol=6e-4)
    if os.name == "posix":
        assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_file_that_is_there_stays_unless_forced(ecgedge: Any, recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "leads.csv"
    out.write_text("mine")
    done = ecgedge.run("leads", str(recording), str(out))
    assert (done.returncode, out.read_text()) == (1, "mine")
    assert "--force" in done.stderr
    assert ecgedge.run("leads", str(recording), str(out), "--force").returncode == 0
    assert out.read_text().startswith("time_s,")


def test_the_recording_itself_is_never_replaced(ecgedge: Any, recording: Path) -> None:
    before = recording.read_bytes()
    done = ecgedge.run("leads", str(recording), str(recording), "--force")
    assert done.returncode == 1
    assert recording.read_bytes() == before


@pytest.mark.parametrize("content", ["", "no numbers\n", "time_ns,ecg_uV\n0,100\n7692308,200\n"])
def test_what_holds_no_second_of_signal_leaves_no_file(ecgedge: Any, tmp_path: Path, content: str) -> None:
    (tmp_path / "short.csv").write_text(content)
    done = ecgedge.run("leads", str(tmp_path / "short.csv"), str(tmp_path / "out.csv"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()
