"""A stream of the Lab Streaming Layer, by pylsl: numbers with a stamp each."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.errors import ConfigError, LinkError
from ecgedge_bridge.link.conversation import now_s
from ecgedge_bridge.stream.decoder import DecoderStats, Event
from ecgedge_bridge.values import Place
from ecgedge_bridge.wired.address import Address
from ecgedge_bridge.wired.decoders import Wanted
from ecgedge_bridge.wired.numbers import NumberDecoder, Scale, Scaling
from ecgedge_bridge.wired.table import MAX_FS, MIN_FS

__all__ = ["LslWire", "hush", "unit_of_channel"]

T = TypeVar("T")
# liblsl keeps so much for a reader that is late; samples are looked for so often.
_BUFFER_S = 60
_LOOK_S = 0.02
_ASK_S = 5.0
_MOST_AT_ONCE = 4096


class LslWire:
    """An LSL stream, looked for by its name on the local network.

    Raises
    ------
    ConfigError
        The extra is not installed.
    """

    ends = False
    unreadable = "choose another stream"

    def __init__(self, address: Address, wanted: Wanted) -> None:
        try:
            self._pylsl = import_module("pylsl")
        except (ImportError, RuntimeError) as error:  # RuntimeError: pylsl without its C library
            raise ConfigError("LSL needs pylsl: pip install 'ecgedge[lsl]'") from error
        hush(self._pylsl)
        self._address, self._wanted = address, wanted
        self._decoder: NumberDecoder | None = None
        self._resolver: Any = None
        self._found: Any = None
        self._inlet: Any = None
        self._channel = 0
        self.readable = 0

    @property
    def decoder(self) -> LslWire:
        """The decoder is made when the stream has said what it is; until then this stands in for it."""
        return self

    @property
    def place(self) -> Place:
        """Where the next sample belongs."""
        return self._decoder.place if self._decoder else Place(0, 0.0)

    @property
    def stats(self) -> DecoderStats:
        """Counts so far."""
        return self._decoder.stats if self._decoder else DecoderStats()

    @property
    def fs_hat(self) -> float:
        """Estimate of the true rate in Hz."""
        return self._decoder.fs_hat if self._decoder else 0.0

    def link_lost(self) -> list[Event]:
        """Nothing is begun: stamps show what was lost."""
        return []

    def finish(self) -> list[Event]:
        """Return what waited for more."""
        return self._decoder.finish() if self._decoder else []

    async def find(self) -> bool:
        """Whether a stream of the name is seen; liblsl looks in threads of its own."""
        if self._resolver is None:
            self._resolver = self._pylsl.ContinuousResolver(prop="name", value=self._address.place)
        found = [one for one in self._resolver.results() if one.channel_format() != self._pylsl.cf_string]
        self._found = found[0] if found else None
        return bool(found)

    async def open(self) -> None:
        """Ask the stream what it is, and subscribe."""
        # Looking goes on in the background until the resolver is let go.
        self._resolver = None
        inlet = self._pylsl.StreamInlet(self._found, max_buflen=_BUFFER_S, recover=False)
        try:
            info = await _in_thread(lambda: inlet.info(timeout=_ASK_S))
            await _in_thread(lambda: inlet.open_stream(timeout=_ASK_S))
        except RuntimeError as error:  # of which pylsl makes its own
            text = f"{self._address.text} was seen and does not answer: check the firewall"
            raise LinkError(text, LinkCode.UNREACHABLE) from error
        self._inlet = inlet
        self._set_up(info)

    def _set_up(self, info: Any) -> None:
        name, fs, wanted = self._address.text, float(info.nominal_srate()), self._wanted
        if not MIN_FS <= fs <= MAX_FS:
            rate = "no regular rate" if fs == self._pylsl.IRREGULAR_RATE else f"a rate of {fs:g} Hz"
            raise ConfigError(f"{name} has {rate}, which no ECG has: let its outlet name 50 to 4000 Hz")
        if wanted.fs is not None and abs(wanted.fs - fs) > 0.01 * fs:
            raise ConfigError(f"{name} says that it samples at {fs:g} Hz: leave out --fs")
        labels = info.get_channel_labels() or []
        self._channel = _chosen(name, wanted.channel, int(info.channel_count()), labels)
        if self._decoder is None:
            units = info.get_channel_units() or []
            unit = str(units[self._channel] or "") if self._channel < len(units) else ""
            scaling = unit_of_channel(unit) if wanted.scaling is None else wanted.scaling
            self._decoder = NumberDecoder(name, fs, stamped=True, scaling=scaling)
        elif self._decoder.fs != fs:
            text = f"{name} has changed its rate to {fs:g} Hz: start again"
            raise LinkError(text, LinkCode.RATE_CHANGED)

    async def read(self) -> list[Event] | None:
        """Wait for samples, and decode them."""
        assert self._decoder is not None
        while True:
            try:
                values, stamps = self._inlet.pull_chunk(0.0, _MOST_AT_ONCE)
            except RuntimeError:  # pylsl says that it is lost
                return None
            if stamps:
                break
            await asyncio.sleep(_LOOK_S)
        self.readable += len(stamps)
        column = np.asarray(values, np.float64)[:, self._channel]
        return self._decoder.take(column, np.asarray(stamps, np.float64), now_s())

    async def close(self) -> None:
        """Unsubscribe: inlets end when they are let go."""
        self._inlet = self._resolver = self._found = None


def _chosen(name: str, wanted: str | None, count: int, labels: list[Any]) -> int:
    """Which channel is the ECG."""
    if wanted is None and count == 1:
        return 0
    known = [str(label or "") for label in labels]
    if wanted is not None and wanted in known:
        return known.index(wanted)
    if wanted is not None and wanted.isascii() and wanted.isdigit() and int(wanted) < count:
        return int(wanted)
    raise ConfigError(f"{name} has {count} channels: choose one with --channel 0 to {count - 1}")


class _Known:
    """A unit that the stream itself names."""

    offset, note = 0.0, ""

    def __init__(self, per_mv: float) -> None:
        self.per_mv = per_mv


# As the XDF specification spells them.
_PER_MV = {"millivolts": 1.0, "mv": 1.0, "microvolts": 1000.0, "uv": 1000.0, "volts": 1e-3, "v": 1e-3}


def unit_of_channel(unit: str) -> Scaling | None:
    """How numbers in a unit that a stream names become mV; None where it names none that is known.

    Examples
    --------
    >>> unit_of_channel("microvolts").find(np.empty(0), 250.0).per_mv
    1000.0
    """
    per_mv = _PER_MV.get(unit.strip().casefold().replace("µ", "u").replace("μ", "u"))
    if per_mv is None:
        return None

    def find(_values: object, _fs: float) -> Scale:
        return _Known(per_mv)

    return Scaling(find)


async def _in_thread(call: Callable[[], T]) -> T:
    """Await a call that blocks, in a thread that nobody waits for when the program ends."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, failed = None, None
        try:
            result = call()
        except Exception as error:
            failed = error
        with suppress(RuntimeError):  # of a loop that is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, daemon=True, name="lsl").start()
    return await answer


# https://labstreaminglayer.readthedocs.io/info/lslapicfg.html
_SETTINGS = ("lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg")


def hush(pylsl: Any) -> None:
    """Keep liblsl from writing to the user's terminal, where nobody has settings of their own for it."""
    if "LSLAPICFG" not in os.environ and not any(Path(one).expanduser().exists() for one in _SETTINGS):
        pylsl.set_config_content("[log]\nlevel = -3\n")
