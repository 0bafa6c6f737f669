"""No sum is so long that numpy's BLAS starts threads, which spin where other work has the cores."""

from pathlib import Path

import pytest

# What all threads but this one have run, in ns, against what this one has.
SHARE = """
import threading, time
from pathlib import Path

def ran(own):
    me = str(threading.get_native_id())
    return sum(
        int((task / "schedstat").read_text().split()[0])
        for task in Path("/proc/self/task").iterdir()
        if (task.name == me) == own
    )

def share(work, times):
    work()
    # Threads spin for a moment after they were made, at numpy's import.
    others = -1
    while others != (others := ran(False)):
        time.sleep(0.2)
    mine = ran(True)
    for _ in range(times):
        work()
    return (ran(False) - others) / (ran(True) - mine)
"""
WHOLE = """
import numpy as np
from ecgedge.stream.intake import runs
x = np.ones(1_000_000)
print(share(lambda: list(runs(x)), 50))
"""
SPECTRUM = """
import numpy as np
from ecgedge.hrv.spectrum import band_powers
rr = np.random.default_rng(0).normal(0.8, 0.05, 370)
print(share(lambda: band_powers(np.cumsum(rr), 1000 * rr), 300))
"""


@pytest.mark.skipif(not Path("/proc/self/schedstat").is_file(), reason="Linux counts what each thread ran")
@pytest.mark.parametrize("work", [WHOLE, SPECTRUM], ids=["whole recording", "spectrum"])
def test_sums_start_no_threads(program, work):
    done = program(SHARE + work).run()
    assert not done.stderr
    assert float(done.stdout) < 0.02
