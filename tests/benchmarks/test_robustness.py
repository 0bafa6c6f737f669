"""Worse signals are what they say, and what is said of them is counted as it should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_results import environment

from benchmarks.harness import signals
from benchmarks.questions import robustness
from benchmarks.tables import rhythm as tables_of_rhythm
from ecgedge import Monitor, SampleBlock
from ecgedge_export import prepare
from ecgedge_export.rhythm import scores
from ecgedge_export.rhythm.conditions import Changed
from ecgedge_export.rhythm.scores import Answers

FS = 300.0
RECORD = Changed("A00001", "N", signals.made(30.0, FS), FS)


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "DRAWS", 50)


def answers(said: str, truth: str = "NNAAOO") -> Answers:
    """Labels alone."""
    n = len(said)
    nothing = np.zeros((n, 0)), np.zeros(n)
    return Answers(list(map(str, range(n))), list(truth), list(said), *nothing, [None] * n)


def test_a_wrong_rate_changes_the_rate_alone() -> None:
    worse = robustness.misdated(0.03, RECORD)
    assert worse.fs == pytest.approx(309.0)
    assert worse.mv is RECORD.mv


def test_gain_scales_the_signal() -> None:
    worse = robustness.amplified(10.0, RECORD)
    np.testing.assert_allclose(worse.mv, 10 * RECORD.mv, rtol=1e-6)
    assert worse.mv.dtype == np.float32
    assert robustness.plain(RECORD).mv is RECORD.mv


def test_every_condition_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).normal(size=3000).astype(np.float32)
    monkeypatch.setattr(prepare, "held_out_noise", lambda fs: dict.fromkeys(("bw", "ma"), noise))
    every = robustness.changes(FS)
    assert list(every)[:3] == [robustness.PLAIN, "NSTDB bw, 24 dB", "NSTDB ma, 24 dB"]
    assert {"rate -5 %", "rate +1 %", "upside down", "gain 0.1"} <= set(every)
    added = every["NSTDB ma, 6 dB"](RECORD).mv.astype(float) - RECORD.mv
    assert 10 * np.log10(RECORD.mv.astype(float).var() / added.var()) == pytest.approx(6.0, abs=0.2)


def test_more_loss_loses_the_same_and_more() -> None:
    whole, some, most = (robustness.surviving(RECORD, share) for share in (0.0, 0.3, 0.9))
    starts = [{block.sample for block in blocks} for blocks in (whole, some, most)]
    assert starts[0] == set(range(0, 3900, 73))
    assert starts[0] > starts[1] > starts[2]
    assert all(block.fs == signals.FS for block in some)


def test_the_last_rhythm_of_a_stream_counts_and_none_is_noise() -> None:
    monitor = Monitor()
    assert robustness.live(monitor, robustness.surviving(RECORD, 0.0)) in "NAO"
    flat = [SampleBlock(np.zeros(3900, np.float32), signals.FS)]
    assert robustness.live(monitor, flat) == "~"
    assert robustness.live(monitor, []) == "~"


def test_what_is_refused_is_wrong_in_the_one_figure_and_left_out_of_the_other() -> None:
    found = robustness.figures(answers("NNA~O~"), answers("NNAAOO"))
    assert found["named"] == 0.6667
    assert found["of_named"]["mean_f1_nao"] == 1.0
    assert found["of_all"]["mean_f1_nao"] == pytest.approx(np.mean([1, 2 / 3, 2 / 3]), abs=1e-4)
    assert found["points"] == pytest.approx(-100 * 2 / 9, abs=0.01)


def test_without_one_of_the_rhythms_there_is_no_mean() -> None:
    found = robustness.figures(answers("NN~~OO"), answers("NNAAOO"))
    assert found["of_named"]["mean_f1_nao"] is None
    assert found["of_all"]["mean_f1_nao"] == pytest.approx(2 / 3, abs=1e-4)


def test_beats_are_counted_in_what_is_read_of_a_recording() -> None:
    mv = np.zeros(round(30 * FS), np.float32)
    at = np.arange(300, len(mv), 300)
    mv[at] = 1.0
    record = robustness.Excerpt("100", "", mv, FS, at)
    found = robustness.beats_under([record, record], robustness.plain)
    assert found["beats"] == 2 * len(at)
    assert found["Se"] > 0.9


def test_an_excerpt_ends_with_its_signal() -> None:
    class Long:
        id, label, fs = "100", "", FS
        mv = np.zeros(round(200 * FS), np.float32)
        beats = np.array([0, round(179 * FS), round(181 * FS)])

    found = robustness.excerpt(Long())  # type: ignore[arg-type]
    assert len(found.mv) == round(180 * FS)
    assert found.beats.tolist() == [0, round(179 * FS)]


# Table

ENVIRONMENT = environment("robustness")
BEATS = {"Se": 0.999, "P+": 0.9876}
AF = {"with_af": 2, "coverage": 0.9, "Se": 1.0, "Sp": 0.95}


def found() -> dict[str, Any]:
    """Results as the benchmark writes them."""
    before = answers("NNAAOO")
    good, bad = (robustness.figures(answers(said), before) for said in ("NNAAOO", "NNA~O~"))
    noise = {f"NSTDB {kind}, 6 dB": bad for kind in ("bw", "em", "ma")}
    return {
        "environment": ENVIRONMENT,
        "rhythm": {"conditions": {robustness.PLAIN: good, **noise, robustness.lost_name(0.01): bad}},
        "beats": {"conditions": dict.fromkeys((robustness.PLAIN, *noise), BEATS)},
        "leads": {"records": 20, **{lead: {"named": 0.95, "AF": AF} for lead in ("I", "II")}},
    }


def written(folder: Path, results: dict[str, Any]) -> list[str]:
    """Lines of the table of some results."""
    (folder / "robustness.json").write_text(json.dumps(results))
    return tables_of_rhythm.robustness(folder).splitlines()


def test_the_table_of_worse_signals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = written(tmp_path, found())
    plain = next(line for line in lines if line.startswith("| as they are | 100.0 % | 1.000 ("))
    assert plain.endswith(" to 1.000) |  | 99.90 % | 98.76 % |")
    noise = "| 6 dB | 66.7 % / 66.7 % / 66.7 % | 1.000 / 1.000 / 1.000 | 0.778 / 0.778 / 0.778 |"
    assert any(line.startswith(noise) for line in lines)
    lossy = next(line for line in lines if line.startswith("| 1 % of notifications lost | 66.7 % |"))
    assert lossy.endswith("|  |  |")
    assert "-22.2 (" in lossy
    assert "| lead II, 20 people, 2 with AF | 95.0 % | 90.0 % | 100.0 % | 95.0 % |" in lines
    robustness.show(found())
    assert "PTB-XL lead II" in capsys.readouterr().out


def test_what_is_not_at_hand_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = found() | {"leads": {"skipped": "ptb-xl is not at hand"}, "beats": {"skipped": "no mitdb"}}
    lines = written(tmp_path, results)
    assert "not measured: ptb-xl is not at hand" in lines
    assert any(line.endswith("|  |  |") for line in lines if line.startswith("| as they are"))
    robustness.show(results)
    assert "leads: ptb-xl is not at hand" in capsys.readouterr().out
