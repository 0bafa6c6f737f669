"""A virtual strap in one process, and the command line in another, with a Bluetooth link between them.

Both ends are real stacks: the strap's controller and that of the command line share a link here, and the
command line's HCI packets come over TCP, as to a dongle. ``play`` is the strap; ``cli`` is ``ecgedge`` with
that dongle.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import AsyncGenerator, Iterator
from typing import Any

NAME = "Polar H10 DAY"
FS = 130
# A notification in one packet, as controllers with the data length extension have it.
_ACL_OCTETS = 251
_TOLD_EVERY_S = 600  # of ECG


def hours(count: float) -> Iterator[Any]:
    """An hour of rhythms again and again, in minutes."""
    from ecgedge.demo.synthetic import Segment, synthesize

    parts = [("sinus", 1500.0, 64.0), ("af", 900.0, 92.0), ("pvc", 900.0, 71.0), ("noise", 60.0, 70.0)]
    mv = synthesize([Segment(*part) for part in [*parts, ("sinus", 240.0, 78.0)]], FS, seed=7).mv
    minutes = itertools.cycle(mv.reshape(-1, 60 * FS))
    return itertools.islice(minutes, round(60 * count))


async def play(port: int, count: float, speed: float) -> None:
    """Be the strap: play to the first that connects, and say every ten minutes of ECG how far it is."""
    from bumble.controller import Controller
    from bumble.device import Device
    from bumble.hci import Address
    from bumble.host import Host
    from bumble.link import LocalLink
    from bumble.transport import open_transport
    from bumble.transport.common import AsyncPipeSink

    from ecgedge_bridge import VirtualH10, WearableServer

    air: Any = LocalLink()  # type: ignore[no-untyped-call]
    strap = VirtualH10(hours(count), fs=FS, speed=speed, name=NAME)
    own = Controller("strap", link=air, public_address=strap.address)
    own.le_acl_data_packet_length = _ACL_OCTETS
    device = Device(name=NAME, address=Address(strap.address), host=Host(own, AsyncPipeSink(own)))
    async with await open_transport(f"tcp-server:127.0.0.1:{port}") as hci:
        dongle = Controller("dongle", hci.source, hci.sink, link=air, public_address="F0:F1:F2:F3:F4:F5")
        dongle.le_acl_data_packet_length = _ACL_OCTETS
        server = WearableServer(strap, device)
        await server.start()
        print("ready", flush=True)
        due = _TOLD_EVERY_S * FS
        while not strap.finished.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(strap.finished.wait(), 0.05)
            while strap.ledger.played >= due:
                print(json.dumps({"played": due}), flush=True)
                due += _TOLD_EVERY_S * FS
        ledger = strap.ledger
        told = {"played": ledger.played, "sent": ledger.sent, "lost": ledger.lost_samples}
        print(json.dumps({"end": told}), flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until the other side has hung up


def cli(port: int, arguments: list[str]) -> None:
    """Be the command line: only the adapter is another one."""
    import ecgedge_bridge.link.bleak_radio as link

    real_connect = link.connect

    @contextlib.asynccontextmanager
    async def connect(name: str, **options: Any) -> AsyncGenerator[Any, None]:
        from bumble.device import Device
        from bumble.hci import Address
        from bumble.transport import open_transport

        from ecgedge_bridge.simulation.bumble_backend import backend_on

        async with await open_transport(f"tcp-client:127.0.0.1:{port}") as hci:
            radio = Device.with_hci("central", Address("F0:F1:F2:F3:F4:F5"), hci.source, hci.sink)
            await radio.power_on()
            async with real_connect(name, backend=backend_on(radio), **options) as wearable:
                yield wearable

    link.connect = connect  # type: ignore[assignment]
    sys.argv = ["ecgedge", *arguments]
    from ecgedge.cli import main

    main()


if __name__ == "__main__":
    task, port, *rest = sys.argv[1:]
    if task == "play":
        asyncio.run(play(int(port), float(rest[0]), float(rest[1])))
    else:
        cli(int(port), rest)
