"""What does the phone app download, how long does it take to start, what does an hour of ECG cost it?

In a headless Chromium with a virtual Polar H10 on emulated Bluetooth, and its Python alone in Node, which
runs WebAssembly as Chrome does. ``make phone`` has to have built the app.
"""

from __future__ import annotations

from typing import Any

from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import targets
from benchmarks.harness.not_measured import NotMeasuredError, or_skipped, skipped
from benchmarks.questions.phone import in_browser, in_node
from benchmarks.questions.phone.in_node import APP

# Millions of bytes, and CPU seconds: of the page's process, and of Node's.
TARGETS = {
    "download_mb": 7.0,
    "ready_cpu_s": 3.0,
    "hour_cpu_s": 8.0,
    "memory_mb": 150.0,
    "node_start_s": 3.0,
    "node_ready_mb": 48.0,
    "node_hour_s": 10.0,
}


def download() -> dict[str, Any]:
    """Megabytes of the app's parts: on the phone, and on the way there from a server that compresses.

    Raises
    ------
    NotMeasuredError
        It was not built.
    """
    if not (APP / "SHA256SUMS").is_file():
        raise NotMeasuredError("the app is not built here: make phone")
    parts: dict[str, dict[str, float]] = {}
    for path in sorted(APP.rglob("*")):
        if path.is_file() and path.suffix != ".gz":
            twin = path.with_name(f"{path.name}.gz")
            inside = path.relative_to(APP).parts
            part = parts.setdefault(
                inside[0] if path.stat().st_size < 1e6 else path.name, {"mb": 0, "way_mb": 0}
            )
            part["mb"] += path.stat().st_size / 1e6
            part["way_mb"] += (twin if twin.is_file() else path).stat().st_size / 1e6
    return {
        "parts": parts,
        "mb": sum(one["mb"] for one in parts.values()),
        "way_mb": sum(one["way_mb"] for one in parts.values()),
    }


def measure(quick: bool) -> dict[str, Any]:
    """Everything."""
    found = {
        "download": or_skipped(download),
        "browser": or_skipped(in_browser.measure, quick),
        "node": in_node.measure(quick),
    }
    return {"targets": held(found), **found}


def held(found: dict[str, Any]) -> dict[str, Any]:
    """The targets, and which were missed."""
    browser, start = found["browser"], found["node"]["start"]
    hours = [one["hour_s"] for one in found["node"]["hours"].values() if not skipped(one)]
    figures = {
        "download_mb": found["download"].get("way_mb"),
        "ready_cpu_s": None if skipped(browser) else browser["starts"]["warm"]["cpu_s"],
        "hour_cpu_s": None if skipped(browser) else browser["at_once"]["cpu_s_per_hour"],
        "memory_mb": None if skipped(browser) else browser["memory"]["ended"]["pss_mb"],
        "node_start_s": None if skipped(start) else max(start["steps_s"].values()),
        "node_ready_mb": start.get("ready_mb"),
        "node_hour_s": max(hours, default=None),
    }
    return targets(figures, TARGETS)


def show(found: dict[str, Any]) -> None:
    """Print every figure."""
    print(f"download: {found['download']}")
    in_browser.show(found["browser"])
    print(f"start in Node: {found['node']['start']}")
    for name, row in found["node"]["hours"].items():
        print(f"{name}, in Node: {row}")


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    return command.answer(__doc__, "phone", measure, show, arguments)
