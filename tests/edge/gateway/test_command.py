"""``ecgedge gateway`` as a program of its own: two straps, with all that it writes, sends and shows."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from broker import Broker, Listener, free_port, needs_mosquitto
from warded import Heard, node, running, straps, until

import ecgedge
from ecgedge_bridge import virtual_wearable

GATEWAY = [sys.executable, "-c", "from ecgedge.cli import main; main()", "gateway", "--config"]


def ask(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return answer.read().decode()


@needs_mosquitto
async def test_a_ward_is_judged_recorded_sent_and_shown(broker: Broker, tmp_path: Path) -> None:
    metrics, page = free_port(), free_port()
    (tmp_path / "ward.toml").write_text(
        f"""
mqtt = "mqtt://127.0.0.1:{broker.port}/ward?back_off=0.2"
others = true
record = "{tmp_path}/{{device}}.db"
send = ["metrics:{metrics}", "mqtt://127.0.0.1:{broker.port}/shown", "{tmp_path}/events.jsonl"]
web_at = "127.0.0.1:{page}"
[[wearable]]
name = "bed 1"
device = "Polar H10 00000000"
"""
    )
    listener = Listener(broker.port, "shown/#")
    every = straps(2, 40.0, speed=8.0)
    heard = {strap.name: Heard() for strap in every}
    with (
        (tmp_path / "out").open("w") as out,
        (tmp_path / "err").open("w") as err,
        subprocess.Popen(
            [*GATEWAY, str(tmp_path / "ward.toml"), "--json"], stdout=out, stderr=err
        ) as program,
    ):
        try:
            await until(lambda: "page: http" in (tmp_path / "err").read_text())
            async with virtual_wearable(*every) as backend:
                nodes = [node(broker.port, strap.name, backend, heard[strap.name]) for strap in every]
                async with running(*nodes):
                    async with asyncio.timeout(90):
                        await asyncio.gather(*(strap.finished.wait() for strap in every))
                    await until(lambda: all(len(one.outflow) == 0 for one in nodes))
                    # What is taken is counted a moment later, by a thread of its own.
                    await until(lambda: ask(metrics, "/metrics").count("} 5200.0\n") == len(every))
                    figures = await asyncio.to_thread(ask, metrics, "/metrics")
                    shown = await asyncio.to_thread(ask, page, "/")
        finally:
            program.send_signal(signal.SIGTERM)
            status = await asyncio.to_thread(program.wait, 60)
    said = (tmp_path / "err").read_text()
    assert status == 143, said
    assert "Traceback" not in said
    assert "<title>" in shown
    lines = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    names = {"bed 1": every[0], "Polar H10 00000001": every[1]}
    assert {line["wearable"] for line in lines} == set(names)
    assert {line["wearable"] for line in lines if line["type"] == "summary"} == set(names)
    kept = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert {line["wearable"] for line in kept} == set(names)
    assert [line for line in lines if line["type"] == "quality"] == [
        line for line in kept if line["type"] == "quality"
    ]
    for name, strap in names.items():
        assert f'ecgedge_samples_total{{device="{name}"}} 5200.0' in figures
        assert f'ecgedge_gateway_packets_lost_total{{device="{name}"}} 0.0' in figures
        file = tmp_path / f"{'bed-1' if name == 'bed 1' else 'Polar-H10-00000001'}.db"
        recorded = ecgedge.load(file)
        direct = [item.samples for item in heard[strap.name].items if hasattr(item, "samples")]
        assert np.array_equal(recorded.mv, np.concatenate(direct))
    assert "ecgedge_gateway_nodes 1.0" in figures
    assert "ecgedge_gateway_wearables_streaming 2.0" in figures
    listener.wait_for("shown/bed_1/events/quality")
    listener.wait_for("shown/status", "offline")
    listener.close()
    topics = {topic for topic, _, _ in listener.got}
    assert {"shown/bed_1/link", "shown/polar_h10_00000001/battery"} <= topics


def page_of_the_docs() -> str:
    """The page's first example: the file and the two commands, as they stand there."""
    return (Path(__file__).parents[3] / "docs" / "gateway.md").read_text("utf-8").split("## Try it")[1]


@needs_mosquitto
@pytest.mark.slow
def test_the_page_as_it_is_written(broker: Broker, tmp_path: Path) -> None:
    text = page_of_the_docs().replace("localhost", f"127.0.0.1:{broker.port}")
    metrics = free_port()
    file = text.split("```toml\n")[1].split("```")[0].replace("9464", str(metrics))
    (tmp_path / "ward.toml").write_text(file)
    commands = [line.split() for line in text.splitlines() if line.startswith("    ecgedge")]
    gateway, strap = ([*GATEWAY[:3], *words[1:]] for words in commands[:2])
    with (tmp_path / "err").open("w") as err:
        first = subprocess.Popen(gateway, cwd=tmp_path, stdout=subprocess.PIPE, stderr=err, text=True)
        second = subprocess.Popen([*strap, "--speed", "8"], cwd=tmp_path, stderr=subprocess.DEVNULL)
        try:
            assert first.stdout is not None
            said = next((line for line in first.stdout if "sinus" in line), "nothing")
        finally:
            for program in (second, first):
                program.send_signal(signal.SIGINT)
            second.wait(60)
            rest, _ = first.communicate(timeout=60)
    assert "sinus rhythm" in said, (tmp_path / "err").read_text()
    assert "Summary of" in rest
    assert len(list(tmp_path.glob("Polar-H10-*.db"))) == 1
    assert (tmp_path / "events.jsonl").stat().st_size > 1000


def test_a_file_that_makes_no_sense_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ward.toml").write_text("others = true\n")
    done = subprocess.run(
        [*GATEWAY, str(tmp_path / "ward.toml")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("ecgedge: ward.toml: reaches nobody")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mqtt://", "forward mqtt: give mqtt://USER@HOST:PORT/TOPIC"),
        ("http://pi", "give mqtt://USER@HOST:PORT/TOPIC"),
        ("mqtt://pi/a+b", "holds no + and no #"),
        ("mqtt://pi?pasword_file=x", "did you mean 'password_file'"),
    ],
)
def test_where_to_forward_is_checked_before_anything_is_looked_for(url: str, words: str) -> None:
    done = subprocess.run(
        [*GATEWAY[:3], "forward", "Polar H10", url], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


@needs_mosquitto
def test_systemd_hears_of_a_node_and_of_a_ward(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "ward.toml").write_text(f'mqtt = "mqtt://127.0.0.1:{broker.port}/ward"\nothers = true\n')
    strap = ["simulate", "polar", "--forward", f"mqtt://127.0.0.1:{broker.port}/ward", "--speed", "8"]
    for words, ends in ((["gateway", "--config", str(tmp_path / "ward.toml")], 143), (strap, None)):
        address = tmp_path / words[0]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(address))
            manager.settimeout(60)
            with subprocess.Popen(
                [*GATEWAY[:3], *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=os.environ | {"NOTIFY_SOCKET": str(address)},
            ) as program:  # fmt: skip
                told = {manager.recv(4096).decode() for _ in range(3)}
                assert {"READY=1", "WATCHDOG=1"} < told
                assert any(line.startswith("STATUS=0 ") for line in told)
                program.send_signal(signal.SIGTERM)
                status = program.wait(60)
                manager.setblocking(False)
                while (line := manager.recv(4096).decode()) != "STOPPING=1":
                    assert line
        assert ends in (None, status)


FORTY = "".join(f'[[wearable]]\nname = "bed {k}"\ndevice = "Polar H10 {k:08}"\n' for k in range(40))


def limited(files: int, most: int, tmp_path: Path) -> subprocess.Popen[str]:
    """A gateway that records forty wearables, with so many open files, which it may raise to ``most``."""
    (tmp_path / "ward.toml").write_text(
        f'mqtt = "mqtt://127.0.0.1:{free_port()}/ward"\nrecord = "{tmp_path}/{{device}}.db"\n{FORTY}'
    )
    limits = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {most}))"
    program = [sys.executable, "-c", f"{limits}; {GATEWAY[2]}", *GATEWAY[3:], str(tmp_path / "ward.toml")]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_ward_has_more_files_than_a_shell_allows(tmp_path: Path) -> None:
    with limited(100, 1000, tmp_path) as program:
        assert program.stderr is not None
        said = program.stderr.readline()  # after all was opened
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) == 143
    assert "the broker is away" in said
    assert len(list(tmp_path.glob("*.db"))) == 40


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_where_no_more_files_are_allowed_one_line_says_so(tmp_path: Path) -> None:
    with limited(100, 100, tmp_path) as program:
        _, errors = program.communicate(timeout=60)
    assert program.returncode == 1, errors
    (line,) = errors.splitlines()
    assert line.startswith("ecgedge: 40 recordings need some 240 open files, and 100 are allowed: raise that")
    assert not list(tmp_path.glob("*.db"))
