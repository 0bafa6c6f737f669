"""A broker and other receivers that can be frozen, killed and asked what they got."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.harness.not_measured import NotMeasuredError
from benchmarks.harness.processes import surroundings

_PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin"
# In the broker's log: an event that came, and for the first time.
_EVENT = re.compile(r"Received PUBLISH from \S+ \(d0, .*/events/")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """mosquitto, whose own log says what it got.

    Parameters
    ----------
    folder : Path
        For its settings and its log.
    more : str
        Lines of its settings; without any it logs each message.

    Raises
    ------
    NotMeasuredError
        It is not installed, or does not start.
    """

    def __init__(self, folder: Path, *more: str) -> None:
        found = shutil.which("mosquitto", path=_PLACES)
        if found is None:
            raise NotMeasuredError("no mosquitto: apt-get install mosquitto")
        self.port, self._program = free_port(), found
        self._log, self._settings = folder / "mosquitto.log", folder / "mosquitto.conf"
        # Its log of all that happens costs it as much as the messages themselves.
        settings = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", *(more or ("log_type all",))]
        settings += ["log_dest stderr"] + ["user root"] * (os.geteuid() == 0)
        self._settings.write_text("\n".join(settings) + "\n")
        self.start()

    def start(self) -> None:
        """Start, and wait until it listens."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([self._program, "-c", str(self._settings)], stderr=log)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise NotMeasuredError("mosquitto does not listen")

    @property
    def events(self) -> int:
        """Events that it got."""
        return len(_EVENT.findall(self._log.read_text(errors="replace")))


class Receiver:
    """A task of ``children/receivers.py`` as a process that can be frozen."""

    def __init__(self, task: str, *arguments: object) -> None:
        command = [sys.executable, "-m", "benchmarks.children.receivers", task, *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=surroundings(), text=True)
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            raise NotMeasuredError(f"the receiver {task} did not come")

    def answer(self, *, ask: bool = True) -> dict[str, Any]:
        """What it got; asked to end, or by itself."""
        if ask:
            self.process.send_signal(signal.SIGTERM)
        told: dict[str, Any] = json.loads(self.process.communicate(timeout=120)[0].splitlines()[-1])
        return told


class FrozenReader:
    """One that connects to a port and reads nothing until the end."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10
        )  # else some MB lie on this side
        self._socket.connect(("127.0.0.1", port))

    def lines(self) -> int:
        """Whole lines of all that reached this machine's end of it."""
        with self._socket, self._socket.makefile("rb") as file:
            return sum(line.endswith(b"\n") for line in file)
