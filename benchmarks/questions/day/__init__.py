"""Is a day of a wearable flat in memory, without a lost sample, and what do recording, page and outlets cost?

The real command line as a process, ``ecgedge run --record --web`` with MQTT and metrics, on a Bluetooth link
to a virtual strap in another process that plays a hundred times as fast as life. One viewer of the page reads
all, one sleeps. Beside it, for fewer hours: the same without any of them.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.children.strap import NAME
from benchmarks.harness import command
from benchmarks.harness.command import Arguments
from benchmarks.harness.figures import ratio, targets
from benchmarks.harness.not_measured import NotMeasuredError
from benchmarks.harness.processes import child, last_line, surroundings
from benchmarks.questions.sinks.receivers import Broker, Receiver, free_port

# Once an hour of signal is kept for the page, nothing may grow; a Pi Zero 2 W has 512 MB for all. What stands
# in for the adapter is weighed by itself: in life BlueZ is a process of its own.
TARGETS = {"lost_samples": 0.0, "growth_after_first_hour_mb": 5.0, "peak_less_stand_in_mb": 120.0}
STAND_IN = ("bumble.device", "bumble.transport", "ecgedge_bridge.simulation.bumble_backend")
_TEN_MINUTES_AN_HOUR = 6
_MODULE = "benchmarks.children.strap"


class Commanded:
    """``ecgedge run`` on a strap that plays hours of ECG."""

    def __init__(self, folder: Path, hours: float, speed: float, arguments: list[str]) -> None:
        self._out, self._errors = folder / "out.txt", folder / "errors.txt"
        port = free_port()
        self._strap = self._start("play", port, hours, speed, stdout=subprocess.PIPE)
        assert self._strap.stdout is not None
        if self._strap.stdout.readline() != "ready\n":
            raise NotMeasuredError("the virtual strap did not start")
        with self._out.open("w") as out, self._errors.open("w") as errors:
            self._run = self._start("cli", port, "run", NAME, *arguments, stdout=out, stderr=errors)

    @staticmethod
    def _start(*arguments: object, **streams: Any) -> subprocess.Popen[str]:
        asked = [sys.executable, "-m", _MODULE, *map(str, arguments)]
        return subprocess.Popen(asked, stdin=subprocess.PIPE, env=surroundings(), text=True, **streams)

    def told(self) -> Iterator[dict[str, Any]]:
        """What the strap says, with what the command line holds and has used by then."""
        assert self._strap.stdout is not None
        for line in self._strap.stdout:
            if self._run.poll() is not None:
                raise NotMeasuredError(f"ecgedge run ended: {last_line(self.errors)}")
            yield {**json.loads(line), **resident_mb(self._run.pid), "cpu_s": cpu_s(self._run.pid)}
            if "end" in line:
                return

    @property
    def errors(self) -> str:
        """What it said on stderr."""
        return self._errors.read_text()

    def stop(self) -> str:
        """End it as a service manager does, and return what it said: a shell may make it deaf to Ctrl-C."""
        self._run.send_signal(signal.SIGTERM)
        self._run.wait(60)
        return self._out.read_text()

    def kill(self) -> None:
        """Leave nothing behind."""
        for process in (self._run, self._strap):
            if process.poll() is None:
                process.kill()
            process.communicate()


def resident_mb(pid: int) -> dict[str, float]:
    """Resident memory of a process now and at most, in MB."""
    found = re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    kb = {name: int(value) for name, value in found}
    return {"rss_mb": kb["VmRSS"] * 1024 / 1e6, "peak_mb": kb["VmHWM"] * 1024 / 1e6}


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def commanded(folder: Path, hours: float, speed: float, *arguments: str) -> Iterator[Commanded]:
    """Start it, and leave nothing behind."""
    made = Commanded(folder, hours, speed, list(arguments))
    try:
        yield made
    finally:
        made.kill()


def alone(folder: Path, hours: float, speed: float) -> dict[str, Any]:
    """Without recording, page and outlets."""
    with commanded(folder, hours, speed) as run:
        told = list(run.told())
        time.sleep(2.0)
        said = run.stop()
    return summed(told, hours) | received(said)


def whole(folder: Path, hours: float, speed: float) -> dict[str, Any]:
    """With all of them, and viewers."""
    metrics, page, recording = free_port(), free_port(), folder / "day.db"
    with ExitStack() as stack:
        broker = Broker(folder)
        stack.callback(broker.process.kill)
        arguments = ["--record", str(recording), "--web-at", f"127.0.0.1:{page}"]
        arguments += ["--send", f"mqtt://127.0.0.1:{broker.port}/day", "--send", f"metrics:{metrics}"]
        run = stack.enter_context(commanded(folder, hours, speed, *arguments))
        viewers = [watching(page) for _ in range(2)]
        for viewer in viewers:
            stack.callback(viewer.process.kill)
        viewers[1].process.send_signal(signal.SIGSTOP)
        told = list(run.told())
        counted = settled(metrics, told[-1]["end"]["sent"])
        looked = viewers[0].answer()
        said = run.stop()
        time.sleep(1.0)
        found = {
            **summed(told, hours), **received(said),
            "samples_in_metrics": counted, "samples_recorded": recorded(recording),
            "recording_mb": recording.stat().st_size / 1e6,
            "mqtt_events": broker.events, "viewer": looked, "stderr": run.errors.splitlines(),
        }  # fmt: skip
    return found


def watching(port: int) -> Receiver:
    """A viewer, as soon as there is a page."""
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return Receiver("viewer", port)
    raise NotMeasuredError("the page did not come")


def settled(port: int, sent: int) -> int:
    """Samples that the metrics count, once all are there or no more come."""
    last, now = -1, 0
    while now < sent and now != last:
        time.sleep(2.0)
        last = now
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).read().decode()
        now = int(float(re.findall(r"^ecgedge_samples_total\{.*\} (\S+)$", text, re.MULTILINE)[0]))
    return now


def received(said: str) -> dict[str, Any]:
    """What the command line counted itself."""
    found = re.search(r"(\d+) samples, (\d+) missing", said)
    if found is None:
        raise NotMeasuredError(f"ecgedge run ended without a count: {last_line(said)}")
    return {"samples_received": int(found[1]), "samples_missing": int(found[2])}


def recorded(path: Path) -> int:
    """Samples in the recording."""
    from ecgedge import read

    return sum(len(block.samples) for block in read(path))


def summed(told: list[dict[str, Any]], hours: float) -> dict[str, Any]:
    """Memory every ten minutes, and CPU time."""
    ended, hourly = told[-1], [row["rss_mb"] for row in told[:-1]]
    first = told[min(_TEN_MINUTES_AN_HOUR, len(told)) - 1]
    return {
        "hours": hours,
        "samples_sent": ended["end"]["sent"],
        "lost_by_the_strap": ended["end"]["lost"],
        "rss_mb": [round(value, 2) for value in hourly],
        "growth_after_first_hour_mb": max(hourly[_TEN_MINUTES_AN_HOUR:], default=first["rss_mb"])
        - first["rss_mb"],
        "peak_mb": ended["peak_mb"],
        "cpu_s": ended["cpu_s"],
        "cpu_s_per_h": (ended["cpu_s"] - first["cpu_s"]) / max(hours - 1, 1 / 60) if hours > 1 else None,
    }


def weighed_mb(*modules: str) -> float:
    """What a process holds that is ready to listen, and has imported modules."""
    return float(child("children.imports", "ready", *modules)["rss_kb"]) * 1024 / 1e6


def measure(hours: float, alone_hours: float, speed: float) -> dict[str, Any]:
    """Everything."""
    with TemporaryDirectory() as folder:
        begun = time.monotonic()
        day = whole(Path(folder), hours, speed)
        wall_s = time.monotonic() - begun
    with TemporaryDirectory() as folder:
        without = alone(Path(folder), alone_hours, speed)
    lost = day["samples_sent"] - min(day[f"samples_{who}"] for who in ("received", "in_metrics", "recorded"))
    stand_in_mb = weighed_mb(*STAND_IN) - weighed_mb()
    figures = {
        "lost_samples": float(lost),
        "growth_after_first_hour_mb": day["growth_after_first_hour_mb"],
        "peak_less_stand_in_mb": day["peak_mb"] - stand_in_mb,
    }
    return {
        "targets": targets(figures, TARGETS), "speed": speed, "wall_s": wall_s, "niceness": os.nice(0),
        "figures": figures, "stand_in_mb": stand_in_mb, "whole": day, "alone": without,
        "cpu_ratio": ratio(day["cpu_s_per_h"], without["cpu_s_per_h"]),
    }  # fmt: skip


def show(found: dict[str, Any]) -> None:
    """Print the figures that matter."""
    for name in ("whole", "alone"):
        row = found[name]
        print(
            f"{name}: {row['hours']:g} h, {row['samples_sent']} samples sent, {row['samples_received']} got; "
            f"{row['peak_mb']:.1f} MB at most (the stand-in of the adapter {found['stand_in_mb']:.1f}), "
            f"{row['growth_after_first_hour_mb']:+.2f} MB after the first hour, "
            f"{row['cpu_s_per_h'] or 0:.2f} CPU s an hour"
        )
    day = found["whole"]
    print(
        f"recorded {day['samples_recorded']}, in metrics {day['samples_in_metrics']}, viewer {day['viewer']}"
    )
    print("\n".join(day["stderr"]))


def main(arguments: Arguments = None) -> int:
    """Ask the question."""
    parser = command.parser(__doc__, "day")
    parser.add_argument("--hours", type=float, help="of ECG; 24, or 1.5 if quick")
    parser.add_argument("--speed", type=float, default=100.0, help="times real time")
    asked = parser.parse_args(arguments)
    measured = command.described(asked)
    hours = asked.hours or (1.5 if asked.quick else 24.0)
    found = measure(hours, min(hours, max(hours / 8, 1.5)), asked.speed)
    show(found)
    command.write(asked, found, measured)
    return command.verdict(asked, found["targets"])
