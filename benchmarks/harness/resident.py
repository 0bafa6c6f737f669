"""Resident memory of this process; imports next to nothing, so that it adds little to what it measures."""

from __future__ import annotations

import contextlib
import gc
import resource
import sys
from pathlib import Path


def rss_kb() -> int:
    """Resident memory after a collection, in kB."""
    gc.collect()
    return status_kb("VmRSS") or peak_kb()


def peak_kb() -> int:
    """Most resident memory so far, in kB.

    From /proc where there is one: ``getrusage`` of a child includes the parent that started it.
    """
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return status_kb("VmHWM") or (most // 1024 if sys.platform == "darwin" else most)


def forget_peak() -> None:
    """Let :func:`peak_kb` count from now on, where the kernel can: Linux from 4.0 on."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def status_kb(key: str) -> int:
    """A figure of /proc/self/status; 0 where there is none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{key}:")), 0)
