"""The app in a headless Chromium, without a graphics processor, and a virtual Polar H10 on its Bluetooth.

CPU time is that of the page's process, where Python and the models run. "At once" is as fast as the app
records, with the page shown or behind another tab; "live" is in real time with the page shown. The page's own
listeners get what the strap sends: to read for each notification, as the emulation does, is most of the work.
"""

from __future__ import annotations

import importlib
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.harness.machine import ROOT
from benchmarks.harness.not_measured import NotMeasuredError, skipped
from benchmarks.harness.signals import Signal, real_or_made

BUILT = ROOT / "build" / "phone"
STARTS = 5  # the median counts
FS, FRAME = 130.0, 73
PIECE_S = 600.0


def tools() -> SimpleNamespace:
    """What the tests in a browser are made of: scripts beside them.

    Raises
    ------
    NotMeasuredError
        There is no app, or no browser.
    """
    from ecgedge.report.pdf import find_chromium

    if not (BUILT / "SHA256SUMS").is_file():
        raise NotMeasuredError("the phone app is not built: make phone")
    program = find_chromium()
    if program is None:
        raise NotMeasuredError("there is no Chromium: make test-phone PHONE=--install")
    sys.path[:0] = [str(ROOT / "tests" / name) for name in ("browser", "phone")]
    names = ("devtools", "handset", "strap", "site_of_app")
    return SimpleNamespace(program=program, **{name: importlib.import_module(name) for name in names})


def browser_of(with_: SimpleNamespace, profile: Path) -> AbstractContextManager[Any]:
    """A browser with this profile."""
    running: AbstractContextManager[Any] = with_.devtools.chromium(
        with_.program, profile, *with_.handset.Handset.FLAGS
    )
    return running


@contextmanager
def opened(with_: SimpleNamespace, profile: Path, port: int = 0) -> Iterator[tuple[Any, dict[str, float]]]:
    """The app in a browser with this profile, and what it took until it was ready."""
    with (
        with_.site_of_app.Site(BUILT, port) as site,
        browser_of(with_, profile) as browser,
    ):
        handset = with_.handset.Handset(browser, site.url, kept=True)
        begun = time.monotonic()
        handset.open()
        wall_s = time.monotonic() - begun
        everything = sum(float(one["cpuTime"]) for one in browser.processes())
        yield handset, {"cpu_s": handset.cpu_s(), "all_processes_cpu_s": everything, "wall_s": wall_s}


def starts(with_: SimpleNamespace, rounds: int) -> dict[str, Any]:
    """First visits, in profiles that have seen nothing, and later ones."""
    found: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
    port = free_port()
    for _ in range(rounds):
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for kind in found:
                with opened(with_, Path(folder) / "profile", port) as (handset, took):
                    memory = handset.memory()
                    found[kind].append(took | memory._asdict())
    return {kind: medians(some) for kind, some in found.items()}


def free_port() -> int:
    """For several visits: what a browser keeps belongs to an address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def empty(with_: SimpleNamespace) -> dict[str, float]:
    """What a page of this browser takes that only has words."""
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        with_.devtools.chromium(
            with_.program, Path(folder) / "profile", *with_.handset.Handset.FLAGS
        ) as browser,
    ):
        page = with_.devtools.Page(browser, kept=True)
        page.open("data:text/plain,nothing")
        page.call("HeapProfiler.collectGarbage")
        own = max(
            (one for one in browser.processes() if one["type"] == "renderer"),
            key=lambda one: float(one["cpuTime"]),
        )
        return {"pss_mb": with_.handset.pss_mb(own["id"])}


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    """Of each figure."""
    return {key: float(np.median([run[key] for run in runs])) for key in runs[0]}


def measuring(with_: SimpleNamespace, at_once_s: float, live_s: float) -> dict[str, Any]:
    """On a later visit some time in real time, and an hour's worth at once: behind another tab, and shown."""
    name, mv = real_or_made(PIECE_S)
    frames, live = round(at_once_s * FS) // FRAME, round(live_s * FS) // FRAME
    signal = np.resize(mv, (2 * frames + live) * FRAME)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        where = Path(folder) / "profile", free_port()
        with opened(with_, *where):
            pass
        return on_visit(with_, where, name, signal, frames, live)


def on_visit(
    with_: SimpleNamespace, where: tuple[Path, int], name: str, signal: Signal, frames: int, live: int
) -> dict[str, Any]:
    """The same, in a profile at an address that has seen the app."""
    from ecgedge_bridge.simulation.h10 import VirtualH10

    with opened(with_, *where) as (handset, _):
        strap = with_.strap.Strap(handset.page, VirtualH10(signal), straight=True)
        handset.connect(strap)
        of_live = spent(handset, live, lambda: in_real_time(handset, strap, live))
        before = handset.memory()
        shown = spent(handset, frames, lambda: handset.play(strap, frames))
        after = handset.memory()
        with handset.page.hidden():
            hidden = spent(handset, frames, lambda: handset.play(strap, frames))
        return {
            "signal": name,
            "at_once": shown,
            "hidden": hidden,
            "live": of_live,
            "memory": {"begun": before._asdict(), "ended": after._asdict()},
        }


def spent(handset: Any, frames: int, work: Callable[[], int]) -> dict[str, float]:
    """CPU seconds of the page's process for an hour of ECG."""
    begun, worker, wall = handset.cpu_s(), handset.worker_cpu_s(), time.monotonic()
    if work() != frames:
        raise RuntimeError(f"not all of {frames} notifications were taken: a busy machine lost the link")
    wall_s, took = time.monotonic() - wall, handset.cpu_s() - begun
    ecg_s = frames * FRAME / FS
    hours = ecg_s / 3600
    return {
        "ecg_s": ecg_s,
        "wall_s": wall_s,
        "cpu_s": took,
        "cpu_s_per_hour": took / hours,
        "worker_cpu_s_per_hour": (handset.worker_cpu_s() - worker) / hours,
    }


def in_real_time(handset: Any, strap: Any, frames: int) -> int:
    """Notifications when a strap would send them."""
    begun = time.monotonic()
    for number in range(frames):
        handset.browser.pump(max(begun + (number + 1) * FRAME / FS - time.monotonic(), 0.0))
        strap.play(1)
    return frames


def measure(quick: bool) -> dict[str, Any]:
    """Starts, and ECG at once and live.

    Raises
    ------
    NotMeasuredError
        There is no app, or no browser.
    """
    with_ = tools()
    found = {"empty": empty(with_), "starts": starts(with_, 1 if quick else STARTS)}
    return found | measuring(with_, 300.0 if quick else 3600.0, 20.0 if quick else 180.0)


def show(found: dict[str, Any]) -> None:
    """Print every figure."""
    if skipped(found):
        print(found["skipped"])
        return
    for kind, row in found["starts"].items():
        print(
            f"ready, {kind}: {row['cpu_s']:.2f} CPU s ({row['all_processes_cpu_s']:.2f} with the browser's), "
            f"{row['wall_s']:.1f} s, {row['pss_mb']:.0f} MB, heap {row['wasm_mb']:.0f} MB"
        )
    print(f"an empty page: {found['empty']['pss_mb']:.0f} MB")
    for kind in ("at_once", "hidden", "live"):
        row = found[kind]
        hour = f"{row['cpu_s_per_hour']:.1f} CPU s an hour, {row['worker_cpu_s_per_hour']:.1f} the worker's"
        print(f"{kind}: {hour} ({row['ecg_s']:.0f} s in {row['wall_s']:.0f} s)")
    for kind, row in found["memory"].items():
        print(f"memory, {kind}: {row['pss_mb']:.0f} MB, heap {row['wasm_mb']:.0f} MB")
