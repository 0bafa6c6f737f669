"""The rights that "More than one machine" gives homes and a gateway, as it has them, at a real broker."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import aiomqtt
import numpy as np
import pytest
from broker import Broker, needs_mosquitto
from warded import Heard, Ward, straps, until

from ecgedge.gateway.exchange import Exchange
from ecgedge.gateway.node import Node, node_broker
from ecgedge_bridge import virtual_wearable

PASSWD = shutil.which("mosquitto_passwd")
pytestmark = [needs_mosquitto, pytest.mark.skipif(PASSWD is None, reason="no mosquitto_passwd here")]
PAGE = Path(__file__).parents[3] / "docs" / "more-machines.md"
USERS = ("home17", "home18", "gateway03")


def rights() -> str:
    """The page's file of rights."""
    lines = PAGE.read_text("utf-8").splitlines()
    kept = [line.strip() for line in lines if line.startswith(("    pattern ", "    user ", "    topic "))]
    assert len(kept) > 5
    return "\n".join(kept) + "\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    assert PASSWD is not None
    for first, user in zip((["-c"], [], []), USERS, strict=True):
        subprocess.run([PASSWD, *first, "-b", str(tmp_path / "users"), user, f"{user}'s"], check=True)
        (tmp_path / user).write_text(f"{user}'s\n")
    (tmp_path / "rights").write_text(rights())
    for file in ("users", "rights"):
        (tmp_path / file).chmod(0o600)
    settings = (f"password_file {tmp_path}/users", f"acl_file {tmp_path}/rights", "allow_anonymous false")
    one = Broker(tmp_path, *settings)
    try:
        yield one
    finally:
        one.stop()


def address(broker: Broker, user: str, folder: Path) -> str:
    return f"mqtt://{user}@127.0.0.1:{broker.port}/ward03?back_off=0.2&password_file={folder / user}"


@pytest.mark.parametrize("roam", [False, True])
async def test_a_home_forwards_to_its_gateway(broker: Broker, tmp_path: Path, roam: bool) -> None:
    (strap,) = straps(1, 20.0, speed=8.0)
    ward, told = Ward([strap.name]), list[str]()
    met = Exchange(*node_broker(address(broker, "gateway03", tmp_path), "mqtt"), ward, ward.told.append)
    async with virtual_wearable(strap) as backend:
        where, how = node_broker(address(broker, "home17", tmp_path), "forward")
        door = partial(Heard().door, backend)
        home = Node(strap.name, door, where, how, "home17", told.append, roam=roam, extras=("battery",))
        both = [asyncio.create_task(met.run())]
        await until(lambda: met.up)
        both.append(asyncio.create_task(home.run()))
        try:
            if roam:
                await until(lambda: home.has_gateway)
            await until(strap.finished.is_set)
            await until(lambda: not len(home.outflow) and bool(ward.sinks[strap.name].items))
        finally:
            for task in reversed(both):
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
    blocks = [item.samples for item in ward.sinks[strap.name].items if hasattr(item, "samples")]
    assert len(np.concatenate(blocks)) == 20 * 130
    assert told == []


async def test_homes_are_kept_apart(broker: Broker) -> None:
    heard: dict[str, list[str]] = {user: [] for user in USERS}

    def client(user: str) -> aiomqtt.Client:
        return aiomqtt.Client("127.0.0.1", broker.port, username=user, password=f"{user}'s")

    async def listen(user: str, one: aiomqtt.Client) -> None:
        await one.subscribe("#", qos=1)
        async for message in one.messages:
            heard[user].append(str(message.topic))

    async with client("home17") as home, client("home18") as other, client("gateway03") as gateway:
        clients = dict(zip(USERS, (home, other, gateway), strict=True))
        listening = [asyncio.create_task(listen(*each)) for each in clients.items()]
        await asyncio.sleep(0.3)
        for writer in clients.values():
            for topic in (
                "ward03/home17/h10/data",
                "ward03/home17/taken",
                "homes/home17/link",
                "ward03/gateway",
            ):
                await writer.publish(topic, b"x", qos=1)
        await until(lambda: heard["gateway03"].count("ward03/gateway") == 1)
        await asyncio.sleep(0.3)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    # Of the home's own data what the home and the gateway wrote, and nothing that its neighbour did
    assert heard["gateway03"].count("ward03/home17/h10/data") == 2
    assert heard["home17"].count("ward03/home17/taken") == 2
    assert heard["home18"] == ["ward03/gateway"]
    assert "homes/home17/link" not in heard["gateway03"]
