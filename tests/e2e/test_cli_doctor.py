"""``ecgedge doctor`` on a virtual strap: what it prints, and its exit status."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("bumble", reason="the extra sim is not installed")

# The command line as it is; only the radio is another one. Scan and connection share one virtual strap.
RADIO = """
import contextlib, sys
import numpy as np
import ecgedge.cli.commands.doctor as doctor
import ecgedge_bridge.checkup.measure as examination
from ecgedge_bridge import Fault, VirtualH10, virtual_strap
real_examine = examination.examine
battery, *faults = sys.argv.pop(1).split(",")

async def examine(name, seconds, **options):
    ecg = np.random.default_rng(1).integers(-500, 500, 13000) / 1000
    made = [Fault(float(fault.split("@")[1]), fault.split("@")[0], 1.0) for fault in faults]
    strap = VirtualH10(ecg, battery=int(battery), faults=made)
    async with virtual_strap(strap) as radio:
        return await real_examine(name, seconds, backend=radio, **options)

examination.examine = examine
doctor._LOOK_S = 0.1
"""


@pytest.fixture
def doctor(program: Any) -> Callable[..., Any]:
    def run(strap: str, *arguments: str) -> Any:
        """Examine a strap that is given as its battery, and its faults after commas."""
        looking = program.cli(strap, "doctor", "Polar H10", "--seconds", "2", before=RADIO)
        return looking.run(*arguments)

    return run


# Says when the strap streams, and what it was told in the end.
WATCHED = """
import asyncio
from ecgedge_bridge.protocols.polar.control import STOP_ECG

async def examine(name, seconds, **options):
    strap = VirtualH10(np.zeros(130_000))
    async def watch():
        while not strap.running:
            await asyncio.sleep(0.01)
        print("streaming", file=sys.stderr, flush=True)
    async with virtual_strap(strap) as radio:
        task = asyncio.create_task(watch())
        try:
            return await real_examine(name, seconds, backend=radio, **options)
        finally:
            print("stopped", strap.commands[-1] == STOP_ECG, strap.running, file=sys.stderr)
            task.cancel()

examination.examine = examine
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_stops_the_strap(program: Any, number: signal.Signals, status: int) -> None:
    looking = program.cli("87", "doctor", "Polar H10", "--seconds", "600", before=RADIO + WATCHED)
    with looking.start() as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "streaming\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == status
    assert errors == "stopped True False\n"


def test_a_healthy_strap_in_words(doctor: Callable[..., Any]) -> None:
    done = doctor("87")
    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        "device             Polar H10 0A1B2C3D  F0:F1:F2:0A:1B:2C",
        "profile            polar",
        "battery            87 %",
        "MTU                232 or more (largest notification 229 bytes)",
        "0 lost in 0 gaps",
        "Hz measured, 130 Hz nominal",
        "Nothing is wrong with the device, the link or this host.",
    ):
        assert words in done.stdout


def test_a_sick_strap_says_what_to_do_and_fails(doctor: Callable[..., Any]) -> None:
    done = doctor("15,corrupt@1")
    assert (done.returncode, done.stderr) == (1, "")
    fault, warning = [line for line in done.stdout.splitlines() if line.startswith(("FAULT", "warning"))][:2]
    assert "samples were lost in 1 gaps" in fault + warning or "could not be read" in fault + warning
    assert "The battery is at 15 %." in done.stdout
    assert done.stdout.count("To do: ") >= 3


def test_json_is_one_line_and_nothing_else(doctor: Callable[..., Any]) -> None:
    done = doctor("5,drop_frame@1", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    (line,) = done.stdout.splitlines()
    said = json.loads(line)
    assert said["type"] == "checkup"
    assert said["stats"]["lost"] == 73
    assert [finding["code"] for finding in said["findings"]] == ["battery_empty", "loss"]
