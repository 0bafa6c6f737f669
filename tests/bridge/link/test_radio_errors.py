"""No Bluetooth: always a LinkError that says what to do, soon, and never a traceback of another library."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
    BleakGATTProtocolError,
)

from ecgedge_bridge import LinkError, LinkTiming, connect, scan
from ecgedge_bridge.link.errors import explain, needs_pairing, reason

BUS_CONFIG = """<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow own="*"/>{receive}</policy></busconfig>"""
RECEIVE = '<allow eavesdrop="true"/>'

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ and D-Bus are Linux's")


@pytest.mark.parametrize("reason", list(BleakBluetoothNotAvailableReason))
def test_every_reason_of_bleak_has_advice(reason: BleakBluetoothNotAvailableReason) -> None:
    error = explain(BleakBluetoothNotAvailableError("no", reason))
    what, advice = str(error).split(": ", 1)
    assert what
    assert advice


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileNotFoundError(2, "No such file or directory"), "no D-Bus system bus.*apt install bluez"),
        (ConnectionRefusedError(), "no D-Bus system bus"),
        (BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["x"]), "BlueZ is not running"),
        (BleakDBusError("org.freedesktop.DBus.Error.AccessDenied", ["x"]), "group `bluetooth`"),
        (BleakDBusError("org.bluez.Error.NotReady", ["x"]), "rfkill unblock"),
        (
            BleakBluetoothNotAvailableError("x", BleakBluetoothNotAvailableReason.NO_BLUETOOTH),
            "no Bluetooth adapter.*plug one in",
        ),
        (
            BleakBluetoothNotAvailableError("x", BleakBluetoothNotAvailableReason.POWERED_OFF),
            "adapter is off.*bluetoothctl power on",
        ),
        (BleakError("odd"), "odd.*bluetoothctl show"),
    ],
)
def test_errors_say_what_to_do(error: Exception, expected: str) -> None:
    with pytest.raises(LinkError, match=expected):
        raise explain(error)


def test_a_device_that_wants_pairing_is_recognised() -> None:
    assert [code for code in range(0x12) if needs_pairing(BleakGATTProtocolError(code))] == [5, 8, 15]
    assert not needs_pairing(BleakError("5"))


def test_an_error_without_words_gets_some() -> None:
    assert reason(TimeoutError()) == ("no_answer", "no answer in time")
    assert reason(EOFError()) == ("stack_failed", "EOFError")


@on_linux
async def test_without_a_bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    with pytest.raises(LinkError, match="no D-Bus system bus"):
        await scan(1.0)
    for wanted in ("Polar H10", "A0:9E:1A:00:00:01"):
        with pytest.raises(LinkError, match="no D-Bus system bus"):
            async with connect(wanted):
                pass


@contextlib.contextmanager
def bus(tmp_path: Path, receive: str) -> Iterator[str]:
    """A D-Bus with nobody on it; without ``receive`` its answers reach nobody either."""
    daemon = shutil.which("dbus-daemon")
    if daemon is None:
        pytest.skip("needs dbus-daemon")
    config = tmp_path / "bus.conf"
    config.write_text(BUS_CONFIG.format(path=tmp_path / "bus", receive=receive))
    with subprocess.Popen(
        [daemon, f"--config-file={config}", "--print-address", "--nofork"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        try:
            yield address
        finally:
            process.terminate()


@on_linux
async def test_without_bluez(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with bus(tmp_path, RECEIVE) as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        with pytest.raises(LinkError, match="BlueZ is not running"):
            await scan(1.0)
        with pytest.raises(LinkError, match="BlueZ is not running"):
            async with connect("Polar H10"):
                pass


@on_linux
async def test_a_bus_that_never_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    timing = LinkTiming(first_find_s=0.1, stack_s=0.2)
    with bus(tmp_path, "") as address:
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
        with pytest.raises(LinkError, match=r"no answer in time.*restart bluetooth"):
            async with connect("Polar H10", timing=timing):
                pass
