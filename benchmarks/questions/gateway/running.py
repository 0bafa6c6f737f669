"""``ecgedge gateway`` as a user starts it, and what the system and Prometheus say of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from benchmarks.harness.not_measured import NotMeasuredError
from benchmarks.harness.processes import surroundings
from benchmarks.questions.sinks.receivers import free_port

__all__ = ["Gateway", "Used", "by_device", "total"]

_STARTS_S = 60.0
_COMMAND = "from ecgedge.cli import main; main()"


class Used:
    """CPU time and memory of a process from now on.

    Parameters
    ----------
    pid : int
    """

    def __init__(self, pid: int) -> None:
        import psutil

        self._process, self._threads = psutil.Process(pid), Path(f"/proc/{pid}/task")
        self._begun_s, self._cpu_s, self._queued_s = self._now()

    def _now(self) -> tuple[float, float, float]:
        times = self._process.cpu_times()
        return time.monotonic(), times.user + times.system, self._wanted_s()

    def _wanted_s(self) -> float:
        """Seconds for which its threads ran, or could have while others had the cores."""
        total_ns = 0
        for thread in self._threads.glob("*"):
            with suppress(OSError, ValueError):  # one that has just ended
                ran, waited, _ = (thread / "schedstat").read_text().split()
                total_ns += int(ran) + int(waited)
        return total_ns / 1e9

    def shares(self) -> dict[str, float]:
        """Shares of a core since the beginning, and memory now."""
        now_s, cpu_s, wanted_s = self._now()
        took_s = now_s - self._begun_s
        return {
            "share_of_a_core": (cpu_s - self._cpu_s) / took_s,
            "wanted": (wanted_s - self._queued_s) / took_s,
            "rss_mb": self._process.memory_info().rss / 1e6,
        }


class Gateway:
    """The command with its own folder below a broker's topic; takes whatever is forwarded there.

    Parameters
    ----------
    folder : Path
        For the ward's file, and what it writes.
    broker : int
        Port on this machine.
    topic : str
    send : str
        Where events go, beside Prometheus.
    record : str
        More lines of the ward's file.
    core : int, optional
        The only one it may use.

    Raises
    ------
    NotMeasuredError
        It does not start.
    """

    def __init__(
        self, folder: Path, broker: int, topic: str, *, send: str, record: str = "", core: int | None = None
    ) -> None:
        self._metrics, self._log = free_port(), folder / "said"
        (folder / "ward.toml").write_text(
            f"""
mqtt = "mqtt://127.0.0.1:{broker}/{topic}"
others = true
{record}
send = ["metrics:{self._metrics}", "{send}"]
"""
        )
        program = [sys.executable, "-c", _COMMAND, "gateway", "--config", str(folder / "ward.toml")]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                program, env=surroundings(), stdout=subprocess.DEVNULL, stderr=log
            )
        if core is not None:
            os.sched_setaffinity(self.process.pid, {core})  # before it has threads, which inherit it
        self.wait_for("broker_up", 1)

    def wait_for(self, name: str, least: float) -> None:
        """Wait until one of its own figures is so high."""
        end_s = time.monotonic() + _STARTS_S
        while total(self.figures(), f"ecgedge_gateway_{name}") < least:
            if time.monotonic() > end_s or self.process.poll() is not None:
                raise NotMeasuredError(f"the gateway did not come: {self._log.read_text()[-300:]}")
            time.sleep(0.3)

    def figures(self) -> str:
        """What Prometheus is shown; nothing while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=20) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def end(self) -> None:
        """Have it write what is left, and end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def total(figures: str, name: str) -> float:
    """A figure of Prometheus, over all its labels."""
    found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", figures, re.MULTILINE)
    return sum(map(float, found))


def by_device(figures: str, name: str) -> dict[str, float]:
    """A counter of Prometheus, by device."""
    row = re.compile(rf'^{name}_total{{device="([^"]+)"}} (\S+)$', re.MULTILINE)
    return {device: float(value) for device, value in row.findall(figures)}
