"""The service under a real systemd, on Linux's own Bluetooth stack; run by run.py, in a virtual machine.

One service and one strap for all tests, in their order: a start costs a quarter of a minute here. Each test
waits first until the service streams, so that it runs alone too.
"""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from ecgedge.events import Gap
from ecgedge.recording.database.stored import Session, StoredRecording
from ecgedge_bridge import Fault, VirtualH10
from ecgedge_bridge.protocols.polar.control import STOP_ECG

if "ECGEDGE_BLUEZ_VM" not in os.environ:
    pytest.skip("needs a Bluetooth stack of its own: run `make test-bluez`", allow_module_level=True)

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT_S = 120.0
UNIT = "ecgedge.service"
STATE = Path("/var/lib/private/ecgedge")
# What a person waits for in minutes is waited for in seconds here; all else is as it was installed.
SHORTER = "[Service]\nWatchdogSec=15\nRestartSec=1\n"
# As on a Raspberry Pi, where nothing in /home, /root or /tmp can be seen by the service: an interpreter, its
# packages and the code of this checkout, each where it would be installed.
PYTHON, INSTALLED, SOURCE = Path("/opt/python"), Path("/opt/ecgedge"), Path("/opt/ecgedge-source")
PROGRAM = f"""#!/bin/sh
export LD_LIBRARY_PATH={PYTHON}/lib PYTHONPATH={SOURCE}/edge:{SOURCE}/firmware_bridge
exec {INSTALLED}/bin/python -c 'from ecgedge.cli import main; main()' "$@"
"""


class Service:
    """The unit, and the strap that it looks for."""

    def __init__(self, stack: Any, ask: Callable[..., Awaitable[str]]) -> None:
        self.ask = ask
        self.mv = np.random.default_rng(6).integers(-4000, 4000, 900 * 130) / 1000
        self.strap = VirtualH10(self.mv, name="Polar H10 5E71CE", address="F1:00:00:00:00:05")
        self._stack, self._air = stack, contextlib.AsyncExitStack()

    async def put_on(self) -> None:
        """Put the strap on the air."""
        await self._air.enter_async_context(self._stack.with_wearable(self.strap))

    async def take_off(self) -> None:
        """Take the strap off the air."""
        await self._air.aclose()

    async def shows(self, *names: str) -> list[str]:
        """Properties of the unit, in this order."""
        answer = await self.ask("systemctl", "show", *(f"--property={name}" for name in names), UNIT)
        found = dict(line.split("=", 1) for line in answer.splitlines())
        return [found[name] for name in names]

    async def until(self, name: str, value: str) -> None:
        """Wait until a property is so."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT_S):
                while await self.shows(name) != [value]:
                    await asyncio.sleep(0.3)
        assert await self.shows(name) == [value], await self.said()

    async def said(self) -> str:
        """What it said, and what systemd said of it."""
        return await self.ask("journalctl", "--unit", UNIT, "--output=cat", "--no-pager", "--lines=60")

    async def streams(self) -> int:
        """Wait until it is active and receives, and return its process."""
        if await self.shows("ActiveState") == ["inactive"]:
            await self.put_on()
            await self.ask("systemctl", "start", "--no-block", UNIT)
        await self.until("ActiveState", "active")
        before = self.strap.ledger.sent
        async with asyncio.timeout(LIMIT_S):
            while self.strap.ledger.sent < before + 130:
                await asyncio.sleep(0.1)
        return int((await self.shows("MainPID"))[0])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(stack: Any, ask: Callable[..., Awaitable[str]]) -> AsyncGenerator[Service, None]:
    """The service as it is installed on a machine, not started."""
    for where, what in ((PYTHON, sys.base_prefix), (SOURCE, str(Path(__file__).parents[2]))):
        where.mkdir()
        await ask("mount", "--bind", what, str(where))
    (INSTALLED / "bin").mkdir(parents=True)
    (INSTALLED / "lib").mkdir()
    await ask("mount", "--bind", f"{sys.prefix}/lib", f"{INSTALLED}/lib")
    (INSTALLED / "pyvenv.cfg").write_text(f"home = {PYTHON}/bin\n")
    (INSTALLED / "bin" / "python").symlink_to(PYTHON / "bin" / Path(sys.executable).resolve().name)
    (INSTALLED / "bin" / "ecgedge").write_text(PROGRAM)
    (INSTALLED / "bin" / "ecgedge").chmod(0o755)
    shorter = Path("/etc/systemd/system") / f"{UNIT}.d" / "shorter.conf"
    shorter.parent.mkdir()
    shorter.write_text(SHORTER)
    made = Service(stack, ask)
    yield made
    with contextlib.suppress(AssertionError):
        await ask("systemctl", "stop", UNIT)
    await made.take_off()


async def test_it_is_active_only_once_samples_arrive(service: Service) -> None:
    # The first frame of this strap comes late, as that of an H10 may.
    service.strap.inject(Fault(0.0, "stall", 5.0))
    await service.ask(f"{INSTALLED}/bin/ecgedge", "service", "install", service.strap.name)
    await service.until("StatusText", f"looking for {service.strap.name}")
    assert await service.shows("ActiveState") == ["activating"]
    await service.put_on()
    seen = []
    async with asyncio.timeout(LIMIT_S):
        while not seen or seen[-1][0] != "active":
            state, text = await service.shows("ActiveState", "StatusText")
            seen.append((state, text, service.strap.ledger.sent))
            await asyncio.sleep(0.2)
    assert ("activating", "waiting", 0) in seen
    assert {state for state, _, sent in seen if not sent} == {"activating"}


async def test_it_runs_as_a_user_of_its_own_and_may_do_little(service: Service) -> None:
    process = Path("/proc") / str(await service.streams())
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
    user = set(status["Uid"].split())
    assert user == {str(pwd.getpwnam("ecgedge").pw_uid)} != {"0"}
    assert str(grp.getgrnam("bluetooth").gr_gid) in status["Groups"].split()
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    mounts = {line.split()[4]: line.split()[5] for line in (process / "mountinfo").read_text().splitlines()}
    assert mounts["/"].split(",")[0] == "ro"
    assert mounts[str(STATE)].split(",")[0] == "rw"
    assert [list((process / "root" / name).iterdir()) for name in ("home", "root", "tmp")] == [[], [], []]
    assert STATE.stat().st_mode & 0o777 == 0o700
    assert {str(STATE.stat().st_uid)} == user


async def test_it_goes_on_after_bluetoothd_was_killed(service: Service, stack: Any) -> None:
    process = await service.streams()
    before = service.strap.ledger.sent
    await stack.kill_daemon()
    await asyncio.sleep(1)
    await stack.start_daemon()
    async with asyncio.timeout(LIMIT_S):
        while service.strap.ledger.sent < before + 3 * 130 or not service.strap.running:
            await asyncio.sleep(0.1)
    assert await service.streams() == process


async def test_its_watchdog_starts_it_again_where_a_strap_is_connected_and_silent(service: Service) -> None:
    process, restarts = await service.streams(), int((await service.shows("NRestarts"))[0])
    # Longer than a search, and than the watchdog waits.
    service.strap.inject(Fault(0.0, "silence", 40.0))
    await service.until("NRestarts", str(restarts + 1))
    assert "Watchdog timeout" in await service.said()
    assert await service.streams() != process


async def test_stop_tells_the_strap_to_stop_and_all_that_came_was_recorded(service: Service) -> None:
    await service.streams()
    starts = 1 + int((await service.shows("NRestarts"))[0])
    await service.ask("systemctl", "stop", UNIT)
    assert service.strap.commands[-1] == STOP_ECG
    assert not service.strap.running
    assert await service.shows("ActiveState", "Result") == ["inactive", "success"]
    (file,) = STATE.glob("ecg-*.db")
    with StoredRecording(file) as stored:
        sessions = stored.sessions
        assert len(sessions) == starts
        for session in sessions:
            check(stored, session, service.mv)


def check(stored: StoredRecording, session: Session, sent: np.ndarray) -> None:
    """Every sample of a session is where the strap had it, and what is missing was counted."""
    kept = stored.signal(session.first / session.fs, session.end / session.fs)
    begin = int(np.flatnonzero(windows_match(sent, kept[:73]))[0])
    here = ~np.isnan(kept)
    np.testing.assert_allclose(kept[here], sent[begin : begin + len(kept)][here], rtol=0, atol=1e-6)
    gaps = [event.lost for event in stored.events() if isinstance(event, Gap) and inside(event, session)]
    assert sum(gaps) == np.isnan(kept).sum()


def windows_match(sent: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Where a part stands in what was sent."""
    return np.isclose(np.lib.stride_tricks.sliding_window_view(sent, len(part)), part, atol=1e-6).all(axis=1)


def inside(gap: Gap, session: Session) -> bool:
    return session.first < gap.sample and gap.end_sample <= session.end
