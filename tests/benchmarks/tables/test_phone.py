"""The table of the phone app, from results of the shape that the question writes."""

import json

from made_results import environment

from benchmarks.questions import phone as question
from benchmarks.tables.phone import phone

MEMORY = {"begun": {"pss_mb": 140.0, "wasm_mb": 40.0}, "ended": {"pss_mb": 161.0, "wasm_mb": 41.0}}
START = {"cpu_s": 2.5, "all_processes_cpu_s": 4.0, "wall_s": 2.25, "pss_mb": 131.0, "wasm_mb": 38.0}
HOUR = {"ecg_s": 3600.0, "wall_s": 60.0, "cpu_s": 9.0, "cpu_s_per_hour": 9.0, "worker_cpu_s_per_hour": 5.0}
SKIPPED = {"skipped": "no app"}
FOUND = {
    "download": {"mb": 15.0, "way_mb": 6.5, "parts": {}},
    "browser": {
        "signal": "made",
        "starts": {"cold": START | {"cpu_s": 6.0}, "warm": START},
        "empty": {"pss_mb": 34.0},
        "at_once": HOUR,
        "hidden": HOUR | {"cpu_s_per_hour": 6.0},
        "live": HOUR | {"cpu_s_per_hour": 90.0},
        "memory": MEMORY,
    },
    "node": {
        "start": {"steps_s": {"python": 0.9, "ecgedge": 2.0}, "ready_mb": 32.0},
        "hours": {"a recording": {"hour_s": 4.0}, "made, 360 Hz": SKIPPED},
    },
}
NOTHING = {"download": SKIPPED, "browser": SKIPPED, "node": {"start": SKIPPED, "hours": {"made": SKIPPED}}}


def written(tmp_path, found):
    whole = {"environment": environment("phone"), "targets": question.held(found), **found}
    (tmp_path / "phone.json").write_text(json.dumps(whole))
    return phone(tmp_path)


def test_what_is_asked_stands_beside_what_was_found(tmp_path):
    text = written(tmp_path, FOUND)
    assert "| download, once | 6.50 MB | 7 MB |" in text
    assert "| a later one, from the phone's own storage | 2.50 CPU s, 2.25 s | 3 CPU s |" in text
    assert "| an hour of ECG at 130 Hz, at once | 9.00 CPU s, of it the worker's 5.00 | 8 CPU s |" in text
    assert "| the same behind another tab | 6.00 CPU s, of it the worker's 5.00 |  |" in text
    assert "| memory of an empty page | 34.0 MB |  |" in text
    assert "| live, with the page shown | 90.0 CPU s, of it the worker's 5.00 |  |" in text
    assert "| the analysis alone, in Node, a recording | 4.00 CPU s |  |" in text
    assert "| after an hour of ECG | 161 MB, of it WebAssembly's 41.0 | 150 MB |" in text


def test_what_is_over_is_named_and_what_was_not_measured_is_not():
    missed = question.held(FOUND)["missed"]
    assert [word.split()[0] for word in missed] == ["hour_cpu_s", "memory_mb"]
    assert question.held(NOTHING)["missed"] == []


def test_the_reason_stands_where_nothing_was_measured(tmp_path):
    assert written(tmp_path, NOTHING).count("not measured: no app") == 12
