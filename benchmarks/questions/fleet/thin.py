"""What one strap's hour costs over a broker: as it was received, as events, as states, and as words.

Each is a run of the package over the same synthetic ECG; the bytes are those that mosquitto says it got, with
MQTT's own heads and no TCP or TLS below them.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.children.fleet import connected
from benchmarks.children.ward import Strap
from benchmarks.harness.not_measured import NotMeasuredError
from benchmarks.harness.processes import last_line, surroundings
from benchmarks.harness.signals import FS, Signal, made, notifications
from benchmarks.questions.fleet.running import told
from benchmarks.questions.sinks.receivers import Broker

MODES = ("raw", "events", "states", "words")
# Fast, but not so fast that states that follow each other fall together.
SPEED = 200.0
PACKET_BYTES = 1000
"""Of words: some five minutes of them go at once."""
_SYS_S = 2.2  # mosquitto tells of itself each second
_COMMAND = "from ecgedge.cli import main; main()"


def measure(seconds: float) -> dict[str, Any]:
    """Bytes over the broker, bytes that are kept, and CPU time, of an hour, by mode."""
    mv = made(seconds, FS)
    ways: dict[str, Callable[[Path, int, Signal], int]] = {
        "raw": _raw, "events": _events, "states": _states, "words": _words
    }  # fmt: skip
    hours = seconds / 3600
    return {"seconds": seconds, **{mode: _one(ways[mode], mv, hours) for mode in MODES}}


def _one(way: Callable[[Path, int, Signal], int], mv: Signal, hours: float) -> dict[str, float]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "hour.csv", mv)
        if way is _raw:
            _ecgedge("replay", folder / "hour.csv", "--record", folder / "hour.db")  # as a gateway does
        broker = Broker(folder, "sys_interval 1", "log_type error")
        try:
            begun = _cpu_s()
            kept = way(folder, broker.port, mv)
            used_s = _cpu_s() - begun
            time.sleep(_SYS_S)
            sent = told(broker, ["bytes/received"])["bytes/received"]  # of before it was asked
        finally:
            broker.process.kill()
            broker.process.wait()
            broker.process.wait()
    return {"sent_bytes": sent / hours, "kept_bytes": kept / hours, "home_cpu_s": used_s / hours}


def _cpu_s() -> float:
    """Of this process and of the children that ended; the broker is none of them yet."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _write(path: Path, mv: Signal) -> None:
    from ecgedge.recording.csvwriter import CsvWriter
    from ecgedge_bridge.values import SampleBlock

    with CsvWriter(path) as writer:
        writer.write(SampleBlock(mv, fs=FS))


def _ecgedge(*words: object) -> None:
    """Run a command.

    Raises
    ------
    NotMeasuredError
        It failed.
    """
    program = [sys.executable, "-c", _COMMAND, *map(str, words)]
    done = subprocess.run(program, env=surroundings(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasuredError(f"ecgedge {words[0]}: {last_line(done.stderr)}")


def _raw(folder: Path, port: int, mv: Signal) -> int:
    """Notifications as ``ecgedge forward`` packs them; kept is what a gateway's recording takes."""
    payloads = list(notifications(mv))
    strap = Strap(0, payloads, len(payloads))
    client = connected(port)
    client.loop_start()
    about = strap.outflow.description()
    assert about is not None
    client.publish(f"ward/home1/{strap.key}/about", about.encode(), qos=1, retain=True)
    last = None
    while not strap.over:
        strap.pack(strap.samples / FS)
        for packet in strap.unsent():
            last = client.publish(f"ward/home1/{strap.key}/data", packet, qos=1)
        strap.taken(strap.outflow.stream, strap.outflow.sent)  # there is no gateway, whose bytes would count
    if last is not None:
        last.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()
    return folder.joinpath("hour.db").stat().st_size


def _send(folder: Path, port: int, options: str, *more: object) -> None:
    target = f"mqtt://127.0.0.1:{port}/homes/home1?discovery=&{options}"
    _ecgedge("replay", folder / "hour.csv", "--speed", f"{SPEED:g}", "--send", target, *more)


def _events(folder: Path, port: int, mv: Signal) -> int:
    """All events as JSON, and states; kept is a file of these lines."""
    file = folder / "events.jsonl"
    _send(folder, port, "events=yes", "--send", f"{file}?mb=1000")
    return file.stat().st_size


def _states(folder: Path, port: int, mv: Signal) -> int:
    """Heart rate, rhythm and link, retained: the broker keeps the last of each."""
    _send(folder, port, "events=no")
    return 0


def _words(folder: Path, port: int, mv: Signal) -> int:
    """Words of the beats, in packets that stand for themselves."""
    from ecgedge.tokens import Sentence

    file = folder / "hour.ecgt"
    _ecgedge("save", folder / "hour.csv", file, "--tokens")
    client = connected(port)
    client.loop_start()
    for packet in Sentence.from_bytes(file.read_bytes()).packets(PACKET_BYTES):
        client.publish("homes/home1/words", packet.to_bytes(), qos=1).wait_for_publish(60)
    client.disconnect()
    client.loop_stop()
    return file.stat().st_size
