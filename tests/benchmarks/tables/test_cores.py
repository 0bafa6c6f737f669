"""The table of the compiled core, from results of the shape that the question writes."""

import json

from made_results import environment

from benchmarks.questions import cores as question
from benchmarks.tables.cores import cores

SKIPPED = {"skipped": "no network"}
MS = {"p50": 0.5, "p99": 1.5, "p99.9": 2.5, "max": 3.0}
TIMES = {"wall_ms": MS, "cpu_ms": MS, "with_events": 9}
FOUND = {
    "live": {"c, litert": {"cpu_s_per_h": 0.4}, "numpy, litert": {"cpu_s_per_h": 2.0}, "c, onnx": SKIPPED},
    "again_each_second": {
        "sleepecg detect_heartbeats": {"cpu_s_per_h": 1.0},
        "neurokit2 ecg_process": SKIPPED,
    },
    "paced": {core: {"cold": TIMES, "warm": SKIPPED} for core in ("c", "numpy")},
    "fleet": {"c": {"cpu_s_per_h": 0.5, "cores_for_all": 0.139, "rss_kb": 130_000, "kb_each": 70.0}},
    "archive": {
        "c, litert": {"cpu_s": 6.0, "growth_kb": 30_000},
        "numpy, litert": {"cpu_s": 60.0, "growth_kb": 31_000},
    },
    "ready": {
        "litert": {"cpu_s": 0.25, "rss_kb": 60_000},
        "numpy and asyncio alone": {"cpu_s": 0.1, "rss_kb": 36_000},
    },
}


def test_the_table_has_every_row_and_the_ratios(tmp_path):
    (tmp_path / "cores.json").write_text(json.dumps({"environment": environment("cores"), **FOUND}))
    text = cores(tmp_path)
    assert "| an hour at 130 Hz live, numpy core, LiteRT | 2.00 CPU s | 5.00 × |" in text
    assert "sleepecg `detect_heartbeats` again each second | 1.00 CPU s | 2.50 ×" in text
    assert "`classify`, C core, LiteRT | 6.00 CPU s, 30.7 MB beside the array | 1.00 ×" in text
    assert "share of a core | 0.14" in text
    assert text.count("no network") == 4


def test_what_is_over_its_target_is_named():
    held = question.held(FOUND, "litert", False)
    assert sorted(word.split()[0] for word in held["missed"]) == ["archive_s", "ready_s"]
    assert held["live_s_per_h"] == 0.5
