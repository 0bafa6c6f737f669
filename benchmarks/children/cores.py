"""Tasks in processes of their own: the live monitor, cold and warm, a fleet, an archive, and being ready."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.harness.figures import quantiles_ms
from benchmarks.harness.processes import serve
from benchmarks.harness.resident import forget_peak, peak_kb, rss_kb
from benchmarks.harness.signals import FRAME, FS, frames, made, notifications


def live(backend: str, path: str) -> dict[str, Any]:
    """CPU seconds for an hour of a signal through a monitor, in frames of a strap."""
    import ecgedge

    mv, monitor = np.load(path), ecgedge.Monitor(backend=backend)
    blocks = frames(mv)
    for block in blocks[:200]:  # what is done once is not of the hour
        monitor.feed(block)
    monitor.reset()
    begun, events = time.thread_time(), 0
    for block in blocks:
        events += len(monitor.feed(block))
    spent = time.thread_time() - begun
    return {"cpu_s_per_h": spent / (len(mv) / FS / 3600), "events": events}


def pace(backend: str, path: str, pause_s: str) -> dict[str, Any]:
    """From a notification to the events that it leads to, with a pause before each.

    A pause lets the processor's caches go cold, as life does: a strap sends a frame every 0.56 s.
    """
    import ecgedge
    from ecgedge_bridge.protocols.polar.decoder import PolarEcgDecoder

    decoder, monitor = PolarEcgDecoder(), ecgedge.Monitor(backend=backend)
    wall: list[float] = []
    cpu: list[float] = []
    for i, payload in enumerate(notifications(np.load(path))):
        time.sleep(float(pause_s))
        begun, spent = time.perf_counter(), time.thread_time()
        (block,) = decoder.receive_data(payload, i * FRAME / FS)
        if monitor.feed(block):  # type: ignore[arg-type]
            cpu.append(time.thread_time() - spent)
            wall.append(time.perf_counter() - begun)
    return {"wall_ms": quantiles_ms(wall), "cpu_ms": quantiles_ms(cpu), "with_events": len(wall)}


def fleet(backend: str, path: str, count: str) -> dict[str, Any]:
    """CPU seconds for an hour of each of many wearables in one process, and what they hold."""
    import ecgedge

    mv, names = np.load(path), [f"wearable {i}" for i in range(int(count))]
    many = ecgedge.Fleet(ecgedge.Models.load(backend), most=len(names))
    before = rss_kb()
    begun, events = time.thread_time(), 0
    for at, block in enumerate(frames(mv)):
        for name in names:
            events += len(many.feed(name, block))
        if at == 2:  # what is made with the first blocks is not of the hour
            begun = time.thread_time()
    spent = (time.thread_time() - begun) / len(names) / (len(mv) / FS / 3600)
    return {
        "cpu_s_per_h": spent,
        "cores_for_all": spent * len(names) / 3600,
        "rss_kb": rss_kb(),
        "kb_each": (rss_kb() - before) / len(names),
        "events": events,
    }


def archive(backend: str, hours: str, fs: str) -> dict[str, Any]:
    """CPU seconds and memory of one long recording, as an array, through ``classify``."""
    import ecgedge

    rate = float(fs)
    models = ecgedge.Models.load(backend)
    piece = made(600.0, rate)
    ecgedge.classify(piece[: round(60 * rate)], rate, models=models)
    mv = np.empty(round(float(hours) * 3600 * rate), np.float32)
    for at in range(0, len(mv), len(piece)):
        mv[at : at + len(piece)] = piece[: len(mv) - at]
    forget_peak()
    before, begun = rss_kb(), time.process_time()
    label = ecgedge.classify(mv, rate, models=models).label
    spent = time.process_time() - begun
    return {"cpu_s": spent, "label": label, "growth_kb": max(0, peak_kb() - before)}


def ready(backend: str) -> dict[str, Any]:
    """CPU seconds from the start of Python until a strap could be connected to and its signal taken."""
    import ecgedge

    monitor, link = ecgedge.Monitor(backend=backend), ecgedge.connect("Polar H10 00000000")
    found = {"cpu_s": time.process_time(), "rss_kb": rss_kb()}
    del monitor, link
    return found


def nothing() -> dict[str, Any]:
    """The same with numpy and asyncio alone, which a monitor and a link stand on."""
    import asyncio

    assert asyncio is not None
    return {"cpu_s": time.process_time(), "rss_kb": rss_kb()}


if __name__ == "__main__":
    serve({
        "live": live, "pace": pace, "fleet": fleet, "archive": archive, "ready": ready, "nothing": nothing,
    })  # fmt: skip
