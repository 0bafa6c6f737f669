"""An hour of two straps with random disconnects, in a process of its own: counts agree, memory is flat."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def test_two_straps_for_an_hour_with_random_disconnects() -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("memory is read from /proc, which this system does not have")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "soak", "--no-write"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["simulated_s"] == 3600
    assert found["rss_growth_kb"] < 2048
    for strap in found["straps"]:
        assert strap["reconnections"] == strap["disconnects"] > 10
        assert strap["samples_played"] == 3600 * 130 == strap["end_sample"]
        assert strap["samples_received"] == strap["samples_sent"]
        assert strap["samples_counted_lost"] == strap["samples_lost"]
        assert strap["samples_sent"] + strap["samples_lost"] == strap["samples_played"]
        assert strap["samples_wrong"] == 0
        assert strap["heart_rates"] > 2000
