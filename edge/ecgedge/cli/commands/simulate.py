"""``ecgedge simulate``: a virtual wearable that plays ECG, on the air or in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecgedge.cli.options import AsJson, DeviceFs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from ecgedge.sinks.outlets.mqtt_broker import Broker, BrokerOptions
    from ecgedge.sinks.sink import Sink
    from ecgedge_bridge.simulation.engine import VirtualWearable
    from ecgedge_bridge.simulation.faults import Fault

__all__ = ["simulate"]

_SYNTHETIC_S = 60.0
_BEATS_PER_MINUTE = 72.0
_LAST_S = 0.5


def simulate(
    profile: Annotated[str, typer.Argument(help="Kind of wearable (see above), or a TOML file.")],
    play: Annotated[
        Path | None, typer.Option("--play", help="What to play, once; without it synthetic ECG, for ever.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", help="KIND@SECONDS[:LENGTH[:CODE]], e.g. disconnect@30:5; may be repeated."),
    ] = None,
    transport: Annotated[
        str, typer.Option("--transport", help="Adapter as bumble names it: hci-socket:0, usb:0, ...")
    ] = "hci-socket:0",
    in_process: Annotated[
        bool, typer.Option("--in-process", help="No radio: connect to it here and print what is received.")
    ] = False,
    forward: Annotated[
        str | None,
        typer.Option(
            "--forward",
            metavar="mqtt://HOST/TOPIC",
            help="No radio: connect to it here and pass on what it sends to a gateway (docs/gateway.md).",
        ),
    ] = None,
    speed: Annotated[float, typer.Option("--speed", min=0.01, help="Times real time.")] = 1.0,
    name: Annotated[str | None, typer.Option("--name", help="Name to advertise.")] = None,
    fs: DeviceFs = None,
    as_json: AsJson = False,
) -> None:
    """Be a virtual wearable: it advertises, answers, streams and fails on command, like a real one.

    \b
    Profiles:
      polar               Polar H10 and H9, 130 Hz
      movesense           Movesense with GATT SensorData, 125 to 512 Hz
      movesense_firmware  movesense-ble-ecg-firmware, 100 to 500 Hz
      healthypi           HealthyPi Move, 128 Hz
      healthypi5          HealthyPi 5, 125 Hz
      heart_rate          any heart-rate strap: intervals, no ECG
      ecgedge             your own firmware with ecg_frame.h, 100 to 1000 Hz

    Faults: disconnect, silence, end, stall, clock, garbage, drop_frame, drop_part, duplicate, reorder,
    corrupt, truncate, refuse, no_answer, hang_up, mtu.
    """
    from ecgedge.cli.live.running import run_until_stopped
    from ecgedge.cli.output import open_lines

    options: dict[str, Any] = {"speed": speed, "faults": [_fault(text) for text in fault or ()]}
    if name is not None:
        options["name"] = _advertised(name)
    # Made inside: a virtual wearable belongs to the event loop that plays it.
    if forward is not None:
        from ecgedge.gateway.node import node_broker

        where = node_broker(forward, "--forward")
        run_until_stopped(_forwarded(profile, play, fs, options, where, as_json))
        return
    sink = open_lines(as_json)
    if in_process:
        run_until_stopped(_in_process(profile, play, fs, options, sink))
    else:
        run_until_stopped(_on_air(profile, play, fs, options, transport))


def _advertised(name: str) -> str:
    """Refuse a name that nobody could look for: what is beyond an advertisement is cut off."""
    from ecgedge_bridge.simulation.on_air import MOST_NAME_OCTETS

    if not 0 < len(name.encode("utf-8", "replace")) <= MOST_NAME_OCTETS:
        raise typer.BadParameter(
            f"a name has 1 to {MOST_NAME_OCTETS} bytes: choose another", param_hint="--name"
        )
    return name


def _fault(text: str) -> Fault:
    """Read KIND@SECONDS[:LENGTH[:CODE]]."""
    from ecgedge_bridge.simulation.faults import Fault

    kind, _, rest = text.partition("@")
    try:
        at_s, length_s, code = (*rest.split(":"), "0", "0")[: max(3, rest.count(":") + 1)]
        return Fault(float(at_s), kind, float(length_s), int(code))  # type: ignore[arg-type]
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no fault ({error}): write e.g. disconnect@30:5") from error


def make_wearable(
    profile: str, record: Path | None, fs: float | None, options: dict[str, Any]
) -> VirtualWearable:
    """Make the virtual wearable of a profile.

    Raises
    ------
    ConfigError
        If there is no such profile, it has no such rate, or the recording cannot be read.
    """
    from ecgedge_bridge.errors import ConfigError
    from ecgedge_bridge.protocols.described.profile import built_in_profiles, load_profile
    from ecgedge_bridge.protocols.profiles import PROFILES, find_profile
    from ecgedge_bridge.simulation import movesense as virtual_movesense
    from ecgedge_bridge.simulation import sensors as virtual_sensors
    from ecgedge_bridge.simulation.h10 import VirtualH10

    kinds: dict[str, Any] = {
        "polar": VirtualH10,
        "movesense": virtual_movesense.VirtualMovesense,
        "movesense_firmware": virtual_movesense.VirtualMovesenseFirmware,
        "ecgedge": virtual_sensors.VirtualEcgEdge,
    }
    try:
        rate = find_profile(profile).fs if fs is None else fs
        if profile == "heart_rate":
            return virtual_sensors.VirtualHeartRate(_heart_rates(), **options)
        ecg = _ecg(record, rate)
        if profile in kinds:
            return kinds[profile](ecg, rate, **options)  # type: ignore[no-any-return]
        described = built_in_profiles()[profile] if profile in PROFILES else load_profile(profile)
        if rate != described.fs:
            raise ConfigError(
                f"{profile} has no rate of {rate:g} Hz: leave out --fs, or change its TOML file"
            )
        return virtual_sensors.VirtualGatt(ecg, described, **options)
    except ValueError as error:
        raise ConfigError(f"{error} (profile {profile})") from error


def _heart_rates() -> Iterator[float]:
    from itertools import repeat

    return repeat(_BEATS_PER_MINUTE)


def _ecg(record: Path | None, fs: float) -> Iterator[npt.NDArray[np.floating]]:
    """ECG in mV at a rate: of a recording, once; or synthetic, for ever."""
    from itertools import repeat

    if record is not None:
        from ecgedge.recording.playback import playback

        return playback(record, fs)
    from ecgedge.demo.synthetic import Segment, synthesize

    return repeat(synthesize([Segment("sinus", _SYNTHETIC_S)], fs=fs, seed=1).mv)


async def _in_process(
    profile: str, record: Path | None, fs: float | None, options: dict[str, Any], sink: Sink
) -> None:
    """Play to our own client, through real ATT packets, and print what the monitor finds."""
    from contextlib import aclosing

    from ecgedge.cli.monitors import open_monitor
    from ecgedge.demo.virtual_link import received

    wearable = make_wearable(profile, record, fs, options)
    monitor = open_monitor()
    stream = received(wearable, profile=profile, fs=fs, on_event=lambda event: sink.take([event]))
    try:
        async with aclosing(stream) as blocks:
            async for block in blocks:
                sink.take([block, *monitor.feed(block)])
    finally:
        sink.take(monitor.finish())
        sink.close()


async def _forwarded(
    profile: str,
    record: Path | None,
    fs: float | None,
    options: dict[str, Any],
    where: tuple[Broker, BrokerOptions],
    as_json: bool,
) -> None:
    """Play to our own client, and pass on what it hears, until all is played."""
    import asyncio
    import socket
    from functools import partial

    from ecgedge.cli.output import warn
    from ecgedge.cli.ward.forwarding import forward_all, profile_text
    from ecgedge.gateway.node import Node
    from ecgedge_bridge import LinkTiming, connect, virtual_wearable

    wearable = make_wearable(profile, record, fs, options)
    async with virtual_wearable(wearable) as backend:
        timing = LinkTiming().scaled(wearable.speed)
        door = partial(connect, backend=backend, profile=profile, fs=fs, timing=timing)
        about: dict[str, Any] = {"extras": ("battery",), "fs": fs, "profile_toml": profile_text(profile)}
        node = Node(wearable.name, door, *where, socket.gethostname(), warn, **about)
        forwarding = asyncio.ensure_future(forward_all([node], as_json))
        finished = asyncio.ensure_future(wearable.finished.wait())
        try:
            await asyncio.wait([forwarding, finished], return_when=asyncio.FIRST_COMPLETED)
            if not forwarding.done():
                await asyncio.sleep(_LAST_S)  # the last frame is on its way
        finally:
            finished.cancel()
            forwarding.cancel()
            await asyncio.gather(forwarding, return_exceptions=True)
    if not forwarding.cancelled() and (error := forwarding.exception()) is not None:
        raise error


async def _on_air(
    profile: str, record: Path | None, fs: float | None, options: dict[str, Any], transport: str
) -> None:
    """Play on a real adapter until all is played, or for ever."""
    from ecgedge.cli.output import say
    from ecgedge_bridge.errors import ConfigError, LinkError
    from ecgedge_bridge.simulation.on_air import WearableServer

    try:
        from bumble.device import Device
        from bumble.hci import Address
        from bumble.transport import open_transport
    except ImportError as error:
        raise ConfigError("a virtual wearable needs bumble: pip install 'ecgedge[sim]'") from error
    wearable = make_wearable(profile, record, fs, options)
    try:
        link = await open_transport(transport)
    except Exception as error:  # bumble raises what each kind of transport does
        raise LinkError(
            f"cannot use the adapter {transport} ({type(error).__name__}: {error}): name another with "
            "--transport, take it from the system first (hciconfig hci0 down, as root), or use --in-process"
        ) from error
    async with link:
        device = Device.with_hci(wearable.name, Address(wearable.address), link.source, link.sink)
        server = WearableServer(wearable, device)
        await server.start()
        say(f"{wearable.name} ({profile}) is on the air at {wearable.address}; end it with Ctrl-C")
        try:
            await wearable.finished.wait()
        finally:
            await server.stop()
