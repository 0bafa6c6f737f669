"""Other people's Polar clients, unmodified from PyPI, on the virtual H10: they stream what it plays.

Both are written against real straps. What they read, ask and decode here is their code alone: what they agree
on with our strap is what a real one does.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import bleak
import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice

from ecgedge_bridge import VirtualH10, virtual_strap
from ecgedge_bridge.link.bleak_radio import Backend
from ecgedge_bridge.protocols.polar.control import START_ECG, STOP_ECG
from ecgedge_bridge.simulation.h10 import START_NS

bleakheart = pytest.importorskip("bleakheart", reason="bleakheart is not installed")
polar_python = pytest.importorskip("polar_python", reason="polar-python is not installed")
pytest.importorskip("bumble", reason="the extra sim is not installed")

pytestmark = pytest.mark.interop

SECONDS = 60
EPOCH_2000_NS = 946_684_800 * 10**9


def ecg_uv() -> np.ndarray:
    return np.random.default_rng(11).integers(-4000, 4000, SECONDS * 130)


@pytest.fixture
def strap() -> VirtualH10:
    return VirtualH10(ecg_uv() / 1000, speed=math.inf, battery=64)


@pytest.fixture
async def backend(strap: VirtualH10) -> AsyncIterator[Backend]:
    async with virtual_strap(strap) as backend:
        yield backend


async def find(backend: Backend) -> BLEDevice:
    device = await BleakScanner.find_device_by_filter(
        lambda seen, _data: (seen.name or "").startswith("Polar H10"), timeout=5, backend=backend.scanner
    )
    assert device is not None
    return device


def expected_stamps_ns() -> list[int]:
    ends = [min(start + 73, SECONDS * 130) for start in range(0, SECONDS * 130, 73)]
    return [START_NS + round((end - 1) / 130 * 1e9) for end in ends]


async def test_bleakheart_streams_every_sample(strap: VirtualH10, backend: Backend) -> None:
    frames: asyncio.Queue[tuple[str, int, list[int]]] = asyncio.Queue()
    async with asyncio.timeout(30), BleakClient(await find(backend), backend=backend.client) as client:
        assert await bleakheart.BatteryLevel(client).read() == 64
        measurement = bleakheart.PolarMeasurementData(client, ecg_queue=frames)
        assert await measurement.available_measurements() == ["ECG", "ACC"]
        settings = await measurement.available_settings("ECG")
        assert (settings["SAMPLE_RATE"], settings["RESOLUTION"]) == ([130], [14])
        status, message, _ = await measurement.start_streaming("ECG")
        assert (status, message) == (0, "SUCCESS")
        got = [await frames.get() for _ in expected_stamps_ns()]
        assert (await measurement.stop_streaming("ECG"))[0] == 0
    np.testing.assert_array_equal(np.concatenate([samples for _, _, samples in got]), ecg_uv())
    stamps = np.array([stamp for _, stamp, _ in got])
    np.testing.assert_array_equal(np.diff(stamps), np.diff(expected_stamps_ns()))
    assert (strap.commands[-2], strap.commands[-1]) == (START_ECG, STOP_ECG)
    assert not strap.running


async def test_polar_python_streams_every_sample(
    strap: VirtualH10, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It makes its own client: bleak's choice of the system's backend is what has to be told of ours.
    monkeypatch.setattr(bleak, "get_platform_client_backend_type", lambda: (backend.client, "bumble"))
    got: list[Any] = []
    done = asyncio.Event()

    def on_ecg(data: Any) -> None:
        got.append(data)
        if len(got) == len(expected_stamps_ns()):
            done.set()

    async with asyncio.timeout(30), polar_python.PolarDevice(await find(backend)) as device:
        features = await device.get_available_features()
        assert [feature.name for feature in features] == ["ECG", "ACC"]
        settings = await device.request_stream_settings(features[0])
        assert {item.type.name: item.values for item in settings.settings} == {
            "SAMPLE_RATE": [130],
            "RESOLUTION": [14],
        }
        await device.start_ecg_stream(ecg_callback=on_ecg, sample_rate=130, resolution=14)
        await done.wait()
        await device.stop_ecg_stream()
    np.testing.assert_array_equal(np.concatenate([frame.data for frame in got]), ecg_uv())
    assert [frame.timestamp - EPOCH_2000_NS for frame in got] == expected_stamps_ns()
    assert strap.commands[-1] == STOP_ECG
    assert not strap.running


async def test_what_the_strap_refuses_reads_as_such(strap: VirtualH10, backend: Backend) -> None:
    async with asyncio.timeout(30), BleakClient(await find(backend), backend=backend.client) as client:
        measurement = bleakheart.PolarMeasurementData(client, callback=lambda _frame: None)
        refused = await measurement.start_streaming("ECG", sample_rate=250)
        assert refused[:2] == (8, "INVALID SAMPLE RATE")
        assert (await measurement.start_streaming("PPG"))[:2] == (3, "NOT SUPPORTED")
        assert (await measurement.start_streaming("ECG"))[0] == 0
        assert (await measurement.start_streaming("ECG"))[:2] == (6, "ALREADY IN STATE")
        assert (await measurement.stop_streaming("ECG"))[0] == 0
