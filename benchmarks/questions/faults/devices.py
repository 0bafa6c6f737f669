"""The wearables of the scenarios, and Bluetooth stacks that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import BaseBleakScanner
from bleak.backends.service import BleakGATTServiceCollection
from bleak.exc import BleakError

from ecgedge_bridge import (
    Backend,
    VirtualEcgEdge,
    VirtualGatt,
    VirtualH10,
    VirtualHeartRate,
    VirtualMovesense,
    VirtualMovesenseFirmware,
    VirtualWearable,
    load_profile,
)

AT_S = 20.0  # the link has settled, and every fault has what came before to be measured against
SEED = 5


def signal(seconds: float, fs: float) -> np.ndarray:
    """Noise in whole microvolt, so that every sample has its own place."""
    return np.random.default_rng(SEED).integers(-4000, 4000, round(seconds * fs)) / 1000


@dataclass(frozen=True, slots=True)
class Device:
    """A kind of wearable: its name, its rate in Hz, and what makes one of the signal that it plays."""

    name: str
    fs: float
    make: Callable[..., VirtualWearable]


def healthypi(mv: np.ndarray, **options: Any) -> VirtualWearable:
    """A HealthyPi Move."""
    return VirtualGatt(mv, load_profile("healthypi"), **options)


def heart_rate(mv: np.ndarray, **options: Any) -> VirtualWearable:
    """A plain heart-rate strap: what it plays are beats per minute."""
    return VirtualHeartRate(np.clip(np.abs(mv) * 40, 40, 200).round(), **options)


POLAR = Device("Polar H10", 130.0, VirtualH10)
MOVESENSE = Device("Movesense", 128.0, VirtualMovesense)
FIRMWARE = Device("Movesense, free firmware", 250.0, VirtualMovesenseFirmware)
OWN = Device("own frame", 250.0, VirtualEcgEdge)
HEALTHYPI = Device("HealthyPi", 128.0, healthypi)
HEART_RATE = Device("heart-rate strap", 1.0, heart_rate)


async def adapter_off() -> None:
    """A scan raises: the adapter is off."""
    raise BleakError("Bluetooth adapter is off")


async def hanging_stack() -> None:
    """A scan neither begins nor fails."""
    await asyncio.sleep(3600)


def scans_meet(trouble: Callable[[], Awaitable[None]], backend: Backend) -> Backend:
    """Every scan that begins within 30 s from ``AT_S`` on meets trouble."""

    async def start(self: BaseBleakScanner) -> None:
        if AT_S <= asyncio.get_running_loop().time() < AT_S + 30.0:
            await trouble()
        await backend.scanner.start(self)

    return replace(backend, scanner=type("Troubled", (backend.scanner,), {"start": start}))


def stale_services(backend: Backend) -> Backend:
    """The Bluetooth stack remembers from ``AT_S`` on that there are no services, until told to forget."""
    stale = True

    async def connect(self: BaseBleakClient, pair: bool, **options: Any) -> None:
        await backend.client.connect(self, pair, **options)
        if stale and asyncio.get_running_loop().time() >= AT_S:
            self.services = BleakGATTServiceCollection()

    async def clear_cache(_address: str) -> bool:
        nonlocal stale
        stale = False
        return True

    return Backend(backend.scanner, type("Stale", (backend.client,), {"connect": connect}), clear_cache)
